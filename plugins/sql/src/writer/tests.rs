//! What goes wrong while writing: a disk that is full, a lock that stays, a row that is refused, a commit that fails.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use intake_core::testkit::{changed, sample_record};
use intake_core::{Record, Recorder, Update, UploadId, UsageChange};
use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool, raw_sql};
use tempfile::TempDir;

use crate::codes::RECORD_FAILED;
use crate::dialect::Dialect;
use crate::failure::Failure;
use crate::records::Records;
use crate::sqlite::Sqlite;
use crate::sqlite::session::SqliteSession;

/// A disk that may be full: SQLite on one that has no more pages than it has.
#[derive(Clone, Debug)]
struct SmallDisk {
    disk: Arc<Sqlite>,
    full: Arc<AtomicBool>,
}

impl Dialect for SmallDisk {
    type Database = sqlx::Sqlite;
    type Session = SqliteSession;

    fn run(&self, writer: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure> {
        self.disk.run(writer)
    }

    async fn gather(&self) {
        self.disk.gather().await;
    }

    fn place(&self) -> String {
        self.disk.place()
    }

    fn patience(&self) -> Duration {
        self.disk.patience()
    }

    fn silence(&self) -> Option<Duration> {
        self.disk.silence()
    }

    async fn exists(&self) -> Result<bool, Failure> {
        self.disk.exists().await
    }

    async fn writer(&self) -> Result<SqliteSession, Failure> {
        let session = self.disk.writer().await?;
        if self.full.load(Ordering::SeqCst) {
            // The least that is allowed is what there is.
            let least = session.connection().pragma_update(None, "max_page_count", 1);
            least.unwrap();
        }
        Ok(session)
    }

    fn readers(&self, most: u32) -> SqlitePool {
        self.disk.readers(most)
    }

    fn is_passing(error: &dyn DatabaseError) -> bool {
        Sqlite::is_passing(error)
    }

    fn is_fleeting(error: &sqlx::Error) -> bool {
        Sqlite::is_fleeting(error)
    }
}

fn records(folder: &TempDir) -> Records<Sqlite> {
    Records::new(Sqlite::new(file(folder)))
}

fn file(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("records.db")
}

/// Another session on the same file, such as an operator's shell.
async fn other_session(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).foreign_keys(true);
    options.connect().await.unwrap()
}

fn of_project(project: &str) -> Record {
    changed(sample_record(), |record| {
        record.options.project = Some(project.to_owned());
    })
}

fn large() -> Record {
    of_project(&"x".repeat(100_000))
}

#[tokio::test]
async fn a_full_disk_is_a_fault_that_passes() {
    let folder = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(true));
    let records = Records::new(SmallDisk {
        disk: Arc::new(Sqlite::new(file(&folder))),
        full: Arc::clone(&full),
    });
    let (lost, kept) = (large(), large());
    for _ in 0..2 {
        let fault = records.insert(&lost, UsageChange::none()).await.unwrap_err();
        assert_eq!(
            (fault.code.clone(), fault.retryable),
            (RECORD_FAILED, true),
            "{}",
            fault.report()
        );
        assert!(fault.report().contains("full"), "{}", fault.report());
    }
    full.store(false, Ordering::SeqCst);
    // The connection on which the disk was full is not used again: no fault is left over.
    assert_eq!(
        records.insert(&kept, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    assert_eq!(records.get(kept.id).await.unwrap(), Some(kept));
    assert_eq!(records.get(lost.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_lock_that_another_session_holds_is_a_fault_that_passes() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::new(Sqlite::new(file(&folder)).with_patience(Duration::from_secs(1)));
    records.ready().await.unwrap();
    let mut other_session = other_session(&file(&folder)).await;
    let lock = other_session.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let record = sample_record();
    for fault in [
        records.insert(&record, UsageChange::none()).await.map(drop),
        records.ready().await,
    ] {
        let fault = fault.unwrap_err();
        assert_eq!(
            (fault.code.clone(), fault.retryable),
            (RECORD_FAILED, true),
            "{}",
            fault.report()
        );
        assert!(fault.report().contains("locked"), "{}", fault.report());
    }
    assert_eq!(
        records.get(record.id).await.expect("a lock does not prevent reading"),
        None
    );
    lock.rollback().await.unwrap();
    assert_eq!(
        records.insert(&record, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
}

#[tokio::test]
async fn a_lock_that_another_session_holds_from_the_start_is_a_fault_that_passes() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(file(&folder))
        .create_if_missing(true);
    let mut other_session = options.connect().await.unwrap();
    let lock = other_session.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    let records = Records::new(Sqlite::new(file(&folder)).with_patience(Duration::from_millis(20)));
    let fault = records.ready().await.unwrap_err();
    assert_eq!(
        (fault.code.clone(), fault.retryable),
        (RECORD_FAILED, true),
        "{}",
        fault.report()
    );
    lock.rollback().await.unwrap();
    records.ready().await.unwrap();
}

#[tokio::test]
async fn opening_waits_even_where_sqlite_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(file(&folder))
        .create_if_missing(true);
    let mut other_session = options.connect().await.unwrap();
    // A session that is about to write in another mode keeps others from changing to write-ahead mode.
    let writes = other_session.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let records = records(&folder);
    let mut opening = records.ready();
    let early = tokio::time::timeout(Duration::from_millis(200), &mut opening).await;
    assert!(early.is_err(), "{early:?}");
    writes.rollback().await.unwrap();
    opening.await.unwrap();
}

#[tokio::test]
async fn a_change_that_is_refused_is_refused_alone() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(&folder);
    records.ready().await.unwrap();
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON uploads WHEN new.project = 'refused' \
         BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    raw_sql(trigger)
        .execute(&mut other_session(&file(&folder)).await)
        .await
        .unwrap();
    let all: Vec<_> = (0..60)
        .map(|at| of_project(if at % 20 == 7 { "refused" } else { "taken" }))
        .collect();
    let inserted = join_all(all.iter().map(|record| records.insert(record, UsageChange::none()))).await;
    for (record, inserted) in all.iter().zip(inserted) {
        let found = records.get(record.id).await.unwrap();
        match record.options.project.as_deref() {
            Some("taken") => {
                assert_eq!(inserted.unwrap(), Update::Applied);
                assert_eq!(found.as_ref(), Some(record));
            }
            _ => {
                let fault = inserted.unwrap_err();
                assert_eq!((fault.code.clone(), fault.retryable), (RECORD_FAILED, false));
                assert!(fault.report().contains("not this one"), "{}", fault.report());
                assert_eq!(found, None);
            }
        }
    }
}

#[tokio::test]
async fn a_commit_that_fails_is_a_fault_for_all_its_callers() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(&folder);
    records.ready().await.unwrap();
    let mut other_session = other_session(&file(&folder)).await;
    // A reference to nothing is noticed by the commit, and by no statement before.
    let trap = "CREATE TABLE trap (id TEXT REFERENCES uploads (id) DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER trap AFTER INSERT ON uploads WHEN new.project = 'trap' \
         BEGIN INSERT INTO trap VALUES ('nobody'); END";
    raw_sql(trap).execute(&mut other_session).await.unwrap();
    let all: Vec<_> = (0..20).map(|_| of_project("trap")).collect();
    for (record, inserted) in all
        .iter()
        .zip(join_all(all.iter().map(|record| records.insert(record, UsageChange::none()))).await)
    {
        let fault = inserted.unwrap_err();
        assert_eq!(
            (fault.code.clone(), fault.retryable),
            (RECORD_FAILED, true),
            "{}",
            fault.report()
        );
        assert_eq!(records.get(record.id).await.unwrap(), None);
    }
    raw_sql("DROP TRIGGER trap").execute(&mut other_session).await.unwrap();
    for record in &all {
        assert_eq!(
            records.insert(record, UsageChange::none()).await.unwrap(),
            Update::Applied
        );
    }
}

#[tokio::test]
async fn callers_who_go_away_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(&folder);
    records.ready().await.unwrap();
    let all: Vec<_> = (0..1_000).map(|_| sample_record()).collect();
    for record in &all {
        // Polled once, so that it has begun, and dropped.
        let mut insert = records.insert(record, UsageChange::none());
        let _ = futures_util::poll!(&mut insert);
    }
    for record in &all {
        match records.insert(record, UsageChange::none()).await {
            Ok(_) => {}
            Err(fault) => assert_eq!(fault.code, intake_core::codes::ID_TAKEN, "{}", fault.report()),
        }
        assert_eq!(records.get(record.id).await.unwrap().as_ref(), Some(record));
    }
}

#[test]
fn a_recorder_outlives_the_runtime_on_which_it_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(&folder);
    let mut before: Option<Record> = None;
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            if let Some(before) = &before {
                assert_eq!(records.get(before.id).await.unwrap().as_ref(), Some(before));
            }
            let record = sample_record();
            assert_eq!(
                records.insert(&record, UsageChange::none()).await.unwrap(),
                Update::Applied
            );
            before = Some(record);
        });
    }
}

#[tokio::test]
async fn the_first_revision_replaces_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(&folder);
    let last = changed(sample_record(), |record| {
        record.revision = u64::MAX;
    });
    assert_eq!(
        records.insert(&last, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    let first = changed(last.clone(), |record| {
        record.revision = 0;
    });
    assert_eq!(
        records.update(&first, UsageChange::none()).await.unwrap(),
        Update::Conflict
    );
    assert_eq!(records.get(last.id).await.unwrap(), Some(last));
}

#[tokio::test]
async fn nothing_is_left_open_by_a_recorder_that_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(&folder);
    assert_eq!(
        records.insert(&sample_record(), UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    // Those who read are open too.
    records.get(UploadId::random()).await.unwrap();
    let log = folder.path().join("records.db-wal");
    assert!(log.exists());
    drop(records);
    // The last one who closes the file takes the log away.
    let closed = async {
        while log.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), closed)
        .await
        .expect("the writer ends");
}
