//! The background work of a pipeline, for as long as a program runs: one call starts all of it.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::{debug, error, info, warn};

use crate::engine::backlog;
use crate::engine::pipeline::Pipeline;

/// Shorter pauses would only load the recorder.
const SHORTEST: Duration = Duration::from_millis(100);
/// Between two looks through what is made of files. In a bucket, each asks for the whole list.
const DERIVED: Duration = Duration::from_secs(3600);

/// The pauses between the rounds of [`Pipeline::run_background`]; each at least 100 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Intervals {
    /// Between two sweeps ([`Pipeline::sweep`]), which end abandoned uploads and delete expired files. 60 s by default.
    pub sweep: Duration,
    /// Between two searches for uploads that a crashed node left incomplete ([`Pipeline::resume`]), and for fetch jobs that
    /// other nodes queued ([`Pipeline::run_fetches`]). 5 s by default.
    pub recovery: Duration,
    /// Between two measurements of the unfinished work, for the metrics ([`Pipeline::measure_backlog`]). `None` by default: none
    /// are made.
    pub measurement: Option<Duration>,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            sweep: Duration::from_secs(60),
            recovery: Duration::from_secs(5),
            measurement: None,
        }
    }
}

impl Intervals {
    /// Sets the pause between two sweeps.
    #[must_use]
    pub fn sweep(mut self, pause: Duration) -> Self {
        self.sweep = pause;
        self
    }

    /// Sets the pause between two searches for work that another node left.
    #[must_use]
    pub fn recovery(mut self, pause: Duration) -> Self {
        self.recovery = pause;
        self
    }

    /// Sets the pause between two measurements of the unfinished work.
    #[must_use]
    pub fn measurement(mut self, pause: Duration) -> Self {
        self.measurement = Some(pause);
        self
    }
}

impl Pipeline {
    /// Does the maintenance of a pipeline until `stop` is ready: deletes what expired or was abandoned, completes uploads that a
    /// crashed node left, scans again what has to be, fetches URLs where a fetcher is set, and delivers events where they are kept. A program that serves uploads runs this once; any number of
    /// nodes may run it at the same time.
    ///
    /// A round that fails is logged and tried again after its pause. If `stop` cuts off work, the next round of any node takes
    /// it up again once its lease has ended.
    ///
    /// ```
    /// # async fn run(pipeline: intake_core::Pipeline) {
    /// use intake_core::Intervals;
    /// use tokio::sync::oneshot;
    ///
    /// let (stop, stopped) = oneshot::channel::<()>();
    /// let background = pipeline.clone();
    /// let running = tokio::spawn(async move {
    ///     let stopped = async { drop(stopped.await) };
    ///     background.run_background(Intervals::default(), stopped).await;
    /// });
    /// // ... the program serves uploads, then:
    /// drop(stop);
    /// running.await.expect("it does not panic");
    /// # }
    /// ```
    pub async fn run_background(&self, intervals: Intervals, stop: impl Future<Output = ()>) {
        let mut loops = JoinSet::new();
        let pipeline = self.clone();
        loops.spawn(async move { pipeline.sweep_interval(intervals.sweep).await });
        let pipeline = self.clone();
        loops.spawn(async move { pipeline.recovery_interval(intervals.recovery).await });
        let pipeline = self.clone();
        let pause = intervals.recovery.max(SHORTEST);
        loops.spawn(async move { pipeline.pending_interval(pause).await });
        if self.limits().rescan_rate > 0 {
            let pipeline = self.clone();
            loops.spawn(async move { pipeline.outdated_interval(pause).await });
        }
        if self.can_fetch() {
            let pipeline = self.clone();
            let pause = intervals.recovery.max(SHORTEST);
            loops.spawn(async move { pipeline.run_fetches(pause).await });
        }
        if self.keeps_derived() {
            let pipeline = self.clone();
            loops.spawn(async move { pipeline.derived_interval().await });
        }
        if let Some(pause) = intervals.measurement {
            let pipeline = self.clone();
            loops.spawn(async move { pipeline.measure_every(pause).await });
        }
        let (end, ended) = watch::channel(false);
        let mut outbox = JoinSet::new();
        if let Some(settings) = self.inner().event_settings.clone() {
            let pipeline = self.clone();
            outbox.spawn(async move { pipeline.run_outbox(settings, ended).await });
        }
        stop.await;
        end.send_replace(true);
        // When the leases of the loops end, another node can take them over.
        loops.shutdown().await;
        while outbox.join_next().await.is_some() {}
    }

    async fn sweep_interval(&self, pause: Duration) {
        let mut ticks = ticks(pause);
        loop {
            ticks.tick().await;
            let (pipeline, began) = (self.clone(), Instant::now());
            let swept = guarded(async move { pipeline.sweep().await }).await;
            if let Some(swept) = &swept {
                backlog::swept(swept.as_ref(), began.elapsed());
            }
            match swept {
                Some(Ok(swept)) if swept.is_empty() => debug!("nothing was due"),
                Some(Ok(swept)) => info!(?swept, "swept"),
                Some(Err(fault)) => error!(
                    fault = fault.report(),
                    "failed to look up what is due; the next sweep tries again"
                ),
                None => {}
            }
        }
    }

    async fn recovery_interval(&self, pause: Duration) {
        let mut ticks = ticks(pause);
        loop {
            ticks.tick().await;
            let pipeline = self.clone();
            match guarded(async move { pipeline.resume().await }).await {
                Some(Ok(resumed)) if resumed.is_empty() => {}
                Some(Ok(resumed)) => info!(?resumed, "completed uploads that another node left"),
                Some(Err(fault)) => error!(
                    fault = fault.report(),
                    "failed to look up interrupted uploads; tried again soon"
                ),
                None => {}
            }
        }
    }

    async fn derived_interval(&self) {
        let mut ticks = ticks(DERIVED);
        loop {
            ticks.tick().await;
            let pipeline = self.clone();
            if let Some(Err(fault)) = guarded(async move { pipeline.sweep_derived().await }).await {
                warn!(
                    fault = fault.report(),
                    "could not look through what is made of files; tried again in an hour"
                );
            }
        }
    }

    async fn measure_every(&self, pause: Duration) {
        let mut ticks = ticks(pause);
        loop {
            ticks.tick().await;
            let pipeline = self.clone();
            if let Some(Err(fault)) = guarded(async move { pipeline.measure_backlog().await }).await {
                debug!(fault = fault.report(), "could not look up how much is unfinished");
            }
        }
    }
}

/// Runs one round so that a panic in a plugin ends that round and not the maintenance.
pub(super) async fn guarded<T: Send + 'static>(round: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let mut task = JoinSet::new();
    task.spawn(round);
    match task.join_next().await {
        Some(Ok(done)) => Some(done),
        Some(Err(failure)) => {
            error!(%failure, "a round of maintenance panicked; the next one is tried");
            None
        }
        None => None,
    }
}

fn ticks(pause: Duration) -> Interval {
    let mut ticks = interval(pause.max(SHORTEST));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
