//! The lease of a node on a record: how the node takes it, renews it while it works, and loses it.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::warn;

use crate::engine::pipeline::Pipeline;
use crate::policy::upload::Policy;
use crate::record::accounting::UsageChange;
use crate::record::event::Event;
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::{Error, Fault};

/// The shortest time between two renewals, so that a short lease does not overload the recorder.
const LEAST_BEAT: Duration = Duration::from_millis(1);

/// A record on which this node works, as this node wrote it last. It may be dropped: the lease ends by itself, and a sweeper or
/// another node continues.
pub(crate) struct Lease {
    pipeline: Pipeline,
    record: Record,
}

impl Lease {
    /// Inserts the record of a new upload or fetch job, if its project, token and sender have room for it.
    pub(crate) async fn insert(pipeline: &Pipeline, record: Record, policy: &Policy) -> Result<Self, Error> {
        let usage_change = UsageChange::of(None, &record, policy.quota(), pipeline.now());
        let usage_change = pipeline.bounded(&record, usage_change);
        match pipeline.inner().recorder.insert(&record, &usage_change).await? {
            Update::Applied => Ok(Self {
                pipeline: pipeline.clone(),
                record,
            }),
            Update::Conflict | Update::QuotaExceeded => Err(pipeline.no_room(&record, &usage_change).await),
        }
    }

    /// Takes a record over by writing its next revision. `None`: another node was faster.
    pub(crate) async fn take(pipeline: &Pipeline, before: &Record, next: Record) -> Result<Option<Self>, Fault> {
        let taken = pipeline.swap(before, &next).await?;
        Ok((taken == Update::Applied).then(|| Self {
            pipeline: pipeline.clone(),
            record: next,
        }))
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn into_record(self) -> Record {
        self.record
    }

    /// Changes the record by an event. With [`Event::Renew`] this makes sure that the lease holds for its full time.
    ///
    /// # Errors
    ///
    /// [`codes::LEASE_LOST`] if another node has taken the record over; faults of the recorder.
    pub(crate) async fn advance(&mut self, event: Event) -> Result<(), Fault> {
        let next = self.pipeline.after(&self.record, event)?;
        match self.pipeline.swap(&self.record, &next).await? {
            Update::Applied => self.record = next,
            Update::Conflict | Update::QuotaExceeded => return Err(lost()),
        }
        Ok(())
    }

    /// Does some work and renews the lease meanwhile with the event of `beat`, at least every `most`.
    ///
    /// # Errors
    ///
    /// [`codes::LEASE_LOST`] if another node has taken the record over; the work is dropped then.
    pub(crate) async fn hold<T>(
        &mut self,
        most: Duration,
        beat: impl Fn() -> Event,
        work: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        /// Renewals within the time of a lease, so that one or two may fail.
        const OFTEN: u32 = 3;

        let every = (self.pipeline.inner().periods.lease / OFTEN).clamp(LEAST_BEAT, most);
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut work = pin!(work);
        let mut unheard = None;
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    if let Some(unheard) = unheard {
                        self.settle(&unheard).await?;
                    }
                    return Ok(done);
                }
                _ = ticks.tick() => self.renew(beat(), &mut unheard).await?,
            }
        }
    }

    /// Renews the lease once. If the outcome is unknown, it leaves the renewal in `unheard`.
    async fn renew(&mut self, beat: Event, unheard: &mut Option<Record>) -> Result<(), Fault> {
        if let Some(renewal) = unheard.take() {
            self.settle(&renewal).await?;
        }
        let next = self.pipeline.after(&self.record, beat)?;
        match self.pipeline.swap(&self.record, &next).await {
            Ok(Update::Applied) => self.record = next,
            Ok(Update::Conflict | Update::QuotaExceeded) => return Err(lost()),
            Err(fault) => {
                warn!(id = %next.id, fault = fault.report(), "could not renew a lease; it is tried again");
                *unheard = Some(next);
            }
        }
        Ok(())
    }

    /// Finds out whether a renewal with an unknown outcome was written.
    async fn settle(&mut self, renewal: &Record) -> Result<(), Fault> {
        match self.pipeline.inner().recorder.get(renewal.id).await? {
            Some(found) if found == *renewal => self.record = found,
            Some(found) if found == self.record => {}
            _ => return Err(lost()),
        }
        Ok(())
    }
}

pub(crate) fn lost() -> Fault {
    Fault::new(codes::LEASE_LOST, "another node or request has taken this upload over").retryable()
}
