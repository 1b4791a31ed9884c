//! A content on its way to clamd, pushed as it arrives.
//!
//! `clamav-client` pulls a content from a stream. So each scan holds the crate's future and polls it whenever it has bytes for it:
//! there is no task and no channel. The crate has sent a piece when it asks for the next one.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clamav_client::IoResult;
use clamav_client::tokio::scan_stream;
use futures_util::future::{BoxFuture, FutureExt, MaybeDone, maybe_done};
use futures_util::stream::{self, Stream};
use intake_core::Fault;
use tokio::time::{Instant, timeout};

use crate::answer::{Answer, failed};
use crate::connection::{Connection, lock};
use crate::settings::Config;

/// The most content that is sent behind one length. A scan holds no more than this in memory.
pub(crate) const PIECE_BYTES: usize = 128 * 1024;
/// How long an incomplete piece may be held back. The daemon closes a silent connection after its `ReadTimeout`, which must
/// not happen to a slow sender.
const STALE: Duration = Duration::from_secs(5);

/// Whether the daemon still reads what it is sent.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It read everything.
    Goes,
    /// It has answered.
    Stopped,
}

/// A content that is being sent to the daemon.
pub(crate) struct Content {
    connection: Connection,
    scan: MaybeDone<BoxFuture<'static, IoResult>>,
    next: Arc<Mutex<Next>>,
    /// The bytes that wait to be sent.
    piece: BytesMut,
    sent: Instant,
    io_timeout: Duration,
}

impl Content {
    /// Connects and announces a content.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::open`] and [`push`](Self::push).
    pub(crate) async fn open(config: &Config) -> Result<Self, Fault> {
        let connection = Connection::open(config).await?;
        let next = Arc::<Mutex<Next>>::default();
        let pieces = pieces(next.clone(), connection.clone());
        let mut content = Self {
            scan: maybe_done(scan_stream(pieces, connection.clone(), Some(PIECE_BYTES)).boxed()),
            connection,
            next,
            piece: BytesMut::with_capacity(PIECE_BYTES),
            sent: Instant::now(),
            io_timeout: config.io_timeout,
        };
        // If the daemon has stopped reading here, its answer says why.
        let _flow = content.send().await?;
        Ok(content)
    }

    /// Sends the next bytes of the content, or buffers them.
    ///
    /// # Errors
    ///
    /// [`SCANNER_FAILED`](crate::codes::SCANNER_FAILED) if the daemon neither reads them nor answers in time.
    pub(crate) async fn push(&mut self, mut bytes: &[u8]) -> Result<Flow, Fault> {
        if self.was_answered().await {
            return Ok(Flow::Stopped);
        }
        while !bytes.is_empty() {
            let room = PIECE_BYTES - self.piece.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            let is_due = now.len() == room || self.sent.elapsed() > STALE;
            if is_due && self.send().await? == Flow::Stopped {
                return Ok(Flow::Stopped);
            }
        }
        Ok(Flow::Goes)
    }

    /// Sends the buffered bytes and the end of the content.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub(crate) async fn end(&mut self) -> Result<Flow, Fault> {
        let _flow = self.send().await?;
        lock(&self.next).is_end = true;
        Ok(match self.was_answered().await {
            true => Flow::Stopped,
            false => Flow::Goes,
        })
    }

    /// Whether the daemon has answered. Does not wait.
    pub(crate) async fn was_answered(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(Pin::new(&mut self.scan).poll(cx).is_ready())).await
    }

    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::answer`] and [`Answer::parse`]; and if a content is called clean that the daemon has not read.
    pub(crate) async fn answer(self, within: Duration) -> Result<Answer, Fault> {
        let mut scan = self.scan;
        let reading = async {
            (&mut scan).await;
            Pin::new(&mut scan).take_output().unwrap_or_else(|| Ok(Vec::new()))
        };
        match Answer::parse(&self.connection.answer(within, reading).await?)? {
            Answer::Clean if self.connection.has_stopped() => {
                Err(failed("clamd called a content clean before it had all of it"))
            }
            answer => Ok(answer),
        }
    }

    /// Hands the buffered bytes to the crate, and waits until it has sent them.
    async fn send(&mut self) -> Result<Flow, Fault> {
        let piece = self.piece.split().freeze();
        *lock(&self.next) = Next {
            piece: Some(piece).filter(|piece| !piece.is_empty()),
            ..Next::default()
        };
        let (scan, next) = (&mut self.scan, &self.next);
        let sending = poll_fn(|cx| match Pin::new(&mut *scan).poll(cx) {
            Poll::Ready(()) => Poll::Ready(Flow::Stopped),
            Poll::Pending if lock(next).is_awaited => Poll::Ready(Flow::Goes),
            Poll::Pending => Poll::Pending,
        });
        let sent = timeout(self.io_timeout, sending).await;
        // The crate has dropped the piece, so this finds its memory free.
        self.piece.reserve(PIECE_BYTES);
        self.sent = Instant::now();
        sent.map_err(|elapsed| match self.connection.has_stopped() {
            true => self.connection.silent(),
            false => failed("clamd reads no more bytes").with_source(elapsed),
        })
    }
}

/// What the crate is given next.
#[derive(Default)]
struct Next {
    piece: Option<Bytes>,
    is_end: bool,
    /// The crate has sent all pieces, and asked for one more.
    is_awaited: bool,
}

/// The stream from which the crate pulls. Who gives it a piece polls the crate, so nobody has to be woken.
fn pieces(next: Arc<Mutex<Next>>, connection: Connection) -> impl Stream<Item = io::Result<Bytes>> {
    stream::poll_fn(move |cx| {
        let mut next = lock(&next);
        if let Some(piece) = next.piece.take() {
            return Poll::Ready(Some(Ok(piece)));
        }
        // The crate reads an answer only after the end.
        if next.is_end || connection.poll_stopped(cx).is_ready() {
            return Poll::Ready(None);
        }
        next.is_awaited = true;
        Poll::Pending
    })
}
