//! The errors of a fetch: refusals, which are final, and interruptions, which may be tried again.

use std::future::Future;
use std::io;
use std::time::Duration;

use intake_core::{Error, Interruption, LeastRate, Pace, Rejection, TinyChunks};
use intake_outbound::{Failure, Refused, reason, said};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use crate::codes::{DOWNLOAD_FAILED, DOWNLOAD_NETWORK_ERROR, DOWNLOAD_TIMED_OUT, DOWNLOAD_TOO_SLOW, URL_INVALID};

/// The name of the plugin in refusals.
pub(crate) const NAME: &str = "http-source";

/// How often to try a source to which no connection can be made.
const UNREACHABLE_TRIES: u32 = 3;
/// How often to try a source that exceeds the timeout of one step, or sends too slowly.
const SLOW_TRIES: u32 = 2;

/// A refusal: another try would end the same.
pub(crate) fn refused(rejection: Rejection) -> Error {
    Error::Rejected {
        by: NAME.to_owned(),
        rejection,
    }
}

/// A source that must not be fetched, by its URL.
pub(crate) fn invalid(what: &str) -> Error {
    refused(Rejection::new(URL_INVALID, format!("the URL must not be fetched: {what}")).with_subject(what))
}

/// A source that must not be connected to.
pub(crate) fn of_target(why: &Refused) -> Error {
    if let Refused::NotPublic {
        host,
        address: Some((address, what)),
    } = why
    {
        debug!(host, %address, what, "refused a source that is not public");
    }
    let subject = why.subject();
    let message = match why {
        Refused::Scheme(_) => "only http and https are fetched",
        Refused::Forbidden { .. } => "this host is not fetched from",
        Refused::NotPublic { .. } => "only public addresses are fetched from",
        Refused::TooLong | Refused::UserInfo | Refused::Port(_) => return invalid(&subject.unwrap_or_default()),
        other => &other.to_string(),
    };
    let rejection = Rejection::new(why.code(), message);
    refused(match subject {
        Some(subject) => rejection.with_subject(subject),
        None => rejection,
    })
}

/// Why there is no connection to the source.
pub(crate) fn of_connection(failure: Failure) -> Error {
    match failure {
        Failure::Refused(why) => of_target(&why),
        Failure::Unanswered(error) => {
            let why = Interruption::new(network("name resolution failed"));
            why.most_tries(UNREACHABLE_TRIES).with_source(error).into()
        }
        Failure::Unreachable(error) => unreachable(error).into(),
        Failure::Tls(said) => refused(network(&said)),
        Failure::Broken(error) => Interruption::new(network(reason(error.kind())))
            .with_source(error)
            .into(),
        Failure::Fault(fault) => fault.into(),
        other => Interruption::new(network("connection failed"))
            .with_source(other)
            .into(),
    }
}

/// The connection to the source failed, for a reason that may be shown to untrusted senders.
fn network(reason: &str) -> Rejection {
    Rejection::new(DOWNLOAD_NETWORK_ERROR, format!("the source cannot be read: {reason}")).with_subject(reason)
}

/// No connection to the source could be made. If it is available again soon, the second or the third try succeeds.
fn unreachable(error: io::Error) -> Interruption {
    let tries = match error.kind() {
        io::ErrorKind::TimedOut => SLOW_TRIES,
        _ => UNREACHABLE_TRIES,
    };
    Interruption::new(network(reason(error.kind())))
        .most_tries(tries)
        .with_source(error)
}

/// An error of hyper: a source that does not speak HTTP is refused, other errors may be temporary.
pub(crate) fn of_hyper(error: hyper::Error) -> Error {
    if error.is_parse() {
        return refused(network(said(&error)));
    }
    of_body(error).into()
}

/// An error of hyper within the body: its bytes broke off.
pub(crate) fn of_body(error: hyper::Error) -> Interruption {
    Interruption::new(network(said(&error))).with_source(error)
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
