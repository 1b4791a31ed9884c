//! A request's body within bounds: of bytes, of silence, of time in all; and read on for a while after a "no".

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use intake_core::BoxError;
use tokio::time::{Instant, Sleep, sleep_until};

/// What a request's body may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes in all.
    pub(crate) size: u64,
    /// How long nothing may come.
    pub(crate) idle: Duration,
    /// How long all of it may take.
    pub(crate) time: Duration,
    /// Bytes that are read after a "no", and how long for.
    pub(crate) drain: (u64, Duration),
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body has more bytes than it may have")]
    TooLarge,
    #[error("the body takes longer than it may take")]
    TooSlow,
    #[error("the body ended before its announced length")]
    Short,
    #[error("the connection broke")]
    Broken(#[source] axum::Error),
}

impl BodyError {
    /// Whether an error has one of these below it.
    pub(crate) fn below<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut error = Some(error);
        while let Some(this) = error {
            if let Some(found) = this.downcast_ref() {
                return Some(found);
            }
            error = this.source();
        }
        None
    }
}

/// The body of one request. Clones read from the same body: a form reads it, and whoever refuses reads on.
#[derive(Clone)]
pub(crate) struct Source(Arc<Mutex<Inner>>);

struct Inner {
    body: Option<BodyDataStream>,
    bounds: Bounds,
    left: u64,
    /// What is still to come, where the request says how long its body is.
    announced: Option<u64>,
    deadline: Instant,
    silence: Pin<Box<Sleep>>,
    asked: bool,
    winding_down: bool,
}

impl Source {
    pub(crate) fn new(body: Body, bounds: Bounds) -> Self {
        let deadline = Instant::now() + bounds.time;
        Self(Arc::new(Mutex::new(Inner {
            bounds,
            left: bounds.size,
            announced: body.size_hint().exact(),
            body: Some(body.into_data_stream()),
            deadline,
            silence: Box::pin(sleep_until(deadline.min(Instant::now() + bounds.idle))),
            asked: false,
            winding_down: false,
        })))
    }

    /// From now on only so much more is read that the sender can hear a "no".
    pub(crate) fn wind_down(&self) {
        let mut inner = self.lock();
        if !inner.winding_down {
            inner.winding_down = true;
            let (bytes, time) = inner.bounds.drain;
            inner.left = bytes;
            inner.deadline = inner.deadline.min(Instant::now() + time);
        }
    }

    /// From now on nothing more is read: its sender has gone on by another way, and may not be there to hear a "no".
    pub(crate) fn hang_up(&self) {
        self.lock().body = None;
    }

    /// Reads on and drops what comes, so that a sender who reads only after it has sent can hear a "no". Not if it waits for
    /// our word before it sends (`Expect: 100-continue`) and we never gave it.
    pub(crate) async fn drain(mut self, waits_for_our_word: bool) {
        self.wind_down();
        if waits_for_our_word && !self.lock().asked {
            return;
        }
        while let Some(Ok(_)) = self.next().await {}
    }

    /// Held only while polling, never across an await; nothing in it can be half changed.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Source {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.lock()
            .poll_chunk(cx)
            .map(|chunk| chunk.map(|chunk| chunk.map_err(Into::into)))
    }
}

impl Inner {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.asked = true;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let Poll::Ready(chunk) = body.poll_next_unpin(cx) else {
            ready!(self.silence.as_mut().poll(cx));
            self.body = None;
            return Poll::Ready(Some(Err(BodyError::TooSlow)));
        };
        let now = Instant::now();
        self.silence.as_mut().reset(self.deadline.min(now + self.bounds.idle));
        Poll::Ready(match chunk {
            None => {
                self.body = None;
                // A server that drops a connection may end its body as if it were whole.
                self.announced
                    .is_some_and(|left| left > 0)
                    .then_some(Err(BodyError::Short))
            }
            Some(Err(error)) => {
                self.body = None;
                Some(Err(BodyError::Broken(error)))
            }
            Some(Ok(_)) if now >= self.deadline => Some(Err(BodyError::TooSlow)),
            // The body stays: after this "no" it is still to be drained.
            Some(Ok(chunk)) => {
                self.announced = self.announced.map(|left| left.saturating_sub(chunk.len() as u64));
                Some(match self.left.checked_sub(chunk.len() as u64) {
                    Some(left) => {
                        self.left = left;
                        Ok(chunk)
                    }
                    None => {
                        self.left = 0;
                        Err(BodyError::TooLarge)
                    }
                })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::stream;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        size: 100,
        idle: Duration::from_secs(10),
        time: Duration::from_secs(60),
        drain: (50, Duration::from_secs(5)),
    };

    fn body(chunks: impl Stream<Item = &'static [u8]> + Send + 'static) -> Body {
        Body::from_stream(chunks.map(Ok::<_, std::io::Error>))
    }

    async fn read(source: &mut Source) -> (usize, Option<String>) {
        let mut bytes = 0;
        while let Some(chunk) = source.next().await {
            match chunk {
                Ok(chunk) => bytes += chunk.len(),
                Err(error) => return (bytes, Some(error.to_string())),
            }
        }
        (bytes, None)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_within_its_bounds_is_read_to_its_end() {
        let mut source = Source::new(body(stream::iter([&[b'x'; 50][..]; 2])), BOUNDS);
        assert_eq!(read(&mut source).await, (100, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_beyond_a_bound_ends_there() {
        let says = |error: BodyError| Some(error.to_string());
        let mut large = Source::new(body(stream::repeat(&[b'x'; 30][..])), BOUNDS);
        assert_eq!(read(&mut large).await, (90, says(BodyError::TooLarge)));
        let mut silent = Source::new(body(stream::pending()), BOUNDS);
        assert_eq!(read(&mut silent).await, (0, says(BodyError::TooSlow)));
        let every_9_seconds = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            Some((&b"x"[..], ()))
        });
        let mut dripping = Source::new(body(every_9_seconds), BOUNDS);
        assert_eq!(read(&mut dripping).await, (6, says(BodyError::TooSlow)));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_no_only_so_much_more_is_read() {
        for (chunk, at_most) in [(&[b'x'; 7][..], 56), (&[b'x'; 70][..], 70)] {
            let read = Arc::new(AtomicU64::new(0));
            let counter = read.clone();
            let chunks = stream::repeat(chunk).inspect(move |chunk| {
                counter.fetch_add(chunk.len() as u64, Ordering::SeqCst);
            });
            Source::new(body(chunks), BOUNDS).drain(false).await;
            assert!(
                read.load(Ordering::SeqCst) <= at_most,
                "{} bytes were drained",
                read.load(Ordering::SeqCst)
            );
        }
        let before = Instant::now();
        Source::new(body(stream::pending()), BOUNDS).drain(false).await;
        assert!(
            before.elapsed() <= BOUNDS.idle,
            "waited {:?} for one who sends nothing",
            before.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_who_waits_for_our_word_is_answered_at_once() {
        let never = body(stream::repeat_with(|| panic!("the body was asked for")));
        Source::new(never, BOUNDS).drain(true).await;
    }
}
