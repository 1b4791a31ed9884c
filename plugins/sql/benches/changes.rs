//! Changes of records in PostgreSQL by callers at the same time: `cargo bench -p intake-plugin-sql --bench changes`.
//!
//! Each caller sends uploads of one project, one after the other, as the recorder sees them: the `insert` of an intent and the
//! `update` that makes it ready, both with their usage. `INTAKE_BENCH_BEFORE=/path/to/an/older/changes` is measured in turns with
//! this build: each turn is a process of its own, with a new database on the same server, which syncs what it commits. The server
//! plans statements for tables as it knows them: `new` ones are empty to it until they are `analyzed`, which is done here after two
//! seconds of uploads, and by a server of its own accord some time later. `INTAKE_BENCH_ROUNDS` (7), `INTAKE_BENCH_SECONDS` (2),
//! `INTAKE_BENCH_CALLERS=1,32` and `INTAKE_BENCH_TABLES=new,analyzed` choose less or more. Files go where `TMPDIR` says.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use intake_core::accounting::Quota;
use intake_core::record::Periods;
use intake_core::{
    Coverage, Declared, Digest, Event, Facts, FileName, Inspection, Lifetime, Record, Recorder, Update, UploadId,
    UploadOptions, UsageChange,
};
use intake_plugin_sql::SqlRecorder;
use intake_plugin_sql::testkit::Postgres;
use sqlx::{Connection as _, Executor as _, PgConnection};

const SETTINGS: &[&str] = &[
    "fsync = on",
    "full_page_writes = on",
    "shared_buffers = 128MB",
    "max_wal_size = 8GB",
    "checkpoint_timeout = 1h",
    "autovacuum = off",
];
/// Some that is compared with each time, and never reached.
const QUOTA: Quota = Quota {
    bytes: Some(1 << 60),
    files: Some(1 << 40),
};
/// Callers who fill tables.
const MANY: usize = 32;
const SIZE: u64 = 65_536;
/// Before a turn is measured: opens connections, prepares statements.
const WARM_UP: Duration = Duration::from_millis(500);
/// So that there are some records when tables are analyzed.
const FILL: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() {
    let number = |name, or: &str| std::env::var(name).unwrap_or_else(|_| or.to_owned());
    let seconds = Duration::from_secs_f64(number("INTAKE_BENCH_SECONDS", "2").parse().unwrap());
    let callers = number("INTAKE_BENCH_CALLERS", "1,32");
    let tables = number("INTAKE_BENCH_TABLES", "new,analyzed");
    if let Ok(url) = std::env::var("INTAKE_BENCH_URL") {
        println!("{}", turn(&url, &tables, callers.parse().unwrap(), seconds).await);
        return;
    }
    let rounds: usize = number("INTAKE_BENCH_ROUNDS", "7").parse().unwrap();
    let this = std::env::current_exe().unwrap();
    let before = std::env::var_os("INTAKE_BENCH_BEFORE").map(PathBuf::from);
    let server = Postgres::start_with(SETTINGS).await;
    println!("{rounds} rounds below {}", std::env::temp_dir().display());
    for tables in tables.split(',') {
        for callers in callers.split(',') {
            let (mut now, mut then) = (Vec::new(), Vec::new());
            for round in 0..rounds {
                // Neither is always the second.
                for is_this in [round % 2 == 0, round % 2 != 0] {
                    match (&before, is_this) {
                        (_, true) => now.push(process(&this, &server, tables, callers).await),
                        (Some(before), false) => then.push(process(before, &server, tables, callers).await),
                        (None, false) => {}
                    }
                }
            }
            println!(
                "{tables} tables, {callers} callers: {} changes/s",
                Spread::of(now.clone())
            );
            if before.is_some() {
                let ratios = now.iter().zip(&then).map(|(now, then)| now / then).collect();
                println!("  before: {} changes/s; ratio {}", Spread::of(then), Spread::of(ratios));
            }
        }
    }
}

/// One turn in a process of its own.
async fn process(program: &Path, server: &Postgres, tables: &str, callers: &str) -> f64 {
    let url = server.database().await;
    server.execute("postgres", "CHECKPOINT").await;
    let turn = Command::new(program)
        .env("INTAKE_BENCH_URL", url)
        .env("INTAKE_BENCH_TABLES", tables)
        .env("INTAKE_BENCH_CALLERS", callers)
        .output()
        .unwrap();
    let told = String::from_utf8(turn.stdout).unwrap();
    told.trim()
        .parse()
        .unwrap_or_else(|_| panic!("{told}{}", String::from_utf8_lossy(&turn.stderr)))
}

/// Changes per second.
async fn turn(url: &str, tables: &str, callers: usize, seconds: Duration) -> f64 {
    let recorder = Arc::new(SqlRecorder::postgres(url).unwrap());
    recorder.ready().await.unwrap();
    if tables == "analyzed" {
        send(&recorder, MANY, FILL).await;
        let mut connection = PgConnection::connect(url).await.unwrap();
        connection.execute("VACUUM ANALYZE").await.unwrap();
    }
    send(&recorder, callers, WARM_UP).await;
    let began = Instant::now();
    let changes = send(&recorder, callers, seconds).await;
    changes as f64 / began.elapsed().as_secs_f64()
}

async fn send(recorder: &Arc<SqlRecorder>, callers: usize, seconds: Duration) -> usize {
    let began = Instant::now();
    let callers = (0..callers).map(|_| {
        let recorder = Arc::clone(recorder);
        tokio::spawn(async move {
            let mut changes = 0;
            while began.elapsed() < seconds {
                upload(&recorder).await;
                changes += 2;
            }
            changes
        })
    });
    join_all(callers).await.into_iter().map(Result::unwrap).sum()
}

async fn upload(recorder: &SqlRecorder) {
    let (now, periods) = (SystemTime::now(), Periods::default());
    let declared = Declared::default().with(|declared| {
        declared.name = FileName::new("IMG_20240714_183402.jpg");
        declared.size = Some(SIZE);
    });
    let options = UploadOptions::of_project("demo");
    let intent = Record::intent(UploadId::random(), declared, options.clone(), now, &periods);
    let facts = Facts::new(SIZE, Digest::from([0xA5; 32])).with(|facts| {
        facts.inspections = vec![Inspection::new("clamav", Coverage::Whole)];
        facts.notes = [("image".to_owned(), serde_json::json!({"width": 4032, "height": 3024}))].into();
    });
    let commit = Event::Commit {
        facts: Box::new(facts),
        options: Box::new(options),
        lifetime: Lifetime {
            kept: true,
            expires: None,
        },
    };
    let ready = intent.clone().apply(commit, now, &periods).unwrap();
    let usage = UsageChange::of(None, &intent, QUOTA, now);
    assert_eq!(recorder.insert(&intent, &usage).await.unwrap(), Update::Applied);
    let usage = UsageChange::of(Some(&intent), &ready, QUOTA, now);
    assert_eq!(recorder.update(&ready, &usage).await.unwrap(), Update::Applied);
}

/// The median, the least and the greatest.
struct Spread(Vec<f64>);

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(values) = self;
        let digits = if values[0] > 100.0 { 0 } else { 2 };
        let [median, least, most] = [values.len() / 2, 0, values.len() - 1].map(|at| values[at]);
        write!(f, "{median:.digits$} ({least:.digits$} to {most:.digits$})")
    }
}
