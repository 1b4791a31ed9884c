//! Holding a claim: a node that works on an upload renews its claim, and stops when another node has it.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::warn;

use crate::engine::pipeline::Pipeline;
use crate::record::accounting::Quota;
use crate::record::accounting::UsageChange;
use crate::record::apply::IllegalTransition;
use crate::record::event::Event;
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::Fault;

/// A claim is not renewed more often than a recorder can bear.
const LEAST_BEAT: Duration = Duration::from_millis(1);

impl Pipeline {
    /// Puts a record in another's place, and books what that changes.
    pub(crate) async fn put(&self, before: &Record, next: &Record) -> Result<Update, Fault> {
        let usage_change = UsageChange::of(Some(before), next, Quota::default(), self.now());
        self.inner().recorder.update(next, &usage_change).await
    }

    /// Swaps a record in. If the recorder fails, looks whether it has done its part all the same.
    pub(crate) async fn swap(&self, before: &Record, next: &Record) -> Result<Update, Fault> {
        let usage_change = UsageChange::of(Some(before), next, Quota::default(), self.now());
        let swapped = self.inner().recorder.update(next, &usage_change).await;
        self.as_it_is(next, swapped).await
    }

    /// Swaps records in, each with what is booked with it: all of them or none. If the recorder fails, looks whether it has
    /// done its part all the same.
    pub(crate) async fn swap_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault> {
        let recorder = &self.inner().recorder;
        match changes {
            [] => Ok(Update::Applied),
            [(next, usage_change)] => self.as_it_is(next, recorder.update(next, usage_change).await).await,
            // As one of them is, all are.
            [(next, _), ..] => self.as_it_is(next, recorder.update_all(changes).await).await,
        }
    }

    /// How a swap has ended, where the recorder may have failed after it had done it.
    async fn as_it_is(&self, next: &Record, swapped: Result<Update, Fault>) -> Result<Update, Fault> {
        let fault = match swapped {
            Ok(swap) => return Ok(swap),
            Err(fault) => fault,
        };
        match self.inner().recorder.get(next.id).await {
            Ok(Some(found)) if found == *next => Ok(Update::Applied),
            _ => Err(fault),
        }
    }

    /// What becomes of a record when the event happens now.
    pub(crate) fn after(&self, record: &Record, event: Event) -> Result<Record, Fault> {
        let illegal = |illegal: IllegalTransition| {
            Fault::new(codes::ILLEGAL_TRANSITION, "this upload is not where it should be").with_source(illegal)
        };
        record.apply(event, self.now(), &self.inner().periods).map_err(illegal)
    }

    /// Works on an upload that was claimed, and renews the claim meanwhile, with what `beat` says, and at least every `most`.
    /// In the end `claimed` is the record as it is then.
    ///
    /// # Errors
    ///
    /// [`codes::LEASE_LOST`] if another node took the upload over; the work is dropped then.
    pub(crate) async fn hold<T>(
        &self,
        claimed: &mut Record,
        most: Duration,
        beat: impl Fn() -> Event,
        work: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        /// Renewals in a claim: one or two may fail.
        const OFTEN: u32 = 3;

        let every = (self.inner().periods.lease / OFTEN).clamp(LEAST_BEAT, most);
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut work = pin!(work);
        let mut unheard = None;
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    if let Some(unheard) = unheard {
                        self.settle(claimed, &unheard).await?;
                    }
                    return Ok(done);
                }
                _ = ticks.tick() => self.renew(claimed, beat(), &mut unheard).await?,
            }
        }
    }

    /// Makes sure that a claim holds, for as long as a new one would: before anything is done that somebody who took the upload
    /// over would suffer from.
    ///
    /// # Errors
    ///
    /// [`codes::LEASE_LOST`] if somebody did, and whatever stands in the way of finding out.
    pub(crate) async fn confirm(&self, claimed: &mut Record) -> Result<(), Fault> {
        let renewed = self.after(claimed, Event::Renew)?;
        match self.swap(claimed, &renewed).await? {
            Update::Applied => *claimed = renewed,
            Update::Conflict | Update::QuotaExceeded => return Err(lost()),
        }
        Ok(())
    }

    /// Renews a claim once. If it is not known whether that was done, the renewal is left in `unheard`.
    async fn renew(&self, claimed: &mut Record, beat: Event, unheard: &mut Option<Record>) -> Result<(), Fault> {
        if let Some(renewal) = unheard.take() {
            self.settle(claimed, &renewal).await?;
        }
        let next = self.after(claimed, beat)?;
        match self.swap(claimed, &next).await {
            Ok(Update::Applied) => *claimed = next,
            Ok(Update::Conflict | Update::QuotaExceeded) => return Err(lost()),
            Err(fault) => {
                warn!(id = %claimed.id, fault = fault.report(), "could not renew a claim; it will be tried again");
                *unheard = Some(next);
            }
        }
        Ok(())
    }

    /// Finds out what became of a renewal whose answer was lost.
    async fn settle(&self, claimed: &mut Record, renewal: &Record) -> Result<(), Fault> {
        match self.inner().recorder.get(claimed.id).await? {
            Some(found) if found == *renewal => *claimed = found,
            Some(found) if found == *claimed => {}
            _ => return Err(lost()),
        }
        Ok(())
    }
}

pub(crate) fn lost() -> Fault {
    Fault::new(codes::LEASE_LOST, "another node has taken this upload over").retryable()
}
