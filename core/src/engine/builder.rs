//! Builds a pipeline from stages, and checks that they fit together.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytesize::ByteSize;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::task::TaskTracker;

use crate::contract::around::Wrapped;
use crate::contract::event_format::{EventFormat, STANDARD, StandardFormat};
use crate::contract::measure::Calls;
use crate::contract::notifier::Notifier;
use crate::contract::plugin::ConfigError;
use crate::contract::stages::{Expirer, Fetcher, Recorder, Scanner, Store, Validator};
use crate::engine::derived::settings::DerivedSettings;
use crate::engine::derived::shelf::Shelf;
use crate::engine::event_settings::EventSettings;
use crate::engine::front::Fronts;
use crate::engine::in_flight::InFlight;
use crate::engine::limits::Limits;
use crate::engine::named::{Named, Sender};
use crate::engine::pipeline::{Clock, Inner, Pipeline};
use crate::engine::scans::ScanStage;
use crate::engine::verdict_cache::VerdictCache;
use crate::policy::project::Project;
use crate::policy::provider::{ConfigProjects, DbProjects, ProjectProvider};
use crate::record::upload::Periods;
use crate::value::scan_policy::ScanPolicy;

/// The most refusals that wait for another try to record them.
const LATE: usize = 256;

impl Pipeline {
    /// A builder without stages.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// Builds a pipeline from stages. A store, a recorder and an expirer are required; building opens nothing.
#[derive(Default)]
#[must_use]
pub struct Builder {
    pub(crate) fetcher: Option<(String, Box<dyn Fetcher>)>,
    pub(crate) validators: Vec<Named<dyn Validator>>,
    pub(crate) scanners: Vec<ScanStage>,
    pub(crate) store: Option<Box<dyn Store>>,
    pub(crate) stores: Vec<(String, Box<dyn Store>)>,
    pub(crate) derived: Option<(Box<dyn Store>, DerivedSettings)>,
    pub(crate) recorder: Option<Arc<dyn Recorder>>,
    pub(crate) expirer: Option<Box<dyn Expirer>>,
    pub(crate) notifiers: Vec<Sender>,
    pub(crate) formats: Vec<(String, Arc<dyn EventFormat>)>,
    pub(crate) events: Option<EventSettings>,
    pub(crate) limits: Limits,
    pub(crate) tombstone_ttl: Option<Duration>,
    pub(crate) configured: ConfigProjects,
    pub(crate) providers: Vec<Box<dyn ProjectProvider>>,
    pub(crate) managed: bool,
    clock: Option<Clock>,
}

impl Builder {
    /// Sets the fetcher, which opens the source that a fetch job names.
    pub fn fetcher(mut self, name: impl Into<String>, fetcher: impl Fetcher + 'static) -> Self {
        self.fetcher = Some((name.into(), Box::new(fetcher)));
        self
    }

    /// Adds a validator. The pipeline asks validators in the order in which they are added.
    pub fn validator(mut self, name: impl Into<String>, validator: impl Validator + 'static) -> Self {
        self.validators.push(Named::new(name, Box::new(validator)));
        self
    }

    /// Adds a scanner. All scanners read at the same time; if several reject, the error names the one that was added first.
    pub fn scanner(self, name: impl Into<String>, scanner: impl Scanner + 'static) -> Self {
        self.scanner_with(ScanPolicy::default(), name, scanner)
    }

    /// Adds a scanner, and says what happens to uploads that it refuses, did not look at completely, or failed at.
    pub fn scanner_with(
        mut self,
        policy: ScanPolicy,
        name: impl Into<String>,
        scanner: impl Scanner + 'static,
    ) -> Self {
        self.scanners.push(ScanStage::new(name, Box::new(scanner), policy));
        self
    }

    /// Sets the default store.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// Adds a store for projects that name it: see [`Project::store`].
    pub fn another_store(mut self, name: impl Into<String>, store: impl Store + 'static) -> Self {
        self.stores.push((name.into(), Box::new(store)));
        self
    }

    /// Keeps what adapters make of files, such as images of other sizes, in a store that can list its keys
    /// ([`Store::key_list`]). It may be shared by several nodes, and should be of nothing else.
    pub fn derived(mut self, store: impl Store + 'static, settings: DerivedSettings) -> Self {
        self.derived = Some((Box::new(store), settings));
        self
    }

    /// Sets the recorder.
    pub fn recorder(mut self, recorder: impl Recorder + 'static) -> Self {
        self.recorder = Some(Arc::new(recorder));
        self
    }

    /// Adds a project. A pipeline with projects accepts uploads of those only; a pipeline without any accepts every project
    /// name.
    ///
    /// # Errors
    ///
    /// If there is a project with the same key.
    pub fn project(mut self, project: Project) -> Result<Self, ConfigError> {
        self.configured.add(project)?;
        Ok(self)
    }

    /// Adds a provider of projects. The pipeline asks providers in the order in which they are added, after the projects that
    /// [`project`](Self::project) adds.
    pub fn project_provider(mut self, provider: impl ProjectProvider + 'static) -> Self {
        self.providers.push(Box::new(provider));
        self
    }

    /// Also accepts uploads of the projects that are managed in the recorder's database; the pipeline asks for them last.
    pub fn managed_projects(mut self) -> Self {
        self.managed = true;
        self
    }

    /// Sets the expirer, which decides how long an upload is kept.
    pub fn expirer(mut self, expirer: impl Expirer + 'static) -> Self {
        self.expirer = Some(Box::new(expirer));
        self
    }

    /// Adds a notifier, which tells others what happened to files: those who subscribe, or its own target, to which events go in
    /// the format `standard`. From then on events are kept.
    pub fn notifier(self, name: impl Into<String>, notifier: impl Notifier + 'static) -> Self {
        self.notifier_with(STANDARD, name, notifier)
    }

    /// Adds a notifier that has a target of its own, to which events go in this format.
    pub fn notifier_with(
        mut self,
        format: impl Into<String>,
        name: impl Into<String>,
        notifier: impl Notifier + 'static,
    ) -> Self {
        self.notifiers.push(Sender {
            name: name.into(),
            format: format.into(),
            stage: Box::new(notifier),
        });
        self
    }

    /// Adds a format in which events can be written, beside `standard`. A later one of the same name replaces it.
    pub fn event_format(mut self, name: impl Into<String>, format: Arc<dyn EventFormat>) -> Self {
        self.formats.push((name.into(), format));
        self
    }

    /// Keeps the events of files, also without a notifier: see [`Pipeline::events`]. Sets how they are kept and delivered.
    pub fn events(mut self, settings: EventSettings) -> Self {
        self.events = Some(settings);
        self
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long the tombstone of a refused or deleted upload is kept. The default is a day, the least is a lease.
    pub fn tombstone_ttl(mut self, tombstone_ttl: Duration) -> Self {
        self.tombstone_ttl = Some(tombstone_ttl);
        self
    }

    /// Replaces the system's clock; for tests.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Builds the pipeline.
    ///
    /// # Errors
    ///
    /// If a required stage is missing, if two scanners or stores have the same name, if a project names an unknown store, or if
    /// the largest upload exceeds what a store can keep.
    pub fn build(self) -> Result<Pipeline, ConfigError> {
        let missing = |stage: &str| ConfigError::at(stage, "missing: a pipeline needs one");
        self.check_names()?;
        self.check_size()?;
        let is_told = !self.notifiers.is_empty();
        let event_settings = self.events.or(is_told.then(EventSettings::default));
        let standard: Arc<dyn EventFormat> = Arc::new(StandardFormat);
        let formats = [(STANDARD.to_owned(), standard)].into_iter().chain(self.formats);
        let store = self.store.ok_or_else(|| missing("store"))?;
        let recorder = self.recorder.ok_or_else(|| missing("record"))?;
        let recorder: Arc<dyn Recorder> = Arc::new(Wrapped::around(recorder, Calls::Recorder));
        let store = counted(FIRST_STORE, store);
        let stores = self.stores.into_iter();
        let stores = stores.map(|(name, store)| {
            let store = counted(&name, store);
            (name, store)
        });
        let stores = stores.collect();
        let mut providers: Vec<Box<dyn ProjectProvider>> = Vec::new();
        if !self.configured.keys().is_empty() {
            providers.push(Box::new(self.configured));
        }
        providers.extend(self.providers);
        if self.managed {
            providers.push(Box::new(DbProjects::new(recorder.clone())));
        }
        let write_lease = self.limits.timeout.saturating_mul(2);
        let tombstone = self
            .tombstone_ttl
            .unwrap_or(Duration::from_secs(24 * 3600))
            .max(write_lease);
        let inner = Inner {
            fetcher: self.fetcher,
            validators: self.validators,
            scanners: self.scanners,
            store,
            stores,
            derived: self.derived.map(shelf).transpose()?,
            recorder,
            providers,
            expirer: self.expirer.ok_or_else(|| missing("expire"))?,
            notifiers: self.notifiers,
            formats: formats.collect(),
            verdicts: VerdictCache::new(self.limits.verdict_cache),
            periods: periods(&self.limits, write_lease, tombstone, event_settings.is_some()),
            limits: self.limits,
            event_settings,
            event_written: watch::Sender::new(()),
            fetch_queued: Notify::new(),
            work: TaskTracker::new(),
            in_flight: InFlight::default(),
            fronts: Fronts::default(),
            late: Arc::new(Semaphore::new(LATE)),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemTime::now)),
        };
        Ok(Pipeline {
            inner: Arc::new(inner),
            known: None,
        })
    }

    /// Checks that the names of scanners and stores are unique, and that the stores that projects name exist.
    fn check_names(&self) -> Result<(), ConfigError> {
        for (at, ScanStage { name, .. }) in self.scanners.iter().enumerate() {
            if self.scanners[..at].iter().any(|other| other.name == *name) {
                let message = format!("there is another scanner called `{name}`; give one of them a `name`");
                return Err(ConfigError::new(message).within(at).within("scan"));
            }
        }
        for (at, (name, _)) in self.stores.iter().enumerate() {
            if self.stores[..at].iter().any(|(other, _)| other == name) {
                let message = format!("there is another store called `{name}`");
                return Err(ConfigError::at("name", message).within(at).within("stores"));
            }
        }
        for (at, Sender { name, format, .. }) in self.notifiers.iter().enumerate() {
            if self.notifiers[..at].iter().any(|other| other.name == *name) {
                let message = format!("there is another notifier called `{name}`; give one of them a `name`");
                return Err(ConfigError::new(message).within(at).within("notify"));
            }
            let is_known = format == STANDARD || self.formats.iter().any(|(known, _)| known == format);
            if !is_known {
                let message = format!("no format of events is called `{format}`");
                return Err(ConfigError::at("format", message).within(at).within("notify"));
            }
        }
        for project in self.configured.keys() {
            self.configured.store_of(project).map_or(Ok(()), |store| {
                let known = self.stores.iter().any(|(name, _)| name == store);
                let message =
                    format!("the project {project} names a store `{store}`, and [[stores]] has none of that name");
                if known {
                    Ok(())
                } else {
                    Err(ConfigError::at("projects", message))
                }
            })?;
        }
        Ok(())
    }

    /// Checks that each store can keep the largest upload.
    fn check_size(&self) -> Result<(), ConfigError> {
        let others = self.stores.iter().map(|(_, store)| store);
        let stores = self.store.iter().chain(others);
        if let Some(most) = stores.filter_map(|store| store.most_bytes()).min()
            && most < self.limits.max_size
        {
            let [max_size, most] = [self.limits.max_size, most].map(ByteSize::b);
            let message = format!("{max_size} is more than a store can keep in one file, which is {most}");
            return Err(ConfigError::at("max_size", message).within("receive"));
        }
        Ok(())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

/// The name of the default store in metrics.
const FIRST_STORE: &str = "default";
/// The name of the store of what is made of files.
const DERIVED: &str = "derived";

/// A store whose calls the metrics count and time.
fn counted(name: &str, store: Box<dyn Store>) -> Box<dyn Store> {
    Box::new(Wrapped::around(store, Calls::Store(name.into())))
}

/// Where what is made of files is kept.
fn shelf((store, settings): (Box<dyn Store>, DerivedSettings)) -> Result<Shelf, ConfigError> {
    Shelf::new(counted(DERIVED, store), settings)
}

/// The periods of records. `events`: whether changes are told to others.
fn periods(limits: &Limits, write_lease: Duration, tombstone: Duration, events: bool) -> Periods {
    Periods {
        write_lease,
        lease: limits.lease,
        open: limits.multipart_ttl,
        tombstone,
        trash: limits.trash,
        quarantine: limits.quarantine_ttl,
        rescan: limits.rescan_backoff,
        events,
    }
}
