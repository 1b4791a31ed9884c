//! PostgreSQL: the contract, what outlives it, and servers that end in the middle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use intake_core::testkit::{self, changed, sample_record};
use intake_core::{FileName, Record, Recorder, Task, Update, UploadId, UsageChange, codes};
use intake_plugin_sql::testkit::Postgres;
use intake_plugin_sql::{RECORD_FAILED, RECORD_UNREADABLE, SqlRecorder};
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sqlx::{AssertSqlSafe, PgConnection, query, query_as};

/// A recorder in a database of its own, and another session in that database, such as an operator's shell.
async fn recorder(server: &Postgres) -> (SqlRecorder, PgConnection, String) {
    let url = server.database().await;
    let database = url.rsplit_once('/').unwrap().1;
    let recorder = SqlRecorder::postgres(&url).unwrap();
    (recorder, server.connect(database).await, url)
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let server = Postgres::shared().await;
    testkit::recorder(&recorder(&server).await.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_on_many_threads() {
    let server = Postgres::shared().await;
    testkit::recorder(&recorder(&server).await.0).await;
}

#[tokio::test]
async fn whether_there_are_records_is_told_without_making_any() {
    let server = Postgres::shared().await;
    let (recorder, mut other_session, url) = recorder(&server).await;
    let asking = SqlRecorder::postgres(&url).unwrap();
    assert!(!asking.exists().await.unwrap());
    let tables = "SELECT COUNT(*) FROM pg_class WHERE relnamespace = 'public'::REGNAMESPACE";
    let (tables,): (i64,) = query_as(tables).fetch_one(&mut other_session).await.unwrap();
    assert_eq!(tables, 0);
    recorder.ready().await.unwrap();
    assert!(asking.exists().await.unwrap());
}

#[tokio::test]
async fn everything_is_there_after_a_restart_and_a_second_start_changes_no_table() {
    let server = Postgres::shared().await;
    let (_, mut other_session, url) = recorder(&server).await;
    let (mut all, mut seen) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let recorder = SqlRecorder::postgres(&url).unwrap();
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
        let tables = "SELECT relname::TEXT, oid::TEXT || xmin::TEXT FROM pg_class \
             WHERE relnamespace = 'public'::REGNAMESPACE \
             UNION ALL SELECT version::TEXT, xmin::TEXT || intake_migrations::TEXT FROM intake_migrations ORDER BY 1";
        let tables: Vec<(String, String)> = query_as(tables).fetch_all(&mut other_session).await.unwrap();
        assert!(tables.len() > 4, "{tables:?}");
        seen.push(tables);
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:?}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_a_fault_that_names_it_and_keeps_no_other_from_being_due() {
    let server = Postgres::shared().await;
    let (recorder, mut other_session, _) = recorder(&server).await;
    let mut now = None;
    for (column, value) in [
        ("state", "'paused'"),
        ("revision", "7"),
        ("record", "'{'"),
        ("record", "'7'"),
    ] {
        let record = sample_record();
        assert_eq!(
            recorder.insert(&record, UsageChange::none()).await.unwrap(),
            Update::Applied
        );
        let spoil = AssertSqlSafe(format!("UPDATE uploads SET {column} = {value} WHERE id = $1"));
        let spoil = query(spoil).bind(record.id.to_string());
        spoil.execute(&mut other_session).await.unwrap();
        let fault = recorder.get(record.id).await.unwrap_err();
        assert_eq!((fault.code.clone(), fault.retryable), (RECORD_UNREADABLE, false));
        assert!(fault.message.contains(&record.id.to_string()), "{fault}");
        assert!(fault.message.contains(&format!("`{column}`")), "{fault}");
        now = record.due;
    }
    let now = now.unwrap() + Duration::from_secs(9);
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
    assert_eq!(recorder.due(Task::Sweep, now, 10).await.unwrap(), [due]);
}

/// Texts as senders write them, with all that is special to some database.
fn text() -> impl Strategy<Value = String> {
    (
        "[\0-\u{1f}\\\\'\"%$;\u{7f}\u{202e}\u{fffe}\u{fffd}]{0,8}",
        any::<String>(),
    )
        .prop_map(|(nasty, any)| nasty + &any)
}

#[tokio::test]
async fn any_record_that_sqlite_takes_is_taken_and_reads_back_as_it_was() {
    let (server, folder) = (Postgres::shared().await, tempfile::tempdir().unwrap());
    let (postgres, ..) = recorder(&server).await;
    let sqlite = SqlRecorder::sqlite(folder.path().join("records.db"));
    let mut runner = TestRunner::deterministic();
    let texts = proptest::collection::vec(text(), 5);
    for _ in 0..256 {
        let texts = texts.new_tree(&mut runner).unwrap().current();
        let [name, key, value, note, project] = texts.try_into().unwrap();
        let mut record = sample_record();
        record.declared.name = FileName::new(&name);
        record.options.metadata = BTreeMap::from([(key.clone(), value)]);
        record.facts.as_mut().unwrap().notes.insert(key, note.into());
        // An operator's word, which is no JSON: the one place where PostgreSQL refuses a character.
        record.options.project = Some(project.replace('\0', ""));
        for recorder in [&sqlite, &postgres] {
            assert_eq!(
                recorder.insert(&record, UsageChange::none()).await.unwrap(),
                Update::Applied
            );
            assert_eq!(recorder.get(record.id).await.unwrap().as_ref(), Some(&record));
        }
        record.options.project = Some(format!("\0{project}"));
        record.id = UploadId::random();
        let fault = postgres.insert(&record, UsageChange::none()).await.unwrap_err();
        assert_eq!((fault.code.clone(), fault.retryable), (RECORD_FAILED, false));
    }
}

/// Callers who insert and change until they are told to stop, and what each was told.
async fn work(recorder: Arc<SqlRecorder>, enough: Arc<AtomicUsize>, until: usize) -> Vec<Record> {
    let mut acknowledged = Vec::new();
    while enough.load(Ordering::SeqCst) < until {
        let record = sample_record();
        let changed = changed(record.clone(), |record| {
            record.revision += 1;
        });
        let told = async {
            assert_eq!(recorder.insert(&record, UsageChange::none()).await?, Update::Applied);
            recorder.update(&changed, UsageChange::none()).await
        };
        match told.await {
            Ok(swap) => {
                assert_eq!(swap, Update::Applied, "no other session changes it");
                acknowledged.push(changed);
                enough.fetch_add(1, Ordering::SeqCst);
            }
            Err(fault) => assert!(fault.retryable, "{}", fault.report()),
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_ends_in_the_middle() {
    let mut server = Postgres::start().await;
    let url = server.database().await;
    let nodes = [(); 2].map(|()| Arc::new(SqlRecorder::postgres(&url).unwrap()));
    let enough = Arc::new(AtomicUsize::new(0));
    let callers = (0..16).map(|at| tokio::spawn(work(Arc::clone(&nodes[at % 2]), Arc::clone(&enough), 600)));
    let callers: Vec<_> = callers.collect();
    for round in 1..6 {
        while enough.load(Ordering::SeqCst) < round * 100 {
            tokio::task::yield_now().await;
        }
        if round % 2 == 0 {
            server.kill().await;
        }
        server.restart().await;
    }
    let told: Vec<Record> = join_all(callers).await.into_iter().flat_map(Result::unwrap).collect();
    assert!(told.len() >= 600);
    for record in told {
        assert_eq!(nodes[0].get(record.id).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn a_managed_server_is_reached_over_tls_and_known_by_its_certificate() {
    let server = Postgres::start_with(&["listen_addresses = '127.0.0.1'", "log_connections = on"]).await;
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("root.crt");
    let make = "COPY (SELECT) TO PROGRAM 'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=intake \
         -keyout server.key -out server.crt -addext basicConstraints=critical,CA:FALSE \
         -addext subjectAltName=DNS:localhost 2>&1 && chmod 600 server.key'";
    server.execute("postgres", make).await;
    server.execute("postgres", "ALTER SYSTEM SET ssl = on").await;
    server
        .execute(
            "postgres",
            "CREATE ROLE me LOGIN PASSWORD 'a b'; ALTER DATABASE postgres OWNER TO me; SELECT pg_reload_conf()",
        )
        .await;
    let takes_it = "SELECT count(*) FROM pg_settings WHERE name = 'ssl' AND setting = 'on'";
    while server.count("postgres", takes_it).await == 0 {
        tokio::task::yield_now().await;
    }
    let read = "SELECT pg_read_file('server.crt')";
    let pem: String = sqlx::query_scalar(read)
        .fetch_one(&mut server.connect("postgres").await)
        .await
        .unwrap();
    std::fs::write(&certificate, pem).unwrap();
    let trusted = format!("&sslrootcert={}", certificate.display());
    let url = |host: &str, more: &str| format!("postgres://me:a%20b@{host}:{}/postgres?sslmode={more}", server.port());
    for (url, says) in [
        (url("localhost", &format!("verify-full{trusted}")), None),
        (url("127.0.0.1", &format!("verify-ca{trusted}")), None),
        (url("localhost", "require"), None),
        (url("localhost", "verify-full"), Some("UnknownIssuer")),
        (
            url("127.0.0.1", &format!("verify-full{trusted}")),
            Some("not valid for name"),
        ),
    ] {
        let ready = SqlRecorder::postgres(&url).unwrap().ready().await;
        match (ready, says) {
            (Ok(()), None) => {}
            (Err(fault), Some(says)) => assert!(fault.report().contains(says), "{url}: {}", fault.report()),
            (ready, _) => panic!("{url}: {ready:?}"),
        }
    }
    let log = server.log();
    let mut connected = log
        .lines()
        .filter(|line| line.contains("connection authorized: user=me"))
        .peekable();
    assert!(connected.peek().is_some(), "{log}");
    assert!(connected.all(|line| line.contains("SSL enabled")), "{log}");
}
