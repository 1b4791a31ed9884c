//! The scan of one upload.

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;
use intake_core::notes::Video;
use intake_core::{Bytes, Coverage, Fault, MediaType, Report, Scan, Verdict};
use tracing::warn;

use crate::codes::VIDEO_UNREADABLE;
use crate::facts::Probe;
use crate::formats::{self, Format};
use crate::policy::{Policy, Unreadable};
use crate::source::{Polled, Reading};

/// The scan of one upload: its reader is polled until it has a result.
pub(crate) struct MediaScan {
    policy: Policy,
    size: u64,
    reading: Option<Reading>,
    /// `None` for a file of another kind, and as long as the reader reads.
    probe: Option<Probe>,
    verdict: Verdict,
}

impl MediaScan {
    pub(crate) fn new(media_type: Option<&MediaType>, policy: Policy, max_header: usize) -> Self {
        let mut scan = Self {
            policy,
            size: 0,
            reading: None,
            probe: None,
            verdict: Verdict::Accept,
        };
        match media_type.map(|media_type| (media_type, Format::of(media_type))) {
            Some((_, Some(format))) => {
                let reader = |source| formats::probe(format, source, max_header);
                scan.reading = Some(Reading::new(policy, reader));
            }
            Some((media, None)) if matches!(media.main(), "video" | "audio") => {
                scan.probe = Some(Probe::failed("its format is not supported"));
            }
            _ => {}
        }
        scan
    }

    /// Polls the reader until it needs more bytes, has a result, or refuses the upload.
    async fn read(&mut self) {
        while let Some(reading) = &mut self.reading {
            let polled = catch_unwind(AssertUnwindSafe(|| reading.poll())).unwrap_or_else(|_| {
                warn!("a file made a reader panic");
                Polled::Done(Probe::failed("reading it failed"))
            });
            if let Some(refusal) = reading.refusal() {
                self.reading = None;
                self.verdict = Verdict::Reject(refusal);
                return;
            }
            match polled {
                Polled::Waits => return,
                Polled::Paused => tokio::task::yield_now().await,
                Polled::Done(probe) => {
                    self.reading = None;
                    self.probe = Some(probe);
                }
            }
        }
    }

    fn report(self) -> Report {
        let Some(probe) = self.probe else {
            return Report::new(self.verdict, Coverage::Whole);
        };
        let facts = match probe.facts {
            Ok(facts) => facts,
            Err(why) => return unreadable(self.policy, why),
        };
        let coverage = match probe.missing {
            Some(missing) => Coverage::Partial(format!("not read: {missing}")),
            None => Coverage::Whole,
        };
        let too_long = facts.duration.and_then(|millis| self.policy.too_long(millis));
        let verdict = too_long.map_or(Verdict::Accept, Verdict::Reject);
        Report::new(verdict, coverage).note(Video::NOTE, facts.note(self.size))
    }
}

fn unreadable(policy: Policy, why: &str) -> Report {
    let why = format!("the video or sound cannot be read: {why}");
    let verdict = match policy.unreadable {
        Unreadable::Accept => Verdict::Accept,
        Unreadable::Refuse => Verdict::reject(VIDEO_UNREADABLE, why.clone()),
    };
    Report::new(verdict, Coverage::Partial(why))
}

#[async_trait]
impl Scan for MediaScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.size = self.size.saturating_add(chunk.len() as u64);
        if let Some(reading) = &mut self.reading {
            reading.push(chunk.clone());
            self.read().await;
        }
        Ok(self.verdict.clone())
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        if let Some(reading) = &mut self.reading {
            reading.end();
            self.read().await;
        }
        Ok(self.report())
    }
}
