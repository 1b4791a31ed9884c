//! Changes of records: each is a compare-and-swap of one revision, written together with its change of usage.

use crate::engine::pipeline::Pipeline;
use crate::record::account::Quota;
use crate::record::accounting::UsageChange;
use crate::record::apply::IllegalTransition;
use crate::record::event::Event;
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::Fault;

impl Pipeline {
    /// The record after an event that happens now.
    pub(crate) fn after(&self, record: &Record, event: Event) -> Result<Record, Fault> {
        let illegal = |illegal: IllegalTransition| {
            Fault::new(codes::ILLEGAL_TRANSITION, "this upload is not where it should be").with_source(illegal)
        };
        record.apply(event, self.now(), &self.inner().periods).map_err(illegal)
    }

    /// Writes the next revision of a record.
    pub(crate) async fn put(&self, before: &Record, next: &Record) -> Result<Update, Fault> {
        let usage_change = UsageChange::of(Some(before), next, Quota::default(), self.now());
        let put = self.inner().recorder.update(next, &usage_change).await;
        self.wake_worker(next, &put);
        put
    }

    /// Writes the next revision of a record. If the recorder fails, reads the record to find out whether it was written.
    pub(crate) async fn swap(&self, before: &Record, next: &Record) -> Result<Update, Fault> {
        let usage_change = UsageChange::of(Some(before), next, Quota::default(), self.now());
        let swapped = self.inner().recorder.update(next, &usage_change).await;
        self.as_it_is(next, swapped).await
    }

    /// Writes the next revisions of several records: all of them or none. If the recorder fails, reads one of them to find out
    /// whether they were written.
    pub(crate) async fn swap_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault> {
        let recorder = &self.inner().recorder;
        match changes {
            [] => Ok(Update::Applied),
            [(next, usage_change)] => self.as_it_is(next, recorder.update(next, usage_change).await).await,
            [(next, _), ..] => {
                let swapped = self.as_it_is(next, recorder.update_all(changes).await).await;
                changes.iter().for_each(|(next, _)| self.wake_worker(next, &swapped));
                swapped
            }
        }
    }

    /// The outcome of a change, even if the recorder failed after it had written it.
    async fn as_it_is(&self, next: &Record, swapped: Result<Update, Fault>) -> Result<Update, Fault> {
        self.wake_worker(next, &swapped);
        let fault = match swapped {
            Ok(swap) => return Ok(swap),
            Err(fault) => fault,
        };
        match self.inner().recorder.get(next.id).await {
            Ok(Some(found)) if found == *next => Ok(Update::Applied),
            _ => Err(fault),
        }
    }
    /// Tells this node's worker that there are events to deliver, unless nothing was written.
    fn wake_worker(&self, next: &Record, written: &Result<Update, Fault>) {
        if self.inner().periods.events && !next.events.is_empty() && !matches!(written, Ok(Update::Conflict)) {
            self.event_was_written();
        }
    }

    /// Wakes whoever waits for events.
    pub(crate) fn event_was_written(&self) {
        self.inner().event_written.send_replace(());
    }
}
