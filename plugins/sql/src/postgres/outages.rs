//! What goes wrong with a server: sessions that end, locks that stay, answers that are lost, silence, rows that are refused.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use intake_core::accounting::Quota;
use intake_core::testkit::{changed, sample_record};
use intake_core::{Fault, Record, Recorder, Task, Update, UploadId, UsageChange, codes};
use sqlx::{AssertSqlSafe, PgConnection, raw_sql};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Postgres, SILENCE};
use crate::codes::RECORD_FAILED;
use crate::records::Records;
use crate::testkit;

/// A database with records and without other users.
struct House {
    server: Arc<testkit::Postgres>,
    database: String,
    records: Arc<Records<Postgres>>,
    other_session: PgConnection,
}

impl House {
    async fn new() -> Self {
        Self::with_patience(Duration::from_secs(10)).await
    }

    async fn with_patience(patience: Duration) -> Self {
        let server = testkit::Postgres::shared().await;
        let url = server.database().await;
        let database = url.rsplit_once('/').unwrap().1.to_owned();
        let postgres = Postgres::new(&url).unwrap().with_patience(patience, SILENCE);
        let records = Arc::new(Records::new(postgres));
        records.ready().await.unwrap();
        let other_session = server.connect(&database).await;
        Self {
            server,
            database,
            records,
            other_session,
        }
    }

    async fn execute(&mut self, statements: &str) {
        let statements = AssertSqlSafe(statements.to_owned());
        raw_sql(statements).execute(&mut self.other_session).await.unwrap();
    }

    /// Ends the sessions of the records, and returns when they are gone. How many it were.
    async fn end_sessions(&self, which: &str) -> i64 {
        let end = format!(
            "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'intake' AND {which}"
        );
        self.server.count(&self.database, &end).await
    }

    /// Returns when so many sessions wait for a lock.
    async fn wait_for_locks(&self, count: i64) {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'intake' AND wait_event_type = 'Lock'";
        while self.server.count(&self.database, waiting).await < count {
            tokio::task::yield_now().await;
        }
    }
}

fn next(record: &Record) -> Record {
    changed(record.clone(), |record| {
        record.revision += 1;
    })
}

fn passing(fault: &Fault) {
    let what = (fault.code.clone(), fault.retryable);
    assert_eq!(what, (RECORD_FAILED, true), "{}", fault.report());
}

#[tokio::test]
async fn sessions_that_the_server_ended_are_no_fault() {
    let house = House::new().await;
    for _ in 0..3 {
        let record = sample_record();
        assert_eq!(
            house.records.insert(&record, UsageChange::none()).await.unwrap(),
            Update::Applied
        );
        assert_eq!(house.records.get(record.id).await.unwrap(), Some(record.clone()));
        assert!(house.end_sessions("TRUE").await > 1);
        assert_eq!(house.records.get(record.id).await.unwrap(), Some(record.clone()));
        assert_eq!(
            house.records.update(&next(&record), UsageChange::none()).await.unwrap(),
            Update::Applied
        );
        assert!(house.end_sessions("TRUE").await > 1);
        house.records.ready().await.unwrap();
    }
}

#[tokio::test]
async fn a_change_that_is_cut_off_before_its_commit_is_made_all_the_same_and_once() {
    let mut house = House::new().await;
    let record = sample_record();
    assert_eq!(
        house.records.insert(&record, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    house.execute("BEGIN; SELECT FROM uploads FOR UPDATE").await;
    let changed = next(&record);
    let records = Arc::clone(&house.records);
    let ends = async {
        house.wait_for_locks(1).await;
        assert_eq!(house.end_sessions("wait_event_type = 'Lock'").await, 1);
        house.execute("COMMIT").await;
    };
    let (swap, ()) = tokio::join!(records.update(&changed, UsageChange::none()), ends);
    assert_eq!(swap.unwrap(), Update::Applied);
    assert_eq!(house.records.get(record.id).await.unwrap(), Some(changed));
}

#[tokio::test]
async fn a_look_up_that_is_cut_off_is_made_once_more() {
    let mut house = House::new().await;
    let record = sample_record();
    assert_eq!(
        house.records.insert(&record, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    house
        .execute("BEGIN; LOCK TABLE uploads IN ACCESS EXCLUSIVE MODE")
        .await;
    let records = Arc::clone(&house.records);
    let ends = async {
        house.wait_for_locks(1).await;
        assert_eq!(house.end_sessions("wait_event_type = 'Lock'").await, 1);
        house.execute("COMMIT").await;
    };
    let (found, ()) = tokio::join!(records.get(record.id), ends);
    assert_eq!(found.unwrap(), Some(record));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_a_fault_that_passes_and_is_not_made_twice() {
    let mut house = House::new().await;
    // Ends the session in the middle of the commit. A sequence counts on, whether a transaction is made or not.
    let trap = "CREATE SEQUENCE commits; \
         CREATE FUNCTION trap() RETURNS TRIGGER LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM nextval('commits'), pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON uploads DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION trap()";
    house.execute(trap).await;
    let record = sample_record();
    passing(&house.records.insert(&record, UsageChange::none()).await.unwrap_err());
    house.execute("DROP TRIGGER trap ON uploads").await;
    let commits = house
        .server
        .count(&house.database, "SELECT last_value FROM commits")
        .await;
    assert_eq!(commits, 1);
    assert_eq!(
        house.records.insert(&record, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
}

#[tokio::test]
async fn what_its_standby_does_not_have_is_not_acknowledged() {
    let mut server = testkit::Postgres::start().await;
    let url = server.database().await;
    let (patience, silence) = (Duration::from_secs(10), Duration::from_secs(1));
    let records = Records::new(Postgres::new(&url).unwrap().with_patience(patience, silence));
    records.ready().await.unwrap();
    let database = url.rsplit_once('/').unwrap().1;
    let hasty = format!("ALTER DATABASE {database} SET synchronous_commit = local");
    server.execute("postgres", &hasty).await;
    let named = "ALTER SYSTEM SET synchronous_standby_names = 'nobody'";
    server.execute("postgres", named).await;
    server.restart().await;
    let knows = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'CheckpointerMain'";
    while server.count("postgres", knows).await == 0 {
        tokio::task::yield_now().await;
    }
    passing(&records.insert(&sample_record(), UsageChange::none()).await.unwrap_err());
}

#[tokio::test]
async fn a_server_that_is_away_is_a_fault_that_passes_and_one_that_comes_back_is_none() {
    let mut server = testkit::Postgres::start().await;
    let (patient, hasty) = (Duration::from_secs(60), Duration::from_secs(1));
    let url = server.database().await;
    let hasty = Records::new(Postgres::new(&url).unwrap().with_patience(hasty, SILENCE));
    let patient = Records::new(Postgres::new(&url).unwrap().with_patience(patient, SILENCE));
    let (before, during) = (sample_record(), sample_record());
    assert_eq!(
        hasty.insert(&before, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    assert_eq!(patient.get(before.id).await.unwrap(), Some(before.clone()));
    for crash in [false, true] {
        match crash {
            true => server.kill().await,
            false => server.stop().await,
        }
        passing(&hasty.insert(&during, UsageChange::none()).await.unwrap_err());
        passing(&hasty.get(before.id).await.unwrap_err());
        passing(&hasty.ready().await.unwrap_err());
        let changed = changed(before.clone(), |record| {
            record.revision = before.revision + 1 + u64::from(crash);
        });
        let (swap, due, ()) = tokio::join!(
            patient.update(&changed, UsageChange::none()),
            patient.due(Task::Sweep, before.due.unwrap(), 10),
            server.restart()
        );
        assert_eq!(swap.unwrap(), Update::Applied);
        assert_eq!(due.unwrap().len(), 1);
        assert_eq!(hasty.get(before.id).await.unwrap(), Some(changed));
        hasty.ready().await.unwrap();
    }
    assert_eq!(
        hasty.insert(&during, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
}

/// Passes on what comes to a port, until it is told not to: connections that there are say nothing more from then on, and
/// are never closed, as when a machine is gone. New ones are passed on again when it is told so.
async fn line(to: PathBuf) -> (u16, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (cut, is_cut) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (to, mut is_cut) = (to.clone(), is_cut.clone());
            tokio::spawn(async move {
                let mut far = UnixStream::connect(to).await.unwrap();
                let until_cut = async { is_cut.wait_for(|cut| *cut).await.is_ok() };
                tokio::select! {
                    biased;
                    true = until_cut => std::future::pending().await,
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                }
            });
        }
    });
    (port, cut)
}

#[tokio::test]
async fn silence_is_a_fault_that_passes_and_does_not_hold_up_later_callers() {
    let mut house = House::new().await;
    let (port, cut) = line(house.server.socket()).await;
    let url = format!("postgres://postgres@127.0.0.1:{port}/{}", house.database);
    let (patience, silence) = (Duration::from_secs(10), Duration::from_secs(2));
    let records = Records::new(Postgres::new(&url).unwrap().with_patience(patience, silence));
    let record = sample_record();
    assert_eq!(
        records.insert(&record, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    let changed = next(&record);
    let look_up = || join_all((0..4).map(|_| records.get(record.id)));
    // The line is cut while all who read are in the middle of it, and who writes is not.
    house
        .execute("BEGIN; LOCK TABLE uploads IN ACCESS EXCLUSIVE MODE")
        .await;
    let cuts = async {
        house.wait_for_locks(4).await;
        cut.send(true).unwrap();
        house.execute("COMMIT").await;
    };
    let work = async {
        let (found, ()) = tokio::join!(look_up(), cuts);
        passing(&records.update(&changed, UsageChange::none()).await.unwrap_err());
        for found in found {
            passing(&found.unwrap_err());
        }
        cut.send(false).unwrap();
        assert_eq!(
            records.update(&changed, UsageChange::none()).await.unwrap(),
            Update::Applied
        );
        for found in look_up().await {
            assert_eq!(found.unwrap(), Some(changed.clone()));
        }
    };
    timeout(Duration::from_secs(60), work)
        .await
        .expect("no caller waits for ever");
}

#[tokio::test]
async fn a_lock_that_another_session_holds_is_a_fault_that_passes() {
    let mut house = House::with_patience(Duration::from_secs(1)).await;
    let record = sample_record();
    assert_eq!(
        house.records.insert(&record, UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    house.execute("BEGIN; SELECT FROM uploads FOR UPDATE").await;
    let fault = house
        .records
        .update(&next(&record), UsageChange::none())
        .await
        .unwrap_err();
    passing(&fault);
    assert!(fault.report().contains("lock timeout"), "{}", fault.report());
    // No other caller has to wait.
    assert_eq!(
        house
            .records
            .insert(&sample_record(), UsageChange::none())
            .await
            .unwrap(),
        Update::Applied
    );
    assert_eq!(house.records.get(record.id).await.unwrap(), Some(record.clone()));
    house.execute("COMMIT").await;
    assert_eq!(
        house.records.update(&next(&record), UsageChange::none()).await.unwrap(),
        Update::Applied
    );
}

#[tokio::test]
async fn a_change_that_is_refused_is_refused_alone() {
    let house = House::new().await;
    let all: Vec<_> = (0..60)
        .map(|at| {
            changed(sample_record(), |record| {
                // The one character that PostgreSQL has not.
                record.options.project = Some(if at % 20 == 7 { "\0" } else { "taken" }.to_owned());
            })
        })
        .collect();
    let inserted = join_all(
        all.iter()
            .map(|record| house.records.insert(record, UsageChange::none())),
    )
    .await;
    for (record, inserted) in all.iter().zip(inserted) {
        let found = house.records.get(record.id).await.unwrap();
        match record.options.project.as_deref() {
            Some("taken") => {
                assert_eq!(inserted.unwrap(), Update::Applied);
                assert_eq!(found.as_ref(), Some(record));
            }
            _ => {
                let fault = inserted.unwrap_err();
                assert_eq!((fault.code.clone(), fault.retryable), (RECORD_FAILED, false));
                assert_eq!(found, None);
            }
        }
    }
}

#[tokio::test]
async fn nodes_that_change_the_same_records_never_wait_for_each_other_in_a_circle() {
    let mut house = House::new().await;
    let other = Records::new(Postgres::new(&house.server.url_of(&house.database)).unwrap());
    let mut all: Vec<_> = (0..100).map(|_| sample_record()).collect();
    all.sort_by_key(|record| record.id.to_string());
    join_all(all.iter().map(|record| other.insert(record, UsageChange::none()))).await;
    let changed: Vec<_> = all.iter().map(next).collect();
    // Both come as far as they can before either is done.
    let hold = format!("BEGIN; SELECT FROM uploads WHERE id = '{}' FOR UPDATE", all[50].id);
    house.execute(&hold).await;
    let records = Arc::clone(&house.records);
    let there = join_all(changed.iter().map(|record| records.update(record, UsageChange::none())));
    let back = join_all(
        changed
            .iter()
            .rev()
            .map(|record| other.update(record, UsageChange::none())),
    );
    let meet = async {
        house.wait_for_locks(2).await;
        house.execute("COMMIT").await;
    };
    let (there, back, ()) = tokio::join!(there, back, meet);
    for (one, other) in there.into_iter().zip(back.into_iter().rev()) {
        let swaps = [one.unwrap(), other.unwrap()];
        assert!(
            swaps.contains(&Update::Applied) && swaps.contains(&Update::Conflict),
            "{swaps:?}"
        );
    }
    let log = house.server.log();
    let circles = log.lines().filter(|line| line.contains("deadlock detected"));
    assert_eq!(circles.count(), 0, "{log}");
}

#[tokio::test]
async fn a_record_that_another_node_inserts_meanwhile_stays_as_it_is() {
    let mut house = House::new().await;
    let record = sample_record();
    let theirs = "BEGIN; INSERT INTO uploads (id, revision, state, duty, created, record)";
    house
        .execute(&format!(
            "{theirs} VALUES ('{}', 7, 'theirs', 'sweep', 0, '')",
            record.id
        ))
        .await;
    let records = Arc::clone(&house.records);
    let ends = async {
        house.wait_for_locks(1).await;
        house.execute("COMMIT").await;
    };
    let (inserted, ()) = tokio::join!(records.insert(&record, UsageChange::none()), ends);
    assert_eq!(inserted.unwrap_err().code, codes::ID_TAKEN);
    let kept = format!(
        "SELECT revision FROM uploads WHERE id = '{}' AND state = 'theirs'",
        record.id
    );
    assert_eq!(house.server.count(&house.database, &kept).await, 7);
}

#[tokio::test]
async fn a_change_that_waits_for_an_account_does_not_hold_its_record() {
    let mut house = House::new().await;
    let record = changed(sample_record(), |record| {
        record.options.project = Some("demo".to_owned())
    });
    let held = UsageChange::of(None, &record, Quota::default(), SystemTime::now());
    assert_eq!(house.records.insert(&record, &held).await.unwrap(), Update::Applied);
    house.execute("BEGIN; SELECT FROM accounts FOR UPDATE").await;
    let (records, next) = (Arc::clone(&house.records), next(&record));
    let ends = async {
        house.wait_for_locks(1).await;
        house.execute("SELECT FROM uploads FOR UPDATE NOWAIT; COMMIT").await;
    };
    let (updated, ()) = tokio::join!(records.update(&next, &held), ends);
    assert_eq!(updated.unwrap(), Update::Applied);
}

#[tokio::test]
async fn what_is_open_is_closed_when_a_recorder_is_dropped() {
    let House {
        server,
        database,
        records,
        ..
    } = House::new().await;
    assert_eq!(
        records.insert(&sample_record(), UsageChange::none()).await.unwrap(),
        Update::Applied
    );
    records.get(UploadId::random()).await.unwrap();
    drop(records);
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'intake'";
    let closed = async {
        while server.count(&database, sessions).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), closed)
        .await
        .expect("the sessions end");
}
