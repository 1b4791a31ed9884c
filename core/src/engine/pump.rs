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
use futures_util::future::{join3, try_join_all};
use metrics::Counter;

use crate::contract::measure;
use crate::contract::measure::timed;
use crate::contract::report::Report;
use crate::contract::stages::{Scan, Scanner, Staged};
use crate::engine::hashing::Hashing;
use crate::engine::named::Named;
use crate::engine::pipeline::Inner;
use crate::policy::upload::Policy;
use crate::record::keys::key_of;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Facts;
use crate::value::evidence::HEAD_BYTES;
use crate::value::id::ByteStream;
use crate::value::inspection::{Coverage, Inspection, OnPartial, Walked};
use crate::value::lifetime::UploadMethod;
use crate::value::sniff::Sniffer;
use crate::value::upload_info::{Head, UploadInfo};
use crate::value::verdict::{Rejection, Verdict};

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
    scans: Vec<Duration>,
    store: Duration,
    /// The bytes come from the store already, and go nowhere.
    is_stored: bool,
}

impl Spent {
    fn new(inner: &Inner, sink: &Sink<'_>) -> Self {
        Self {
            receive: Duration::ZERO,
            scans: vec![Duration::ZERO; inner.scanners.len()],
            store: Duration::ZERO,
            is_stored: matches!(sink, Sink::Stored | Sink::Ahead),
        }
    }

    fn report(self, inner: &Inner) {
        measure::stage(if self.is_stored { "read" } else { "receive" }, self.receive);
        if !self.is_stored {
            measure::stage("store", self.store);
        }
        for (scanner, took) in inner.scanners.iter().zip(self.scans) {
            measure::scanner(&scanner.name, took);
        }
    }
}

/// Reads the source to its end and returns the facts.
pub(crate) async fn pump(
    inner: &Inner,
    policy: &Policy,
    record: &Record,
    mut source: Source,
    sink: Sink<'_>,
) -> Result<Facts, Error> {
    let mut spent = Spent::new(inner, &sink);
    let is_ahead = matches!(sink, Sink::Ahead);
    let (receive, scanning, storing) = (&mut spent.receive, &mut spent.scans, &mut spent.store);
    let judged = async {
        let lead = timed(receive, source.lead()).await?;
        let mut sniffer = Sniffer::of(&lead);
        let upload = record.info(policy.method());
        let head = Head::new(upload, &lead, sniffer.found());
        if !is_ahead {
            inner.judge(policy, |validator| validator.head(&head))?;
        }

        // Scanners before the store: one that is down refuses the upload before anything was written.
        let mut scans = open_scans(inner, scanning, &head).await?;
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
            let (written, scanned, hashed) = join3(
                writing,
                feed(inner, &mut scans, scanning, &piece),
                hashing.update(&piece),
            )
            .await;
            if let Some((scanner, rejection)) = scanned? {
                return Err(Error::rejected(&inner.scanners[scanner].name, rejection));
            }
            written?;
            hashed?;
        }
        let mut facts = Facts::new(source.seen, hashing.finish().await?);
        facts.media_type = sniffer.found().cloned();
        finish(inner, scans, scanning, begins_as_zip, &mut facts).await?;
        if !is_ahead {
            inner.judge(policy, |validator| validator.whole(&upload, &facts))?;
        }
        Ok(facts)
    };
    let judged = judged.await;
    spent.report(inner);
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
    let head = Head::new(*upload, &lead, sniffer.found());
    inner.judge(policy, |validator| validator.head(&head))?;
    inner.judge(policy, |validator| validator.whole(upload, facts))
}

async fn open_scans(inner: &Inner, spent: &mut [Duration], head: &Head<'_>) -> Result<Vec<Box<dyn Scan>>, Fault> {
    let scanners = inner.scanners.iter().zip(spent);
    try_join_all(scanners.map(|(scanner, spent)| timed(spent, scanner.stage.open(head)))).await
}

async fn write(staged: Option<&mut Box<dyn Staged>>, spent: &mut Duration, piece: &Bytes) -> Result<(), Fault> {
    match staged {
        Some(staged) => timed(spent, staged.write(piece.clone())).await,
        None => Ok(()),
    }
}

/// Asks all scans for their verdict; if several reject, the error names the first in the order of the configuration.
async fn finish(
    inner: &Inner,
    scans: Vec<Box<dyn Scan>>,
    spent: &mut [Duration],
    begins_as_zip: bool,
    facts: &mut Facts,
) -> Result<(), Error> {
    let validators = inner.validators.iter();
    facts.inspections = validators
        .map(|validator| Inspection::new(&validator.name, Coverage::Whole).by(&validator.maker))
        .collect();
    let scans = scans.into_iter().zip(spent.iter_mut());
    let reports = try_join_all(scans.map(|(scan, spent)| timed(spent, scan.finish()))).await?;
    let walked = reports
        .iter()
        .fold(Walked::Not, |walked, report| walked.and(report.walked));
    let mut judged = Vec::with_capacity(reports.len());
    for (scanner, mut report) in inner.scanners.iter().zip(reports) {
        compare(&mut report, walked, facts.size, begins_as_zip);
        let refusal = refusal(scanner.stage.as_ref(), &report);
        measure::scanned(&scanner.name, &report.coverage, refusal.is_some());
        judged.push((scanner, report, refusal));
    }
    // What a scanner found says more than that another one did not look at everything.
    let refused = |wanted: fn(&Refusal) -> bool| {
        let mut refused = judged
            .iter()
            .filter_map(|(scanner, _, refusal)| Some((scanner, refusal.as_ref()?)));
        refused.find(|(_, refusal)| wanted(refusal))
    };
    let found = refused(|refusal| matches!(refusal, Refusal::Found(_))).or_else(|| refused(|_| true));
    if let Some((scanner, Refusal::Found(rejection) | Refusal::Incomplete(rejection))) = found {
        return Err(Error::rejected(&scanner.name, rejection.clone()));
    }
    for ((scanner, report, _), spent) in judged.into_iter().zip(spent.iter()) {
        let inspection = inspection(scanner, &report, *spent);
        facts.inspections.push(inspection);
        facts.notes.extend(report.notes);
    }
    Ok(())
}

/// Feeds all scans at the same time; if several reject, the error names the first in the order of the configuration.
async fn feed(
    inner: &Inner,
    scans: &mut [Box<dyn Scan>],
    spent: &mut [Duration],
    piece: &Bytes,
) -> Result<Option<(usize, Rejection)>, Fault> {
    let feeding = scans.iter_mut().zip(spent);
    let verdicts = try_join_all(feeding.map(|(scan, spent)| timed(spent, scan.feed(piece)))).await?;
    let found = |(at, verdict): (usize, Verdict)| Some((at, verdict.rejection()?));
    let refused = verdicts.into_iter().enumerate().find_map(found).or_else(|| {
        inner
            .scanners
            .iter()
            .zip(scans.iter())
            .enumerate()
            .find_map(|(at, (scanner, scan))| {
                let refuses = scanner.stage.on_partial() == OnPartial::Refuse;
                Some((at, incomplete(&scan.gap().filter(|_| refuses)?)))
            })
    });
    if let Some((at, _)) = refused {
        measure::scanned(&inner.scanners[at].name, &Coverage::Whole, true);
    }
    Ok(refused)
}

/// Whether a content begins as ZIP archives do, split ones and those without a member included.
pub(crate) fn begins_as_zip(lead: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00"]
        .iter()
        .any(|magic| lead.starts_with(&magic[..]))
}

/// Corrects the coverage of a scanner that may stop at its limits without saying so.
pub(crate) fn compare(report: &mut Report, walked: Walked, size: u64, begins_as_zip: bool) {
    let Some(limits) = report.limits.filter(|_| report.coverage == Coverage::Whole) else {
        return;
    };
    let gap = match walked {
        Walked::Archive(extent) => limits.gap(size, &extent),
        Walked::NoArchive => None,
        Walked::Not if !begins_as_zip => None,
        Walked::Not | Walked::Unknown => Some("it is an archive, and how much is in it is not known".to_owned()),
    };
    if let Some(gap) = gap {
        report.coverage = Coverage::Partial(gap);
    }
}

/// Why a content is refused after its last byte.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// For what a scanner found.
    Found(Rejection),
    /// Because a scanner did not look at all of it.
    Incomplete(Rejection),
}

/// The refusal of a content by a scanner, or because it did not look at all of it.
pub(crate) fn refusal(scanner: &dyn Scanner, report: &Report) -> Option<Refusal> {
    match (&report.verdict, &report.coverage) {
        (Verdict::Reject(rejection), _) => Some(Refusal::Found(rejection.clone())),
        (Verdict::Accept, Coverage::Partial(gap))
            if scanner.on_partial() == OnPartial::Refuse && !report.is_passed_over =>
        {
            Some(Refusal::Incomplete(incomplete(gap)))
        }
        (Verdict::Accept, _) => None,
    }
}

/// What a record keeps of a scanner's report.
pub(crate) fn inspection(scanner: &Named<dyn Scanner>, report: &Report, took: Duration) -> Inspection {
    let mut inspection = Inspection::new(&scanner.name, report.coverage.clone())
        .by(&scanner.maker)
        .within(took);
    (inspection.bytes, inspection.engine) = (report.bytes, report.engine.clone());
    inspection
}

pub(crate) fn incomplete(gap: &str) -> Rejection {
    let message = format!("the file cannot be scanned completely: {gap}");
    Rejection::new(codes::SCAN_INCOMPLETE, message)
}
