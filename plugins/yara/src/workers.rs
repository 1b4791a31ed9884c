//! Scans on the blocking threads of the runtime, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use intake_core::Fault;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::codes::{SCANNER_FAILED, SCANNER_UNAVAILABLE};

/// How much longer than its time a scan is waited for. Modules that take a content apart do not look at the time.
const GRACE: Duration = Duration::from_secs(5);

/// The right to scan a few contents at a time.
#[derive(Clone, Debug)]
pub(crate) struct Workers {
    permits: Arc<Semaphore>,
    wait: Duration,
    time: Duration,
}

impl Workers {
    pub(crate) fn new(at_a_time: usize, wait: Duration, time: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(at_a_time)),
            wait,
            time,
        }
    }

    /// Does some work on a blocking thread. Work that takes too long keeps its place until it has ended, and with it all that it
    /// holds: a place that was given away could not be counted.
    ///
    /// # Errors
    ///
    /// If there is no place in time, or the work fails, panics or takes too long.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let Ok(Ok(permit)) = timeout(self.wait, permit).await else {
            let message = "other scans took all places for too long (at_a_time, wait)";
            return Err(Fault::new(SCANNER_UNAVAILABLE, message).retryable());
        };
        let working = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match timeout(self.time.saturating_add(GRACE), working).await {
            Ok(Ok(worked)) => worked,
            Ok(Err(error)) => Err(Fault::new(SCANNER_FAILED, "a scan panicked").with_source(error)),
            Err(_) => Err(too_long(self.time)),
        }
    }
}

/// The fault of a scan that took longer than this.
pub(crate) fn too_long(time: Duration) -> Fault {
    let time = humantime_serde::re::humantime::format_duration(time);
    let message = format!("a scan took longer than {time} (timeout): a rule is slow on this content");
    Fault::new(SCANNER_FAILED, message).retryable()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers() -> Workers {
        Workers::new(1, Duration::from_millis(10), Duration::from_secs(1))
    }

    #[tokio::test]
    async fn work_that_panics_is_a_fault_and_leaves_room_for_others() {
        let workers = workers();
        let failed: Result<(), _> = workers.run(|| panic!("as a module might")).await;
        assert_eq!(failed.expect_err("panicked").code, SCANNER_FAILED);
        assert_eq!(workers.run(|| Ok(1)).await.expect("works"), 1);
    }

    #[tokio::test]
    async fn who_finds_no_place_in_time_is_told_so() {
        let workers = workers();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let long = workers.clone();
        let long = tokio::spawn(async move {
            let work = move || {
                let _begun = begin.send(());
                let _gone = gone.recv();
                Ok(())
            };
            long.run(work).await
        });
        begun.await.expect("it has a place");
        let fault = workers.run(|| Ok(())).await.expect_err("no place");
        assert_eq!((fault.code.as_str(), fault.retryable), ("scanner_unavailable", true));
        drop(go);
        long.await.expect("ends").expect("works");
        workers.run(|| Ok(())).await.expect("there is a place again");
    }

    #[tokio::test(start_paused = true)]
    async fn work_without_end_is_a_fault_and_keeps_its_place() {
        let workers = workers();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        // Time does not go on by itself while a thread works.
        let ahead = |seconds| tokio::time::advance(Duration::from_secs(seconds));
        let endless = workers.run(move || {
            let _gone = gone.recv();
            Ok(())
        });
        let (fault, ()) = tokio::join!(endless, ahead(7));
        let fault = fault.expect_err("no end");
        assert!(fault.message.contains("longer than 1s"), "{fault}");
        let (fault, ()) = tokio::join!(workers.run(|| Ok(())), ahead(1));
        assert_eq!(fault.expect_err("no place").code, SCANNER_UNAVAILABLE);
        drop(go);
    }
}
