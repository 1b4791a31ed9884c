//! Scanning again: uploads in quarantine whose scanner failed, and files that were last scanned with other signatures.
//!
//! A file is read from its store at a bounded rate, one at a time on each node, and no scan deletes anything: what is refused now
//! goes into quarantine, where an operator decides about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::contract::measure;
use crate::contract::stages::ListingOfAll;
use crate::engine::background::guarded;
use crate::engine::judged::Held;
use crate::engine::pipeline::Pipeline;
use crate::engine::quarantine::audit;
use crate::engine::scan_again::{Engines, Verdict, is_outdated};
use crate::record::event::Event;
use crate::record::quarantine::AuditAction;
use crate::record::update::Update;
use crate::record::upload::{Record, State, Task};
use crate::value::codes;
use crate::value::error::Fault;
use crate::value::inspection::Inspection;

/// Records that are looked up at a time.
const BATCH: usize = 64;
/// The longest pause between two scans of an upload in quarantine.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// After so many failures in a row a pass ends if a scanner or a store is down.
const FAILURES: u64 = 5;
/// The pause after a pass that did not come to its end.
const AGAIN: Duration = Duration::from_secs(300);
/// How often a record is read again that was changed while its file was scanned.
const TRIES: usize = 8;
/// By this name, the pipeline itself decides.
const RESCAN: &str = "rescan";

/// What was scanned again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rescanned {
    /// Files in which nothing was found.
    pub clean: u64,
    /// Files that can be read now, because every scanner accepts them.
    pub released: u64,
    /// Files that are in quarantine now, or stay there, because a scanner refuses them.
    pub withdrawn: u64,
    /// Files that could not be scanned, or not completely.
    pub failed: u64,
}

impl Rescanned {
    /// Sets some of the numbers, such as to compare them in a test.
    ///
    /// ```
    /// use intake_core::Rescanned;
    ///
    /// let rescanned = Rescanned::default().with(|rescanned| rescanned.clean = 1);
    /// assert!(!rescanned.is_empty());
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn count(&mut self, result: Again) {
        let (counter, name) = match result {
            Again::Clean => (&mut self.clean, "clean"),
            Again::Released => (&mut self.released, "released"),
            Again::Withdrawn => (&mut self.withdrawn, "withdrawn"),
            Again::Failed => (&mut self.failed, "failed"),
            Again::Changed => return,
        };
        *counter += 1;
        measure::rescanned(name);
    }
}

/// How one file was scanned again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Clean,
    Released,
    Withdrawn,
    Failed,
    /// Its record was changed meanwhile, such as because it was deleted.
    Changed,
}

impl Pipeline {
    /// Scans uploads again that wait in quarantine because a scanner failed, and makes those readable that every scanner accepts.
    /// Any number of nodes may run this at the same time.
    ///
    /// # Errors
    ///
    /// If they could not be looked up. A failure of a single upload is counted and logged instead.
    pub async fn rescan_pending(&self) -> Result<Rescanned, Fault> {
        let mut rescanned = Rescanned::default();
        loop {
            let due = self.inner().recorder.due(Task::Rescan, self.now(), BATCH).await?;
            if due.is_empty() {
                return Ok(rescanned);
            }
            for record in due {
                // Afterwards it is due later, or not at all.
                rescanned.count(self.rescan_one_pending(record).await?);
            }
        }
    }

    async fn rescan_one_pending(&self, record: Record) -> Result<Again, Fault> {
        let now = self.now();
        let Some(quarantine) = record.quarantine.clone() else {
            return Ok(Again::Changed);
        };
        let is_over = record.has_expired(now) || quarantine.until <= now;
        let claimed = self.after(&record, Event::Rescan)?;
        if self.put(&record, &claimed).await? != Update::Applied {
            return Ok(Again::Changed);
        }
        let lifetime = self.lifetime_of(&claimed, self.now()).await;
        let (pipeline, content) = (self.clone(), claimed.clone());
        let scanned = guarded(async move { pipeline.scan_again(&content, None).await }).await;
        let panicked = || Err(Fault::new(codes::FAULT, "a scanner panicked").into());
        let event = match scanned.unwrap_or_else(panicked) {
            Ok(Verdict {
                inspections,
                held: Some(held),
                ..
            }) => Some(self.withdrawal(inspections, &held)),
            Ok(verdict) if verdict.is_doubtful => None,
            Ok(verdict) if !claimed.has_expired(self.now()) => lifetime.map(|lifetime| Event::Approve {
                by: RESCAN.to_owned(),
                inspections: Some(verdict.inspections),
                notes: verdict.notes,
                signatures: BTreeMap::new(),
                lifetime,
            }),
            Ok(_) => None,
            Err(error) => {
                warn!(id = %record.id, %error, "could not scan an upload in quarantine");
                None
            }
        };
        let event = event.unwrap_or_else(|| match is_over {
            true => Event::Discard { by: RESCAN.to_owned() },
            false => Event::Postpone(pause_after(quarantine.tries, self.inner().periods.rescan)),
        });
        self.record_result(&claimed, event).await
    }

    /// Scans files again that were last scanned with other signatures than those of now, the newest first, at the rate of
    /// [`Limits::rescan_rate`](crate::Limits::rescan_rate). Does nothing if no scanner names the version of its signatures. Ends early
    /// if several files in a row cannot be scanned, and a scanner or a store does not work.
    ///
    /// # Errors
    ///
    /// If the records could not be looked up, or a scanner or a store does not work. A failure of a single file is counted and logged
    /// instead.
    pub async fn rescan_outdated(&self) -> Result<Rescanned, Fault> {
        let mut rescanned = Rescanned::default();
        let engines = Arc::new(self.engines().await);
        let oldest = self.now().checked_sub(self.inner().limits.rescan_age);
        let (mut behind, mut failures) = (None, 0);
        while !engines.is_empty() {
            let recorder = &self.inner().recorder;
            let page = recorder.list_all(ListingOfAll::Ready, behind, BATCH).await?;
            // A page may be short because a record could not be read.
            if page.is_empty() {
                break;
            }
            for record in page {
                behind = Some((record.created, record.id));
                if oldest.is_some_and(|oldest| record.created < oldest) {
                    return Ok(rescanned);
                }
                if failures >= FAILURES {
                    // Otherwise it is the files, and those behind them can be scanned.
                    self.can_scan().await?;
                    failures = 0;
                }
                if !record.is_readable(self.now()) || !is_outdated(&record, &engines) {
                    continue;
                }
                // It may have been changed while others were scanned.
                let Some(record) = recorder.get(record.id).await? else {
                    continue;
                };
                if record.state == State::Ready && is_outdated(&record, &engines) {
                    let (pipeline, engines, id) = (self.clone(), Arc::clone(&engines), record.id);
                    let one = guarded(async move { pipeline.rescan_one(record, &engines).await }).await;
                    let again = one.unwrap_or_else(|| {
                        warn!(%id, "a scanner panicked when it scanned a file again");
                        Ok(Again::Failed)
                    })?;
                    failures = if again == Again::Failed { failures + 1 } else { 0 };
                    rescanned.count(again);
                }
            }
        }
        Ok(rescanned)
    }

    /// Whether the stores and all scanners work, also those without which uploads go on.
    async fn can_scan(&self) -> Result<(), Fault> {
        let inner = self.inner();
        inner.store.alive().await?;
        for (_, store) in &inner.stores {
            store.alive().await?;
        }
        for stage in &inner.scanners {
            stage.scanner.ready().await?;
        }
        Ok(())
    }

    async fn rescan_one(&self, record: Record, engines: &Engines) -> Result<Again, Fault> {
        match self.scan_again(&record, Some(engines)).await {
            Ok(Verdict {
                inspections,
                held: Some(held),
                ..
            }) => self.record_result(&record, self.withdrawal(inspections, &held)).await,
            Ok(verdict) if verdict.is_doubtful => Ok(Again::Failed),
            Ok(verdict) => self.record_result(&record, Event::Inspected(verdict.inspections)).await,
            Err(error) => {
                warn!(id = %record.id, %error, "could not scan a file again");
                Ok(Again::Failed)
            }
        }
    }

    fn withdrawal(&self, inspections: Vec<Inspection>, held: &Held) -> Event {
        Event::Withdraw {
            inspections,
            quarantine: Box::new(self.quarantine_of(held, self.now())),
        }
    }

    /// Records how a file was scanned again. If the record was changed meanwhile, and has the same content in the same state, the
    /// result still counts.
    async fn record_result(&self, record: &Record, event: Event) -> Result<Again, Fault> {
        let again = match &event {
            Event::Approve { .. } => Again::Released,
            Event::Withdraw { .. } => Again::Withdrawn,
            Event::Inspected(_) => Again::Clean,
            _ => Again::Failed,
        };
        let mut before = record.clone();
        for _ in 0..TRIES {
            let next = self.after(&before, event.clone())?;
            if self.swap(&before, &next).await? == Update::Applied {
                self.tell(&before, &next).await;
                return Ok(again);
            }
            let same = |now: &Record| now.state == record.state && now.facts == record.facts;
            match self.inner().recorder.get(record.id).await? {
                // A record in quarantine belongs to the node that claimed it.
                Some(now) if record.state == State::Ready && same(&now) => before = now,
                _ => break,
            }
        }
        Ok(Again::Changed)
    }

    /// Logs and counts what became of a file, and deletes the bytes of one whose time is over.
    async fn tell(&self, before: &Record, next: &Record) {
        match (&next.state, &next.quarantine) {
            (State::Ready, _) if before.state != State::Ready => audit(next, AuditAction::Released, RESCAN),
            (State::Deleting, _) => {
                warn!(id = %next.id, "no scanner has judged an upload before its time in quarantine was over; it is deleted");
                audit(next, AuditAction::Deleted, RESCAN);
                self.finish_deletion(next).await;
            }
            (State::Quarantined, Some(quarantine)) if before.state == State::Ready || !next.is_pending() => {
                measure::quarantined(quarantine.cause.name(), before.state == State::Ready);
                info!(
                    id = %next.id,
                    code = quarantine.reason.code.as_str(),
                    subject = quarantine.reason.subject.as_deref(),
                    "a file is in quarantine now"
                );
                let by = quarantine.reason.by.as_deref().unwrap_or(RESCAN);
                audit(next, AuditAction::Withdrawn, by);
            }
            _ => {}
        }
    }

    /// Scans uploads in quarantine again after each pause, for as long as a program runs.
    pub(crate) async fn pending_interval(&self, pause: Duration) {
        loop {
            let pipeline = self.clone();
            match guarded(async move { pipeline.rescan_pending().await }).await {
                Some(Ok(rescanned)) if rescanned.is_empty() => {}
                Some(Ok(rescanned)) => info!(?rescanned, "scanned uploads in quarantine again"),
                Some(Err(fault)) => warn!(fault = fault.report(), "could not look up what waits in quarantine"),
                None => {}
            }
            sleep(pause).await;
        }
    }

    /// Scans files again after each change of signatures, for as long as a program runs. Twice, because uploads under way were
    /// judged by the earlier ones, and become readable behind the first pass; and because what failed once may succeed then.
    pub(crate) async fn outdated_interval(&self, pause: Duration) {
        const PASSES: u8 = 2;
        let (mut last, mut passes, mut next) = (Engines::new(), 0, Instant::now());
        loop {
            let engines = self.engines().await;
            if engines != last {
                (last, passes, next) = (engines, PASSES, Instant::now());
            }
            if passes > 0 && Instant::now() >= next {
                let pipeline = self.clone();
                let rescanned = guarded(async move { pipeline.rescan_outdated().await }).await;
                next = Instant::now() + AGAIN;
                match rescanned {
                    Some(Ok(rescanned)) => {
                        if !rescanned.is_empty() {
                            info!(
                                ?rescanned,
                                "scanned files again that were last scanned with other signatures"
                            );
                        }
                        passes -= 1;
                        next = Instant::now() + self.inner().limits.timeout;
                    }
                    Some(Err(fault)) => warn!(fault = fault.report(), "could not scan files again; tried again soon"),
                    None => {}
                }
            }
            sleep(pause).await;
        }
    }
}

/// How long an upload in quarantine waits after so many tries.
fn pause_after(tries: u32, first: Duration) -> Duration {
    first
        .saturating_mul(2_u32.saturating_pow(tries.min(16)))
        .min(LONGEST_PAUSE)
}
