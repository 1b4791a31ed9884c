//! Endings in the words that are told: what is refused for good, and what may be tried again.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::time::Duration;

use intake_core::{Error, Interruption, LeastRate, Pace, Rejection, TinyChunks};
use tokio::time::{Instant, timeout_at};

use crate::codes::{DOWNLOAD_FAILED, DOWNLOAD_NETWORK_ERROR, DOWNLOAD_TIMED_OUT, DOWNLOAD_TOO_SLOW};

/// Who says no: the plugin's name.
pub(crate) const NAME: &str = "http-source";

/// How many tries a source is worth to which no connection can be made.
pub(crate) const UNREACHABLE_TRIES: u32 = 3;
/// How many tries a source is worth that says nothing for as long as one step may take, or sends too slowly.
const SLOW_TRIES: u32 = 2;

/// Another try would end the same.
pub(crate) fn refused(rejection: Rejection) -> Error {
    Error::Rejected {
        by: NAME.to_owned(),
        rejection,
    }
}

/// The way to the source failed, for a reason that is safe to be told to a stranger.
pub(crate) fn network(reason: &str) -> Rejection {
    Rejection::new(DOWNLOAD_NETWORK_ERROR, format!("the source cannot be read: {reason}")).about(reason)
}

/// No connection to the source could be made. A source that is there again soon is met by the second or the third try.
pub(crate) fn unreachable(error: io::Error) -> Interruption {
    let tries = match error.kind() {
        io::ErrorKind::TimedOut => SLOW_TRIES,
        _ => UNREACHABLE_TRIES,
    };
    Interruption::new(network(reason(error.kind())))
        .most_tries(tries)
        .because(error)
}

/// What the system said, in words that name no address.
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

/// hyper's error: what does not speak HTTP will not do so the next time, anything else may pass.
pub(crate) fn of_hyper(error: hyper::Error) -> Error {
    if error.is_parse_too_large() {
        return refused(network("headers too large"));
    }
    if error.is_parse() {
        return refused(network("invalid HTTP"));
    }
    of_body(error).into()
}

/// hyper's error among the bytes: they broke off.
pub(crate) fn of_body(error: hyper::Error) -> Interruption {
    let said = if error.is_incomplete_message() {
        "connection closed early"
    } else {
        below(&error).map_or("connection closed early", reason)
    };
    Interruption::new(network(said)).because(error)
}

/// The kind of the system's error that lies under another.
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

/// How long everything may take, and by when it has to end.
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

    /// Waits for one step: for as long as that step may take, and no longer than everything may.
    ///
    /// # Errors
    ///
    /// Which of the two was over.
    pub(crate) async fn spend<T>(&self, step: Duration, work: impl Future<Output = T>) -> Result<T, Interruption> {
        let by = Instant::now() + step;
        // A source that has taken all the time there is would take it again.
        let (by, limit, tries) = if by < self.end {
            (by, step, SLOW_TRIES)
        } else {
            (self.end, self.total, 1)
        };
        timeout_at(by, work)
            .await
            .map_err(|_| too_slow(limit).most_tries(tries))
    }

    /// Waits for the next bytes: for as long as their pace allows, and no longer than everything may take.
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
        // Who has not been waited for before has all of its time; who was slow is told so.
        let is_silence = by - now > rate.window / 2;
        let ended = timeout_at(by, work).await;
        ended.map_err(|_| match is_silence {
            true => too_slow(rate.window).most_tries(SLOW_TRIES),
            false => drips(rate).most_tries(SLOW_TRIES),
        })
    }
}

/// Bytes come, but it would take for ever.
fn drips(rate: LeastRate) -> Interruption {
    let least = rate.bytes_per_second;
    let message = format!("the source sends less than {least} bytes a second");
    Interruption::new(Rejection::new(DOWNLOAD_TOO_SLOW, message).about(least.to_string()))
}

/// Bytes come, each at the price of very many.
pub(crate) fn in_tiny_chunks(why: TinyChunks) -> Interruption {
    let rejection = Rejection::new(DOWNLOAD_FAILED, format!("the source's answer cannot be taken: {why}"));
    // Another try would end the same.
    Interruption::new(rejection.about("tiny chunks")).most_tries(1)
}

fn too_slow(limit: Duration) -> Interruption {
    let seconds = if limit.subsec_nanos() == 0 {
        limit.as_secs().to_string()
    } else {
        format!("{:.3}", limit.as_secs_f64())
    };
    let message = format!("the source took longer than {seconds} seconds");
    Interruption::new(Rejection::new(DOWNLOAD_TIMED_OUT, message).about(seconds))
}
