//! Reading documents on the blocking threads of the runtime, a few at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// How many documents are read at a time. Others wait, so that documents do not take all threads, which stores need too.
const AT_A_TIME: usize = 8;

/// The right to read for some uploads at a time.
#[derive(Clone, Debug)]
pub(crate) struct Workers(Arc<Semaphore>);

impl Default for Workers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }
}

impl Workers {
    /// Does some work on a blocking thread. `None` if it panicked: the upload caused it, and not the server.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        // No code closes the semaphore.
        let permit = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let task = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        task.await
            .inspect_err(|error| tracing::warn!(%error, "a document made its reader panic"))
            .ok()
    }
}
