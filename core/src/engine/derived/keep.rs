//! What a pipeline does with what is made of its files.

use std::time::{Duration, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tracing::Instrument as _;

use crate::contract::measure;
use crate::engine::derived::entry::{Asked, HEAD, group_of};
use crate::engine::derived::shelf::{Found, LARGEST, MEMORY, NotFound, Shelf};
use crate::engine::derived::value::Derived;
use crate::engine::pipeline::Pipeline;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::{Error, Fault};

/// How long the removal of all that is made of a file may take; the next try does the rest.
const REMOVING: Duration = Duration::from_secs(10);

impl Pipeline {
    /// Whether there is a store for what is made of files.
    #[must_use]
    pub fn keeps_derived(&self) -> bool {
        self.inner().derived.is_some()
    }

    /// The most memory, in bytes, that reading and writing what is made of files takes.
    #[must_use]
    pub fn bytes_of_derived(&self) -> u64 {
        let of_shelf = |shelf: &Shelf| (MEMORY as u64 * 1024).saturating_add(shelf.store.bytes_of_upload());
        self.inner().derived.as_ref().map_or(0, of_shelf)
    }

    /// What was kept under a name that says what it is, such as `resize 640x webp`, if it is there whole and undamaged. Files of
    /// one project with the same content have it together. The caller has looked up the record, which decides whether anything
    /// of the file may be read.
    ///
    /// A store that fails has nothing, and so has one that does not answer within two seconds.
    ///
    /// ```
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
    /// use intake_core::{Declared, Derived, DerivedSettings, Incoming, Pipeline, UploadOptions};
    ///
    /// let pipeline = Pipeline::builder()
    ///     .store(MemoryStore::default())
    ///     .recorder(MemoryRecorder::default())
    ///     .expirer(KeepAll)
    ///     .derived(MemoryStore::default(), DerivedSettings::default())
    ///     .build()?;
    /// let incoming = Incoming::from_bytes(Declared::named("hello.txt"), "Hello, world!");
    /// let record = pipeline.ingest(incoming, UploadOptions::default()).await?;
    ///
    /// let shout = Derived::new("text/plain", "HELLO, WORLD!");
    /// pipeline.keep_derived(&record, "shout", shout.clone()); // soon
    /// pipeline.finish().await;
    /// assert_eq!(pipeline.derived(&record, "shout").await, Some(shout));
    ///
    /// pipeline.delete(record.id).await?;
    /// assert_eq!(pipeline.derived(&record, "shout").await, None);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run()).unwrap();
    /// ```
    pub async fn derived(&self, record: &Record, name: &str) -> Option<Derived> {
        let shelf = self.inner().derived.as_ref()?;
        let asked = Asked::of(record, name)?;
        if shelf.trouble.is_on() {
            measure::derived_asked("left_alone");
            return None;
        }
        let result = match shelf.find(&asked, self.now()).await {
            Ok(Found { derived, note }) => {
                measure::derived_asked("found");
                if let Some(made) = note {
                    self.enqueue(record, asked, derived.clone(), made);
                }
                return Some(derived);
            }
            Err(NotFound::Missing) => "missing",
            Err(NotFound::Damaged) => "damaged",
            Err(NotFound::Failed(fault)) => {
                shelf.trouble.failed("read", &fault);
                "failed"
            }
        };
        measure::derived_asked(result);
        None
    }

    /// Keeps what was made of a file, soon: this returns at once. If too much waits to be written, it is not kept. Only what is
    /// made of files that are there is kept, and it is removed with the file.
    pub fn keep_derived(&self, record: &Record, name: &str, derived: Derived) {
        if let Some(asked) = Asked::of(record, name) {
            self.enqueue(record, asked, derived, self.now());
        }
    }

    fn enqueue(&self, record: &Record, asked: Asked, derived: Derived, made: SystemTime) {
        let Some(shelf) = &self.inner().derived else { return };
        if (HEAD + derived.bytes.len()) as u64 > LARGEST {
            return measure::derived_kept("too_large");
        }
        let (false, Some(permits)) = (shelf.trouble.is_on(), permits(shelf, &derived)) else {
            return measure::derived_kept("dropped");
        };
        let (pipeline, record) = (self.clone(), record.clone());
        let write = async move {
            let _permits = permits;
            let result = pipeline.write_derived(&record, &asked, &derived, made).await;
            measure::derived_kept(result);
        };
        // The shutdown waits for it, as for uploads.
        self.inner().work.spawn(write.in_current_span());
    }

    async fn write_derived(&self, record: &Record, asked: &Asked, derived: &Derived, made: SystemTime) -> &'static str {
        let Some(shelf) = &self.inner().derived else {
            return "dropped";
        };
        let now = self.now();
        let Some(entry) = Shelf::sealed(derived, asked, made, now) else {
            return "too_large";
        };
        // Those that waited since the store began to fail.
        if shelf.trouble.is_on() {
            return "dropped";
        }
        match self.is_there(record).await {
            Ok(true) => {}
            Ok(false) => return "gone",
            Err(_) => return "dropped",
        }
        match shelf.write(&entry, asked, now).await {
            Ok(true) => {}
            Ok(false) => return "full",
            Err(fault) => {
                shelf.trouble.failed("write", &fault);
                return "failed";
            }
        }
        // The file may have been deleted meanwhile, and what is made of it before this was there. If this node stops here, what
        // is made of the file is removed once more when its tombstone is.
        match self.is_there(record).await {
            Ok(false) => {
                // Said in the log already, if it failed.
                let _said = self.delete_derived(record).await;
                "gone"
            }
            _ => "kept",
        }
    }

    /// Whether the file can still be read.
    async fn is_there(&self, record: &Record) -> Result<bool, Fault> {
        match self.get(record.id).await {
            Ok(_) => Ok(true),
            Err(Error::Fault(fault)) => Err(fault),
            Err(_) => Ok(false),
        }
    }

    /// Removes all that was made of the content of a file. What other files of the project with this content have of it is made
    /// again when it is asked for.
    pub(in crate::engine) async fn delete_derived(&self, record: &Record) -> Result<(), Fault> {
        match (&self.inner().derived, group_of(record)) {
            (Some(shelf), Some(_)) if shelf.trouble.is_on() => {
                let message = "the store of what is made of files failed a moment ago";
                Err(Fault::new(codes::TIMED_OUT, message).retryable())
            }
            (Some(shelf), Some(group)) => {
                let late = || {
                    Err(Fault::new(
                        codes::TIMED_OUT,
                        "what is made of a file was not removed in time",
                    ))
                };
                let removed = timeout(REMOVING, shelf.remove_group(group)).await;
                let removed = removed.unwrap_or_else(|_| late());
                removed.inspect_err(|fault| shelf.trouble.failed("delete", fault))
            }
            _ => Ok(()),
        }
    }

    /// Looks through the store of what is made of files, and removes what is too old or too much. [`run_background`](Self::run_background)
    /// does it every hour.
    ///
    /// # Errors
    ///
    /// If the store failed; the next call does the rest.
    pub async fn sweep_derived(&self) -> Result<(), Fault> {
        let Some(shelf) = &self.inner().derived else {
            return Ok(());
        };
        let mut room = shelf.room.lock().await;
        let seen = shelf.look(self.now(), 0).await;
        seen.map(|seen| *room = Some(seen))
    }
}

/// A place in the queue, and memory.
fn permits(shelf: &Shelf, derived: &Derived) -> Option<[OwnedSemaphorePermit; 2]> {
    let kibibytes = u32::try_from(derived.bytes.len().div_ceil(1024)).ok()?;
    let take = |of: &std::sync::Arc<Semaphore>, many| of.clone().try_acquire_many_owned(many).ok();
    Some([take(&shelf.queue, 1)?, take(&shelf.memory, kibibytes)?])
}
