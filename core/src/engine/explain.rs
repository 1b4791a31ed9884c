//! What every stage says of a content that is not kept: nothing is recorded or stored, and no stage is left out because
//! another one refuses.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;

use crate::contract::measure::timed;
use crate::contract::report::Report;
use crate::contract::stages::{Scan, Scanner, Validator};
use crate::engine::hashing::Hashing;
use crate::engine::ingest::too_slow;
use crate::engine::named::Named;
use crate::engine::pipeline::Pipeline;
use crate::engine::pump::{Refusal, Source, begins_as_zip, compare, incomplete, inspection, refusal};
use crate::policy::upload::Policy;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Facts;
use crate::value::incoming::Incoming;
use crate::value::inspection::{Coverage, Inspection, Maker, OnPartial, Walked};
use crate::value::sniff::Sniffer;
use crate::value::upload_info::{Head, UploadInfo};
use crate::value::verdict::{PROJECT, RECEIVE, Rejection, Verdict};

/// What one stage says of a content.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opinion {
    /// The name of the stage in the pipeline.
    pub stage: String,
    /// The plugin that it was built from.
    pub maker: Maker,
    /// What the stage says if it accepts the content, or why it does not.
    pub said: Result<Inspection, Objection>,
}

/// Why a stage does not accept a content.
#[derive(Debug)]
#[non_exhaustive]
pub enum Objection {
    /// It refuses the content.
    Refusal(Rejection),
    /// It failed, so uploads are not accepted.
    Fault(Fault),
}

/// What all stages say of a content.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Explanation {
    /// The size in bytes, the digest, the type, and what scanners found out. `None` if the content is larger than it may be, and was
    /// not read to its end.
    pub facts: Option<Facts>,
    /// What each stage says: the project if it refuses, the pipeline's own limits, the validators, and the scanners unless the content
    /// was not read to its end.
    pub opinions: Vec<Opinion>,
}

impl Explanation {
    /// Whether an upload of this content would be accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.opinions.iter().all(|opinion| opinion.said.is_ok())
    }

    /// Adds what the rules of the project and the validators say.
    fn ask(
        &mut self,
        validators: &[Named<dyn Validator>],
        policy: &Policy,
        judged: impl Fn(&dyn Validator) -> Option<Rejection>,
    ) {
        let by_rules = policy.judge(|rule| judged(rule).map_or(Verdict::Accept, Verdict::Reject));
        if let Err(Error::Rejected { rejection, .. }) = by_rules {
            self.add(PROJECT, &Maker::default(), Err(Objection::Refusal(rejection)));
        }
        for validator in validators {
            let said = whole(&validator.name, judged(validator.stage.as_ref()));
            let said = said.map(|said| said.by(&validator.maker));
            self.add(&validator.name, &validator.maker, said);
        }
    }

    fn add(&mut self, stage: &str, maker: &Maker, said: Result<Inspection, Objection>) {
        self.opinions.push(Opinion {
            stage: stage.to_owned(),
            maker: maker.clone(),
            said,
        });
    }
}

/// A scan, until it ends.
enum Running {
    Goes(Box<dyn Scan>),
    Over(Objection),
}

/// All scanners with their scans, and how long each took.
struct Scans<'a>(Vec<(&'a Named<dyn Scanner>, Running, Duration)>);

impl Pipeline {
    /// Asks every stage what it says of a content, and keeps nothing of it. It reads the content once, within the limits of an
    /// upload.
    ///
    /// ```
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// # use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
    /// use intake_core::{Declared, Incoming, Pipeline};
    ///
    /// # let pipeline = Pipeline::builder()
    /// #     .store(MemoryStore::default())
    /// #     .recorder(MemoryRecorder::default())
    /// #     .expirer(KeepAll)
    /// #     .build()?;
    /// let incoming = Incoming::from_bytes(Declared::named("hello.txt"), "Hello, world!");
    /// let explanation = pipeline.explain(incoming).await?;
    /// assert!(explanation.is_accepted());
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run()).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// If the content breaks off, or takes longer than an upload may; if the project is unknown. That a stage refuses the content,
    /// or fails, is not an error.
    pub async fn explain(&self, incoming: Incoming) -> Result<Explanation, Error> {
        let limits = self.inner().limits;
        let explaining = self.explained(incoming);
        let explained = tokio::time::timeout(limits.timeout, explaining).await;
        explained.unwrap_or_else(|_| Err(too_slow()))
    }

    async fn explained(&self, incoming: Incoming) -> Result<Explanation, Error> {
        let inner = self.inner();
        let policy = self.policy(&incoming.options, incoming.method).await?;
        let limit = incoming
            .at_most
            .map_or(inner.limits.max_size, |bytes| bytes.min(inner.limits.max_size));
        let upload = UploadInfo::new(&incoming.declared)
            .with_id(incoming.id)
            .with_method(incoming.method)
            .with_options(&incoming.options);
        let source = Source::new(incoming.body, policy.at_most(limit), incoming.declared.size);
        let mut explanation = Explanation::default();
        if let Err(Error::Rejected { rejection, .. }) = policy.may_come(self.now()) {
            explanation.add(PROJECT, &Maker::default(), Err(Objection::Refusal(rejection)));
        }
        match read(&inner.scanners, upload, source).await {
            Ok((lead, mut facts, scans)) => {
                explanation.add(RECEIVE, &Maker::default(), whole(RECEIVE, None));
                let of_scanners = scans.finish(&lead, &mut facts).await;
                let lead_type = Sniffer::of(&lead).found().cloned();
                let head = Head::new(upload, &lead, lead_type.as_ref());
                explanation.facts = Some(facts.clone());
                explanation.ask(&inner.validators, &policy, |validator| {
                    let declared = || validator.declared(&upload).rejection();
                    let first = declared().or_else(|| validator.head(&head).rejection());
                    first.or_else(|| validator.whole(&upload, &facts).rejection())
                });
                explanation.opinions.extend(of_scanners);
            }
            // The rest was not read, so nothing else is known.
            Err(Error::Rejected { rejection, .. }) => {
                explanation.add(RECEIVE, &Maker::default(), whole(RECEIVE, Some(rejection)));
                explanation.ask(&inner.validators, &policy, |validator| {
                    validator.declared(&upload).rejection()
                });
            }
            Err(error) => return Err(error),
        }
        Ok(explanation)
    }
}

/// Reads a content to its end, and feeds it to all scanners.
async fn read<'a>(
    scanners: &'a [Named<dyn Scanner>],
    upload: UploadInfo<'_>,
    mut source: Source,
) -> Result<(Bytes, Facts, Scans<'a>), Error> {
    let lead = source.lead().await?;
    let mut sniffer = Sniffer::of(&lead);
    let mut scans = Scans::open(scanners, &Head::new(upload, &lead, sniffer.found())).await;
    let mut hashing = Hashing::default();
    let (mut size, mut sniffed) = (0, lead.len());
    while let Some(piece) = source.piece().await? {
        let again = sniffed.min(piece.len());
        sniffed -= again;
        sniffer.push(&piece[again..]);
        size += piece.len() as u64;
        hashing.update(&piece).await?;
        scans.feed(&piece).await;
    }
    let mut facts = Facts::new(size, hashing.finish().await?);
    facts.media_type = sniffer.found().cloned();
    Ok((lead, facts, scans))
}

fn whole(stage: &str, refused: Option<Rejection>) -> Result<Inspection, Objection> {
    match refused {
        Some(rejection) => Err(Objection::Refusal(rejection)),
        None => Ok(Inspection::new(stage, Coverage::Whole)),
    }
}

impl<'a> Scans<'a> {
    async fn open(scanners: &'a [Named<dyn Scanner>], head: &Head<'_>) -> Self {
        let opening = scanners.iter().map(|scanner| async move {
            let mut took = Duration::ZERO;
            let scan = match timed(&mut took, scanner.stage.open(head)).await {
                Ok(scan) => Running::Goes(scan),
                Err(fault) => Running::Over(Objection::Fault(fault)),
            };
            (scanner, scan, took)
        });
        Self(join_all(opening).await)
    }

    async fn feed(&mut self, piece: &Bytes) {
        let feeding = self.0.iter_mut().map(|(scanner, running, took)| async move {
            let Running::Goes(scan) = running else { return };
            let objection = match timed(took, scan.feed(piece)).await {
                Ok(Verdict::Reject(rejection)) => Objection::Refusal(rejection),
                Ok(Verdict::Accept) if scanner.stage.on_partial() == OnPartial::Refuse => match scan.gap() {
                    Some(gap) => Objection::Refusal(incomplete(&gap)),
                    None => return,
                },
                Ok(Verdict::Accept) => return,
                Err(fault) => Objection::Fault(fault),
            };
            *running = Running::Over(objection);
        });
        join_all(feeding).await;
    }

    /// What the scanners say. Adds their notes and inspections to the facts.
    async fn finish(self, lead: &[u8], facts: &mut Facts) -> Vec<Opinion> {
        let finishing = self.0.into_iter().map(|(scanner, running, mut took)| async move {
            let report = match running {
                Running::Over(objection) => Err(objection),
                Running::Goes(scan) => timed(&mut took, scan.finish()).await.map_err(Objection::Fault),
            };
            (scanner, report, took)
        });
        let reports: Vec<_> = join_all(finishing).await;
        let each = reports
            .iter()
            .filter_map(|(_, report, _)| Some(report.as_ref().ok()?.walked));
        let walked = each.fold(Walked::Not, Walked::and);
        let mut opinions = Vec::with_capacity(reports.len());
        for (scanner, report, took) in reports {
            let said = report.and_then(|mut report: Report| {
                compare(&mut report, walked, facts.size, begins_as_zip(lead));
                match refusal(scanner.stage.as_ref(), &report) {
                    Some(Refusal::Found(rejection) | Refusal::Incomplete(rejection)) => {
                        Err(Objection::Refusal(rejection))
                    }
                    None => Ok(report),
                }
            });
            let said = said.map(|report| {
                let inspection = inspection(scanner, &report, took);
                facts.notes.extend(report.notes);
                facts.inspections.push(inspection.clone());
                inspection
            });
            opinions.push(Opinion {
                stage: scanner.name.clone(),
                maker: scanner.maker.clone(),
                said,
            });
        }
        opinions
    }
}
