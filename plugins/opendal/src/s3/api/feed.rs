//! The bytes of a part for the request that sends it: counted, watched for stalls, and repeated from a copy for a retry.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::poll_fn;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use intake_core::{BoxError, ByteStream, Bytes};
use tokio::time::{Instant, sleep_until};

use crate::failure::Failure;
use crate::s3::spool::Copy;

/// The bytes of one part. They are lent to one try after the other, as long as they are available from the first one on.
#[derive(Clone)]
pub(super) struct Feed {
    state: Arc<Mutex<State>>,
    /// The copy of the sender's bytes, which is written before they are sent.
    copy: Option<Copy>,
}

struct State {
    /// The bytes from the sender.
    bytes: ByteStream,
    /// Whether they have come to their end.
    ended: bool,
    /// How many have come.
    came: u64,
    /// How many are still to come.
    left: u64,
    /// The number of the current try. An older try may still ask for bytes, and gets none.
    borrower: u64,
    /// When the service was last given bytes, or the request began. `None` while the service waits for the sender.
    turn: Option<Instant>,
    /// Why the sender could not go on.
    failed: Option<BoxError>,
}

type Piece = Option<Result<Bytes, BoxError>>;

impl Feed {
    /// Exactly this number of bytes; they are copied to `copy` as they arrive, if there is one.
    pub(super) fn new(bytes: ByteStream, length: u64, copy: Option<Copy>) -> Self {
        let bytes = match copy.clone() {
            Some(copy) => copied_to(copy, bytes),
            None => bytes,
        };
        let state = State {
            bytes,
            ended: false,
            came: 0,
            left: length,
            borrower: 0,
            turn: None,
            failed: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            copy,
        }
    }

    /// Lends the bytes to a try, from the first one on.
    pub(super) fn lend(&self) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + use<> {
        let borrower = {
            let mut state = self.state();
            state.borrower += 1;
            state.turn = Some(Instant::now());
            state.borrower
        };
        let feed = self.clone();
        stream::try_unfold((feed, 0), move |(feed, offset)| async move {
            let piece = feed.next(borrower, offset).await?;
            Ok(piece.map(|piece| {
                let behind = offset + piece.len() as u64;
                (piece, (feed, behind))
            }))
        })
    }

    async fn next(&self, borrower: u64, offset: u64) -> Result<Option<Bytes>, BoxError> {
        let came_before = {
            let state = self.state();
            state.check(borrower)?;
            offset < state.came
        };
        let (true, Some(copy)) = (came_before, &self.copy) else {
            return poll_fn(|context| {
                let mut state = self.state();
                match state.check(borrower) {
                    Ok(()) => state.poll(context),
                    Err(error) => Poll::Ready(Some(Err(error))),
                }
            })
            .await
            .transpose();
        };
        let piece = copy.read(offset).await?;
        let mut state = self.state();
        state.check(borrower)?;
        state.turn = Some(Instant::now());
        if piece.is_empty() {
            return Err("the copy of the part is incomplete".into());
        }
        Ok(Some(piece))
    }

    /// Whether another try can have the bytes from the first one on.
    pub(super) fn can_be_lent_again(&self) -> bool {
        let state = self.state();
        let kept = self.copy.as_ref().is_some_and(Copy::is_whole);
        state.failed.is_none() && (kept || state.came == 0)
    }

    /// Copies the rest of the bytes, so that the next try need not wait for the sender: some services end a request whose bytes
    /// do not arrive for a while. Without a copy this does nothing.
    pub(super) async fn gather(&self) {
        let Some(copy) = &self.copy else {
            return;
        };
        while copy.is_whole() {
            let piece = poll_fn(|context| self.state().poll(context)).await;
            if !matches!(piece, Some(Ok(_))) {
                return;
            }
        }
    }

    /// Why the sender could not go on, if that is what happened.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.state().failed.take().map(Failure::of_sender)
    }

    /// Waits for a try to end. It fails if the service neither reads bytes nor answers within the limit.
    pub(super) async fn watch<T>(
        &self,
        limit: Duration,
        attempt: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::pin!(attempt);
        loop {
            // While the service waits for the sender, this only checks again later.
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn copied_to(copy: Copy, bytes: ByteStream) -> ByteStream {
    let copied = bytes.and_then(move |piece| {
        let copy = copy.clone();
        async move {
            copy.keep(&piece).await;
            Ok(piece)
        }
    });
    copied.boxed()
}

impl State {
    /// Checks that this is the current try.
    fn check(&self, borrower: u64) -> Result<(), BoxError> {
        if self.borrower == borrower && self.failed.is_none() {
            Ok(())
        } else {
            Err("a newer try has replaced this one".into())
        }
    }

    /// The next bytes from the sender.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Piece> {
        if self.ended {
            return Poll::Ready(None);
        }
        let Poll::Ready(piece) = Pin::new(&mut self.bytes).poll_next(context) else {
            self.turn = None;
            return Poll::Pending;
        };
        self.turn = Some(Instant::now());
        match piece {
            Some(Ok(piece)) if piece.len() as u64 <= self.left => {
                self.came += piece.len() as u64;
                self.left -= piece.len() as u64;
                Poll::Ready(Some(Ok(piece)))
            }
            None if self.left == 0 => {
                self.ended = true;
                Poll::Ready(None)
            }
            Some(Ok(_)) => self.fail("there are more than announced".into()),
            Some(Err(error)) => self.fail(error),
            None => self.fail("there are fewer than announced".into()),
        }
    }

    fn fail(&mut self, error: BoxError) -> Poll<Piece> {
        self.failed = Some(error);
        Poll::Ready(Some(Err("the sender failed".into())))
    }
}
