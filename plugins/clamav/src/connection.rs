//! A connection to clamd, over which `clamav-client` sends one command and reads one answer.
//!
//! The crate has the protocol. It takes any connection, and this one has what a daemon may not do to us: its answer is bounded,
//! and it can be read after the daemon stopped reading, which otherwise ends a scan with the error of a write.

use std::future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use clamav_client::IoResult;
use clamav_client::tokio::TransportProtocol;
use intake_core::{BoxError, Fault};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, timeout};

use crate::address::Address;
use crate::answer::{failed, legible};
use crate::codes::SCANNER_UNAVAILABLE;
use crate::settings::Config;

/// Answers are a name and a few words; a longer one does not come from clamd.
const ANSWER_BYTES: usize = 1024;
/// How long to wait before connecting again to a Unix socket whose queue is full; TCP does this by itself.
const KNOCK_AGAIN: Duration = Duration::from_millis(10);

/// Both kinds of socket.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

async fn connect(address: &Address) -> io::Result<Box<dyn Socket>> {
    match address {
        Address::Tcp(address) => {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok(Box::new(socket))
        }
        Address::Unix(path) => loop {
            match UnixStream::connect(path).await {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(KNOCK_AGAIN).await,
                connected => return Ok(Box::new(connected?)),
            }
        },
    }
}

/// One connection, for one command and one answer. A clone is the same connection: `clamav-client` owns the one that it is given.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Mutex<State>>);

struct State {
    socket: Box<dyn Socket>,
    heard: Vec<u8>,
    /// How much of it was read from here.
    read: usize,
    closed: bool,
    /// The daemon answered, or closed the connection, while bytes were sent. It gets no more of them.
    stopped: bool,
    /// Why sending ended early, for the case that no answer explains it.
    broken: Option<io::Error>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// [`SCANNER_UNAVAILABLE`] if clamd cannot be reached in time.
    pub(crate) async fn open(config: &Config) -> Result<Self, Fault> {
        let Config { address, .. } = config;
        let unavailable = |why: BoxError| {
            Fault::new(SCANNER_UNAVAILABLE, format!("cannot connect to clamd at {address}"))
                .retryable()
                .with_source(why)
        };
        match timeout(config.connect_timeout, connect(address)).await {
            Ok(Ok(socket)) => Ok(Self(Arc::new(Mutex::new(State {
                socket,
                heard: Vec::new(),
                read: 0,
                closed: false,
                stopped: false,
                broken: None,
            })))),
            Ok(Err(error)) => Err(unavailable(error.into())),
            Err(elapsed) => Err(unavailable(elapsed.into())),
        }
    }

    /// Sends a command of `clamav-client` other than a scan, and returns its answer.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`answer`](Self::answer).
    pub(crate) async fn ask<F>(config: &Config, command: fn(Self) -> F) -> Result<Vec<u8>, Fault>
    where
        F: Future<Output = IoResult>,
    {
        let connection = Self::open(config).await?;
        connection.answer(config.io_timeout, command(connection.clone())).await
    }

    /// Waits for an answer, and returns it without the NUL at its end.
    ///
    /// # Errors
    ///
    /// [`SCANNER_FAILED`](crate::codes::SCANNER_FAILED) if none arrives in time, or if it is malformed.
    pub(crate) async fn answer(
        &self,
        within: Duration,
        reading: impl Future<Output = IoResult>,
    ) -> Result<Vec<u8>, Fault> {
        let mut said = match timeout(within, reading).await {
            Ok(Ok(said)) => said,
            Ok(Err(error)) => {
                self.lock().broken.get_or_insert(error);
                return Err(self.no_answer("clamd closed the connection without an answer"));
            }
            Err(_) => return Err(self.silent()),
        };
        match said.iter().position(|byte| *byte == 0) {
            // An answer is the last that clamd sends: with bytes behind it, it is malformed.
            Some(end) if end + 1 == said.len() => {
                said.truncate(end);
                Ok(said)
            }
            Some(_) => Err(self.no_answer("clamd sent more than an answer")),
            None if said.len() > ANSWER_BYTES => Err(failed("clamd's answer has no end")),
            None => Err(self.no_answer("clamd closed the connection without an answer")),
        }
    }

    /// Whether the daemon answered, or closed the connection, before everything was sent.
    pub(crate) fn has_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Ready if the daemon answers or closes the connection while more is to be sent.
    pub(crate) fn poll_stopped(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.lock().poll_stopped(cx)
    }

    /// The fault of a daemon that gives no answer in time.
    pub(crate) fn silent(&self) -> Fault {
        self.no_answer("clamd did not answer in time")
    }

    fn no_answer(&self, why: &str) -> Fault {
        let mut state = self.lock();
        let fault = match legible(&state.heard) {
            heard if heard.is_empty() => failed(why),
            heard => failed(format!("{why}: \"{heard}\"")),
        };
        match state.broken.take() {
            None => fault,
            Some(error) => fault.with_source(error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl State {
    /// Ready if bytes arrived, or the daemon has closed its end.
    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; ANSWER_BYTES];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        self.closed = buffer.filled().is_empty();
        self.heard.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }

    fn poll_stopped(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.stopped {
            self.broken = ready!(self.poll_hear(cx)).err();
            self.stopped = true;
        }
        Poll::Ready(())
    }

    fn is_heard_out(&self) -> bool {
        self.closed || self.heard.len() > ANSWER_BYTES || self.heard.contains(&0)
    }
}

impl TransportProtocol for Connection {
    type Stream = Self;

    fn connect(&self) -> impl Future<Output = io::Result<Self>> {
        future::ready(Ok(self.clone()))
    }
}

impl AsyncRead for Connection {
    /// Ends after an answer, even if the daemon does not close the connection, and after more than an answer may have.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        while state.read == state.heard.len() && !state.is_heard_out() {
            ready!(state.poll_hear(cx))?;
        }
        let unread = &state.heard[state.read..];
        let taken = unread.len().min(buffer.remaining());
        buffer.put_slice(&unread[..taken]);
        state.read += taken;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    /// Drops the bytes once the daemon has stopped, so that its answer is read next.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        if state.poll_stopped(cx).is_ready() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = match ready!(Pin::new(&mut state.socket).poll_write(cx, bytes)) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            written => written,
        };
        Poll::Ready(Ok(written.unwrap_or_else(|error| {
            (state.stopped, state.broken) = (true, Some(error));
            bytes.len()
        })))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        match state.stopped {
            true => Poll::Ready(Ok(())),
            false => Pin::new(&mut state.socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().socket).poll_shutdown(cx)
    }
}

/// A lock that is held for one poll, and only ever by the task that scans.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
