//! Work that keeps a processor busy, on the blocking threads of the runtime: a few at a time, so that such work never takes all
//! threads, which stores need too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::warn;

/// How many contents are worked on at a time, unless a plugin says otherwise.
const AT_A_TIME: usize = 8;

/// Threads on which a scanner parses or decodes untrusted content. Cheap to clone; all clones share the number of threads.
///
/// Work that panics has no result: the content caused it, and not the server. A scanner decides what that means for the content.
///
/// ```
/// # async fn run() {
/// use intake_core::Workers;
///
/// let workers = Workers::default();
/// assert_eq!(workers.run(|| 6 * 7).await, Some(42));
/// assert_eq!(workers.run(|| -> u8 { panic!("as a parser might") }).await, None);
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run());
/// ```
#[derive(Clone, Debug)]
pub struct Workers(Arc<Semaphore>);

impl Default for Workers {
    /// Eight at a time.
    fn default() -> Self {
        Self::new(AT_A_TIME)
    }
}

impl Workers {
    /// So many at a time, at least one.
    #[must_use]
    pub fn new(at_a_time: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_a_time.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Does some work on a blocking thread. `None` if it panicked.
    ///
    /// It waits for as long as others work: a content whose scan gave up could be accepted without having been looked at. So the
    /// work must end by itself.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        // No code closes the semaphore.
        let permit = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let task = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        let done = task.await;
        done.inspect_err(|error| warn!(%error, "a content made its reader panic"))
            .ok()
    }

    /// The same for work that may not end: waits for this long, for a thread and for the result. Work that goes on keeps its
    /// thread.
    ///
    /// # Errors
    ///
    /// Why there is no result.
    pub async fn run_within<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        match timeout(limit, self.run(work)).await {
            Ok(done) => done.ok_or(NoResult::Panicked),
            Err(_) => {
                warn!(?limit, "a content kept its reader busy for too long");
                Err(NoResult::TooSlow)
            }
        }
    }

    /// Lets a state read on: on a blocking thread if that is much, else at once. Afterwards the state is gone if that panicked.
    pub async fn advance<S: Send + 'static>(
        &self,
        state: &mut Option<Box<S>>,
        is_much: bool,
        read: impl FnOnce(&mut S) + Send + 'static,
    ) {
        let Some(mut taken) = state.take() else { return };
        let work = move || {
            let read = catch_unwind(AssertUnwindSafe(|| read(&mut taken)));
            read.is_ok().then_some(taken)
        };
        *state = match is_much {
            true => self.run(work).await.flatten(),
            false => work(),
        };
        if state.is_none() {
            warn!("a content made its reader panic");
        }
    }
}

/// Why work has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoResult {
    /// It panicked.
    #[error("reading it failed")]
    Panicked,
    /// It did not end in time.
    #[error("reading it took too long")]
    TooSlow,
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn work_that_panics_has_no_result_and_leaves_room_for_others() {
        let workers = Workers::new(1);
        for _ in 0..3 {
            let failed: Option<()> = workers.run(|| panic!("as a reader might")).await;
            assert_eq!(failed, None);
        }
        assert_eq!(workers.run(|| 1).await, Some(1));
    }

    #[tokio::test]
    async fn a_state_that_panics_is_gone_on_either_thread() {
        let workers = Workers::new(1);
        for is_much in [false, true] {
            let mut state = Some(Box::new(1));
            workers.advance(&mut state, is_much, |number| *number += 1).await;
            assert_eq!(state.as_deref(), Some(&2));
            workers
                .advance(&mut state, is_much, |_| panic!("as a reader might"))
                .await;
            assert_eq!(state, None);
            workers.advance(&mut state, is_much, |number| *number += 1).await;
            assert_eq!(state, None);
        }
    }

    #[tokio::test]
    async fn work_that_does_not_end_is_not_waited_for() {
        let workers = Workers::new(1);
        let (release, held) = mpsc::channel::<()>();
        let endless = move || held.recv().is_ok();
        assert_eq!(
            workers.run_within(Duration::ZERO, endless).await,
            Err(NoResult::TooSlow)
        );
        drop(release);
    }

    #[tokio::test]
    async fn work_that_does_not_end_keeps_its_thread_and_no_other() {
        let workers = Workers::new(2);
        let (release, held) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel::<()>();
        let endless = move || begun.send(()).is_ok() && held.recv().is_ok();
        let wild = tokio::spawn({
            let workers = workers.clone();
            async move { workers.run_within(LONG, endless).await }
        });
        spawn_blocking(move || begins.recv().expect("it began"))
            .await
            .expect("it began");
        // It goes on although no caller waits for it any more.
        wild.abort();
        assert!(wild.await.is_err());
        assert_eq!(workers.0.available_permits(), 1);
        assert_eq!(workers.run_within(LONG, || 1).await, Ok(1));
        release.send(()).expect("it still runs");
    }
}
