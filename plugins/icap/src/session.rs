//! The scan of one content: what is sent to the server, and what its answer means for the upload.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use intake_core::inspection::Engine;
use intake_core::{Coverage, Fault, Rejection, Report, Scan, UploadId, Verdict, async_trait};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::chunked::{END, write_chunk};
use crate::client::Client;
use crate::codes::{CONTENT_BLOCKED, INFECTED};
use crate::connection::{Connection, Flow, Preview};
use crate::judge::Finding;
use crate::message;
use crate::offer::{Offer, tag};
use crate::settings::Config;
use crate::wording::failed;

/// The most content that is sent as one chunk.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;
/// The most bytes of a preview.
const PREVIEW_BYTES: usize = 32 * 1024;
/// How long an incomplete piece may be held back. A server gives up a request that is silent for long.
const STALE: Duration = Duration::from_secs(5);

/// The note that a scan leaves in [`Facts::notes`](intake_core::Facts::notes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScanNote {
    /// What the service calls itself, such as `C-ICAP/0.5.10 server - Antivirus service`.
    pub service: Option<String>,
    /// The version of its program and its signatures (`ISTag`).
    pub tag: Option<String>,
    /// How many bytes were sent to it, from the first on, before it gave its verdict.
    pub scanned: u64,
    /// The most bytes that would have been sent.
    pub limit: u64,
}

impl ScanNote {
    /// The subject of this note.
    pub const NOTE: &'static str = "icap";
}

pub(crate) struct Session {
    client: Arc<Client>,
    offer: Arc<Offer>,
    id: UploadId,
    state: State,
    /// Bytes that wait to be sent.
    piece: Vec<u8>,
    flushed: Instant,
    /// Bytes received so far, whether or not they were sent.
    came: u64,
    _place: Option<OwnedSemaphorePermit>,
}

enum State {
    /// Nothing was sent yet.
    Gathering(Connection),
    /// The server wants what comes.
    Streaming(Connection),
    /// The server has the first `max_scan_size` bytes, while the rest comes in and is not sent.
    Cut(Connection),
    Answered(Answered),
    /// The last call failed, or its future was dropped.
    Broken,
}

/// What the server said, and of how much.
struct Answered {
    finding: Finding,
    scanned: u64,
    tag: Option<String>,
    gap: Option<String>,
}

impl Session {
    pub(crate) fn new(
        client: Arc<Client>,
        (connection, offer): (Connection, Arc<Offer>),
        id: UploadId,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            client,
            offer,
            id,
            state: State::Gathering(connection),
            piece: Vec::new(),
            flushed: Instant::now(),
            came: 0,
            _place: place,
        }
    }

    fn config(&self) -> &Config {
        &self.client.config
    }

    fn is_over(&self) -> bool {
        self.came > self.config().set.max_scan_size
    }

    /// How many bytes a preview has, if the server wants one.
    fn preview(&self) -> Option<usize> {
        let wanted = self.offer.preview.filter(|_| self.config().set.preview);
        wanted.map(|bytes| bytes.min(PREVIEW_BYTES))
    }

    /// Sends bytes, or gathers them.
    async fn push(&mut self, mut state: State, mut bytes: &[u8]) -> Result<State, Fault> {
        while !bytes.is_empty() {
            let room = PIECE_BYTES - self.piece.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            state = match state {
                State::Gathering(connection) => {
                    let is_enough = self.preview().is_some_and(|bytes| self.piece.len() > bytes);
                    match is_enough || self.piece.len() == PIECE_BYTES {
                        true => self.begin(connection).await?,
                        false => State::Gathering(connection),
                    }
                }
                State::Streaming(connection) => {
                    let is_due = self.piece.len() == PIECE_BYTES || self.flushed.elapsed() > STALE;
                    match is_due {
                        true => self.flush(connection, false).await?,
                        false => State::Streaming(connection),
                    }
                }
                other => return Ok(other),
            };
        }
        Ok(state)
    }

    /// Begins the request with the bytes that were gathered, and again on a new connection if the server had closed this one.
    async fn begin(&mut self, mut connection: Connection) -> Result<State, Fault> {
        let began = match self.begin_on(&mut connection, false).await {
            Err(_) | Ok(None) if connection.was_stale() => {
                connection = self.client.connect().await?;
                self.begin_on(&mut connection, false).await?
            }
            began => began?,
        };
        match began {
            Some(sent) => {
                self.piece.drain(..sent);
                self.flushed = Instant::now();
                Ok(State::Streaming(connection))
            }
            None => self.answered(connection, self.config().set.io_timeout).await,
        }
    }

    /// The same for a content of which all bytes were gathered, to its end.
    async fn send_whole(&self, mut connection: Connection) -> Result<State, Fault> {
        let mut sent = self.send_whole_on(&mut connection).await;
        if sent.is_err() && connection.was_stale() {
            connection = self.client.connect().await?;
            sent = self.send_whole_on(&mut connection).await;
        }
        sent?;
        self.answered(connection, self.config().set.scan_timeout).await
    }

    async fn send_whole_on(&self, connection: &mut Connection) -> Result<(), Fault> {
        if let Some(sent) = self.begin_on(connection, true).await?
            && !connection.is_ended()
        {
            let rest = &self.piece[sent..];
            let mut wire = Vec::new();
            write_chunk(&mut wire, rest);
            wire.extend_from_slice(END);
            if connection.send(&wire, rest).await? == Flow::Goes {
                connection.end();
            }
        }
        connection.finding(self.config().set.scan_timeout).await.map(drop)
    }

    /// Sends the head of the request, with the first bytes, which may be all. Returns how many bytes were sent, or `None` if the
    /// server answered or closed the connection.
    async fn begin_on(&self, connection: &mut Connection, is_all: bool) -> Result<Option<usize>, Fault> {
        let asked = self.client.asked(self.id);
        // The server must see that there is more: then it has to say whether it wants that. What it answers to a preview
        // that is the whole content could mean both.
        let most = self.piece.len().checked_sub(1);
        let preview = self.preview().zip(most).map(|(wanted, most)| wanted.min(most));
        let mut wire = message::content(&self.config().service, asked.method, &asked.target, preview);
        let first = &self.piece[..preview.unwrap_or(self.piece.len())];
        write_chunk(&mut wire, first);
        let is_end = is_all && preview.is_none();
        if is_end || preview.is_some() {
            wire.extend_from_slice(END);
        }
        connection.begin(asked, preview.is_some());
        if connection.send(&wire, first).await? == Flow::Stopped {
            return Ok(None);
        }
        if is_end {
            connection.end();
        }
        if preview.is_some() && matches!(connection.preview().await?, Preview::Answered(_)) {
            return Ok(None);
        }
        Ok(Some(first.len()))
    }

    /// Sends what waits, and the end of the content.
    async fn flush(&mut self, mut connection: Connection, is_end: bool) -> Result<State, Fault> {
        let mut wire = Vec::with_capacity(self.piece.len() + 16);
        write_chunk(&mut wire, &self.piece);
        if is_end {
            wire.extend_from_slice(END);
        }
        let flow = connection.send(&wire, &self.piece).await?;
        self.piece.clear();
        self.flushed = Instant::now();
        match flow {
            Flow::Stopped => self.answered(connection, self.config().set.io_timeout).await,
            Flow::Goes => {
                if is_end {
                    connection.end();
                }
                Ok(State::Streaming(connection))
            }
        }
    }

    /// Takes an answer that came while nothing was sent.
    async fn listen(&self, state: State) -> Result<State, Fault> {
        match state {
            State::Streaming(mut connection) => match connection.was_answered().await {
                true => self.answered(connection, self.config().set.io_timeout).await,
                false => Ok(State::Streaming(connection)),
            },
            State::Cut(mut connection) => match connection.was_answered().await {
                true => self.answered(connection, self.config().set.io_timeout).await,
                false => Ok(State::Cut(connection)),
            },
            other => Ok(other),
        }
    }

    /// Ends the content where the upload is longer than may be sent.
    async fn cut(&mut self, state: State) -> Result<State, Fault> {
        let state = match state {
            State::Gathering(connection) => self.begin(connection).await?,
            other => other,
        };
        let state = match state {
            State::Streaming(connection) => self.flush(connection, true).await?,
            other => other,
        };
        Ok(match state {
            State::Streaming(connection) => State::Cut(connection),
            other => other,
        })
    }

    async fn answered(&self, mut connection: Connection, within: Duration) -> Result<State, Fault> {
        let finding = connection.finding(within).await?;
        let answered = Answered {
            gap: self.gap_of(&finding, &connection),
            finding,
            scanned: connection.taken(),
            tag: connection.head().and_then(tag),
        };
        self.client.give_back(connection).await;
        Ok(State::Answered(answered))
    }

    /// What the server did not look at when it found nothing.
    fn gap_of(&self, finding: &Finding, connection: &Connection) -> Option<String> {
        let set = &self.config().set;
        let sent = connection.taken();
        match finding {
            Finding::Infected(_) | Finding::Blocked(_) => None,
            Finding::Clean if connection.is_ended() => None,
            Finding::Clean if connection.is_preview() && set.trust_preview => None,
            Finding::Clean => Some(format!(
                "the scanner answered after the first {sent} bytes, and asked for no more"
            )),
            Finding::Unchanged if connection.gave_back_early() || !connection.is_ended() => {
                Some("the scanner gave the file back before it had all of it".to_owned())
            }
            Finding::Unchanged if set.trust_unchanged.unwrap_or(!self.offer.allows_204) => None,
            Finding::Unchanged => {
                Some("the scanner gave the file back as it was, and did not say that it is clean (204)".to_owned())
            }
        }
    }

    fn over(&self) -> Option<String> {
        let most = self.config().set.max_scan_size;
        self.is_over()
            .then(|| format!("it is longer than the first {most} bytes, which are scanned"))
    }

    fn judge(&self, answered: &Answered) -> (Verdict, Coverage) {
        let rejection = match &answered.finding {
            Finding::Infected(name) => {
                Rejection::new(INFECTED, format!("the file is infected: {name}")).with_subject(name)
            }
            Finding::Blocked(Some(reason)) => Rejection::new(
                CONTENT_BLOCKED,
                format!("the scanner does not let the file pass: {reason}"),
            )
            .with_subject(reason),
            Finding::Blocked(None) => {
                Rejection::new(CONTENT_BLOCKED, "the scanner does not let the file pass as it is")
            }
            Finding::Clean | Finding::Unchanged => {
                let gap = answered.gap.clone().or_else(|| self.over());
                return (Verdict::Accept, gap.map_or(Coverage::Whole, Coverage::Partial));
            }
        };
        (Verdict::Reject(rejection), Coverage::Whole)
    }

    fn report(&self, answered: Answered) -> Report {
        let (verdict, coverage) = self.judge(&answered);
        let report = Report::new(verdict, coverage);
        // A refused upload has no facts.
        if report.verdict != Verdict::Accept {
            return report;
        }
        let tag = answered.tag.or_else(|| self.offer.tag.clone());
        let name = self
            .offer
            .name
            .clone()
            .unwrap_or_else(|| self.config().service.authority());
        let note = ScanNote {
            service: self.offer.name.clone(),
            tag: tag.clone(),
            scanned: answered.scanned,
            limit: self.config().set.max_scan_size,
        };
        let report = report.with(|report| {
            report.engine = Some(Engine::named(name).with(|engine| engine.signatures = tag));
            report.bytes = Some(answered.scanned);
            report.limits = self.config().limits;
        });
        report.note(ScanNote::NOTE, note)
    }
}

#[async_trait]
impl Scan for Session {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        let room = self.config().set.max_scan_size.saturating_sub(self.came);
        self.came = self.came.saturating_add(chunk.len() as u64);
        // Replaced first, so that a call that fails or is cancelled leaves the session broken.
        self.state = match mem::replace(&mut self.state, State::Broken) {
            state @ (State::Gathering(_) | State::Streaming(_)) => {
                let fits = usize::try_from(room).map_or(chunk.len(), |room| room.min(chunk.len()));
                let state = self.listen(state).await?;
                let state = self.push(state, &chunk[..fits]).await?;
                match self.is_over() {
                    true => self.cut(state).await?,
                    false => state,
                }
            }
            state => self.listen(state).await?,
        };
        match &self.state {
            State::Gathering(_) | State::Streaming(_) | State::Cut(_) => Ok(Verdict::Accept),
            State::Answered(answered) => Ok(self.judge(answered).0),
            State::Broken => Err(broken()),
        }
    }

    fn gap(&self) -> Option<String> {
        match &self.state {
            State::Answered(answered) => match self.judge(answered) {
                (Verdict::Accept, Coverage::Partial(gap)) => Some(gap),
                _ => None,
            },
            _ => self.over(),
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        let state = match mem::replace(&mut self.state, State::Broken) {
            State::Gathering(connection) => self.send_whole(connection).await?,
            State::Streaming(connection) => self.flush(connection, true).await?,
            state => state,
        };
        let state = match state {
            State::Streaming(connection) | State::Cut(connection) => {
                self.answered(connection, self.config().set.scan_timeout).await?
            }
            state => state,
        };
        match state {
            State::Answered(answered) => Ok(self.report(answered)),
            _ => Err(broken()),
        }
    }
}

fn broken() -> Fault {
    failed("the scan has failed before")
}
