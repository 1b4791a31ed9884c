//! Parts that this process is receiving: sending one again, or completing the upload, does not wait for an attempt whose sender
//! may be gone.

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

/// How long an attempt that was cut off, or that has all its bytes, is waited for: as long as a disk may need.
const SETTLES: Duration = Duration::from_secs(1);

/// Why an attempt is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// The part is sent again.
    Replaced,
    /// The upload is being put together.
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

/// An attempt, as others see it.
struct PartAttempt {
    /// Closed once the attempt is over.
    cut: oneshot::Sender<Cut>,
    over: Over,
}

/// Ends when an attempt does.
type Over = oneshot::Receiver<Infallible>;

/// The attempts of this process. There are no more than requests that send parts, and some that are over.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<HashMap<(UploadId, u16), PartAttempt>>);

/// One attempt, as who makes it sees it. It is over when this is dropped.
pub(crate) struct Flight {
    cut: oneshot::Receiver<Cut>,
    _over: oneshot::Sender<Infallible>,
}

impl InFlight {
    /// Begins an attempt at a part; an older one is cut off, and has let go of what it had when this returns.
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

    /// Cuts off an attempt at a part, because another one is to come.
    pub(crate) async fn replace(&self, id: UploadId, number: u16) {
        let older = self.lock().remove(&(id, number));
        settle(older.map(|older| older.end(Cut::Replaced))).await;
    }

    /// Cuts off every attempt at a part of an upload, and waits for those that have all their bytes.
    pub(crate) async fn close(&self, id: UploadId) {
        let of_upload: Vec<_> = self.lock().extract_if(|(of, _), _| *of == id).collect();
        settle(of_upload.into_iter().map(|(_, attempt)| attempt.end(Cut::Closed))).await;
    }

    /// Forgets an attempt that is over, unless there is another one in its place.
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
        // Nothing that is held across a panic here can be half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks seldom enough that it costs nothing, and often enough that there are never many more than are alive.
fn forget_those_over(attempts: &mut HashMap<(UploadId, u16), PartAttempt>) {
    const OFTEN: usize = 64;

    if attempts.len().is_multiple_of(OFTEN) {
        attempts.retain(|_, attempt| !attempt.cut.is_closed());
    }
}

impl PartAttempt {
    fn end(self, why: Cut) -> Over {
        // Who does not hear it is over.
        let _unheard = self.cut.send(why);
        self.over
    }
}

/// Waits until attempts are over, for a moment.
async fn settle(attempts: impl IntoIterator<Item = Over>) {
    // What takes longer is for the store to bear: it keeps the last commit, whole, and no late one.
    let _over = tokio::time::timeout(SETTLES, join_all(attempts)).await;
}

impl Flight {
    /// Does what is to be done, unless the attempt is cut off first. Who completes the upload does not cut off one that
    /// `has_all` bytes: it is about to be there.
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
            // Nobody is there any more who could.
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
