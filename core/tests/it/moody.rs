//! A scanner that says what it is told to, and a pipeline around it.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use intake_core::inspection::Engine;
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::quarantine::AuditAction;
use intake_core::testkit::collect;
use intake_core::{
    Bytes, Coverage, Error, Fault, Head, OnFault, OnInfected, OnPartial, Pipeline, Record, Report, Retention, Scan,
    ScanPolicy, Scanner, UploadId, UploadOptions, Verdict, async_trait, codes,
};

use crate::stores::InPlace;
use crate::support::{BAD, Clock, LIMITS, builder, upload};

/// What the scanner says of every content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    Clean,
    /// Refuses with the first byte that it gets.
    Early,
    Infected,
    Partial,
    /// Fails when it is opened, fed and asked.
    Down,
    Breaks,
    Silent,
    Panics,
}

pub const MOODS: [Mood; 8] = [
    Mood::Clean,
    Mood::Early,
    Mood::Infected,
    Mood::Partial,
    Mood::Down,
    Mood::Breaks,
    Mood::Silent,
    Mood::Panics,
];

/// A scanner that says what it is told to.
#[derive(Clone, Debug, Default)]
pub struct Moody {
    pub asked: Arc<AtomicU64>,
    pub mood: Arc<AtomicU8>,
    pub signatures: Arc<AtomicU64>,
    pub scanned: Arc<Mutex<Vec<UploadId>>>,
    /// Files at which it fails.
    pub cursed: Arc<Mutex<Vec<UploadId>>>,
    /// A file that is kept while it is scanned.
    pub kept_meanwhile: Meanwhile,
}

pub type Meanwhile = Arc<Mutex<Option<(Pipeline, UploadId)>>>;

impl Moody {
    pub fn be(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    pub fn update(&self) {
        self.signatures.fetch_add(1, Ordering::SeqCst);
    }

    pub fn now(&self) -> Engine {
        let signatures = self.signatures.load(Ordering::SeqCst).to_string();
        Engine::named("moody").with(|engine| engine.signatures = Some(signatures))
    }

    /// The uploads that were scanned since the last call.
    pub fn scanned(&self) -> Vec<UploadId> {
        std::mem::take(&mut self.scanned.lock().unwrap())
    }
}

#[async_trait]
impl Scanner for Moody {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let mood = MOODS[usize::from(self.mood.load(Ordering::SeqCst))];
        match mood {
            Mood::Down => return Err(down()),
            Mood::Panics => panic!("as a scanner might"),
            _ => {}
        }
        if self.cursed.lock().unwrap().contains(&head.upload.id) {
            return Err(down());
        }
        self.scanned.lock().unwrap().push(head.upload.id);
        let scan = MoodyScan(
            mood,
            self.now(),
            Arc::clone(&self.asked),
            Arc::clone(&self.kept_meanwhile),
        );
        Ok(Box::new(scan))
    }

    async fn engine(&self) -> Result<Option<Engine>, Fault> {
        Ok(Some(self.now()))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

pub struct MoodyScan(Mood, Engine, Arc<AtomicU64>, Meanwhile);

#[async_trait]
impl Scan for MoodyScan {
    async fn feed(&mut self, _chunk: &Bytes) -> Result<Verdict, Fault> {
        match self.0 {
            Mood::Early => Ok(Verdict::reject(BAD, "it begins badly")),
            Mood::Breaks => Err(down()),
            _ => Ok(Verdict::Accept),
        }
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        self.2.fetch_add(1, Ordering::SeqCst);
        let kept = self.3.lock().unwrap().take();
        if let Some((pipeline, id)) = kept {
            pipeline.keep(id, Retention::Keep).await.unwrap();
        }
        let report = match self.0 {
            Mood::Infected => Report::new(Verdict::reject(BAD, "it ends badly"), Coverage::Whole),
            Mood::Partial => Report::new(Verdict::Accept, Coverage::Partial("not the end".to_owned())),
            Mood::Silent => return Err(down()),
            _ => Report::clean(),
        };
        Ok(report.with(|report| report.engine = Some(self.1)))
    }
}

pub fn down() -> Fault {
    Fault::new(codes::TIMED_OUT, "the scanner is down").retryable()
}

/// A pipeline whose scanner has everything put into quarantine that it does not accept.
pub struct House {
    pub pipeline: Pipeline,
    pub moody: Moody,
    pub store: InPlace,
    pub clock: Clock,
}

impl House {
    pub fn new() -> Self {
        Self::with_verdicts(0)
    }

    /// One that keeps so many verdicts.
    pub fn with_verdicts(verdicts: usize) -> Self {
        let (moody, store, clock) = (Moody::default(), InPlace::default(), Clock::default());
        let policy = ScanPolicy::default().with(|policy| {
            policy.on_infected = OnInfected::Quarantine;
            policy.on_partial = Some(OnPartial::Quarantine);
            policy.on_fault = OnFault::Quarantine;
        });
        let pipeline = builder(store.clone(), MemoryRecorder::default(), &clock)
            .scanner_with(policy, "moody", moody.clone())
            .limits(LIMITS.with(|limits| {
                limits.rescan_rate = 1 << 40;
                limits.verdict_cache = verdicts;
            }))
            .build()
            .unwrap();
        Self {
            pipeline,
            moody,
            store,
            clock,
        }
    }

    pub async fn send(&self, mood: Mood) -> (UploadId, Result<Record, Error>) {
        self.moody.be(mood);
        let incoming = upload(PIECES);
        let id = incoming.id;
        (id, self.pipeline.ingest(incoming, UploadOptions::default()).await)
    }

    pub async fn record(&self, id: UploadId) -> Record {
        self.pipeline.status(id).await.unwrap().unwrap()
    }

    pub async fn is_readable(&self, id: UploadId) -> bool {
        match self.pipeline.read(id, None).await {
            Ok(bytes) => {
                assert_eq!(collect(bytes).await, PIECES.concat());
                true
            }
            Err(Error::NotFound(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

pub const PIECES: &[&[u8]] = &[b"some ", b"content ", b"of three pieces"];

pub fn refused(ended: Result<Record, Error>) -> (String, String) {
    match ended {
        Err(Error::Rejected { by, rejection }) => (by, rejection.code.to_string()),
        other => panic!("{other:?}"),
    }
}

pub fn actions(record: &Record) -> Vec<(AuditAction, &str)> {
    let history = record.history.iter();
    history.map(|entry| (entry.action, entry.by.as_str())).collect()
}

/// A pipeline with two scanners, each with a policy.
pub fn two(first: (&Moody, ScanPolicy), second: (&Moody, ScanPolicy)) -> Pipeline {
    builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default())
        .scanner_with(first.1, "one", first.0.clone())
        .scanner_with(second.1, "other", second.0.clone())
        .limits(LIMITS.with(|limits| (limits.verdict_cache, limits.rescan_rate) = (0, 1 << 40)))
        .build()
        .unwrap()
}
