//! A process that is killed: what it was told to be recorded is recorded.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use futures_util::future::join_all;
use intake_core::testkit::sample_record;
use intake_core::{Recorder, Update, UploadId, UsageChange};
use intake_plugin_sql::SqlRecorder;
use intake_plugin_sql::testkit::Postgres;

/// Tells the process that is to be killed where its records are.
const VICTIM: &str = "INTAKE_TEST_SQL_VICTIM";
/// Marks the lines that are the victim's own, among those of the test program.
const MARK: &str = "recorded ";

/// The victim: records until it is killed, and says what was recorded. Does nothing when it is run as a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    let Ok(place) = std::env::var(VICTIM) else { return };
    let recorder = recorder(&place);
    let one_by_one = async || loop {
        let record = sample_record();
        assert_eq!(
            recorder.insert(&record, UsageChange::none()).await.unwrap(),
            Update::Applied
        );
        // Past the test program, which would keep what is printed until the end that never comes.
        writeln!(std::io::stdout().lock(), "{MARK}{}", record.id).unwrap();
    };
    join_all((0..8).map(|_| one_by_one())).await;
}

/// The records in a file, or in what a url names.
fn recorder(place: &str) -> SqlRecorder {
    match place.starts_with("postgres:") {
        true => SqlRecorder::postgres(place).unwrap(),
        false => SqlRecorder::sqlite(place),
    }
}

/// The ids that a victim has printed, if it is killed after so many of them.
fn killed_after(count: usize, place: &str) -> Vec<UploadId> {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["crash::the_process_that_is_killed", "--exact", "--nocapture"])
        .env(VICTIM, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ids = Vec::new();
    for line in BufReader::new(victim.stdout.take().unwrap()).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        if let Some((_, id)) = line.split_once(MARK) {
            // The last line may have been cut off.
            ids.extend(id.parse::<UploadId>());
        }
        if ids.len() == count {
            victim.kill().unwrap();
        }
    }
    assert!(!victim.wait().unwrap().success());
    assert!(ids.len() >= count);
    ids
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_killed_process() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Postgres::shared().await);
    let path = folder.path().join("records.db").to_str().unwrap().to_owned();
    for place in [path, server.database().await] {
        let mut ids = Vec::new();
        for count in [1, 10, 100, 300, 3] {
            ids.extend(killed_after(count, &place));
            let recorder = recorder(&place);
            for id in &ids {
                let found = recorder.get(*id).await.unwrap();
                assert!(
                    found.is_some(),
                    "{id} was acknowledged and is gone, killed after {count}"
                );
            }
        }
    }
}
