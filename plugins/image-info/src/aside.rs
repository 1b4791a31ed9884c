//! Parsing what strangers sent, where it harms nobody: on another thread, a few at a time, not for ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::warn;

/// How many are parsed at a time. One takes well under a millisecond; those that ran wild keep their seat, so that they
/// never take all the threads that stores need too.
pub(crate) const SEATS: usize = 8;

/// How long one may take, waiting included: far more than it ever needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Does the work aside.
///
/// # Errors
///
/// Why there is no result. A panic is that: a decoder that trips over a file says nothing against the server.
pub(crate) async fn aside<T: Send + 'static>(
    seats: &Arc<Semaphore>,
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, &'static str> {
    let done = timeout(patience, async {
        // Nobody closes the semaphore; if somebody did, it would not be the file's fault either.
        let seat = Arc::clone(seats).acquire_owned().await.ok()?;
        let worked = spawn_blocking(move || {
            let _seat = seat;
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
            warn!(?patience, "a file kept a parser busy for too long");
            Err("reading it took too long")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn seats(count: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(count))
    }

    #[tokio::test]
    async fn work_that_panics_is_a_result_that_is_not_there() {
        let seats = seats(1);
        for _ in 0..3 {
            let failed = aside(&seats, PATIENCE, || panic!("as a decoder might")).await;
            assert_eq!(failed.map(|()| "done"), Err("reading it failed"));
        }
        // And whoever comes next is served.
        assert_eq!(aside(&seats, PATIENCE, || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn work_that_does_not_end_is_not_waited_for() {
        let seats = seats(1);
        let (release, held) = mpsc::channel::<()>();
        let endless = move || held.recv().is_ok();
        assert_eq!(
            aside(&seats, Duration::ZERO, endless).await,
            Err("reading it took too long")
        );
        drop(release);
    }

    #[tokio::test]
    async fn what_runs_wild_keeps_its_seat_and_no_more() {
        let seats = seats(2);
        let (release, held) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel::<()>();
        let endless = move || begun.send(()).is_ok() && held.recv().is_ok();
        let wild = tokio::spawn({
            let seats = Arc::clone(&seats);
            async move { aside(&seats, PATIENCE, endless).await }
        });
        tokio::task::spawn_blocking(move || begins.recv().expect("it began"))
            .await
            .expect("it began");
        // Nobody waits for it any more, and it goes on.
        wild.abort();
        assert!(wild.await.is_err());
        assert_eq!(seats.available_permits(), 1);
        assert_eq!(aside(&seats, PATIENCE, || 1).await, Ok(1));
        release.send(()).expect("it is still there");
    }
}
