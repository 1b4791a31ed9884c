//! The pipeline: its stages, its health, and its limits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::task::TaskTracker;

use crate::contract::catalog::Catalog;
use crate::contract::event_format::EventFormat;
use crate::contract::stages::{Expirer, Fetcher, Recorder, Store, Validator};
use crate::engine::derived::shelf::Shelf;
use crate::engine::event_settings::EventSettings;
use crate::engine::front::Fronts;
use crate::engine::in_flight::InFlight;
use crate::engine::limits::Limits;
use crate::engine::named::{Named, Sender};
use crate::engine::scans::ScanStage;
use crate::engine::verdict_cache::VerdictCache;
use crate::policy::project::Project;
use crate::policy::provider::ProjectProvider;
use crate::policy::upload::Policy;
use crate::record::upload::Periods;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::inspection::{Coverage, Inspection};
use crate::value::verdict::Verdict;

/// The stages, connected. Cheap to clone; all clones are the same pipeline.
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
    /// The project that the caller has already looked up.
    pub(super) known: Option<Arc<Project>>,
}

pub(super) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

pub(crate) struct Inner {
    pub(crate) fetcher: Option<(String, Box<dyn Fetcher>)>,
    pub(crate) validators: Vec<Named<dyn Validator>>,
    pub(crate) scanners: Vec<ScanStage>,
    pub(crate) store: Box<dyn Store>,
    /// The other stores, by name.
    pub(crate) stores: Vec<(String, Box<dyn Store>)>,
    /// Where what is made of files is kept, if it is.
    pub(crate) derived: Option<Shelf>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) expirer: Box<dyn Expirer>,
    /// Providers of projects, in the order in which they are asked. If there are none, every project name is accepted.
    pub(crate) providers: Vec<Box<dyn ProjectProvider>>,
    pub(crate) verdicts: VerdictCache,
    pub(crate) notifiers: Vec<Sender>,
    /// The formats of events, by name.
    pub(crate) formats: BTreeMap<String, Arc<dyn EventFormat>>,
    /// How events are kept and delivered, if they are kept.
    pub(crate) event_settings: Option<EventSettings>,
    /// Tells this node's worker, and streams of events, that an event was written.
    pub(crate) event_written: watch::Sender<()>,
    pub(crate) limits: Limits,
    pub(crate) periods: Periods,
    /// Tells this node's worker that a fetch job was queued.
    pub(crate) fetch_queued: Notify,
    /// Work that continues even if its caller stops waiting.
    pub(crate) work: TaskTracker,
    pub(crate) in_flight: InFlight,
    pub(crate) fronts: Fronts,
    /// Refusals that could not be recorded at once, and are tried again.
    pub(crate) late: Arc<Semaphore>,
    pub(super) clock: Clock,
}

impl Inner {
    /// Asks the rules of the upload's project and token, then the validators in order; the first rejection is the result.
    pub(crate) fn judge(&self, policy: &Policy, ask: impl Fn(&dyn Validator) -> Verdict) -> Result<(), Error> {
        policy.judge(&ask)?;
        for validator in &self.validators {
            if let Verdict::Reject(rejection) = ask(validator.stage.as_ref()) {
                return Err(Error::rejected(&validator.name, rejection));
            }
        }
        Ok(())
    }

    /// The notifier of this name.
    pub(crate) fn notifier(&self, name: &str) -> Option<&Sender> {
        self.notifiers.iter().find(|notifier| notifier.name == name)
    }

    /// What a record keeps of the validators: they see everything.
    pub(crate) fn inspections_of_validators(&self) -> Vec<Inspection> {
        let validators = self.validators.iter();
        validators
            .map(|validator| Inspection::new(&validator.name, Coverage::Whole).by(&validator.maker))
            .collect()
    }
}

impl Pipeline {
    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// The same pipeline for a caller that has looked this project up, such as an adapter for one request: the pipeline looks it
    /// up again only when it commits an upload, to apply the rules of that moment. How many files the project may have is
    /// checked only when an upload begins, by the project that the caller knows.
    #[must_use]
    pub fn knowing(&self, project: Arc<Project>) -> Self {
        Self {
            inner: self.inner.clone(),
            known: Some(project),
        }
    }

    /// The project with this key, if the caller has already looked it up.
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

    /// The time of the pipeline's clock, in whole microseconds: the precision that every recorder keeps.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let since = (self.inner.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        UNIX_EPOCH + Duration::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// The data that the recorder keeps beside the records: projects, groups and usage.
    #[must_use]
    pub fn catalog(&self) -> &dyn Catalog {
        self.inner.recorder.catalog()
    }

    /// The names of the scanners that read every upload.
    pub fn scanners(&self) -> impl Iterator<Item = &str> {
        self.inner.scanners.iter().map(|scanner| scanner.name.as_str())
    }

    /// The most memory, in bytes, that a store uses for one upload while it is written: the largest value of all stores.
    #[must_use]
    pub fn bytes_of_upload(&self) -> u64 {
        let others = self.inner.stores.iter().map(|(_, store)| store.bytes_of_upload());
        others.fold(self.inner.store.bytes_of_upload(), u64::max)
    }

    /// Checks whether every stage can work now. Stages open here what they otherwise open at first use.
    ///
    /// # Errors
    ///
    /// The first fault of a stage; its message begins with the stage's name.
    pub async fn ready(&self) -> Result<(), Fault> {
        self.inner
            .recorder
            .ready()
            .await
            .map_err(|fault| named("record", fault))?;
        self.ready_but_for_records().await
    }

    /// Checks whether every stage that an upload needs still works, with as little work as each stage needs for that: for health
    /// checks, every few seconds. All are asked at the same time, and each has this long to answer. The fetcher is not asked:
    /// without it, fetch jobs wait, and clients can still send files.
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
        asked.extend(scanners.map(|scanner| {
            let ready: BoxFuture<'_, _> = Box::pin(scanner.ready());
            (format!("scan `{}`", scanner.name), ready)
        }));
        let answers = asked.into_iter().map(|(name, answer)| async move {
            let slow = || {
                let message = format!("no answer within {} s", patience.as_secs_f64());
                Err(Fault::new(codes::TIMED_OUT, message).retryable())
            };
            let answer = tokio::time::timeout(patience, answer).await;
            answer.unwrap_or_else(|_| slow()).map_err(|fault| named(&name, fault))
        });
        // Waits for all of them, so that the first fault in this order is returned, not the fastest.
        join_all(answers).await.into_iter().collect()
    }

    /// Whether the recorder's tables exist already: see [`Recorder::exists`].
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

    /// Checks whether every stage but the recorder can work now. It does not touch the recorder.
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
        for scanner in &self.inner.scanners {
            let ready = scanner.ready().await;
            ready.map_err(|fault| named(&format!("scan `{}`", scanner.name), fault))?;
        }
        for notifier in &self.inner.notifiers {
            let ready = notifier.stage.ready().await;
            ready.map_err(|fault| named(&format!("notify `{}`", notifier.name), fault))?;
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
