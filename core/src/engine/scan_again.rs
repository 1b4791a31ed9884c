//! One scan of a content that is in a store already.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

use crate::engine::ingest::too_slow;
use crate::engine::judged::Held;
use crate::engine::pipeline::Pipeline;
use crate::engine::pump::Source;
use crate::engine::scans::{Content, Finding, ScanStage, Scans, begins_as_zip};
use crate::record::keys::key_of;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Facts;
use crate::value::id::ByteStream;
use crate::value::inspection::{Engine, Inspection};
use crate::value::lifetime::UploadMethod;
use crate::value::sniff::Sniffer;
use crate::value::upload_info::Head;

/// The engines of scanners that name their signatures, by the name of the scanner.
pub(crate) type Engines = BTreeMap<String, Engine>;

/// What the scanners say of a content that is in a store.
pub(crate) struct Verdict {
    /// What the record keeps: of scanners that were not asked, what they said before.
    pub(crate) inspections: Vec<Inspection>,
    /// What the scanners found out.
    pub(crate) notes: BTreeMap<String, Value>,
    /// Why the content goes into quarantine, or stays there.
    pub(crate) held: Option<Held>,
    /// A scanner failed that has to judge the content.
    pub(crate) is_doubtful: bool,
}

impl Pipeline {
    /// The engines of the scanners as they are now.
    pub(crate) async fn engines(&self) -> Engines {
        let mut engines = Engines::new();
        for stage in &self.inner().scanners {
            match stage.scanner.engine().await {
                Ok(Some(engine)) if engine.signatures.is_some() => {
                    engines.insert(stage.name.clone(), engine);
                }
                Ok(_) => {}
                Err(fault) => {
                    warn!(scanner = %stage.name, fault = fault.report(), "could not ask a scanner for its signatures");
                }
            }
        }
        engines
    }

    /// Has scanners judge a content: all of them, or those with other signatures than the record has. For the latter the content is
    /// read at the rate for files, and every fault makes the result doubtful.
    pub(crate) async fn scan_again(&self, record: &Record, engines: Option<&Engines>) -> Result<Verdict, Error> {
        let Some(facts) = &record.facts else {
            return Err(Fault::new(codes::ILLEGAL_TRANSITION, "the content of this upload is not known").into());
        };
        let limits = &self.inner().limits;
        let rate = engines.map_or(0, |_| limits.rescan_rate);
        let slowly = Duration::from_secs(facts.size.checked_div(rate).unwrap_or_default());
        let scanned = timeout(
            limits.timeout + slowly,
            self.scanned_again(record, facts, engines, rate),
        );
        scanned.await.unwrap_or_else(|_| Err(too_slow()))
    }

    async fn scanned_again(
        &self,
        record: &Record,
        facts: &Facts,
        engines: Option<&Engines>,
        rate: u64,
    ) -> Result<Verdict, Error> {
        let stages = &self.inner().scanners;
        let differs = |stage: &ScanStage| {
            let engine = engines.and_then(|engines| engines.get(&stage.name));
            engine.is_some_and(|engine| differs(record, &stage.name, engine))
        };
        // A group is asked as a whole: it decides together.
        let is_asked = |stage: &ScanStage| {
            let mut group = stages.iter().filter(|other| other.is_grouped_with(stage));
            engines.is_none() || differs(stage) || group.any(differs)
        };
        let body = self.inner().store_of(record)?.read(&key_of(record), None).await?;
        let mut source = Source::new(paced(body, rate), u64::MAX, Some(facts.size));
        let lead = source.lead().await?;
        let sniffer = Sniffer::of(&lead);
        // How it came is not recorded; no scanner asks.
        let head = Head::new(record.info(UploadMethod::Direct), &lead, sniffer.found());
        let head = head.if_type_may_change(sniffer.may_change());
        // The others read along: one may walk archives, whose extent is compared with the limits of those that are asked.
        let mut scans = Scans::open(stages.iter(), &head).await;
        while scans.is_wanted(is_asked)
            && let Some(piece) = source.piece().await?
        {
            scans.feed(&piece).await;
        }
        let content = Content::of(facts, begins_as_zip(&lead), Some(&self.inner().verdicts));
        let mut verdicts = scans.finish(&content).await;
        verdicts.keep(is_asked);
        let mut inspections = facts.inspections.clone();
        for said in &verdicts.0 {
            // A scanner that fails again has said nothing, and what it said before stays.
            if engines.is_some() && matches!(said.finding, Some(Finding::Fault(_))) {
                continue;
            }
            let inspection = said.inspection();
            match inspections.iter_mut().rev().find(|it| it.stage == inspection.stage) {
                Some(earlier) => *earlier = inspection,
                None => inspections.push(inspection),
            }
        }
        let notes = verdicts.0.iter().filter_map(|said| said.report.as_ref());
        Ok(Verdict {
            inspections,
            notes: notes.flat_map(|report| report.notes.clone()).collect(),
            held: verdicts.worst_finding(engines.is_none()),
            is_doubtful: verdicts.is_doubtful(engines.is_some()),
        })
    }
}

/// A stream at this rate in bytes a second, if it is not zero.
fn paced(body: ByteStream, rate: u64) -> ByteStream {
    if rate == 0 {
        return body;
    }
    let began = Instant::now();
    let mut read: u64 = 0;
    let paced = body.then(move |chunk| {
        read = read.saturating_add(chunk.as_ref().map_or(0, |chunk| chunk.len() as u64));
        let due = began + Duration::from_millis(read.saturating_mul(1000) / rate);
        async move {
            sleep_until(due).await;
            chunk
        }
    });
    paced.boxed()
}

/// Whether a file was last scanned with other signatures.
pub(crate) fn is_outdated(record: &Record, engines: &Engines) -> bool {
    engines.iter().any(|(stage, engine)| differs(record, stage, engine))
}

/// Whether a file was last scanned with other signatures by this scanner, and no operator has released it since these are there.
fn differs(record: &Record, stage: &str, engine: &Engine) -> bool {
    let mut inspections = record.facts.iter().flat_map(|facts| &facts.inspections).rev();
    let last = inspections.find(|inspection| inspection.stage == stage);
    let last = last.and_then(|inspection| inspection.engine.as_ref()?.signatures.as_ref());
    let now = engine.signatures.as_ref();
    last != now && record.released_with.get(stage) != now
}
