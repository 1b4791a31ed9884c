//! The events of files as a stream, for programs that embed the pipeline.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::engine::pipeline::Pipeline;
use crate::record::delivery::{EventPosition, KeptEvent};
use crate::value::error::Fault;

/// Events that are looked up at a time.
const BATCH: usize = 100;
/// How long to wait for events of other nodes.
const POLL: Duration = Duration::from_millis(500);

impl Pipeline {
    /// The events of files behind a position, and all that follow: the stream waits for them and never ends. A caller that keeps
    /// the position of the last event that it has dealt with misses none, whatever stops in between.
    ///
    /// Events are kept if a notifier is set or [`Builder::events`](crate::Builder::events) was called, for as long as the settings
    /// say; otherwise the stream ends at once. After an error it goes on where it was.
    ///
    /// ```
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::pin::pin;
    ///
    /// use futures_util::TryStreamExt;
    /// use intake_core::events::{EventPosition, FileEventKind};
    /// use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
    /// use intake_core::{Declared, EventSettings, Incoming, Pipeline, UploadOptions};
    ///
    /// let pipeline = Pipeline::builder()
    ///     .store(MemoryStore::default())
    ///     .recorder(MemoryRecorder::default())
    ///     .expirer(KeepAll)
    ///     .events(EventSettings::default())
    ///     .build()?;
    /// let incoming = Incoming::from_bytes(Declared::named("hello.txt"), "Hello, world!");
    /// let record = pipeline.ingest(incoming, UploadOptions::default()).await?;
    ///
    /// let mut events = pin!(pipeline.events(EventPosition::default()));
    /// let event = events.try_next().await?.ok_or("the stream has ended")?;
    /// assert_eq!((event.event.kind, event.record.id), (FileEventKind::Uploaded, record.id));
    /// let keep = event.position.to_string();
    /// # let _: EventPosition = keep.parse()?;
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run()).unwrap();
    /// ```
    pub fn events(&self, after: EventPosition) -> impl Stream<Item = Result<KeptEvent, Fault>> + Send + use<> {
        let events = Events {
            pipeline: self.clone(),
            after,
            listed: VecDeque::new(),
            written: self.inner().event_written.subscribe(),
            has_failed: false,
        };
        stream::unfold(events, Events::next)
    }
}

struct Events {
    pipeline: Pipeline,
    after: EventPosition,
    listed: VecDeque<KeptEvent>,
    written: watch::Receiver<()>,
    has_failed: bool,
}

impl Events {
    async fn next(mut self) -> Option<(Result<KeptEvent, Fault>, Self)> {
        self.pipeline.inner().event_settings.as_ref()?;
        if std::mem::take(&mut self.has_failed) {
            sleep(POLL).await;
        }
        loop {
            if let Some(event) = self.listed.pop_front() {
                self.after = event.position;
                return Some((Ok(event), self));
            }
            // Before the look-up, so that an event is not missed that is written during it.
            self.written.mark_unchanged();
            match self.pipeline.inner().recorder.outbox().events(self.after, BATCH).await {
                Ok(listed) if listed.is_empty() => {
                    let _either = timeout(POLL, self.written.changed()).await;
                }
                Ok(listed) => self.listed = listed.into(),
                Err(fault) => {
                    self.has_failed = true;
                    return Some((Err(fault), self));
                }
            }
        }
    }
}
