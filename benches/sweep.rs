//! What a recorder is asked for costs what it is about, not what is there: sweeps, and uploads with and without usage change, in
//! databases of 10,000 and of a million records: `cargo bench --bench sweep`.
//!
//! Whatever is measured is measured in the small database and then in the large one, round after round, so that a ratio is
//! one of figures of the same seconds. Databases are filled with copies of one row that the recorder has written, made by
//! SQL, each with an id, a time, a project and an end of its own: that is many times faster than a million calls, and all
//! that is measured goes through the recorder. Half of the records stay for good, half expire between a month and a year from
//! now, none is due; for every ten there is the account of a token.
//!
//! Both databases sync what they commit. Of PostgreSQL, nothing else goes on meanwhile: it is vacuumed between rounds and not
//! in them, and has one checkpoint, before the first. Files go where `TMPDIR` says. `INTAKE_BENCH_RECORDS` is how many records
//! the large databases have.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "a benchmark")]

mod databases;
#[allow(
    dead_code,
    reason = "what the other benchmarks need, and not all of it is needed here"
)]
mod measure;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use intake::core::accounting::Quota;
use intake::core::memory::{KeepAll, MemoryStore};
use intake::core::record::Periods;
use intake::core::testkit::noise;
use intake::core::{
    Coverage, Declared, Digest, Event, Facts, FileName, Inspection, Key, Lifetime, Pipeline, Record, Recorder, Store,
    Swept, Update, UploadId, UploadOptions, UsageChange,
};
use intake_plugin_sql::SqlRecorder;
use intake_plugin_sql::testkit::Postgres;

use crate::databases::Database;
use crate::measure::{MIB, median};

const ROUNDS: usize = 7;
const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
/// Records that are due at a time.
const DUE: [usize; 3] = [0, 100, 1_000];
/// Sweeps with nothing to do are short, so there are more of them in a round.
const IDLE_SWEEPS: usize = 50;
const SENDERS: [usize; 2] = [1, 16];
const UPLOADS_FOR: Duration = Duration::from_millis(400);
/// Calls under way at a time while a round is made ready.
const AT_A_TIME: usize = 128;

const PROJECT: &str = "project-7";
const SIZE: u64 = 2_411_724;
static PERIODS: LazyLock<Periods> = LazyLock::new(Periods::default);
/// Some that is compared with each time, and never reached.
const QUOTA: Quota = Quota {
    bytes: Some(1 << 60),
    files: Some(1 << 40),
};

#[tokio::main]
async fn main() {
    let many = std::env::var("INTAKE_BENCH_RECORDS").map_or(MANY, |many| many.parse().unwrap());
    let server = Arc::new(Postgres::start_with(SETTINGS).await);
    println!(
        "{ROUNDS} rounds below {}, uploads for {UPLOADS_FOR:?}",
        std::env::temp_dir().display()
    );
    let mut pairs = Vec::new();
    let sqlite = [Database::sqlite(), Database::sqlite()];
    let postgres = [Database::postgres(&server).await, Database::postgres(&server).await];
    for [small, large] in [sqlite, postgres] {
        let pair = [Filled::new(small, FEW).await, Filled::new(large, many).await];
        pairs.push((pair, Figures::default()));
    }
    for round in 1..=ROUNDS {
        let began = Instant::now();
        for (pair, figures) in &mut pairs {
            figures.measure(pair).await;
        }
        println!("  round {round}: {:.1} s", began.elapsed().as_secs_f64());
    }
    for ([small, _], figures) in &pairs {
        figures.report(small.database.name(), many);
    }
}

/// As in production, but for what a server does at times of its own choice, which would fall into one round and not another.
const SETTINGS: &[&str] = &[
    "fsync = on",
    "full_page_writes = on",
    "shared_buffers = 128MB",
    "max_wal_size = 8GB",
    "checkpoint_timeout = 1h",
    "autovacuum = off",
];

/// Seconds in the small and in the large database, for each round.
type Seconds = [Vec<f64>; 2];

#[derive(Default)]
struct Figures {
    /// Of a sweep, by what was due.
    sweeps: BTreeMap<usize, Seconds>,
    /// Of an upload, by senders, and whether it was booked.
    uploads: BTreeMap<(usize, bool), Seconds>,
}

impl Figures {
    /// One round.
    async fn measure(&mut self, pair: &[Filled; 2]) {
        for due in DUE {
            for (database, seconds) in pair.iter().zip(self.sweeps.entry(due).or_default()) {
                seconds.push(match due {
                    0 => database.sweep_idly().await,
                    due => database.sweep(due).await,
                });
            }
        }
        for senders in SENDERS {
            for booked in [false, true] {
                let seconds = self.uploads.entry((senders, booked)).or_default();
                for (database, seconds) in pair.iter().zip(seconds) {
                    seconds.push(database.upload(senders, booked).await);
                }
            }
        }
        for database in pair {
            database.database.settle().await;
        }
    }

    fn report(&self, name: &str, many: usize) {
        println!(
            "\n{name}; of records there are:\n  {:<31}{FEW:>12}    a second{many:>12}    a second   ratio of times",
            ""
        );
        for (due, seconds) in &self.sweeps {
            row(&format!("sweep, {due} due"), *due, seconds);
        }
        for ((senders, booked), seconds) in &self.uploads {
            let booked = if *booked { ", booked" } else { "" };
            row(&format!("upload, {senders} at a time{booked}"), 1, seconds);
        }
        for (at, records) in [FEW, many].into_iter().enumerate() {
            for senders in SENDERS {
                let [booked, not] = [true, false].map(|booked| &self.uploads[&(senders, booked)][at]);
                println!(
                    "  booked to not booked, {senders} at a time, {records} records: {}",
                    Ratio::of(booked, not)
                );
            }
        }
    }
}

/// Medians in milliseconds, what of it is done in a second, and the ratio.
fn row(what: &str, amount: usize, [few, many]: &Seconds) {
    let of = |seconds: &[f64]| {
        let seconds = median(seconds.iter().copied());
        let speed = match amount {
            0 => String::new(),
            amount => format!("{:.0}", amount as f64 / seconds),
        };
        format!("{:>9.2} ms{speed:>12}", seconds * 1000.0)
    };
    println!("  {what:<31}{}{}   {}", of(few), of(many), Ratio::of(many, few));
}

/// The median of the rounds' ratios, the least, and the greatest.
struct Ratio(f64, f64, f64);

impl Ratio {
    fn of(these: &[f64], those: &[f64]) -> Self {
        let ratios = || these.iter().zip(those).map(|(this, that)| this / that);
        Self(
            median(ratios()),
            ratios().fold(f64::MAX, f64::min),
            ratios().fold(0.0, f64::max),
        )
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.0, self.1, self.2)
    }
}

/// A database with many records, none of them due, and what works with it.
struct Filled {
    database: Database,
    /// One of its own beside the pipeline's, as a second process would have it.
    recorder: Arc<SqlRecorder>,
    store: MemoryStore,
    pipeline: Pipeline,
}

impl Filled {
    async fn new(database: Database, records: usize) -> Self {
        let began = Instant::now();
        let recorder = Arc::new(database.recorder());
        let now = SystemTime::now();
        let like = ready(&intent(now), None, now);
        assert_eq!(
            recorder.insert(&like, UsageChange::none()).await.unwrap(),
            Update::Applied
        );
        database.fill(&like, records - 1).await;
        println!(
            "  {:<10} {records:>9} records, {:>5} MiB, in {:.1} s",
            database.name(),
            database.bytes().await / MIB as u64,
            began.elapsed().as_secs_f64(),
        );
        let store = MemoryStore::default();
        let pipeline = Pipeline::builder()
            .store(store.clone())
            .recorder(database.recorder())
            .expirer(KeepAll);
        let pipeline = pipeline.build().unwrap();
        // Opens what is opened at first use.
        assert!(pipeline.sweep().await.unwrap().is_empty());
        Self {
            database,
            recorder,
            store,
            pipeline,
        }
    }

    async fn sweep_idly(&self) -> f64 {
        let mut all = Vec::new();
        for _ in 0..IDLE_SWEEPS {
            let began = Instant::now();
            let swept = self.pipeline.sweep().await.unwrap();
            all.push(began.elapsed().as_secs_f64());
            assert!(swept.is_empty(), "{swept:?}");
        }
        median(all)
    }

    /// Seconds of a sweep that ends so many uploads whose time is over, whose bytes are there.
    async fn sweep(&self, due: usize) -> f64 {
        let content = noise(1, 1024);
        let now = SystemTime::now();
        let over = now - Duration::from_secs(1);
        let uploads: Vec<_> = (0..due).map(|_| ready(&intent(over), Some(over), over)).collect();
        let add = |upload: &Record| {
            let (upload, content) = (upload.clone(), content.clone());
            async move {
                self.keep(&upload, content).await;
                let usage_change = UsageChange::of(None, &upload, QUOTA, now);
                assert_eq!(
                    self.recorder.insert(&upload, &usage_change).await.unwrap(),
                    Update::Applied
                );
            }
        };
        at_once(uploads.iter().map(add)).await;
        if let Database::Sqlite { .. } = self.database {
            self.database.settle().await;
        }
        let began = Instant::now();
        let swept = self.pipeline.sweep().await.unwrap();
        let seconds = began.elapsed().as_secs_f64();
        let expected = Swept::default().with(|swept| swept.expired = due as u64);
        assert_eq!(swept, expected);
        assert!(self.store.keys().is_empty());
        // Claimed, then erased.
        self.forget(uploads.iter().map(|upload| (upload.id, upload.revision + 2)))
            .await;
        seconds
    }

    async fn keep(&self, upload: &Record, content: Bytes) {
        let mut staged = self.store.stage(&Key::whole(upload.id), None).await.unwrap();
        staged.write(content).await.unwrap();
        staged.commit().await.unwrap();
    }

    /// Seconds for each upload: an intent that is inserted, and the update that makes it ready.
    async fn upload(&self, senders: usize, booked: bool) -> f64 {
        if let Database::Sqlite { .. } = self.database {
            self.database.settle().await;
        }
        let began = Instant::now();
        let senders = (0..senders).map(|_| {
            let recorder = Arc::clone(&self.recorder);
            tokio::spawn(async move {
                let mut sent = Vec::new();
                while began.elapsed() < UPLOADS_FOR {
                    sent.push(upload(&recorder, booked).await);
                }
                sent
            })
        });
        let sent: Vec<_> = join_all(senders).await.into_iter().flat_map(Result::unwrap).collect();
        let seconds = began.elapsed().as_secs_f64() / sent.len() as f64;
        self.forget(sent.into_iter()).await;
        seconds
    }

    /// Leaves as many records as there were.
    async fn forget(&self, records: impl Iterator<Item = (UploadId, u64)>) {
        let forget = |(id, revision)| async move { self.recorder.remove(id, revision).await.unwrap() };
        at_once(records.map(forget)).await;
    }
}

async fn at_once(work: impl Iterator<Item = impl Future<Output = ()>>) {
    stream::iter(work).buffer_unordered(AT_A_TIME).collect::<()>().await;
}

/// One upload as the recorder sees it, and what it is then.
async fn upload(recorder: &SqlRecorder, booked: bool) -> (UploadId, u64) {
    let now = SystemTime::now();
    let before = intent(now);
    let after = ready(&before, None, now);
    let (first, second) = match booked {
        true => (
            &UsageChange::of(None, &before, QUOTA, now),
            &UsageChange::of(Some(&before), &after, QUOTA, now),
        ),
        false => (UsageChange::none(), UsageChange::none()),
    };
    assert_eq!(recorder.insert(&before, first).await.unwrap(), Update::Applied);
    assert_eq!(recorder.update(&after, second).await.unwrap(), Update::Applied);
    (after.id, after.revision)
}

fn intent(now: SystemTime) -> Record {
    let declared = Declared::default().with(|declared| {
        declared.name = FileName::new("IMG_20240714_183402.jpg");
        declared.size = Some(SIZE);
        declared.media_type = Some("image/jpeg".parse().unwrap());
    });
    let options = UploadOptions::of_project(PROJECT);
    Record::intent(UploadId::random(), declared, options, now, &PERIODS)
}

fn ready(intent: &Record, expires: Option<SystemTime>, now: SystemTime) -> Record {
    let image = serde_json::json!({
        "format": "JPEG", "width": 4032, "height": 3024, "sequence": false, "color_mode": "RGB", "orientation": 6,
        "dpi": [72, 72], "datetime_original": "2024-07-14T18:34:02", "geo_location": [38.7139, -9.1394],
    });
    let facts = Facts::new(SIZE, Digest::from([0xA5; 32])).with(|facts| {
        facts.media_type = Some("image/jpeg".parse().unwrap());
        facts.inspections = ["clamav", "image-info"]
            .map(|scanner| Inspection::new(scanner, Coverage::Whole))
            .into();
        facts.notes = [("image".to_owned(), image)].into();
    });
    let options = UploadOptions::default().with(|options| {
        options.project = intent.options.project.clone();
        options.metadata = [("subsystem", "uploader"), ("page", "/albums/2024/lisbon")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    });
    let kept = expires.is_none();
    let commit = Event::Commit {
        facts: Box::new(facts),
        options: Box::new(options),
        lifetime: Lifetime { kept, expires },
    };
    intent.apply(commit, now, &PERIODS).unwrap()
}
