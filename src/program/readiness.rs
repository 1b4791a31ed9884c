//! Whether the program can accept uploads now: checks every stage, caches the result for a moment, and reports not ready as soon
//! as the program is told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use intake_core::{Pipeline, measure};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};

/// How long a result is cached: more frequent requests do not reach the stages.
const FRESH: Duration = Duration::from_secs(2);
/// How long a stage may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checks the stages. One caller checks at a time; others wait for its result.
#[derive(Debug)]
pub(super) struct Readiness {
    pipeline: Pipeline,
    is_stopping: AtomicBool,
    last: Mutex<Option<Look>>,
}

#[derive(Debug)]
struct Look {
    at: Instant,
    /// The reason, if not ready.
    found: Result<(), String>,
}

impl Readiness {
    pub(super) fn of(pipeline: Pipeline) -> Self {
        Self {
            pipeline,
            is_stopping: AtomicBool::new(false),
            last: Mutex::default(),
        }
    }

    /// Reports not ready from now on.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        measure::ready(false);
    }

    /// Whether uploads can be accepted.
    ///
    /// # Errors
    ///
    /// The plain reason, without secrets.
    pub(super) async fn ask(&self) -> Result<(), String> {
        self.is_going_on()?;
        let mut last = self.last.lock().await;
        if let Some(look) = last.as_ref().filter(|look| look.at.elapsed() < FRESH) {
            return self.is_going_on().and_then(|()| look.found.clone());
        }
        let found = self.look().await;
        let was_ready = last.as_ref().is_none_or(|look| look.found.is_ok());
        if was_ready != found.is_ok() {
            match &found {
                Ok(()) => info!("ready again"),
                Err(reason) => warn!(reason, "not ready: uploads fail until this is fixed"),
            }
        }
        *last = Some(Look {
            at: Instant::now(),
            found: found.clone(),
        });
        self.is_going_on()?;
        measure::ready(found.is_ok());
        found
    }

    async fn look(&self) -> Result<(), String> {
        // Without the causes of the fault, which may name hosts and paths.
        let alive = self.pipeline.alive(PATIENCE).await;
        alive.map_err(|fault| fault.to_string())
    }

    fn is_going_on(&self) -> Result<(), String> {
        match self.is_stopping.load(Ordering::SeqCst) {
            true => Err("the program is stopping".to_owned()),
            false => Ok(()),
        }
    }
}
