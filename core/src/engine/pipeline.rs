//! The pipeline: stages put together, and what one may ask of it besides taking an upload.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use crate::contract::catalog::Catalog;
use crate::contract::stages::{Expirer, Fetcher, Recorder, Scanner, Store, Validator};
use crate::engine::in_flight::InFlight;
use crate::engine::limits::Limits;
use crate::policy::project::Project;
use crate::policy::provider::ProjectProvider;
use crate::policy::upload::Policy;
use crate::record::upload::Periods;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::verdict::Verdict;

/// The stages, put together. Cheap to clone; all clones are the same pipeline.
///
/// ```
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
/// use intake_core::{Declared, Incoming, Pipeline, UploadOptions};
///
/// let pipeline = Pipeline::builder()
///     .store(MemoryStore::default())
///     .recorder(MemoryRecorder::default())
///     .expirer(KeepAll)
///     .build()?;
/// let incoming = Incoming::from_bytes(Declared::named("hello.txt"), "Hello, world!");
/// let record = pipeline.ingest(incoming, UploadOptions::default()).await?;
/// assert_eq!(record.facts.ok_or("no facts")?.size, 13);
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run()).unwrap();
/// ```
#[derive(Clone)]
pub struct Pipeline {
    pub(super) inner: Arc<Inner>,
    /// The project that the caller has looked up already.
    pub(super) known: Option<Arc<Project>>,
}

pub(super) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

pub(crate) struct Inner {
    pub(crate) fetcher: Option<(String, Box<dyn Fetcher>)>,
    pub(crate) validators: Vec<(String, Box<dyn Validator>)>,
    pub(crate) scanners: Vec<(String, Box<dyn Scanner>)>,
    pub(crate) store: Box<dyn Store>,
    /// Those beside it, by name.
    pub(crate) stores: Vec<(String, Box<dyn Store>)>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) expirer: Box<dyn Expirer>,
    /// Who knows projects, in the order in which they are asked. Nobody: any name is one.
    pub(crate) providers: Vec<Box<dyn ProjectProvider>>,
    pub(crate) limits: Limits,
    pub(crate) periods: Periods,
    /// Tells whoever fetches here that there is something to fetch.
    pub(crate) fetch_queued: Notify,
    /// Work that goes on whatever becomes of who asked for it.
    pub(crate) work: TaskTracker,
    pub(crate) in_flight: InFlight,
    /// Refusals that could not be noted at once, and are tried again.
    pub(crate) late: Arc<Semaphore>,
    pub(super) clock: Clock,
}

impl Inner {
    /// Asks the rules of the upload's project and token, then the validators in their order; the first "no" is the answer.
    pub(crate) fn judge(&self, policy: &Policy, ask: impl Fn(&dyn Validator) -> Verdict) -> Result<(), Error> {
        policy.judge(&ask)?;
        for (name, validator) in &self.validators {
            if let Verdict::Reject(rejection) = ask(validator.as_ref()) {
                return Err(Error::rejected(name, rejection));
            }
        }
        Ok(())
    }
}

impl Pipeline {
    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// The same pipeline for a caller that has looked this project up, such as an adapter for one request: it is not looked up
    /// again before an upload is committed. The commit looks it up once more, so that its rules are those of that moment; only how
    /// many files the project may have is checked when an upload begins, and so by the project that the caller knows.
    #[must_use]
    pub fn knowing(&self, project: Arc<Project>) -> Self {
        Self {
            inner: self.inner.clone(),
            known: Some(project),
        }
    }

    /// The project of this key, if the caller has looked it up already.
    pub(crate) fn known(&self, public_key: &str) -> Option<&Arc<Project>> {
        self.known.as_ref().filter(|known| known.public_key == public_key)
    }

    /// The same pipeline, which looks every project up.
    pub(crate) fn anew(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            known: None,
        }
    }

    /// The time by the pipeline's clock, to the microsecond: what every recorder can keep.
    pub(crate) fn now(&self) -> SystemTime {
        let since = (self.inner.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        UNIX_EPOCH + Duration::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// What an upload may cost at most.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// What is kept beside the records: projects, groups, and what was booked.
    #[must_use]
    pub fn catalog(&self) -> &dyn Catalog {
        self.inner.recorder.catalog()
    }

    /// The names of the scanners that look at every upload.
    pub fn scanners(&self) -> impl Iterator<Item = &str> {
        self.inner.scanners.iter().map(|(name, _)| name.as_str())
    }

    /// Bytes of memory that one upload takes in a store at most while it is written: of the store that takes most.
    #[must_use]
    pub fn bytes_of_upload(&self) -> u64 {
        let others = self.inner.stores.iter().map(|(_, store)| store.bytes_of_upload());
        others.fold(self.inner.store.bytes_of_upload(), u64::max)
    }

    /// Whether every stage could work now; also makes them open what they open at first use.
    ///
    /// # Errors
    ///
    /// The first stage's fault; its message begins with the stage's name.
    pub async fn ready(&self) -> Result<(), Fault> {
        self.inner
            .recorder
            .ready()
            .await
            .map_err(|fault| named("record", fault))?;
        self.ready_but_for_records().await
    }

    /// Whether every stage that an upload needs still works, by as little as each needs to find that out: for health checks, every
    /// few seconds. All are asked at the same time, and each has so long to answer. The fetcher is not asked: without it, fetch
    /// jobs wait, and files that are sent are taken.
    ///
    /// # Errors
    ///
    /// Those of [`ready`](Self::ready), and [`codes::TIMED_OUT`] for a stage that does not answer.
    pub async fn alive(&self, patience: Duration) -> Result<(), Fault> {
        let parts = &*self.inner;
        let mut asked: Vec<(String, BoxFuture<'_, Result<(), Fault>>)> = vec![
            ("record".to_owned(), parts.recorder.ready()),
            ("store".to_owned(), parts.store.alive()),
        ];
        let stores = parts.stores.iter();
        asked.extend(stores.map(|(name, store)| (format!("store `{name}`"), store.alive())));
        let scanners = parts.scanners.iter();
        asked.extend(scanners.map(|(name, scanner)| (format!("scan `{name}`"), scanner.ready())));
        let answers = asked.into_iter().map(|(name, answer)| async move {
            let slow = || {
                let message = format!("no answer within {} s", patience.as_secs_f64());
                Err(Fault::new(codes::TIMED_OUT, message).retryable())
            };
            let answer = tokio::time::timeout(patience, answer).await;
            answer.unwrap_or_else(|_| slow()).map_err(|fault| named(&name, fault))
        });
        // All of them, so that the first in this order is told, and not the fastest.
        join_all(answers).await.into_iter().collect()
    }

    /// Whether the records are there already: see [`Recorder::exists`].
    ///
    /// # Errors
    ///
    /// The recorder's fault; its message begins with `record`.
    pub async fn has_records(&self) -> Result<bool, Fault> {
        self.inner
            .recorder
            .exists()
            .await
            .map_err(|fault| named("record", fault))
    }

    /// Whether every stage but the recorder could work now, which is left as it is.
    ///
    /// # Errors
    ///
    /// Those of [`ready`](Self::ready).
    pub async fn ready_but_for_records(&self) -> Result<(), Fault> {
        self.inner.store.ready().await.map_err(|fault| named("store", fault))?;
        for (name, store) in &self.inner.stores {
            store
                .ready()
                .await
                .map_err(|fault| named(&format!("store `{name}`"), fault))?;
        }
        for (name, scanner) in &self.inner.scanners {
            scanner
                .ready()
                .await
                .map_err(|fault| named(&format!("scan `{name}`"), fault))?;
        }
        if let Some((name, fetcher)) = &self.inner.fetcher {
            fetcher
                .ready()
                .await
                .map_err(|fault| named(&format!("receive `{name}`"), fault))?;
        }
        Ok(())
    }
}

/// A stage's fault, whose message begins with the stage's name.
fn named(name: &str, fault: Fault) -> Fault {
    Fault {
        message: format!("{name}: {}", fault.message),
        ..fault
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("validators", &self.inner.validators)
            .field("scanners", &self.inner.scanners)
            .field("store", &self.inner.store)
            .field("stores", &self.inner.stores)
            .field("recorder", &self.inner.recorder)
            .field("expirer", &self.inner.expirer)
            .field("limits", &self.inner.limits)
            .finish_non_exhaustive()
    }
}
