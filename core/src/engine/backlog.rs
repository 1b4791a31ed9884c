//! Metrics of unfinished work and of sweeps.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{counter, gauge, histogram};

use crate::contract::stages::Backlog;
use crate::engine::pipeline::Pipeline;
use crate::engine::sweep::Swept;
use crate::record::upload::Task;
use crate::value::error::Fault;

/// Records the metrics of a sweep.
pub(crate) fn swept(swept: Result<&Swept, &Fault>, took: Duration) {
    let outcome = if swept.is_ok() { "done" } else { "failed" };
    counter!("intake_sweeps_total", "outcome" => outcome).increment(1);
    histogram!("intake_sweep_seconds").record(took);
    let Ok(swept) = swept else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    gauge!("intake_last_sweep_timestamp_seconds").set(now.as_secs_f64());
    for (what, count) in [
        ("abandoned", swept.abandoned),
        ("expired", swept.expired),
        ("finished", swept.finished),
        ("tidied", swept.tidied),
        ("forgotten", swept.forgotten),
        ("accounts", swept.accounts),
        ("groups", swept.groups),
        ("events", swept.events),
        ("failed", swept.failed),
    ] {
        counter!("intake_swept_total", "what" => what).increment(count);
    }
}

impl Pipeline {
    /// Measures how much is unfinished and how late sweeps are. If the look-up fails, the metrics are set to NaN.
    ///
    /// # Errors
    ///
    /// The recorder's fault.
    pub async fn measure_backlog(&self) -> Result<(), Fault> {
        let looked_up = self.backlog().await;
        let (unfinished, fetches, lag) = match &looked_up {
            Ok((Backlog { unfinished, fetches }, lag)) => (*unfinished as f64, *fetches as f64, lag.as_secs_f64()),
            Err(_) => (f64::NAN, f64::NAN, f64::NAN),
        };
        gauge!("intake_unfinished_uploads").set(unfinished);
        gauge!("intake_fetch_queue").set(fetches);
        gauge!("intake_sweep_lag_seconds").set(lag);
        let waiting = self.waiting_for_delivery().await;
        let (count, age) = match &waiting {
            Ok((count, age)) => (*count as f64, age.as_secs_f64()),
            Err(_) => (f64::NAN, f64::NAN),
        };
        gauge!("intake_event_deliveries_waiting").set(count);
        gauge!("intake_event_oldest_due_seconds").set(age);
        looked_up.and(waiting.map(drop))
    }

    /// How many deliveries wait, and for how long the one that has been due longest.
    async fn waiting_for_delivery(&self) -> Result<(u64, Duration), Fault> {
        if self.inner().event_settings.is_none() {
            return Ok((0, Duration::ZERO));
        }
        let backlog = self.inner().recorder.outbox().delivery_backlog().await?;
        let age = backlog.oldest_due.and_then(|due| self.now().duration_since(due).ok());
        Ok((backlog.waiting, age.unwrap_or_default()))
    }

    /// The unfinished work, and for how long the oldest due record has waited for a sweep.
    async fn backlog(&self) -> Result<(Backlog, Duration), Fault> {
        let recorder = &self.inner().recorder;
        let backlog = recorder.backlog().await?;
        let now = self.now();
        let oldest = recorder.due(Task::Sweep, now, 1).await?;
        let due = oldest.first().and_then(|record| record.due);
        let lag = due.and_then(|due| now.duration_since(due).ok()).unwrap_or_default();
        Ok((backlog, lag))
    }
}
