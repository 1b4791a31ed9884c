//! One recorder: the contract, and what outlives it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use intake_core::testkit::{self, changed, sample_record};
use intake_core::{Recorder, Task, Update, UploadId, UsageChange, codes};
use intake_plugin_sql::{RECORD_FAILED, RECORD_UNREADABLE, SqlRecorder};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection, query, query_as, raw_sql};

/// Another session on the same file, such as an operator's shell.
async fn other_session(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    testkit::recorder(&SqlRecorder::sqlite(folder.path().join("records.db"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_on_many_threads() {
    let folder = tempfile::tempdir().unwrap();
    testkit::recorder(&SqlRecorder::sqlite(folder.path().join("records.db"))).await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    let mut all = Vec::new();
    for _ in 0..5 {
        let recorder = SqlRecorder::sqlite(&path);
        let record = sample_record();
        assert_eq!(
            recorder.insert(&record, UsageChange::none()).await.unwrap(),
            Update::Applied
        );
        all.push(record);
        for record in &all {
            assert_eq!(recorder.get(record.id).await.unwrap().as_ref(), Some(record));
            let again = recorder.insert(record, UsageChange::none()).await.unwrap_err();
            assert_eq!(again.code, codes::ID_TAKEN);
        }
    }
}

#[tokio::test]
async fn a_second_start_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    let mut seen = Vec::new();
    for _ in 0..3 {
        SqlRecorder::sqlite(&path).ready().await.unwrap();
        let tables = "SELECT name, sql FROM sqlite_schema UNION ALL \
             SELECT 'version ' || version, installed_on || hex(checksum) || execution_time FROM _sqlx_migrations";
        let tables: Vec<(String, Option<String>)> = query_as(tables)
            .fetch_all(&mut other_session(&path).await)
            .await
            .unwrap();
        assert!(tables.len() > 4, "{tables:?}");
        seen.push(tables);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[tokio::test]
async fn records_of_a_newer_version_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    SqlRecorder::sqlite(&path).ready().await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations VALUES (9999, 'later', CURRENT_TIMESTAMP, TRUE, x'00', 0)";
    raw_sql(newer).execute(&mut other_session(&path).await).await.unwrap();
    let fault = SqlRecorder::sqlite(&path)
        .insert(&sample_record(), UsageChange::none())
        .await
        .unwrap_err();
    assert_eq!((fault.code.clone(), fault.retryable), (RECORD_FAILED, false));
    assert!(
        fault.message.contains("another version") && fault.message.contains(path.to_str().unwrap()),
        "{fault}"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_created_is_a_fault_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no database, and no folder").unwrap();
    for path in [
        file.join("records.db"),
        file.join("deeper/records.db"),
        file.clone(),
        folder.path().to_owned(),
    ] {
        let recorder = SqlRecorder::sqlite(&path);
        for fault in [
            recorder.ready().await.unwrap_err(),
            recorder.get(UploadId::random()).await.unwrap_err(),
        ] {
            assert_eq!(fault.code, RECORD_FAILED);
            assert!(fault.message.contains(path.to_str().unwrap()), "{fault}");
        }
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "no database, and no folder");
    let fault = SqlRecorder::sqlite("").ready().await.unwrap_err();
    assert!(fault.message.contains("is not the path of a file"), "{fault}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_a_fault_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    let recorder = SqlRecorder::sqlite(&path);
    recorder.ready().await.unwrap();
    let mut other_session = other_session(&path).await;
    for (column, value) in [
        ("state", "'paused'"),
        ("revision", "7"),
        ("record", "'{'"),
        ("record", "'{}'"),
        ("record", "replace(record, '\"size\":', '\"size\":-')"),
    ] {
        let record = sample_record();
        assert_eq!(
            recorder.insert(&record, UsageChange::none()).await.unwrap(),
            Update::Applied
        );
        let spoil = AssertSqlSafe(format!("UPDATE uploads SET {column} = {value} WHERE id = $1"));
        query(spoil)
            .bind(record.id.to_string())
            .execute(&mut other_session)
            .await
            .unwrap();
        let fault = recorder.get(record.id).await.unwrap_err();
        assert_eq!((fault.code.clone(), fault.retryable), (RECORD_UNREADABLE, false));
        assert!(fault.message.contains(&record.id.to_string()), "{fault}");
        assert!(fault.message.contains(&format!("`{column}`")), "{fault}");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_no_other_from_being_due() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    let recorder = SqlRecorder::sqlite(&path);
    let spoiled = sample_record();
    assert_eq!(
        recorder.insert(&spoiled, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    let mut other_session = other_session(&path).await;
    raw_sql("UPDATE uploads SET state = 'paused'")
        .execute(&mut other_session)
        .await
        .unwrap();
    let now = spoiled.due.unwrap() + Duration::from_secs(9);
    assert_eq!(
        recorder.due(Task::Sweep, now, 10).await.unwrap_err().code,
        RECORD_UNREADABLE
    );
    let due = changed(sample_record(), |record| {
        record.due = Some(now);
    });
    assert_eq!(
        recorder.insert(&due, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    // Although the other is due before it, and comes first.
    assert_eq!(
        recorder.due(Task::Sweep, now, 1).await.unwrap(),
        std::slice::from_ref(&due)
    );
    assert_eq!(recorder.due(Task::Sweep, now, 10).await.unwrap(), [due]);
}

#[tokio::test]
async fn what_is_due_may_be_asked_for_at_any_time_and_in_any_number() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = SqlRecorder::sqlite(folder.path().join("records.db"));
    let record = sample_record();
    assert_eq!(
        recorder.insert(&record, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(i64::MAX.unsigned_abs());
    assert_eq!(recorder.due(Task::Sweep, far, usize::MAX).await.unwrap(), [record]);
    assert_eq!(recorder.due(Task::Sweep, far, 0).await.unwrap(), []);
}
