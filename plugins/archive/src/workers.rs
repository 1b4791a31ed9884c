//! Inflating on the blocking threads of the runtime, for a few uploads at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::warn;

/// How many uploads are inflated at a time. Others wait, so that archives do not take all threads, which stores need too.
const AT_A_TIME: usize = 8;

/// The right to inflate for some uploads at a time.
#[derive(Clone, Debug)]
pub(crate) struct Workers(Arc<Semaphore>);

impl Default for Workers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }
}

impl Workers {
    /// Does some work on a blocking thread. `None` if it panicked, which is the fault of the upload and not of the server.
    ///
    /// It waits for as long as others work: an upload that gave up could be accepted without having been looked into. Work ends,
    /// because what can be inflated from one chunk is bounded.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let worked = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        worked
            .await
            .inspect_err(|error| warn!(%error, "an archive made its reader panic"))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_has_no_result_and_leaves_room_for_others() {
        let workers = Workers::default();
        for _ in 0..2 * AT_A_TIME {
            let failed: Option<()> = workers.run(|| panic!("as a reader might")).await;
            assert_eq!(failed, None);
        }
        assert_eq!(workers.run(|| 1).await, Some(1));
    }
}
