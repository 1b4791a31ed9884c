//! Parts that this process is receiving. A client that sends one again, or completes the upload, does not wait for an earlier
//! attempt whose sender may have disappeared.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::oneshot;

use crate::value::codes;
use crate::value::error::Error;
use crate::value::id::UploadId;
use crate::value::verdict::RECEIVE;
use crate::value::verdict::Rejection;

/// How long to wait for an attempt that was cut off, or that has all its bytes: as long as a disk may need.
const SETTLES: Duration = Duration::from_secs(1);

/// Why an attempt is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// The part is sent again.
    Replaced,
    /// The upload is being completed.
    Closed,
}

impl Cut {
    fn refusal(self) -> Error {
        let rejection = match self {
            Self::Replaced => Rejection::new(
                codes::PART_REPLACED,
                "the part was sent again meanwhile, and the newer attempt counts",
            ),
            Self::Closed => Rejection::new(codes::NOT_OPEN, "the upload was completed without this part"),
        };
        Error::rejected(RECEIVE, rejection)
    }
}

/// An attempt, as seen by other requests.
struct PartAttempt {
    /// Closed once the attempt has ended.
    cut: oneshot::Sender<Cut>,
    over: Over,
}

/// Ends when an attempt does.
type Over = oneshot::Receiver<Infallible>;

/// The attempts of this process: at most as many as requests that send parts, and some that have ended.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<HashMap<(UploadId, u16), PartAttempt>>);

/// An attempt, as seen by its own request. It ends when this is dropped.
pub(crate) struct Flight {
    cut: oneshot::Receiver<Cut>,
    _over: oneshot::Sender<Infallible>,
}

impl InFlight {
    /// Begins an attempt at a part. When this returns, an older one is cut off and holds nothing.
    pub(crate) async fn begin(&self, id: UploadId, number: u16) -> Flight {
        let (cut, to_be_cut) = oneshot::channel();
        let (ending, over) = oneshot::channel();
        let attempt = PartAttempt { cut, over };
        let older = {
            let mut attempts = self.lock();
            forget_those_over(&mut attempts);
            attempts.insert((id, number), attempt)
        };
        settle(older.map(|older| older.end(Cut::Replaced))).await;
        Flight {
            cut: to_be_cut,
            _over: ending,
        }
    }

    /// Cuts off an attempt at a part, because another one follows.
    pub(crate) async fn replace(&self, id: UploadId, number: u16) {
        let older = self.lock().remove(&(id, number));
        settle(older.map(|older| older.end(Cut::Replaced))).await;
    }

    /// Cuts off every attempt at a part of an upload, and waits for those that have all their bytes.
    pub(crate) async fn close(&self, id: UploadId) {
        let of_upload: Vec<_> = self.lock().extract_if(|(of, _), _| *of == id).collect();
        settle(of_upload.into_iter().map(|(_, attempt)| attempt.end(Cut::Closed))).await;
    }

    /// Removes an attempt that has ended, unless another one has replaced it.
    pub(crate) fn end(&self, id: UploadId, number: u16, flight: Flight) {
        drop(flight);
        let mut attempts = self.lock();
        if attempts
            .get(&(id, number))
            .is_some_and(|attempt| attempt.cut.is_closed())
        {
            attempts.remove(&(id, number));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(UploadId, u16), PartAttempt>> {
        // The map is whole after a panic: no code that can panic changes it in several steps.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rarely enough to cost nothing, and often enough that the map never has many more attempts than are running.
fn forget_those_over(attempts: &mut HashMap<(UploadId, u16), PartAttempt>) {
    const OFTEN: usize = 64;

    if attempts.len().is_multiple_of(OFTEN) {
        attempts.retain(|_, attempt| !attempt.cut.is_closed());
    }
}

impl PartAttempt {
    fn end(self, why: Cut) -> Over {
        // An attempt that does not receive this has ended.
        let _unheard = self.cut.send(why);
        self.over
    }
}

/// Waits until attempts have ended, for at most [`SETTLES`].
async fn settle(attempts: impl IntoIterator<Item = Over>) {
    // The store handles attempts that take longer: it keeps the last commit, whole, and no late one.
    let _over = tokio::time::timeout(SETTLES, join_all(attempts)).await;
}

impl Flight {
    /// Does the work, unless the attempt is cut off first. Completing the upload does not cut off an attempt that `has_all`
    /// bytes: the part is about to be stored.
    pub(crate) async fn until_cut<T>(
        &mut self,
        has_all: &AtomicBool,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut work = pin!(work);
        let cut = tokio::select! {
            biased;
            done = &mut work => return done,
            cut = &mut self.cut => cut,
        };
        match cut {
            Ok(Cut::Closed) if has_all.load(Ordering::SeqCst) => work.await,
            Ok(why) => Err(why.refusal()),
            // No request is left that could cut it off.
            Err(_) => work.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_that_are_over_are_not_kept_however_they_ended() {
        let in_flight = InFlight::default();
        for number in 0..1000 {
            let flight = in_flight.begin(UploadId::random(), number).await;
            match number % 2 {
                0 => drop(flight),
                _ => {
                    let id = UploadId::random();
                    let flight = in_flight.begin(id, number).await;
                    in_flight.end(id, number, flight);
                }
            }
        }
        assert!(in_flight.lock().len() < 130);
    }
}
