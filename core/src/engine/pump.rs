//! The path of every byte: counted, hashed, scanned and stored, one piece at a time.
//!
//! There is no channel and no task: the pump reads the next piece after all stages have taken this one, so the slowest stage
//! slows the sender, and dropping the future ends everything. An upload holds one piece, a head, the pieces that are being hashed,
//! and the memory of its stages.

use crate::policy::rules::too_large;
use crate::value::verdict::RECEIVE;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::join3;
use metrics::Counter;

use crate::contract::measure;
use crate::contract::measure::timed;
use crate::contract::stages::Staged;
use crate::engine::hashing::Hashing;
use crate::engine::judged::Judged;
use crate::engine::pipeline::Inner;
use crate::engine::scans::{Content, Scans, begins_as_zip};
use crate::policy::upload::Policy;
use crate::record::keys::key_of;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Facts;
use crate::value::evidence::HEAD_BYTES;
use crate::value::id::ByteStream;
use crate::value::lifetime::UploadMethod;
use crate::value::sniff::Sniffer;
use crate::value::upload_info::{Head, UploadInfo};
use crate::value::verdict::Rejection;

/// The largest piece in bytes: a stage keeps a core busy with it for well under a millisecond.
const PIECE_BYTES: usize = 256 * 1024;

/// The sender's bytes, checked against their limits before any stage reads them.
pub(crate) struct Source {
    /// `None` once it has ended: a stream must not be polled after its end.
    body: Option<ByteStream>,
    rest: Bytes,
    seen: u64,
    limit: u64,
    declared: Option<u64>,
    received: Counter,
}

impl Source {
    pub(crate) fn new(body: ByteStream, limit: u64, declared: Option<u64>) -> Self {
        Self {
            body: Some(body),
            rest: Bytes::new(),
            seen: 0,
            limit,
            declared,
            received: Counter::noop(),
        }
    }

    /// Counts the bytes in the metrics of this upload method.
    pub(crate) fn counted(self, method: UploadMethod) -> Self {
        let received = measure::received(method);
        Self { received, ..self }
    }

    /// The next chunk, or `None` at the end of a body of the right size.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let next = match &mut self.body {
                Some(body) => body.next().await,
                None => None,
            };
            match next {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    self.seen = self.seen.saturating_add(chunk.len() as u64);
                    self.received.increment(chunk.len() as u64);
                    if self.seen > self.limit {
                        return Err(Error::rejected(RECEIVE, too_large(self.seen, self.limit)));
                    }
                    if self.declared.is_some_and(|declared| self.seen > declared) {
                        return Err(self.mismatch());
                    }
                    return Ok(Some(chunk));
                }
                Some(Err(why)) => {
                    self.body = None;
                    return Err(match why.downcast::<Error>() {
                        Ok(error) => *error,
                        Err(why) => Error::Interrupted(why),
                    });
                }
                None => {
                    self.body = None;
                    let as_declared = self.declared.is_none_or(|declared| self.seen == declared);
                    return if as_declared { Ok(None) } else { Err(self.mismatch()) };
                }
            }
        }
    }

    fn mismatch(&self) -> Error {
        let message = format!(
            "{} bytes were declared, and that is not what came",
            self.declared.unwrap_or_default()
        );
        Error::rejected(RECEIVE, Rejection::new(codes::SIZE_MISMATCH, message))
    }

    /// Reads until there is a head's worth of bytes, or the end; `piece` returns these bytes again.
    pub(crate) async fn lead(&mut self) -> Result<Bytes, Error> {
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        if first.len() >= HEAD_BYTES {
            self.rest = first;
        } else {
            let mut lead = BytesMut::from(&first[..]);
            while lead.len() < HEAD_BYTES {
                let Some(more) = self.chunk().await? else { break };
                lead.extend_from_slice(&more);
            }
            self.rest = lead.freeze();
        }
        Ok(self.rest.slice(..self.rest.len().min(HEAD_BYTES)))
    }

    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        if self.rest.is_empty() {
            match self.chunk().await? {
                Some(chunk) => self.rest = chunk,
                None => return Ok(None),
            }
        }
        Ok(Some(self.rest.split_to(self.rest.len().min(PIECE_BYTES))))
    }
}

/// The destination of the bytes.
pub(crate) enum Sink<'a> {
    /// Into the store. The staged write is left here, for the caller to commit or discard.
    Stage(&'a mut Option<Box<dyn Staged>>),
    /// Nowhere: they are in the store already, where they are not readable yet.
    Stored,
    /// Nowhere, as their parts are in the store. Validators are asked when all of it is there: see [`judge_later`].
    Ahead,
}

/// How long each stage had the upload.
struct Spent {
    /// The wait for the sender.
    receive: Duration,
    store: Duration,
    /// The bytes come from the store already, and go nowhere.
    is_stored: bool,
}

impl Spent {
    fn new(sink: &Sink<'_>) -> Self {
        Self {
            receive: Duration::ZERO,
            store: Duration::ZERO,
            is_stored: matches!(sink, Sink::Stored | Sink::Ahead),
        }
    }

    fn report(self) {
        measure::stage(if self.is_stored { "read" } else { "receive" }, self.receive);
        if !self.is_stored {
            measure::stage("store", self.store);
        }
    }
}

/// Reads the source to its end and returns the facts, and whether the content is put into quarantine.
pub(crate) async fn pump(
    inner: &Inner,
    policy: &Policy,
    record: &Record,
    mut source: Source,
    sink: Sink<'_>,
) -> Result<Judged, Error> {
    let mut spent = Spent::new(&sink);
    let is_ahead = matches!(sink, Sink::Ahead);
    let (receive, storing) = (&mut spent.receive, &mut spent.store);
    let mut scans = Scans::none();
    let judged = async {
        let lead = timed(receive, source.lead()).await?;
        let mut sniffer = Sniffer::of(&lead);
        let upload = record.info(policy.method());
        let head = Head::new(upload, &lead, sniffer.found()).if_type_may_change(sniffer.may_change());
        if !is_ahead {
            inner.judge(policy, |validator| validator.head(&head))?;
        }

        // Scanners before the store: one that is down refuses the upload before anything was written.
        scans = Scans::open(inner.scanners.iter(), &head).await;
        scans.refused()?;
        let mut staged = match sink {
            Sink::Stage(staged) => {
                let store = inner.store_of(record)?;
                let key = key_of(record);
                Some(staged.insert(timed(storing, store.stage(&key, sniffer.found())).await?))
            }
            Sink::Stored | Sink::Ahead => None,
        };
        let (mut sniffed, begins_as_zip) = (lead.len(), begins_as_zip(&lead));
        drop(lead);

        let mut hashing = Hashing::default();
        while let Some(piece) = timed(receive, source.piece()).await? {
            let again = sniffed.min(piece.len());
            sniffed -= again;
            sniffer.push(&piece[again..]);
            // The store is asked first, so that its writing goes on elsewhere meanwhile. All are waited for, even if one fails: a
            // write that was cancelled half way is harder to discard than one that ended.
            let writing = write(staged.as_deref_mut(), storing, &piece);
            let (written, (), hashed) = join3(writing, scans.feed(&piece), hashing.update(&piece)).await;
            scans.refused()?;
            written?;
            hashed?;
        }
        let mut facts = Facts::new(source.seen, hashing.finish().await?);
        facts.media_type = sniffer.found().cloned();
        facts.inspections = inner.inspections_of_validators();
        let content = Content::of(&facts, begins_as_zip, Some(&inner.verdicts));
        let mut verdicts = scans.finish(&content).await;
        verdicts.add_to(&mut facts);
        let held = verdicts.judge()?;
        if !is_ahead {
            inner.judge(policy, |validator| validator.whole(&upload, &facts))?;
        }
        Ok(Judged { facts, held })
    };
    let judged = judged.await;
    scans.measure();
    spent.report();
    judged
}

/// Asks the validators about an upload that the scanners have read ahead.
pub(crate) async fn judge_later(
    inner: &Inner,
    policy: &Policy,
    upload: &UploadInfo<'_>,
    body: ByteStream,
    facts: &Facts,
) -> Result<(), Error> {
    let lead = Source::new(body, u64::MAX, None).lead().await?;
    let sniffer = Sniffer::of(&lead);
    let head = Head::new(*upload, &lead, sniffer.found()).if_type_may_change(sniffer.may_change());
    inner.judge(policy, |validator| validator.head(&head))?;
    inner.judge(policy, |validator| validator.whole(upload, facts))
}

async fn write(staged: Option<&mut Box<dyn Staged>>, spent: &mut Duration, piece: &Bytes) -> Result<(), Fault> {
    match staged {
        Some(staged) => timed(spent, staged.write(piece.clone())).await,
        None => Ok(()),
    }
}
