//! The pipeline: stages put together, and what one may ask of it besides taking an upload.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use crate::plugin::ConfigError;
use crate::record::{Event, Periods, Record};
use crate::stages::{Expirer, Receiver, Recorder, Scanner, Store, Swap, Validator};
use crate::{ByteStream, Error, Fault, Key, Retention, UploadId, Verdict, codes};

/// What an upload may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one upload.
    pub max_size: u64,
    /// From the first byte asked for until every stage has judged. A lease is twice that, so that no sweeper meets a
    /// living upload.
    pub timeout: Duration,
    /// How long the parts of one upload may take to come, until it is completed. What is not is removed then.
    pub unfinished: Duration,
    /// How long somebody who puts parts together may say nothing before somebody else goes on. It is renewed all the time,
    /// so this is how long an upload waits after a crash.
    pub claim: Duration,
    /// Orders that one node fetches at a time.
    pub pulls: usize,
    /// Orders of one project that one node fetches at a time.
    pub pulls_of_project: usize,
    /// Orders of one project that may wait, or be fetched, on all nodes. More are refused. Of several that come at the same
    /// moment, a few more may get in.
    pub waiting_of_project: u64,
}

impl Default for Limits {
    /// 5 GiB, one hour, one day, 30 seconds; 16 orders at a time, 8 of one project, 200 of which wait.
    fn default() -> Self {
        Self {
            max_size: 5 << 30,
            timeout: Duration::from_secs(3600),
            unfinished: Duration::from_secs(24 * 3600),
            claim: Duration::from_secs(30),
            pulls: 16,
            pulls_of_project: 8,
            waiting_of_project: 200,
        }
    }
}

/// The stages, put together. Cheap to clone; all clones are the same pipeline.
///
/// ```
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
/// use intake_core::{Declared, Incoming, Pipeline, Terms};
///
/// let pipeline = Pipeline::builder()
///     .store(MemoryStore::default())
///     .recorder(MemoryRecorder::default())
///     .expirer(KeepAll)
///     .build()?;
/// let incoming = Incoming::from_bytes(Declared::named("hello.txt"), "Hello, world!");
/// let record = pipeline.ingest(incoming, Terms::default()).await?;
/// assert_eq!(record.facts.ok_or("no facts")?.size, 13);
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run()).unwrap();
/// ```
#[derive(Clone)]
pub struct Pipeline(Arc<Parts>);

type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

pub(crate) struct Parts {
    pub(crate) receiver: Option<(String, Box<dyn Receiver>)>,
    pub(crate) validators: Vec<(String, Box<dyn Validator>)>,
    pub(crate) scanners: Vec<(String, Box<dyn Scanner>)>,
    pub(crate) store: Box<dyn Store>,
    pub(crate) recorder: Box<dyn Recorder>,
    pub(crate) expirer: Box<dyn Expirer>,
    pub(crate) limits: Limits,
    pub(crate) periods: Periods,
    /// Tells whoever fetches here that there is something to fetch.
    pub(crate) ordered: Notify,
    clock: Clock,
}

impl Parts {
    /// Asks the validators in their order; the first "no" is the answer.
    pub(crate) fn judge(&self, ask: impl Fn(&dyn Validator) -> Verdict) -> Result<(), Error> {
        for (name, validator) in &self.validators {
            if let Verdict::Reject(rejection) = ask(validator.as_ref()) {
                return Err(Error::rejected(name, rejection));
            }
        }
        Ok(())
    }
}

impl Pipeline {
    /// Begins to put stages together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }

    /// The time by the pipeline's clock, to the microsecond: what every recorder can keep.
    pub(crate) fn now(&self) -> SystemTime {
        let since = (self.0.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        UNIX_EPOCH + Duration::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// What an upload may cost at most.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// The names of the scanners that look at every upload.
    pub fn scanners(&self) -> impl Iterator<Item = &str> {
        self.0.scanners.iter().map(|(name, _)| name.as_str())
    }

    /// The record of an upload that can be read.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, or if it is not readable: not yet, or not any more.
    pub async fn get(&self, id: UploadId) -> Result<Record, Error> {
        let record = self.0.recorder.get(id).await?;
        // An upload whose time is over is gone, even if no sweeper came by yet.
        record
            .filter(|record| record.is_readable(self.now()))
            .ok_or(Error::NotFound(id))
    }

    /// What is known of an upload, wherever it stands.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    pub async fn status(&self, id: UploadId) -> Result<Option<Record>, Error> {
        Ok(self.0.recorder.get(id).await?)
    }

    /// The bytes of an upload that can be read, or a range of them.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and faults of the store.
    pub async fn read(&self, id: UploadId, range: Option<Range<u64>>) -> Result<ByteStream, Error> {
        let record = self.get(id).await?;
        Ok(self.0.store.read(&Key::whole(record.id), range).await?)
    }

    /// Gives an upload that can be read another lifetime.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and faults of the recorder.
    pub async fn keep(&self, id: UploadId, wish: Retention) -> Result<Record, Error> {
        self.change(id, |record, now| {
            let facts = record.facts.as_ref()?;
            Some(Event::Keep(self.0.expirer.lifetime(facts, wish, now)))
        })
        .await
    }

    /// Makes an upload unreadable, then removes its bytes. If those cannot be removed now, a sweeper does it.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and faults of the recorder.
    pub async fn delete(&self, id: UploadId) -> Result<(), Error> {
        let deleting = self.change(id, |_, _| Some(Event::Delete)).await?;
        self.erase(&deleting).await;
        Ok(())
    }

    /// Changes a readable upload; if somebody else changed it first, looks again.
    async fn change(
        &self,
        id: UploadId,
        event: impl Fn(&Record, SystemTime) -> Option<Event>,
    ) -> Result<Record, Error> {
        /// Losing this often in a row is not bad luck any more.
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let record = self.get(id).await?;
            let now = self.now();
            let next = event(&record, now).and_then(|event| record.apply(event, now, &self.0.periods).ok());
            let Some(next) = next else {
                return Err(Error::NotFound(id));
            };
            match self.0.recorder.update(&next).await? {
                Swap::Done => return Ok(next),
                Swap::Lost => {}
            }
        }
        Err(Fault::new(
            codes::ILLEGAL_TRANSITION,
            "the record changes faster than it can be read",
        )
        .retryable()
        .into())
    }

    /// Whether every stage could work now; also makes them open what they open at first use.
    ///
    /// # Errors
    ///
    /// The first stage's fault; its message begins with the stage's name.
    pub async fn ready(&self) -> Result<(), Fault> {
        let named = |name: &str, fault: Fault| Fault {
            message: format!("{name}: {}", fault.message),
            ..fault
        };
        self.0.recorder.ready().await.map_err(|fault| named("record", fault))?;
        self.0.store.ready().await.map_err(|fault| named("store", fault))?;
        for (name, scanner) in &self.0.scanners {
            scanner
                .ready()
                .await
                .map_err(|fault| named(&format!("scan `{name}`"), fault))?;
        }
        if let Some((name, receiver)) = &self.0.receiver {
            receiver
                .ready()
                .await
                .map_err(|fault| named(&format!("receive `{name}`"), fault))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("validators", &self.0.validators)
            .field("scanners", &self.0.scanners)
            .field("store", &self.0.store)
            .field("recorder", &self.0.recorder)
            .field("expirer", &self.0.expirer)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

/// Puts stages together. A store, a recorder and an expirer are needed; nothing is opened.
#[derive(Default)]
#[must_use]
pub struct Builder {
    pub(crate) receiver: Option<(String, Box<dyn Receiver>)>,
    pub(crate) validators: Vec<(String, Box<dyn Validator>)>,
    pub(crate) scanners: Vec<(String, Box<dyn Scanner>)>,
    pub(crate) store: Option<Box<dyn Store>>,
    pub(crate) recorder: Option<Box<dyn Recorder>>,
    pub(crate) expirer: Option<Box<dyn Expirer>>,
    pub(crate) limits: Limits,
    pub(crate) note: Option<Duration>,
    clock: Option<Clock>,
}

impl Builder {
    /// Who fetches what a source names.
    pub fn receiver(mut self, name: impl Into<String>, receiver: impl Receiver + 'static) -> Self {
        self.receiver = Some((name.into(), Box::new(receiver)));
        self
    }

    /// Adds a validator; they are asked in the order in which they are added.
    pub fn validator(mut self, name: impl Into<String>, validator: impl Validator + 'static) -> Self {
        self.validators.push((name.into(), Box::new(validator)));
        self
    }

    /// Adds a scanner. All read at a time; of several that say no, the one that was added first is named.
    pub fn scanner(mut self, name: impl Into<String>, scanner: impl Scanner + 'static) -> Self {
        self.scanners.push((name.into(), Box::new(scanner)));
        self
    }

    /// Where bytes are kept.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// Where records are kept.
    pub fn recorder(mut self, recorder: impl Recorder + 'static) -> Self {
        self.recorder = Some(Box::new(recorder));
        self
    }

    /// Who decides how long an upload stays.
    pub fn expirer(mut self, expirer: impl Expirer + 'static) -> Self {
        self.expirer = Some(Box::new(expirer));
        self
    }

    /// What an upload may cost at most.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long it is remembered that an upload was refused or removed. A day, unless said; never less than a lease.
    pub fn note(mut self, note: Duration) -> Self {
        self.note = Some(note);
        self
    }

    /// The clock to go by instead of the system's; for tests.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The pipeline.
    ///
    /// # Errors
    ///
    /// If a stage that is needed is missing, or two scanners have one name.
    pub fn build(self) -> Result<Pipeline, ConfigError> {
        let missing = |stage: &str| ConfigError::at(stage, "missing: a pipeline needs one");
        for (at, (name, _)) in self.scanners.iter().enumerate() {
            if self.scanners[..at].iter().any(|(other, _)| other == name) {
                let message = format!("there is another scanner called `{name}`; give one of them a `name`");
                return Err(ConfigError::new(message).within(at).within("scan"));
            }
        }
        let lease = self.limits.timeout.saturating_mul(2);
        let note = self.note.unwrap_or(Duration::from_secs(24 * 3600)).max(lease);
        Ok(Pipeline(Arc::new(Parts {
            receiver: self.receiver,
            validators: self.validators,
            scanners: self.scanners,
            store: self.store.ok_or_else(|| missing("store"))?,
            recorder: self.recorder.ok_or_else(|| missing("record"))?,
            expirer: self.expirer.ok_or_else(|| missing("expire"))?,
            limits: self.limits,
            periods: Periods {
                lease,
                claim: self.limits.claim,
                open: self.limits.unfinished,
                note,
            },
            ordered: Notify::new(),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemTime::now)),
        })))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}
