//! The errors of a fetch: refusals, which are final, and interruptions, which may be tried again.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::time::Duration;

use intake_core::{Error, Interruption, LeastRate, Pace, Rejection, TinyChunks};
use tokio::time::{Instant, timeout_at};

use crate::codes::{DOWNLOAD_FAILED, DOWNLOAD_NETWORK_ERROR, DOWNLOAD_TIMED_OUT, DOWNLOAD_TOO_SLOW};

/// The name of the plugin in refusals.
pub(crate) const NAME: &str = "http-source";

/// How often to try a source to which no connection can be made.
pub(crate) const UNREACHABLE_TRIES: u32 = 3;
/// How often to try a source that exceeds the timeout of one step, or sends too slowly.
const SLOW_TRIES: u32 = 2;

/// A refusal: another try would end the same.
pub(crate) fn refused(rejection: Rejection) -> Error {
    Error::Rejected {
        by: NAME.to_owned(),
        rejection,
    }
}

/// The connection to the source failed, for a reason that may be shown to untrusted senders.
pub(crate) fn network(reason: &str) -> Rejection {
    Rejection::new(DOWNLOAD_NETWORK_ERROR, format!("the source cannot be read: {reason}")).with_subject(reason)
}

/// No connection to the source could be made. If it is available again soon, the second or the third try succeeds.
pub(crate) fn unreachable(error: io::Error) -> Interruption {
    let tries = match error.kind() {
        io::ErrorKind::TimedOut => SLOW_TRIES,
        _ => UNREACHABLE_TRIES,
    };
    Interruption::new(network(reason(error.kind())))
        .most_tries(tries)
        .with_source(error)
}

/// The system's error in words that name no address.
pub(crate) fn reason(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "connection reset",
        io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof => "connection closed early",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "unreachable",
        io::ErrorKind::TimedOut => "timed out",
        _ => "connection failed",
    }
}

/// An error of hyper: a source that does not speak HTTP is refused, other errors may be temporary.
pub(crate) fn of_hyper(error: hyper::Error) -> Error {
    if error.is_parse_too_large() {
        return refused(network("headers too large"));
    }
    if error.is_parse() {
        return refused(network("invalid HTTP"));
    }
    of_body(error).into()
}

/// An error of hyper within the body: its bytes broke off.
pub(crate) fn of_body(error: hyper::Error) -> Interruption {
    let said = if error.is_incomplete_message() {
        "connection closed early"
    } else {
        below(&error).map_or("connection closed early", reason)
    };
    Interruption::new(network(said)).with_source(error)
}

/// The kind of the system's error that is the cause of another.
fn below(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut below = Some(error);
    while let Some(error) = below {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        below = error.source();
    }
    None
}

/// How long the whole fetch may take, and when it has to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    total: Duration,
    end: Instant,
}

impl Budget {
    /// Begins now.
    pub(crate) fn new(total: Duration) -> Self {
        Self {
            total,
            end: Instant::now() + total,
        }
    }

    /// Waits for one step, within the timeout of the step and that of the whole fetch.
    ///
    /// # Errors
    ///
    /// Which of the two timeouts was over.
    pub(crate) async fn spend<T>(&self, step: Duration, work: impl Future<Output = T>) -> Result<T, Interruption> {
        let by = Instant::now() + step;
        // A source that has used up the time of the whole fetch would do so again.
        let (by, limit, tries) = if by < self.end {
            (by, step, SLOW_TRIES)
        } else {
            (self.end, self.total, 1)
        };
        timeout_at(by, work)
            .await
            .map_err(|_| too_slow(limit).most_tries(tries))
    }

    /// Waits for the next bytes, for as long as their pace and the timeout of the whole fetch allow.
    ///
    /// # Errors
    ///
    /// Which of the bounds was over.
    pub(crate) async fn spend_in_pace<T>(
        &self,
        pace: &mut Pace,
        work: impl Future<Output = T>,
    ) -> Result<T, Interruption> {
        let now = Instant::now();
        let (by, rate) = (pace.wait(now), pace.rate());
        if by >= self.end {
            return self.spend(by - now, work).await;
        }
        // A long wait means that no byte came; a short one, that the bytes before came too slowly.
        let is_silence = by - now > rate.window / 2;
        let ended = timeout_at(by, work).await;
        ended.map_err(|_| match is_silence {
            true => too_slow(rate.window).most_tries(SLOW_TRIES),
            false => drips(rate).most_tries(SLOW_TRIES),
        })
    }
}

/// The source sends bytes too slowly.
fn drips(rate: LeastRate) -> Interruption {
    let least = rate.bytes_per_second;
    let message = format!("the source sends less than {least} bytes a second");
    Interruption::new(Rejection::new(DOWNLOAD_TOO_SLOW, message).with_subject(least.to_string()))
}

/// The source sends its bytes in very many tiny chunks.
pub(crate) fn in_tiny_chunks(why: TinyChunks) -> Interruption {
    let rejection = Rejection::new(
        DOWNLOAD_FAILED,
        format!("the source's answer cannot be processed: {why}"),
    );
    // Another try would end the same.
    Interruption::new(rejection.with_subject("tiny chunks")).most_tries(1)
}

fn too_slow(limit: Duration) -> Interruption {
    let seconds = if limit.subsec_nanos() == 0 {
        limit.as_secs().to_string()
    } else {
        format!("{:.3}", limit.as_secs_f64())
    };
    let message = format!("the source took longer than {seconds} seconds");
    Interruption::new(Rejection::new(DOWNLOAD_TIMED_OUT, message).with_subject(seconds))
}
