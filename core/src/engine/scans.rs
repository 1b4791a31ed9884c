//! The scans of one content: every scanner reads it at the same time, and what happens to the content depends on what each says
//! and on its policy.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tracing::warn;

use crate::contract::measure;
use crate::contract::measure::timed;
use crate::contract::report::Report;
use crate::contract::stages::{Scan, Scanner};
use crate::engine::judged::Held;
use crate::engine::verdict_cache::VerdictCache;
use crate::record::quarantine::QuarantineCause;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::{Digest, Facts};
use crate::value::inspection::{Coverage, Inspection, Maker, Walked};
use crate::value::scan_policy::{OnFault, OnInfected, OnPartial, ScanPolicy};
use crate::value::upload_info::Head;
use crate::value::verdict::{Rejection, Verdict};

/// A scanner of a pipeline, and what happens to uploads by what it says.
#[derive(Debug)]
pub(crate) struct ScanStage {
    pub(crate) name: String,
    pub(crate) maker: Maker,
    pub(crate) scanner: Box<dyn Scanner>,
    pub(crate) policy: ScanPolicy,
}

impl ScanStage {
    /// A scanner that was built in code.
    pub(crate) fn new(name: impl Into<String>, scanner: Box<dyn Scanner>, policy: ScanPolicy) -> Self {
        Self {
            name: name.into(),
            maker: Maker::default(),
            scanner,
            policy,
        }
    }

    pub(crate) fn on_partial(&self) -> OnPartial {
        self.policy.on_partial.unwrap_or_else(|| self.scanner.on_partial())
    }

    /// Whether both scanners are of one group.
    pub(crate) fn is_grouped_with(&self, other: &Self) -> bool {
        self.policy.group.is_some() && self.policy.group == other.policy.group
    }

    /// Whether the scanner can work. One that need not work is only logged.
    pub(crate) async fn ready(&self) -> Result<(), Fault> {
        match self.scanner.ready().await {
            Err(fault) if self.policy.on_fault != OnFault::Refuse => {
                warn!(scanner = %self.name, fault = fault.report(), "a scanner does not work; uploads go on without it");
                Ok(())
            }
            ready => ready,
        }
    }

    /// What happens to a content in which the scanner found this.
    fn consequence(&self, finding: &Finding) -> Consequence {
        match finding {
            Finding::Infected(_) => match self.policy.on_infected {
                OnInfected::Refuse => Consequence::Refuse,
                OnInfected::Quarantine => Consequence::Quarantine,
            },
            Finding::Partial(_) => match self.on_partial() {
                OnPartial::Refuse => Consequence::Refuse,
                OnPartial::Quarantine => Consequence::Quarantine,
                OnPartial::Accept => Consequence::Accept,
            },
            Finding::Fault(_) => match self.policy.on_fault {
                OnFault::Refuse => Consequence::Refuse,
                OnFault::Quarantine => Consequence::Quarantine,
                OnFault::Accept => Consequence::Accept,
            },
        }
    }
}

/// What a scanner says of a content, if that is not simply that it accepts it.
#[derive(Debug)]
pub(crate) enum Finding {
    /// The scanner refuses the content.
    Infected(Rejection),
    /// The scanner did not look at all of it.
    Partial(String),
    /// The scanner failed.
    Fault(Fault),
}

impl Finding {
    /// What a scanner found says more than that another one failed, and that more than that one did not look at everything.
    fn rank(&self) -> u8 {
        match self {
            Self::Infected(_) => 0,
            Self::Fault(_) => 1,
            Self::Partial(_) => 2,
        }
    }

    pub(crate) fn cause(&self) -> QuarantineCause {
        match self {
            Self::Infected(_) => QuarantineCause::Infected,
            Self::Partial(_) => QuarantineCause::Partial,
            Self::Fault(_) => QuarantineCause::Fault,
        }
    }

    /// The refusal of a content for this, by the scanner.
    pub(crate) fn rejection(&self, scanner: &str) -> Rejection {
        let rejection = match self {
            Self::Infected(rejection) => rejection.clone(),
            Self::Partial(gap) => {
                let message = format!("the file cannot be scanned completely: {gap}");
                Rejection::new(codes::SCAN_INCOMPLETE, message)
            }
            Self::Fault(fault) => Rejection::new(fault.code.clone(), "a scanner failed; the file is scanned again"),
        };
        rejection.by(scanner)
    }

    fn error(self, scanner: &str) -> Error {
        match self {
            Self::Fault(fault) => Error::Fault(fault),
            finding => Error::rejected(scanner, finding.rejection(scanner)),
        }
    }
}

/// What happens to a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Consequence {
    Refuse,
    Quarantine,
    Accept,
}

/// What one scanner says of a content at the end.
pub(crate) struct Said<'a> {
    pub(crate) stage: &'a ScanStage,
    /// `None` if the scan ended before the content.
    pub(crate) report: Option<Report>,
    pub(crate) finding: Option<Finding>,
    pub(crate) took: Duration,
}

impl Said<'_> {
    fn is_infected(&self) -> bool {
        matches!(self.finding, Some(Finding::Infected(_)))
    }

    /// What a record keeps of it.
    pub(crate) fn inspection(&self) -> Inspection {
        let coverage = match (&self.report, &self.finding) {
            (_, Some(Finding::Fault(fault))) => Coverage::Partial(format!("the scanner failed: {}", fault.code)),
            (Some(report), _) => report.coverage.clone(),
            (None, _) => Coverage::Partial("the scanner refused it before its end".to_owned()),
        };
        let mut inspection = Inspection::new(&self.stage.name, coverage)
            .by(&self.stage.maker)
            .within(self.took);
        if let Some(report) = &self.report {
            (inspection.bytes, inspection.engine) = (report.bytes, report.engine.clone());
        }
        if let Some(finding @ Finding::Infected(_)) = &self.finding {
            inspection.refusal = Some(finding.rejection(&self.stage.name));
        }
        inspection
    }

    /// Counts what the scanner said.
    fn count(&self) {
        let result = match (&self.finding, &self.report) {
            (Some(Finding::Infected(_)), _) => "refused",
            (Some(Finding::Fault(_)), _) => "failed",
            (Some(Finding::Partial(_)), _) if self.stage.on_partial() != OnPartial::Accept => "refused",
            (Some(Finding::Partial(_)), _) => "partly_covered",
            (None, _) => "clean",
        };
        measure::scanned(&self.stage.name, result);
    }
}

/// A scan that goes on, or why it is over.
struct Running<'a> {
    stage: &'a ScanStage,
    scan: Result<Box<dyn Scan>, Finding>,
    took: Duration,
}

/// The scans of one content.
pub(crate) struct Scans<'a>(Vec<Running<'a>>);

impl<'a> Scans<'a> {
    /// No scans.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Opens a scan of each scanner, at the same time.
    pub(crate) async fn open(stages: impl Iterator<Item = &'a ScanStage>, head: &Head<'_>) -> Self {
        let opening = stages.map(|stage| async move {
            let mut took = Duration::ZERO;
            let scan = timed(&mut took, stage.scanner.open(head)).await;
            let scan = scan.map_err(Finding::Fault);
            Running { stage, scan, took }
        });
        Self(join_all(opening).await)
    }

    /// Feeds all scans that go on, at the same time.
    pub(crate) async fn feed(&mut self, piece: &Bytes) {
        let feeding = self.0.iter_mut().map(|running| async move {
            let Ok(scan) = &mut running.scan else { return };
            let finding = match timed(&mut running.took, scan.feed(piece)).await {
                Ok(Verdict::Reject(rejection)) => Finding::Infected(rejection),
                // Only a refusal spares the rest; otherwise the scan goes on, and may find something.
                Ok(Verdict::Accept) if running.stage.on_partial() == OnPartial::Refuse => match scan.gap() {
                    Some(gap) => Finding::Partial(gap),
                    None => return,
                },
                Ok(Verdict::Accept) => return,
                Err(fault) => Finding::Fault(fault),
            };
            running.scan = Err(finding);
        });
        join_all(feeding).await;
    }

    /// Ends with an error if a scan is over and its policy refuses the content for what it said. If several do, the error names
    /// the first in the order of the configuration, and what was found before what failed.
    pub(crate) fn refused(&mut self) -> Result<(), Error> {
        let refuses = |running: &&mut Running<'_>| {
            let finding = running.scan.as_ref().err();
            // Whether a group refuses is known when all of it have ended.
            let waits =
                |finding: &Finding| matches!(finding, Finding::Infected(_)) && running.stage.policy.group.is_some();
            finding.is_some_and(|finding| !waits(finding) && running.stage.consequence(finding) == Consequence::Refuse)
        };
        let over = self.0.iter_mut().filter(refuses);
        let first = over.min_by_key(|running| running.scan.as_ref().err().map(Finding::rank));
        let Some(Running { stage, scan, took }) = first else {
            return Ok(());
        };
        let fault = || Finding::Fault(Fault::new(codes::FAULT, "a scan ended without a reason"));
        let Err(finding) = std::mem::replace(scan, Err(fault())) else {
            return Ok(());
        };
        let said = Said {
            stage,
            report: None,
            finding: Some(finding),
            took: *took,
        };
        said.count();
        Err(said.finding.unwrap_or_else(fault).error(&stage.name))
    }

    /// Whether a scan of these scanners goes on.
    pub(crate) fn is_wanted(&self, is_asked: impl Fn(&ScanStage) -> bool) -> bool {
        let mut asked = self.0.iter().filter(|running| is_asked(running.stage));
        asked.any(|running| running.scan.is_ok())
    }

    /// Records how long each scanner worked whose scan did not come to its end.
    pub(crate) fn measure(&self) {
        for running in &self.0 {
            measure::scanner(&running.stage.name, running.took);
        }
    }

    /// Asks all scans for their verdict, and corrects the coverage of those that may stop at their limits without saying so.
    pub(crate) async fn finish(&mut self, content: &Content<'_>) -> Verdicts<'a> {
        let finishing = std::mem::take(&mut self.0).into_iter().map(|running| async move {
            let Running { stage, scan, mut took } = running;
            let (report, finding) = match scan {
                Err(finding) => (None, Some(finding)),
                Ok(scan) => match timed(&mut took, verdict(stage, scan, content)).await {
                    Ok(report) => (Some(report), None),
                    Err(fault) => (None, Some(Finding::Fault(fault))),
                },
            };
            Said {
                stage,
                report,
                finding,
                took,
            }
        });
        let mut said = join_all(finishing).await;
        let reports = said.iter().filter_map(|said| said.report.as_ref());
        let walked = reports.fold(Walked::Not, |walked, report| walked.and(report.walked));
        for said in &mut said {
            if let Some(report) = &mut said.report {
                compare(report, walked, content.size, content.begins_as_zip);
                said.finding = match (&report.verdict, &report.coverage) {
                    (Verdict::Reject(rejection), _) => Some(Finding::Infected(rejection.clone())),
                    (Verdict::Accept, Coverage::Partial(gap)) => Some(Finding::Partial(gap.clone())),
                    (Verdict::Accept, Coverage::Whole) => None,
                };
            }
            said.count();
            measure::scanner(&said.stage.name, said.took);
        }
        Verdicts(said)
    }
}

/// The verdict of a scan, or of an earlier one of the same content.
async fn verdict(stage: &ScanStage, scan: Box<dyn Scan>, content: &Content<'_>) -> Result<Report, Fault> {
    let Some(cache) = content.cache.filter(|cache| cache.is_on()) else {
        return scan.finish().await;
    };
    // A scanner that does not answer here is asked for its verdict, and fails then.
    let Some(engine) = stage.scanner.engine().await.ok().flatten() else {
        return scan.finish().await;
    };
    if let Some(report) = cache.get(content.digest, &stage.name, &engine) {
        measure::verdict_reused(&stage.name);
        return Ok(report);
    }
    let mut report = scan.finish().await?;
    if report
        .engine
        .as_ref()
        .is_some_and(|after| after.signatures == engine.signatures)
    {
        cache.put(content.digest, &stage.name, &report);
    } else if report.engine.is_some() {
        // The signatures were changed meanwhile. The older ones count, so that the content is scanned again.
        report.engine = Some(engine);
    }
    Ok(report)
}

/// What is known of a content when the scans end.
pub(crate) struct Content<'a> {
    digest: Digest,
    size: u64,
    begins_as_zip: bool,
    /// The verdicts of earlier scans, if they count.
    cache: Option<&'a VerdictCache>,
}

impl<'a> Content<'a> {
    /// A content with these facts.
    pub(crate) fn of(facts: &Facts, begins_as_zip: bool, cache: Option<&'a VerdictCache>) -> Self {
        Self {
            digest: facts.digest,
            size: facts.size,
            begins_as_zip,
            cache,
        }
    }
}

/// What all scanners say of a content.
pub(crate) struct Verdicts<'a>(pub(crate) Vec<Said<'a>>);

impl Verdicts<'_> {
    /// What happens to the content by what one scanner says.
    pub(crate) fn consequence(&self, said: &Said<'_>) -> Consequence {
        let outvoted = said.is_infected()
            && self
                .0
                .iter()
                // One that failed, or did not look at everything, has no vote.
                .any(|other| other.stage.is_grouped_with(said.stage) && other.finding.is_none());
        match &said.finding {
            Some(finding) if !outvoted => said.stage.consequence(finding),
            _ => Consequence::Accept,
        }
    }

    /// Adds what the scanners say to the facts, and what those found out that accept the content.
    pub(crate) fn add_to(&mut self, facts: &mut Facts) {
        let accepting: Vec<_> = self
            .0
            .iter()
            .map(|said| self.consequence(said) == Consequence::Accept)
            .collect();
        for (said, accepts) in self.0.iter_mut().zip(accepting) {
            facts.inspections.push(said.inspection());
            if let Some(report) = said.report.as_mut().filter(|_| accepts) {
                facts.notes.append(&mut report.notes);
            }
        }
    }

    /// Why a content that is kept already goes into quarantine, or stays there: because a scanner refuses it, or, if partly covered
    /// contents count, because one did not look at all of it and does not accept that.
    pub(crate) fn worst_finding(&self, partial_counts: bool) -> Option<Held> {
        let worst = self.0.iter().filter(|said| match &said.finding {
            Some(Finding::Infected(_)) => true,
            Some(Finding::Partial(_)) => partial_counts,
            Some(Finding::Fault(_)) | None => false,
        });
        let worst = worst.filter(|said| self.consequence(said) != Consequence::Accept);
        let worst = worst.min_by_key(|said| said.finding.as_ref().map(Finding::rank))?;
        let finding = worst.finding.as_ref()?;
        Some(Held {
            cause: finding.cause(),
            reason: finding.rejection(&worst.stage.name),
        })
    }

    /// Leaves what these scanners say, and no other.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(&ScanStage) -> bool) {
        self.0.retain(|said| is_kept(said.stage));
    }

    /// Whether a scanner failed: any, or one that has to judge the content.
    pub(crate) fn is_doubtful(&self, any: bool) -> bool {
        let failed = |said: &&Said<'_>| matches!(said.finding, Some(Finding::Fault(_)));
        let mut failed = self.0.iter().filter(failed);
        failed.any(|said| any || self.consequence(said) != Consequence::Accept)
    }

    /// What is done with the content: an error if it is refused, why it is put into quarantine, or nothing if it is accepted.
    /// If several scanners have the same consequence, the first in the order of the configuration is named.
    pub(crate) fn judge(mut self) -> Result<Option<Held>, Error> {
        for said in &self.0 {
            if let Some(Finding::Fault(fault)) = &said.finding
                && self.consequence(said) != Consequence::Refuse
            {
                let consequence = self.consequence(said);
                warn!(scanner = %said.stage.name, fault = fault.report(), ?consequence, "a scanner failed");
            }
        }
        // What was found comes before what failed, and evidence is rather kept than deleted.
        let ranks = self.0.iter().enumerate().filter_map(|(at, said)| {
            let consequence = self.consequence(said);
            let prefers = match consequence {
                Consequence::Quarantine if said.is_infected() => 0,
                Consequence::Refuse => 1,
                Consequence::Quarantine => 2,
                Consequence::Accept => return None,
            };
            Some((said.finding.as_ref().map(Finding::rank), prefers, at, consequence))
        });
        let Some((_, _, at, consequence)) = ranks.min() else {
            return Ok(None);
        };
        let Said { stage, finding, .. } = self.0.swap_remove(at);
        match (consequence, finding) {
            (Consequence::Refuse, Some(finding)) => Err(finding.error(&stage.name)),
            (Consequence::Quarantine, Some(finding)) => Ok(Some(Held {
                cause: finding.cause(),
                reason: finding.rejection(&stage.name),
            })),
            _ => Ok(None),
        }
    }
}

/// Whether a content begins as ZIP archives do, split ones and those without a member included.
pub(crate) fn begins_as_zip(lead: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00"]
        .iter()
        .any(|magic| lead.starts_with(&magic[..]))
}

/// Corrects the coverage of a scanner that may stop at its limits without saying so.
fn compare(report: &mut Report, walked: Walked, size: u64, begins_as_zip: bool) {
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
