//! What every stage says of a content that is not kept: nothing is recorded or stored, and no stage is left out because
//! another one refuses.

use bytes::Bytes;

use crate::contract::stages::Validator;
use crate::engine::hashing::Hashing;
use crate::engine::ingest::too_slow;
use crate::engine::named::Named;
use crate::engine::pipeline::Pipeline;
use crate::engine::pump::Source;
use crate::engine::scans::{Consequence, Content, Finding, Said, ScanStage, Scans, begins_as_zip};
use crate::policy::upload::Policy;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Facts;
use crate::value::incoming::Incoming;
use crate::value::inspection::{Coverage, Inspection, Maker};
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
    /// It has the content put into quarantine.
    Quarantine(Rejection),
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
                let of_scanners = opinions(scans, &lead, &mut facts).await;
                let sniffer = Sniffer::of(&lead);
                let head = Head::new(upload, &lead, sniffer.found()).if_type_may_change(sniffer.may_change());
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
    stages: &'a [ScanStage],
    upload: UploadInfo<'_>,
    mut source: Source,
) -> Result<(Bytes, Facts, Scans<'a>), Error> {
    let lead = source.lead().await?;
    let mut sniffer = Sniffer::of(&lead);
    let head = Head::new(upload, &lead, sniffer.found()).if_type_may_change(sniffer.may_change());
    let mut scans = Scans::open(stages.iter(), &head).await;
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

/// What the scanners say. Adds their notes and inspections to the facts.
async fn opinions(mut scans: Scans<'_>, lead: &[u8], facts: &mut Facts) -> Vec<Opinion> {
    let content = Content::of(facts, begins_as_zip(lead), None);
    let mut verdicts = scans.finish(&content).await;
    verdicts.add_to(facts);
    let consequences: Vec<_> = verdicts.0.iter().map(|said| verdicts.consequence(said)).collect();
    let opinion = |(said, consequence): (Said<'_>, Consequence)| {
        let (stage, inspection) = (said.stage, said.inspection());
        let said = match (consequence, said.finding) {
            (Consequence::Refuse, Some(Finding::Fault(fault))) => Err(Objection::Fault(fault)),
            (Consequence::Refuse, Some(finding)) => Err(Objection::Refusal(finding.rejection(&stage.name))),
            (Consequence::Quarantine, Some(finding)) => Err(Objection::Quarantine(finding.rejection(&stage.name))),
            _ => Ok(inspection),
        };
        Opinion {
            stage: stage.name.clone(),
            maker: stage.maker.clone(),
            said,
        }
    };
    verdicts.0.into_iter().zip(consequences).map(opinion).collect()
}
