//! What happens when the store fails: a pause, in which nobody waits for it, and a line in the log at most once a minute.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

use crate::value::error::Fault;

/// For how long a store is left alone that failed.
const PAUSE: Duration = Duration::from_secs(10);
/// The shortest time between two lines in the log.
const SAID_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    until: Option<Instant>,
    said: Option<Instant>,
    unsaid: u64,
}

impl Trouble {
    /// Whether the store failed a moment ago.
    pub(super) fn is_on(&self) -> bool {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.until.is_some_and(|until| Instant::now() < until)
    }

    /// Notes a failure.
    pub(super) fn failed(&self, doing: &'static str, fault: &Fault) {
        let now = Instant::now();
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.until = Some(now + PAUSE);
        times.unsaid += 1;
        if times.said.is_some_and(|said| now.duration_since(said) < SAID_EVERY) {
            return;
        }
        let failures = std::mem::take(&mut times.unsaid);
        times.said = Some(now);
        drop(times);
        warn!(
            fault = fault.report(),
            doing, failures, "the store of what is made of files failed; what it has is made again"
        );
    }
}
