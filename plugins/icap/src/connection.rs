//! One connection to the server: requests are sent, and answers read at the same time.
//!
//! A server may answer before it has the whole content, and may give the content back while it is being sent. If nobody read
//! that, both sides would wait for each other. So whatever has come is read before and while bytes are sent.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use intake_core::Fault;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};

use crate::answer::Answer;
use crate::head::IcapHead;
use crate::judge::{Asked, Finding, finding};
use crate::socket::Socket;
use crate::tally::Tally;
use crate::wording::failed;

const READ_BYTES: usize = 16 * 1024;
/// A server does not close a connection that is younger because it is silent.
const YOUNG: Duration = Duration::from_secs(1);

/// Whether the server still wants what it is sent.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It took everything.
    Goes,
    /// It said what it has to say, or closed the connection.
    Stopped,
}

/// What the server says to the first bytes of a content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Preview {
    /// It wants the rest: 100.
    Continue,
    /// This is its answer.
    Answered(Finding),
}

pub(crate) struct Connection {
    socket: Box<dyn Socket>,
    io_timeout: Duration,
    /// When it was made.
    opened: Instant,
    /// Whether it served other requests before.
    is_reused: bool,
    /// Whether it had been waiting for so long that the server may have closed it, when the request began.
    is_old: bool,
    /// Whether the bytes that were sent are the first ones, and the server has not asked for the others.
    is_preview: bool,
    answer: Answer,
    asked: Option<Asked>,
    /// The content, as far as it was sent.
    sent: Tally,
    /// Bytes of the content of which it is known that the system took them.
    taken: u64,
    /// Whether the end of the content was sent.
    is_ended: bool,
    /// Whether a part of the content was given back before the server had its end.
    gave_back_early: bool,
    is_closed: bool,
    /// Why reading or writing failed, for the case that no answer explains it.
    broken: Option<io::Error>,
    /// Why the answer cannot be read.
    malformed: Option<Fault>,
}

impl Connection {
    pub(crate) fn new(socket: Box<dyn Socket>, io_timeout: Duration) -> Self {
        Self {
            socket,
            io_timeout,
            opened: Instant::now(),
            is_reused: false,
            is_old: false,
            is_preview: false,
            answer: Answer::default(),
            asked: None,
            sent: Tally::default(),
            taken: 0,
            is_ended: false,
            gave_back_early: false,
            is_closed: false,
            broken: None,
            malformed: None,
        }
    }

    /// How many bytes of the content were sent.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    pub(crate) fn gave_back_early(&self) -> bool {
        self.gave_back_early
    }

    /// The head of the answer, if it came.
    pub(crate) fn head(&self) -> Option<&IcapHead> {
        self.answer.head()
    }

    /// Whether these are only the first bytes, and the server has not asked for the others.
    pub(crate) fn is_preview(&self) -> bool {
        self.is_preview
    }

    /// Whether the server closed a connection that had been silent, and said nothing to this request.
    pub(crate) fn was_stale(&self) -> bool {
        self.is_old && self.answer.is_empty() && (self.is_closed || self.broken.is_some())
    }

    /// Asks for something that is no content, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`SCANNER_FAILED`](crate::codes::SCANNER_FAILED) if none comes in time.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<&IcapHead, Fault> {
        self.asked = None;
        self.is_old = self.is_reused;
        if self.send(request, &[]).await? == Flow::Goes {
            self.is_ended = true;
        }
        self.until(self.io_timeout, |it| it.answer.is_done().then_some(Ok(())))
            .await?;
        self.answer
            .head()
            .ok_or_else(|| failed("the ICAP server sent no answer"))
    }

    /// Begins a request with a content, of which only the first bytes are sent at first if it has a preview.
    pub(crate) fn begin(&mut self, asked: Asked, has_preview: bool) {
        self.asked = Some(asked);
        self.is_preview = has_preview;
        self.is_old = self.is_reused || self.opened.elapsed() > YOUNG;
        self.sent = Tally::default();
        (self.taken, self.is_ended, self.gave_back_early) = (0, false, false);
    }

    /// Sends bytes, of which these belong to the content, until the server has taken them all or needs no more.
    ///
    /// # Errors
    ///
    /// [`SCANNER_FAILED`](crate::codes::SCANNER_FAILED) if the server does not take them in time.
    pub(crate) async fn send(&mut self, wire: &[u8], content: &[u8]) -> Result<Flow, Fault> {
        // Counted before, because the server may give them back before it has taken them all.
        self.sent.add(content);
        let io_timeout = self.io_timeout;
        let mut rest = wire;
        let sending = poll_fn(|cx| {
            while self.poll_hear(cx).is_ready() {
                if self.is_over() {
                    return Poll::Ready(Ok(Flow::Stopped));
                }
            }
            while !rest.is_empty() {
                match ready!(Pin::new(&mut self.socket).poll_write(cx, rest))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    taken => rest = &rest[taken..],
                }
            }
            ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
            Poll::Ready(Ok(Flow::Goes))
        });
        match timeout(io_timeout, sending).await {
            Ok(Ok(flow)) => {
                if flow == Flow::Goes {
                    self.taken += content.len() as u64;
                }
                Ok(flow)
            }
            Ok(Err(error)) => {
                self.broken.get_or_insert(error);
                Ok(Flow::Stopped)
            }
            Err(elapsed) => Err(failed("the ICAP server reads no more bytes").with_source(elapsed)),
        }
    }

    /// The content has no more bytes, and its end was sent.
    pub(crate) fn end(&mut self) {
        self.is_ended = true;
    }

    /// Whether the server has said what it has to say. Does not wait.
    pub(crate) async fn was_answered(&mut self) -> bool {
        poll_fn(|cx| {
            while self.poll_hear(cx).is_ready() && !self.is_over() {}
            Poll::Ready(self.is_over())
        })
        .await
    }

    /// Waits for what the server says to the first bytes.
    ///
    /// # Errors
    ///
    /// Those of [`finding`](Self::finding).
    pub(crate) async fn preview(&mut self) -> Result<Preview, Fault> {
        let said = |it: &Self| match it.is_asked_for_more() && it.answer.is_done() {
            true => Some(Ok(Preview::Continue)),
            false => it.found().map(|found| found.map(Preview::Answered)),
        };
        let preview = self.until(self.io_timeout, said).await?;
        if preview == Preview::Continue {
            self.is_preview = false;
            self.answer = mem::take(&mut self.answer).next()?;
        }
        Ok(preview)
    }

    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// [`SCANNER_FAILED`](crate::codes::SCANNER_FAILED) if none comes in time, or if it gives no verdict.
    pub(crate) async fn finding(&mut self, within: Duration) -> Result<Finding, Fault> {
        self.until(within, Self::found).await
    }

    /// Makes the connection ready for another request. `None` if it can serve none.
    pub(crate) async fn reuse(mut self) -> Option<Self> {
        let is_kept = self
            .head()
            .is_some_and(|head| head.lists("Connection", "close") != Some(true));
        let is_sent = self.is_ended || self.is_preview;
        if !(is_kept && is_sent && self.answer.is_all() && self.is_quiet().await) {
            return None;
        }
        self.answer = Answer::default();
        self.is_reused = true;
        Some(self)
    }

    /// Whether nothing came that was not asked for, such as the end of the connection. Does not wait.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.poll_hear(cx).is_pending())).await
    }

    /// What the server found, as soon as it shows.
    fn found(&self) -> Option<Result<Finding, Fault>> {
        let asked = self.asked.as_ref()?;
        if self.is_asked_for_more() {
            return None;
        }
        finding(&self.answer, asked, &self.sent).transpose()
    }

    fn is_asked_for_more(&self) -> bool {
        self.is_preview && self.head().is_some_and(|head| head.status == 100)
    }

    /// Whether no more bytes need be sent.
    fn is_over(&self) -> bool {
        self.is_closed || self.malformed.is_some() || self.found().is_some()
    }

    /// Reads until there is a result.
    async fn until<T>(
        &mut self,
        within: Duration,
        result: impl Fn(&Self) -> Option<Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let reading = poll_fn(|cx| {
            loop {
                if let Some(result) = result(self) {
                    return Poll::Ready(Some(result));
                }
                if self.is_closed || self.malformed.is_some() {
                    return Poll::Ready(None);
                }
                ready!(self.poll_hear(cx));
            }
        });
        match timeout(within, reading).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(self.no_answer()),
            Err(elapsed) => Err(failed("the ICAP server did not answer in time").with_source(elapsed)),
        }
    }

    fn no_answer(&mut self) -> Fault {
        if let Some(malformed) = self.malformed.take() {
            return malformed;
        }
        let fault = failed(match self.answer.is_empty() {
            true => "the ICAP server closed the connection without an answer",
            false => "the ICAP server closed the connection in the middle of its answer",
        });
        match self.broken.take() {
            None => fault,
            Some(error) => fault.with_source(error),
        }
    }

    /// Ready if bytes came, or if no more will come.
    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_closed || self.malformed.is_some() {
            return Poll::Ready(());
        }
        let mut space = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut space);
        match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer)) {
            Ok(()) => self.is_closed = buffer.filled().is_empty(),
            Err(error) => {
                self.is_closed = true;
                self.broken.get_or_insert(error);
            }
        }
        if let Err(malformed) = self.answer.read(buffer.filled()) {
            self.malformed = Some(malformed);
        }
        let gave_back = self.answer.body().is_some_and(|body| body.bytes() > 0);
        self.gave_back_early |= gave_back && !self.is_ended;
        Poll::Ready(())
    }
}
