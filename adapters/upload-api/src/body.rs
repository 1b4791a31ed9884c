//! The body of a request with limits: of bytes, of silence, of slowness, of time, of chunks. After a refusal, the body is
//! drained for a while.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use intake_core::{BoxError, Chunks, LeastRate, Pace};
use tokio::time::{Instant, Sleep, sleep_until};

/// The limits of a request's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The most bytes.
    pub(crate) size: u64,
    /// How long a client may send nothing, and the minimum rate after that.
    pub(crate) rate: LeastRate,
    /// The longest time for the whole body.
    pub(crate) time: Duration,
    /// The bytes that are drained after a refusal, and for how long.
    pub(crate) drain: (u64, Duration),
}

/// Why reading a body ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body has more bytes than it may have")]
    TooLarge,
    #[error("the body takes longer than it may take")]
    TooLong,
    #[error("the body comes slower than {} bytes a second", .0.bytes_per_second)]
    TooSlow(LeastRate),
    #[error("the body comes in too many chunks of too few bytes")]
    TinyChunks,
    #[error("the body ended before its announced length")]
    Short,
    #[error("the connection broke")]
    Broken(#[source] axum::Error),
}

impl BodyError {
    /// Whether an error has one of these among its sources.
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

/// The body of one request. Clones read from the same body: the form reads it, and the response drains the rest.
#[derive(Clone)]
pub(crate) struct LimitedBody(Arc<Mutex<Inner>>);

struct Inner {
    body: Option<BodyDataStream>,
    bounds: Bounds,
    left: u64,
    /// The bytes still to come, if the request has a `Content-Length`.
    announced: Option<u64>,
    deadline: Instant,
    pace: Pace,
    /// Set for a chunked body.
    chunks: Option<Chunks>,
    timer: Pin<Box<Sleep>>,
    asked: bool,
    draining: bool,
}

impl LimitedBody {
    pub(crate) fn new(body: Body, bounds: Bounds) -> Self {
        let now = Instant::now();
        let deadline = now + bounds.time;
        // The network decides how a body with a `Content-Length` is cut.
        let in_chunks = body.size_hint().exact().is_none();
        Self(Arc::new(Mutex::new(Inner {
            bounds,
            left: bounds.size,
            announced: body.size_hint().exact(),
            body: Some(body.into_data_stream()),
            deadline,
            pace: Pace::new(bounds.rate),
            chunks: in_chunks.then(|| Chunks::new(now)),
            timer: Box::pin(sleep_until(deadline)),
            asked: false,
            draining: false,
        })))
    }

    /// From now on only as much is read as lets the sender receive the error.
    pub(crate) fn start_draining(&self) {
        let mut inner = self.lock();
        if !inner.draining {
            inner.draining = true;
            let (bytes, time) = inner.bounds.drain;
            inner.left = bytes;
            inner.deadline = inner.deadline.min(Instant::now() + time);
        }
    }

    /// From now on nothing is read: the sender has begun another attempt, and may not wait for an answer to this one.
    pub(crate) fn hang_up(&self) {
        self.lock().body = None;
    }

    /// Reads and drops bytes, so that a sender that reads only after it has sent can receive the error. It reads nothing if the
    /// sender waits for `100 Continue` and never got it.
    pub(crate) async fn drain(mut self, expects_continue: bool) {
        self.start_draining();
        if expects_continue && !self.lock().asked {
            return;
        }
        while let Some(Ok(_)) = self.next().await {}
    }

    /// Locked only while polling, never across an await; a panic leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for LimitedBody {
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
        let polled = body.poll_next_unpin(cx);
        let now = Instant::now();
        let Poll::Ready(chunk) = polled else {
            // The wait for the sender starts only now: the time that a stage takes for the bytes does not count.
            let too_slow = self.pace.wait(now);
            let end = self.deadline.min(too_slow);
            if self.timer.deadline() != end {
                self.timer.as_mut().reset(end);
            }
            ready!(self.timer.as_mut().poll(cx));
            self.body = None;
            let is_asked_for_a_rate = self.bounds.rate.bytes_per_second > 0;
            return Poll::Ready(Some(Err(match too_slow < self.deadline && is_asked_for_a_rate {
                true => BodyError::TooSlow(self.bounds.rate),
                false => BodyError::TooLong,
            })));
        };
        let bytes = chunk.as_ref().map_or(0, |chunk| chunk.as_ref().map_or(0, Bytes::len));
        self.pace.moved(bytes as u64, now);
        let is_one_too_many = |chunks: &mut Chunks| bytes > 0 && chunks.count(bytes, now).is_err();
        if self.chunks.as_mut().is_some_and(is_one_too_many) {
            // To continue reading would cost what this limit saves.
            self.body = None;
            return Poll::Ready(Some(Err(BodyError::TinyChunks)));
        }
        Poll::Ready(match chunk {
            None => {
                self.body = None;
                // A server that drops a connection may end its body as if it were complete.
                self.announced
                    .is_some_and(|left| left > 0)
                    .then_some(Err(BodyError::Short))
            }
            Some(Err(error)) => {
                self.body = None;
                Some(Err(BodyError::Broken(error)))
            }
            Some(Ok(_)) if now >= self.deadline => Some(Err(BodyError::TooLong)),
            // The body stays: after this error it is drained.
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
    use http_body::{Frame, SizeHint};

    use super::*;

    const BOUNDS: Bounds = Bounds {
        size: 100,
        rate: LeastRate {
            bytes_per_second: 0,
            window: Duration::from_secs(10),
        },
        time: Duration::from_secs(60),
        drain: (50, Duration::from_secs(5)),
    };

    fn body(chunks: impl Stream<Item = &'static [u8]> + Send + 'static) -> Body {
        Body::from_stream(chunks.map(Ok::<_, std::io::Error>))
    }

    async fn read(source: &mut LimitedBody) -> (usize, Option<String>) {
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
        let mut source = LimitedBody::new(body(stream::iter([&[b'x'; 50][..]; 2])), BOUNDS);
        assert_eq!(read(&mut source).await, (100, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_beyond_a_bound_ends_there() {
        let says = |error: BodyError| Some(error.to_string());
        let mut large = LimitedBody::new(body(stream::repeat(&[b'x'; 30][..])), BOUNDS);
        assert_eq!(read(&mut large).await, (90, says(BodyError::TooLarge)));
        let mut silent = LimitedBody::new(body(stream::pending()), BOUNDS);
        assert_eq!(read(&mut silent).await, (0, says(BodyError::TooLong)));
        let every_9_seconds = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            Some((&b"x"[..], ()))
        });
        let mut dripping = LimitedBody::new(body(every_9_seconds), BOUNDS);
        assert_eq!(read(&mut dripping).await, (6, says(BodyError::TooLong)));
    }

    /// This many bytes after each pause, forever.
    fn in_steps(bytes: usize, pause: Duration) -> impl Stream<Item = &'static [u8]> + Send + 'static {
        stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((&[b'x'; 4096][..bytes], ()))
        })
    }

    const AN_HOUR: Bounds = Bounds {
        size: 1 << 30,
        rate: LeastRate {
            bytes_per_second: 500,
            window: Duration::from_secs(30),
        },
        time: Duration::from_secs(3600),
        ..BOUNDS
    };

    #[tokio::test(start_paused = true)]
    async fn a_drip_ends_and_a_slow_body_does_not() {
        for pause in [1, 10, 29] {
            let before = Instant::now();
            let mut dripping = LimitedBody::new(body(in_steps(1, Duration::from_secs(pause))), AN_HOUR);
            let (_, why) = read(&mut dripping).await;
            assert_eq!(
                why,
                Some(BodyError::TooSlow(AN_HOUR.rate).to_string()),
                "a byte every {pause} seconds"
            );
            assert!(
                before.elapsed() < Duration::from_secs(31),
                "went on for {:?}",
                before.elapsed()
            );
        }
        let mut slow = LimitedBody::new(body(in_steps(1500, Duration::from_secs(2))), AN_HOUR);
        assert_eq!(
            read(&mut slow).await,
            (1500 * 1799, Some(BodyError::TooLong.to_string()))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_is_not_slow_because_its_reader_is() {
        let mut source = LimitedBody::new(body(in_steps(100, Duration::from_secs(1))), AN_HOUR);
        for _ in 0..10 {
            assert!(source.next().await.is_some_and(|chunk| chunk.is_ok()));
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_tiny_chunks_end_a_body_unless_they_come_slowly() {
        let mut fast = LimitedBody::new(body(stream::repeat(&b"x"[..])), AN_HOUR);
        let (bytes, why) = read(&mut fast).await;
        assert_eq!(why, Some(BodyError::TinyChunks.to_string()));
        assert!(bytes < 10_000, "{bytes} chunks were read");
        let before = Instant::now();
        fast.drain(false).await;
        assert_eq!(before.elapsed(), Duration::ZERO, "it is not read on");

        let flushed = in_steps(20, Duration::from_millis(20)).take(50_000);
        let mut slow = LimitedBody::new(body(flushed), AN_HOUR);
        assert_eq!(read(&mut slow).await, (1_000_000, None));
        let lines = stream::repeat(&b"a line of a table, as some clients send them\n"[..]).take(100_000);
        let mut by_lines = LimitedBody::new(body(lines), AN_HOUR);
        assert_eq!(read(&mut by_lines).await, (4_500_000, None));
        // The network cut a body with a `Content-Length`.
        let mut sized = LimitedBody::new(Body::new(Measured(50_000)), AN_HOUR);
        assert_eq!(read(&mut sized).await, (50_000, None));
    }

    /// A body with a known length of this many bytes, which arrives byte by byte.
    struct Measured(u64);

    impl HttpBody for Measured {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            let left = self.0.checked_sub(1);
            self.0 = left.unwrap_or_default();
            Poll::Ready(left.map(|_| Ok(Frame::data(Bytes::from_static(b"x")))))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_no_only_so_much_more_is_read() {
        for (chunk, at_most) in [(&[b'x'; 7][..], 56), (&[b'x'; 70][..], 70)] {
            let read = Arc::new(AtomicU64::new(0));
            let counter = read.clone();
            let chunks = stream::repeat(chunk).inspect(move |chunk| {
                counter.fetch_add(chunk.len() as u64, Ordering::SeqCst);
            });
            LimitedBody::new(body(chunks), BOUNDS).drain(false).await;
            assert!(
                read.load(Ordering::SeqCst) <= at_most,
                "{} bytes were drained",
                read.load(Ordering::SeqCst)
            );
        }
        let before = Instant::now();
        LimitedBody::new(body(stream::pending()), BOUNDS).drain(false).await;
        assert!(
            before.elapsed() <= BOUNDS.rate.window,
            "waited {:?} for one who sends nothing",
            before.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_who_expects_continue_is_answered_at_once() {
        let never = body(stream::repeat_with(|| panic!("the body was asked for")));
        LimitedBody::new(never, BOUNDS).drain(true).await;
    }
}
