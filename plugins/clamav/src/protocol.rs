//! The protocol of clamd on one connection. What an answer means for an upload is decided elsewhere.
//!
//! Written here rather than taken from the `clamav-client` crate, for three reasons. The crate pulls the content from a
//! stream, while a scan is handed chunks. It has no timeouts, so a daemon that stalls stalls the scan. And when the daemon
//! closes the connection in the middle, the crate reports the write that failed instead of the answer that explains it,
//! although that answer can still be read.
//!
//! A command is `z`, its name and a NUL; the answer ends with a NUL too. `INSTREAM` is followed by pieces, each after its length in
//! four bytes, and by a length of zero. The daemon may answer before that, and then reads no more.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use intake_core::{BoxError, Fault};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep, timeout};

use crate::address::Address;
use crate::codes::{SCANNER_FAILED, SCANNER_UNAVAILABLE};
use crate::settings::Config;

/// The most content that is sent behind one length. A scan holds no more than this in memory.
pub(crate) const PIECE_BYTES: usize = 128 * 1024;
/// Answers are a name and a few words; a longer one does not come from clamd.
const ANSWER_BYTES: usize = 1024;
/// How long an incomplete piece may be held back. The daemon closes a silent connection after its `ReadTimeout`, which must
/// not happen to a slow sender.
const STALE: Duration = Duration::from_secs(5);
/// How long to wait before connecting again to a Unix socket whose queue is full; TCP does this by itself.
const KNOCK_AGAIN: Duration = Duration::from_millis(10);

const LENGTH_BYTES: usize = size_of::<u32>();
const END: [u8; LENGTH_BYTES] = [0; LENGTH_BYTES];

/// Both kinds of socket.
trait Socket: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Socket for T {}

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

/// Whether the daemon still reads what it is sent.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It read everything.
    Goes,
    /// It answered or closed the connection before it had read everything.
    Stopped,
}

/// One connection, for one command and one answer.
pub(crate) struct Connection {
    socket: Box<dyn Socket>,
    io_timeout: Duration,
    heard: Vec<u8>,
    closed: bool,
    /// Why sending ended early, for the case that no answer explains it.
    broken: Option<io::Error>,
}

impl Connection {
    /// Connects and sends a command.
    ///
    /// # Errors
    ///
    /// [`SCANNER_UNAVAILABLE`] if clamd cannot be reached, [`SCANNER_FAILED`] if it does not read the command in time.
    pub(crate) async fn open(config: &Config, command: &[u8]) -> Result<Self, Fault> {
        let Config { address, .. } = config;
        let unavailable = |why: BoxError| {
            Fault::new(SCANNER_UNAVAILABLE, format!("cannot connect to clamd at {address}"))
                .retryable()
                .with_source(why)
        };
        let socket = match timeout(config.connect_timeout, connect(address)).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => return Err(unavailable(error.into())),
            Err(elapsed) => return Err(unavailable(elapsed.into())),
        };
        let mut connection = Self {
            socket,
            io_timeout: config.io_timeout,
            heard: Vec::new(),
            closed: false,
            broken: None,
        };
        // If the daemon stopped reading here, its answer says why.
        let _flow = connection.send(command).await?;
        Ok(connection)
    }

    /// Sends a command and reads its answer.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`answer`](Self::answer).
    pub(crate) async fn ask(config: &Config, command: &[u8]) -> Result<Vec<u8>, Fault> {
        Self::open(config, command).await?.answer(config.io_timeout).await
    }

    /// Sends bytes, until the daemon has read them all, answers or closes the connection.
    ///
    /// # Errors
    ///
    /// [`SCANNER_FAILED`] if the daemon does not read them in time.
    async fn send(&mut self, bytes: &[u8]) -> Result<Flow, Fault> {
        let io_timeout = self.io_timeout;
        let mut rest = bytes;
        let sending = poll_fn(|cx| {
            while !rest.is_empty() {
                if self.poll_hear(cx)?.is_ready() {
                    return Poll::Ready(Ok(Flow::Stopped));
                }
                match ready!(Pin::new(&mut self.socket).poll_write(cx, rest))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    taken => rest = &rest[taken..],
                }
            }
            Poll::Ready(Ok(Flow::Goes))
        });
        match timeout(io_timeout, sending).await {
            Ok(Ok(flow)) => Ok(flow),
            Ok(Err(error)) => {
                self.broken = Some(error);
                Ok(Flow::Stopped)
            }
            Err(elapsed) => Err(failed("clamd reads no more bytes").with_source(elapsed)),
        }
    }

    /// Whether the daemon has sent anything, or has closed the connection. Does not wait.
    pub(crate) async fn was_answered(&mut self) -> bool {
        // `answer` reports a socket that cannot be read.
        poll_fn(|cx| Poll::Ready(self.poll_hear(cx).is_ready())).await
    }

    /// Reads the answer, without the NUL at its end.
    ///
    /// # Errors
    ///
    /// [`SCANNER_FAILED`] if none arrives in time, or if it is malformed.
    pub(crate) async fn answer(mut self, within: Duration) -> Result<Vec<u8>, Fault> {
        let reading = poll_fn(|cx| {
            loop {
                if let Some(end) = self.heard.iter().position(|byte| *byte == 0) {
                    return Poll::Ready(Ok(end));
                }
                if self.closed || self.heard.len() > ANSWER_BYTES {
                    return Poll::Ready(Err(None));
                }
                ready!(self.poll_hear(cx)).map_err(Some)?;
            }
        });
        match timeout(within, reading).await {
            // An answer is the last that clamd sends: with bytes behind it, it is malformed.
            Ok(Ok(end)) if end + 1 == self.heard.len() => {
                self.heard.truncate(end);
                Ok(self.heard)
            }
            Ok(Ok(_)) => Err(self.no_answer("clamd sent more than an answer")),
            Ok(Err(error)) => {
                self.broken = self.broken.or(error);
                Err(match (self.closed, &self.broken) {
                    (false, None) => failed("clamd's answer has no end"),
                    _ => self.no_answer("clamd closed the connection without an answer"),
                })
            }
            Err(_) => Err(self.no_answer("clamd did not answer in time")),
        }
    }

    fn no_answer(self, why: &str) -> Fault {
        let fault = match legible(&self.heard) {
            heard if heard.is_empty() => failed(why),
            heard => failed(format!("{why}: \"{heard}\"")),
        };
        match self.broken {
            None => fault,
            Some(error) => fault.with_source(error),
        }
    }

    /// Ready if bytes arrived, or the daemon has closed its end.
    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; ANSWER_BYTES];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        self.closed = buffer.filled().is_empty();
        self.heard.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

/// A content that is being sent to the daemon.
pub(crate) struct Stream {
    connection: Connection,
    /// Room for a length, then the bytes that wait to be sent.
    piece: Vec<u8>,
    sent: Instant,
}

impl Stream {
    /// Connects and announces a content.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::open`].
    pub(crate) async fn open(config: &Config) -> Result<Self, Fault> {
        let connection = Connection::open(config, b"zINSTREAM\0").await?;
        let mut piece = Vec::with_capacity(LENGTH_BYTES + PIECE_BYTES + END.len());
        piece.extend(END);
        Ok(Self {
            connection,
            piece,
            sent: Instant::now(),
        })
    }

    /// Sends the next bytes of the content, or buffers them.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send`].
    pub(crate) async fn push(&mut self, mut bytes: &[u8]) -> Result<Flow, Fault> {
        if self.connection.was_answered().await {
            return Ok(Flow::Stopped);
        }
        while !bytes.is_empty() {
            let room = LENGTH_BYTES + PIECE_BYTES - self.piece.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if (now.len() == room || self.sent.elapsed() > STALE) && self.send(&[]).await? == Flow::Stopped {
                return Ok(Flow::Stopped);
            }
        }
        Ok(Flow::Goes)
    }

    /// Sends the buffered bytes and the end of the content.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send`].
    pub(crate) async fn end(&mut self) -> Result<Flow, Fault> {
        self.send(&END).await
    }

    /// The connection, on which the answer is to be read.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    async fn send(&mut self, end: &[u8]) -> Result<Flow, Fault> {
        let length = self.piece.len() - LENGTH_BYTES;
        // An empty piece would be the end.
        let start = if length == 0 { LENGTH_BYTES } else { 0 };
        let length = u32::try_from(length).expect("a piece is bounded");
        self.piece[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        self.piece.extend_from_slice(end);
        let flow = self.connection.send(&self.piece[start..]).await?;
        self.piece.truncate(LENGTH_BYTES);
        self.sent = Instant::now();
        Ok(flow)
    }
}

/// The daemon's answer to a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It found nothing.
    Clean,
    /// It found a virus of this name.
    Found(String),
    /// The content exceeds the limit of this name, so the daemon did not scan all of it.
    Limit(String),
    /// The content is longer than the daemon accepts, so it scanned none of it.
    TooLong,
}

impl Answer {
    /// Reads an answer to `INSTREAM`.
    ///
    /// # Errors
    ///
    /// [`SCANNER_FAILED`] if it is any other answer.
    pub(crate) fn parse(answer: &[u8]) -> Result<Self, Fault> {
        match answer {
            b"stream: OK" => return Ok(Self::Clean),
            b"INSTREAM size limit exceeded. ERROR" => return Ok(Self::TooLong),
            _ => {}
        }
        let about = answer.strip_prefix(b"stream: ");
        match about.and_then(|about| about.strip_suffix(b" FOUND")) {
            Some(limit) if limit.starts_with(b"Heuristics.Limits.") => Ok(Self::Limit(legible(limit))),
            Some(name) => Ok(Self::Found(legible(name))),
            None => Err(failed(format!("clamd answered \"{}\"", legible(answer)))),
        }
    }
}

/// The fault of a daemon that was reached and gave no verdict.
pub(crate) fn failed(message: impl Into<String>) -> Fault {
    Fault::new(SCANNER_FAILED, message).retryable()
}

/// The text as it may be shown, logged and stored: printable, and not long.
pub(crate) fn legible(bytes: &[u8]) -> String {
    const LONGEST: usize = 200;
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '?',
    };
    bytes.trim_ascii().iter().take(LONGEST).map(shown).collect()
}
