//! The scan of one content: what is sent to clamd, and what its answer means for the upload.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use intake_core::{Coverage, Fault, Rejection, Report, Scan, Verdict, async_trait};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tracing::warn;

use crate::answer::{Answer, failed};
use crate::codes::INFECTED;
use crate::content::{Content, Flow};
use crate::health::Engine;
use crate::settings::Config;
use crate::version::engine;

/// The note that a scan leaves in [`Facts::notes`](intake_core::Facts::notes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScanNote {
    /// The version that clamd reports, such as `ClamAV 1.4.6/27800/Sun Nov 22 09:26:00 2026`: program, signatures and their
    /// date. Up to ten minutes old; `None` if clamd did not report it.
    pub engine: Option<String>,
    /// How many bytes were scanned, from the first on.
    pub scanned: u64,
    /// The most bytes that would have been scanned.
    pub limit: u64,
}

impl ScanNote {
    /// The subject of this note.
    pub const NOTE: &'static str = "clamav";
}

pub(crate) struct Session {
    config: Arc<Config>,
    engine: Arc<Engine>,
    state: State,
    /// Bytes received so far, whether or not they were sent to clamd.
    came: u64,
    _place: OwnedSemaphorePermit,
}

enum State {
    /// Incoming bytes are sent to the daemon.
    Streaming(Content),
    /// The daemon has the first `max_scan_size` bytes and scans them, while the rest comes in and is not sent.
    Cut(Content),
    /// The daemon has answered.
    Answered(Answer),
    /// The last call failed, or its future was dropped.
    Broken,
}

impl Session {
    pub(crate) fn new(config: Arc<Config>, engine: Arc<Engine>, place: OwnedSemaphorePermit, content: Content) -> Self {
        Self {
            config,
            engine,
            state: State::Streaming(content),
            came: 0,
            _place: place,
        }
    }

    fn is_over(&self) -> bool {
        self.came > self.config.max_scan_size
    }

    /// Sends bytes, and ends the content there if the upload is longer than `max_scan_size`.
    async fn forward(&mut self, mut content: Content, bytes: &[u8]) -> Result<State, Fault> {
        let flow = match content.push(bytes).await? {
            Flow::Goes if self.is_over() => content.end().await?,
            flow => flow,
        };
        match flow {
            Flow::Stopped => Ok(State::Answered(self.answer(content, self.config.io_timeout).await?)),
            Flow::Goes if self.is_over() => Ok(State::Cut(content)),
            Flow::Goes => Ok(State::Streaming(content)),
        }
    }

    async fn answer(&mut self, content: Content, within: Duration) -> Result<Answer, Fault> {
        let answer = content.answer(within).await?;
        if answer == Answer::TooLong {
            warn!(
                clamd = %self.config.address,
                max_scan_size = self.config.max_scan_size,
                "clamd's StreamMaxLength is smaller than max_scan_size"
            );
        }
        Ok(answer)
    }

    fn judge(&self, answer: &Answer) -> (Verdict, Coverage) {
        let gap = match answer {
            Answer::Found(name) => {
                let rejection = Rejection::new(INFECTED, format!("the file is infected: {name}")).with_subject(name);
                return (Verdict::Reject(rejection), Coverage::Whole);
            }
            Answer::TooLong => "the file is longer than the scanner accepts".to_owned(),
            Answer::Limit(name) => format!("the file exceeds the scanner's limit {name}"),
            Answer::Clean if self.is_over() => self.cut(),
            Answer::Clean => return (Verdict::Accept, Coverage::Whole),
        };
        (Verdict::Accept, Coverage::Partial(gap))
    }

    fn cut(&self) -> String {
        format!(
            "it is longer than the first {} bytes, which are scanned",
            self.config.max_scan_size
        )
    }
}

#[async_trait]
impl Scan for Session {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        let room = self.config.max_scan_size.saturating_sub(self.came);
        self.came = self.came.saturating_add(chunk.len() as u64);
        // Replaced first, so that a call that fails or is cancelled leaves the session broken.
        self.state = match mem::replace(&mut self.state, State::Broken) {
            State::Streaming(content) => {
                let fits = usize::try_from(room).map_or(chunk.len(), |room| room.min(chunk.len()));
                self.forward(content, &chunk[..fits]).await?
            }
            State::Cut(mut content) => match content.was_answered().await {
                true => State::Answered(self.answer(content, self.config.io_timeout).await?),
                false => State::Cut(content),
            },
            state @ (State::Answered(_) | State::Broken) => state,
        };
        match &self.state {
            State::Streaming(_) | State::Cut(_) => Ok(Verdict::Accept),
            State::Answered(answer) => Ok(self.judge(answer).0),
            State::Broken => Err(broken()),
        }
    }

    fn gap(&self) -> Option<String> {
        match &self.state {
            State::Answered(answer) => match self.judge(answer) {
                (Verdict::Accept, Coverage::Partial(gap)) => Some(gap),
                _ => None,
            },
            _ => self.is_over().then(|| self.cut()),
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        let answer = match mem::replace(&mut self.state, State::Broken) {
            State::Streaming(mut content) => {
                let _flow = content.end().await?;
                self.answer(content, self.config.scan_timeout).await?
            }
            State::Cut(content) => self.answer(content, self.config.scan_timeout).await?,
            State::Answered(answer) => answer,
            State::Broken => return Err(broken()),
        };
        let (verdict, coverage) = self.judge(&answer);
        let mut report = Report::new(verdict, coverage);
        let said = self.engine.version(&self.config).await;
        report.engine = said.as_deref().map(engine);
        // A refused upload needs no more: it is at most kept in quarantine.
        if report.verdict == Verdict::Accept {
            let limit = self.config.max_scan_size;
            let scanned = match answer {
                Answer::TooLong => 0,
                _ => self.came.min(limit),
            };
            report.bytes = Some(scanned);
            // clamd counts the upload itself as a member and as a level (MaxFiles, MaxRecursion): tests/it/limits.rs measures it.
            report.limits = Some(self.config.limits.with(|limits| {
                limits.member = limit;
                limits.members = limits.members.saturating_sub(1);
                limits.depth = limits.depth.saturating_sub(1);
            }));
            let note = ScanNote {
                engine: said,
                scanned,
                limit,
            };
            report = report.note(ScanNote::NOTE, note);
        }
        Ok(report)
    }
}

fn broken() -> Fault {
    failed("the scan has failed before")
}
