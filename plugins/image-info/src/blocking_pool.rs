//! Parsing untrusted files on the blocking threads of the runtime: a few at a time, and not for longer than a time limit.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::warn;

/// How many files are parsed at a time. One takes well under a millisecond. A parser that does not end keeps its permit, so
/// that such parsers never take all the threads, which stores need too.
pub(crate) const PERMITS: usize = 8;

/// How long a caller waits, for a permit and for the result: far more than parsing ever needs.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Runs the work on a blocking thread.
///
/// # Errors
///
/// Why there is no result. A panic of the work is such an error and no fault of the server: the file caused it.
pub(crate) async fn run<T: Send + 'static>(
    permits: &Arc<Semaphore>,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, &'static str> {
    let done = timeout(limit, async {
        // The semaphore is never closed.
        let permit = Arc::clone(permits).acquire_owned().await.ok()?;
        let worked = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match worked.await {
            Ok(result) => Some(result),
            Err(error) => {
                warn!(%error, "a file made a parser panic");
                None
            }
        }
    });
    match done.await {
        Ok(Some(result)) => Ok(result),
        Ok(None) => Err("reading it failed"),
        Err(_) => {
            warn!(?limit, "a file kept a parser busy for too long");
            Err("reading it took too long")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn permits(count: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(count))
    }

    #[tokio::test]
    async fn work_that_panics_is_a_result_that_is_not_there() {
        let permits = permits(1);
        for _ in 0..3 {
            let failed = run(&permits, TIMEOUT, || panic!("as a decoder might")).await;
            assert_eq!(failed.map(|()| "done"), Err("reading it failed"));
        }
        // The permit is free again.
        assert_eq!(run(&permits, TIMEOUT, || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn work_that_does_not_end_is_not_waited_for() {
        let permits = permits(1);
        let (release, held) = mpsc::channel::<()>();
        let endless = move || held.recv().is_ok();
        assert_eq!(
            run(&permits, Duration::ZERO, endless).await,
            Err("reading it took too long")
        );
        drop(release);
    }

    #[tokio::test]
    async fn work_that_does_not_end_keeps_its_permit_and_no_other() {
        let permits = permits(2);
        let (release, held) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel::<()>();
        let endless = move || begun.send(()).is_ok() && held.recv().is_ok();
        let wild = tokio::spawn({
            let permits = Arc::clone(&permits);
            async move { run(&permits, TIMEOUT, endless).await }
        });
        tokio::task::spawn_blocking(move || begins.recv().expect("it began"))
            .await
            .expect("it began");
        // It goes on although no caller waits for it any more.
        wild.abort();
        assert!(wild.await.is_err());
        assert_eq!(permits.available_permits(), 1);
        assert_eq!(run(&permits, TIMEOUT, || 1).await, Ok(1));
        release.send(()).expect("it still runs");
    }
}
