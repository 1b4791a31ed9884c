//! Work that runs to its end even if its connection, or its caller, disappears.

use futures_util::FutureExt;
use tracing::Instrument;

use crate::engine::pipeline::Pipeline;
use crate::value::codes;
use crate::value::error::Fault;

impl Pipeline {
    /// Runs work on a task of its own and waits for its result. If the future is dropped, as a server drops that of a request
    /// whose client hangs up, the work continues: an upload whose last byte has arrived is committed, and one that breaks off
    /// ends at once, instead of when its lease ends.
    ///
    /// The caller bounds how many such tasks run at a time; all work of a pipeline ends within a lease, which is twice
    /// [`Limits::timeout`](crate::Limits::timeout). A process that stops waits for them with [`finish`](Self::finish).
    ///
    /// ```
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// # use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
    /// use intake_core::{Declared, Incoming, Pipeline, UploadOptions};
    ///
    /// # let pipeline = Pipeline::builder()
    /// #     .store(MemoryStore::default())
    /// #     .recorder(MemoryRecorder::default())
    /// #     .expirer(KeepAll)
    /// #     .build()?;
    /// let incoming = Incoming::from_bytes(Declared::named("hello.txt"), "Hello, world!");
    /// let ours = pipeline.clone();
    /// let record = pipeline
    ///     .run(async move {
    ///         let admitted = ours.admit(incoming).await?;
    ///         admitted.commit(UploadOptions::default()).await
    ///     })
    ///     .await??;
    /// pipeline.finish().await;
    /// # assert_eq!(record.facts.ok_or("no facts")?.size, 13);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run()).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the work panicked, or its runtime was shut down.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Fault>> + Send + 'static {
        let task = self.inner().work.spawn(work.in_current_span());
        task.map(|ended| {
            ended.map_err(|error| {
                Fault::new(codes::FAULT, "the work on a request ended in the middle").with_source(error)
            })
        })
    }

    /// Waits until all work that was [run](Self::run) until now has ended.
    pub async fn finish(&self) {
        let work = &self.inner().work;
        work.close();
        work.wait().await;
        work.reopen();
    }
}
