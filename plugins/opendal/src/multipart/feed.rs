//! The bytes of a part on their way to the service: counted, watched, and given once.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use intake_core::{BoxError, ByteStream, Bytes};
use tokio::time::{Instant, sleep_until};

use super::answer::Failure;

/// The bytes of one part. They are lent to one try after the other, until one has taken any.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<State>>);

struct State {
    bytes: ByteStream,
    /// How many are still to come.
    left: u64,
    untouched: bool,
    /// Who has them now. A try that was given up may still ask for bytes, and gets none.
    borrower: u64,
    /// Since when the service has had bytes, or been asked, and has not come back for more. `None` while it waits for them.
    turn: Option<Instant>,
    /// Why the sender could not go on.
    failed: Option<BoxError>,
}

impl Feed {
    pub(super) fn new(bytes: ByteStream, length: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            bytes,
            left: length,
            untouched: true,
            borrower: 0,
            turn: None,
            failed: None,
        })))
    }

    /// Lends the bytes to a try.
    pub(super) fn lend(&self) -> Lent {
        let mut state = self.state();
        state.borrower += 1;
        state.turn = Some(Instant::now());
        Lent {
            feed: self.clone(),
            borrower: state.borrower,
        }
    }

    /// Whether nobody has taken anything yet.
    pub(super) fn is_untouched(&self) -> bool {
        let state = self.state();
        state.untouched && state.failed.is_none()
    }

    /// Why the sender could not go on, if that is what happened.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.state().failed.take().map(Failure::of_sender)
    }

    /// Waits for a try to end, as long as the service comes back for bytes, or answers, within the limit.
    pub(super) async fn watch<T>(
        &self,
        limit: Duration,
        attempt: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::pin!(attempt);
        loop {
            // While the sender is waited for, this only looks again later.
            let turn = self.state().turn;
            let until = turn.unwrap_or_else(Instant::now) + limit;
            tokio::select! {
                biased;
                ended = &mut attempt => return ended,
                () = sleep_until(until) => {}
            }
            if turn.is_some() && self.state().turn == turn {
                return Err(Failure::silence());
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes, as long as they are this try's.
pub(super) struct Lent {
    feed: Feed,
    borrower: u64,
}

impl Stream for Lent {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.feed.state();
        if state.borrower != self.borrower || state.failed.is_some() {
            return Poll::Ready(Some(Err("given up".into())));
        }
        state.poll(context)
    }
}

impl State {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let Poll::Ready(piece) = self.bytes.as_mut().poll_next(context) else {
            self.turn = None;
            return Poll::Pending;
        };
        self.turn = Some(Instant::now());
        match piece {
            Some(Ok(piece)) if piece.len() as u64 <= self.left => {
                self.left -= piece.len() as u64;
                self.untouched &= piece.is_empty();
                Poll::Ready(Some(Ok(piece)))
            }
            None if self.left == 0 => Poll::Ready(None),
            Some(Ok(_)) => self.fail("there are more than was said".into()),
            Some(Err(error)) => self.fail(error),
            None => self.fail("there are less than was said".into()),
        }
    }

    fn fail(&mut self, error: BoxError) -> Poll<Option<Result<Bytes, BoxError>>> {
        self.failed = Some(error);
        Poll::Ready(Some(Err("the sender failed".into())))
    }
}
