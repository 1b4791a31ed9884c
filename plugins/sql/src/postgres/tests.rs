//! What PostgreSQL is asked for: durable commits, tables that are made once, statements that find their rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use sqlx::Row as _;

use super::*;
use crate::catalog::{EXPIRED_GROUPS, FORGET, GROUP, GROUPS, HOLDINGS, OLDEST_GROUPS, OVER, REMOVE_GROUP};
use crate::file_lists::{NEWEST, NEWEST_PRESENT, OLDEST, OLDEST_PRESENT};
use crate::postgres::session::{EMPTY, LOCK, REMOVE, WRITE};
use crate::session::Session as _;
use crate::statements::{
    DUE, FILES_OF, GET, KNOWN_AS, OLDEST_REFUSED, ORDERS, ORDERS_OF, REFUSED_OF, UNFINISHED, UNFINISHED_OF,
};
use intake_core::Fault;

use crate::testkit;

/// Arguments of [`WRITE`].
const VALUES: &str = "'{7}','{1}','{ready}','{sweep}','{1}','{1}','{demo}','{NULL}','{x}','{7}','{7}','{1}','{1}','{1}',\
     '{demo}','{1}','{1}','{1}','{1}','{1}','{1}','{NULL}','{NULL}','{7}','{1}','{x}','{x}'";

async fn failure(url: &str) -> Failure {
    let patience = Duration::from_secs(2);
    let postgres = Postgres::new(url).unwrap().with_patience(patience, SILENCE);
    postgres.writer().await.unwrap_err()
}

fn database_of(url: &str) -> &str {
    url.rsplit_once('/').unwrap().1
}

#[tokio::test]
async fn a_commit_is_durable_whatever_the_database_is_set_to() {
    let server = testkit::Postgres::shared().await;
    for (set, kept) in [
        ("off", "on"),
        ("local", "on"),
        ("remote_write", "on"),
        ("on", "on"),
        // Stronger: the standby shows it too.
        ("remote_apply", "remote_apply"),
    ] {
        let url = server.database().await;
        let database = database_of(&url);
        let set = format!(
            "ALTER DATABASE {database} SET synchronous_commit = {set}; ALTER DATABASE {database} SET statement_timeout = 7"
        );
        server.execute(database, &set).await;
        let postgres = Postgres::new(&url).unwrap();
        let mut session = postgres.writer().await.unwrap();
        for _ in 0..2 {
            session.begin().await.unwrap();
            let mut found = BTreeMap::new();
            for setting in [
                "synchronous_commit",
                "lock_timeout",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
                "transaction_isolation",
                "enable_seqscan",
            ] {
                let ask = query_scalar("SELECT current_setting($1)").bind(setting);
                let value: String = ask.fetch_one(session.connection()).await.unwrap();
                found.insert(setting, value);
            }
            let expected = [
                ("synchronous_commit", kept),
                ("lock_timeout", "10s"),
                ("statement_timeout", "30s"),
                ("idle_in_transaction_session_timeout", "30s"),
                ("transaction_isolation", "read committed"),
                ("enable_seqscan", "off"),
            ];
            assert_eq!(found, expected.map(|(name, value)| (name, value.to_owned())).into());
            session.commit().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_may_make_the_tables_at_the_same_time() {
    let server = testkit::Postgres::shared().await;
    for _ in 0..8 {
        let url = server.database().await;
        let openers = (0..8).map(|_| {
            let postgres = Postgres::new(&url).unwrap();
            tokio::spawn(async move { postgres.writer().await })
        });
        for opened in join_all(openers).await {
            opened.unwrap().expect("opens");
        }
        let mut connection = server.connect(database_of(&url)).await;
        let made: Vec<i64> = query_scalar("SELECT version FROM intake_migrations ORDER BY version")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert_eq!(made, Vec::from_iter(migrations().iter().map(|known| known.version)));
    }
}

#[tokio::test]
async fn every_kind_of_record_is_read_as_it_was_before_records_were_whole() {
    let server = testkit::Postgres::shared().await;
    let url = server.database().await;
    let mut before = server.connect(database_of(&url)).await;
    let mut columns = Migrator::with_migrations(migrations().iter().take(5).cloned().collect());
    columns.dangerous_set_table_name(MIGRATIONS);
    columns.run_direct(None, &mut before, false).await.unwrap();
    sqlx::raw_sql(crate::before::ROWS).execute(&mut before).await.unwrap();
    let records = crate::records::Records::new(Postgres::new(&url).unwrap());
    crate::before::are_read_as_they_were(&records).await;
}

#[tokio::test]
async fn a_role_that_may_not_make_tables_can_use_them() {
    let server = testkit::Postgres::shared().await;
    let url = server.database().await;
    let database = database_of(&url);
    // Roles are of the whole server.
    let role = format!("worker_of_{database}");
    server.execute(database, &format!("CREATE ROLE {role} LOGIN")).await;
    let worker = url.replace("postgres@", &format!("{role}@"));
    let refused = Fault::from(failure(&worker).await);
    assert!(!refused.retryable, "{}", refused.report());
    assert!(refused.report().contains("permission denied"), "{}", refused.report());

    let _owner = Postgres::new(&url).unwrap().writer().await.unwrap();
    let grants = format!(
        "GRANT SELECT ON intake_migrations TO {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON uploads, accounts, flows, projects, file_groups, events, deliveries, subscriptions TO {role}"
    );
    server.execute(database, &grants).await;
    let worker = Postgres::new(&worker).unwrap();
    intake_core::testkit::recorder(&crate::records::Records::new(worker)).await;
}

#[tokio::test]
async fn the_tables_are_in_the_schema_that_the_url_says() {
    let server = testkit::Postgres::shared().await;
    let url = server.database().await;
    // Another program in the same database that uses the same driver.
    let theirs = "CREATE TABLE intake_migrations (of TEXT); CREATE TABLE uploads (theirs TEXT)";
    let ours = "CREATE SCHEMA ours; CREATE SCHEMA \"more Ours\"";
    server.execute(database_of(&url), &format!("{theirs}; {ours}")).await;
    for schema in ["ours", "\"more%20Ours\",public"] {
        let url = format!("{url}?options=-csearch_path%3D{schema}");
        let url = url.replace("%20", "%5C%20");
        for _ in 0..2 {
            Postgres::new(&url).unwrap().writer().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_that_cannot_do_is_refused_in_words() {
    let server = testkit::Postgres::shared().await;
    let (newer, taken, read_only) = (
        server.database().await,
        server.database().await,
        server.database().await,
    );
    Postgres::new(&newer).unwrap().writer().await.unwrap();
    let later = "INSERT INTO intake_migrations VALUES (9999, 'later', now(), TRUE, '', 0)";
    server.execute(database_of(&newer), later).await;
    server
        .execute(database_of(&taken), "CREATE TABLE uploads (theirs TEXT)")
        .await;
    let database = database_of(&read_only);
    let set = format!("ALTER DATABASE {database} SET default_transaction_read_only = on");
    server.execute(database, &set).await;
    let latin = format!("{}_latin", database_of(&taken));
    let create = format!("CREATE DATABASE {latin} TEMPLATE template0 ENCODING LATIN1");
    server.execute("postgres", &create).await;
    for (url, says, retryable) in [
        (newer, "another version of this program", false),
        (taken, "already exists", false),
        (read_only, "accepts no changes", true),
        (server.url_of(&latin), "is LATIN1 and has to be UTF8", false),
        (server.url_of("nobodys"), "database \"nobodys\" does not exist", false),
        (
            server.url().replace("postgres@", "nobody@"),
            "role \"nobody\" does not exist",
            false,
        ),
        (
            server.url() + "?options=-csearch_path%3Dnowhere",
            "no schema has been selected",
            false,
        ),
        ("postgres://me@%2Fnowhere:1/db".to_owned(), "No such file", true),
        ("postgres://me@127.0.0.1:1/db".to_owned(), "refused", true),
    ] {
        let fault = Fault::from(failure(&url).await);
        assert!(fault.report().contains(says), "{}", fault.report());
        assert_eq!(fault.retryable, retryable, "{}", fault.report());
    }
}

#[tokio::test]
async fn no_statement_reads_more_rows_than_it_is_about() {
    let server = testkit::Postgres::shared().await;
    let url = server.database().await;
    let mut session = Postgres::new(&url).unwrap().writer().await.unwrap();
    let connection = session.connection();
    // A tenth of what is remembered is due some day, and all of that is due now.
    let rows = "INSERT INTO uploads SELECT i, 0, 'ready', 'sweep', CASE WHEN i % 10 = 0 THEN i END, i, 'demo', NULL, \
         repeat('x', 500), CASE i % 3 WHEN 0 THEN 'stored' WHEN 1 THEN 'unstored' ELSE 'removed' END, i FROM generate_series(1, 20000) AS i; \
         INSERT INTO uploads (id, revision, state, duty, due, created, project, record) \
         SELECT i, 0, 'rejected', 'sweep', i, i, i % 5, '{}' FROM generate_series(20001, 60000) AS i; \
         ANALYZE uploads; \
         INSERT INTO accounts SELECT i, 0, 0, i FROM generate_series(1, 20000) AS i; ANALYZE accounts; \
         INSERT INTO file_groups SELECT i, 'demo', i, '[]', i FROM generate_series(1, 20000) AS i; ANALYZE file_groups";
    sqlx::raw_sql(rows).execute(&mut *connection).await.unwrap();
    for mode in ["force_generic_plan", "force_custom_plan"] {
        for (statement, arguments, plan) in [
            (LOCK, "'{7,8}','{1,1}','{7,8}'", Some("uploads_pkey")),
            (WRITE, VALUES, Some("accounts_pkey")),
            (REMOVE, "'{7,8}'", Some("uploads_pkey")),
            (GET, "'7'", Some("uploads_pkey")),
            (DUE, "'sweep',90000,128", Some("uploads_duty")),
            (KNOWN_AS, "'name'", Some("uploads_known_as")),
            (FILES_OF, "'demo',90000,'',100", Some("uploads_project")),
            (REFUSED_OF, "'1',90000,'',100", Some("uploads_refused_of")),
            (NEWEST, "'demo',90000,'',100,'stored'", Some("uploads_listed")),
            (OLDEST, "'demo',0,'',100,'removed'", Some("uploads_listed")),
            (NEWEST_PRESENT, "'demo',90000,'',100", Some("uploads_listed")),
            (OLDEST_PRESENT, "'demo',0,'',100", Some("uploads_listed")),
            (UNFINISHED, "", Some("uploads_unfinished")),
            (ORDERS, "", Some("uploads_orders")),
            (UNFINISHED_OF, "'demo',90000,'',100", Some("uploads_unfinished")),
            (OLDEST_REFUSED, "'1',16", Some("uploads_refused_of")),
            (ORDERS_OF, "'demo',90000,'',100", Some("uploads_orders")),
            (EMPTY, "'{7,8}'", Some("accounts_pkey")),
            (GROUP, "'7'", Some("file_groups_pkey")),
            (GROUPS, "'demo',90000,'',100", Some("file_groups_project")),
            (OLDEST_GROUPS, "'demo',0,'',100", Some("file_groups_project")),
            (EXPIRED_GROUPS, "100,64", Some("file_groups_expires")),
            (REMOVE_GROUP, "'7'", Some("file_groups_pkey")),
            (OVER, "100,128", Some("accounts_until")),
            (FORGET, "'7',100", Some("accounts_pkey")),
            (HOLDINGS, "'7'", Some("accounts_pkey")),
        ] {
            let arguments = match arguments {
                "" => String::new(),
                arguments => format!("({arguments})"),
            };
            let ask = format!(
                "SET plan_cache_mode = {mode}; DEALLOCATE ALL; PREPARE asked AS {statement}; \
                 EXPLAIN (COSTS OFF) EXECUTE asked{arguments}"
            );
            let steps = sqlx::raw_sql(AssertSqlSafe(ask))
                .fetch_all(&mut *connection)
                .await
                .unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get(0)).collect();
            let steps = steps.join("\n");
            let sorts = steps.replace("Incremental Sort", "").replace("Sort Key", "");
            // Rows are locked in the order of their ids, and events are written in that of their changes: there are few of them.
            let may_sort = [LOCK, WRITE].contains(&statement);
            assert!(
                !steps.contains("Seq Scan") && (may_sort || !sorts.contains("Sort")),
                "{statement}\n{steps}"
            );
            let is_used = plan.is_none_or(|index| {
                ["using", "on"]
                    .iter()
                    .any(|word| steps.contains(&format!("{word} {index}")))
            });
            assert!(is_used, "{statement}\n{steps}");
        }
    }
}

#[tokio::test]
async fn rows_to_be_written_are_found_by_an_index_also_by_a_plan_for_empty_tables() {
    let server = testkit::Postgres::shared().await;
    let url = server.database().await;
    let mut session = Postgres::new(&url).unwrap().writer().await.unwrap();
    for (statement, arguments) in [
        (LOCK, "'{7,8}','{1,1}','{7,8}'"),
        (WRITE, VALUES),
        (REMOVE, "'{7,8}'"),
        (EMPTY, "'{7,8}'"),
    ] {
        session.begin().await.unwrap();
        let ask = format!(
            "SET LOCAL plan_cache_mode = force_generic_plan; DEALLOCATE ALL; PREPARE asked AS {statement}; \
             EXPLAIN (COSTS OFF) EXECUTE asked({arguments})"
        );
        let ask = sqlx::raw_sql(AssertSqlSafe(ask));
        let steps = ask.fetch_all(session.connection()).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get(0)).collect();
        let steps = steps.join("\n");
        assert!(!steps.contains("Seq Scan"), "{statement}\n{steps}");
        session.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn nothing_that_is_shown_has_the_password_in_it() {
    let server = testkit::Postgres::start_with(&["listen_addresses = '127.0.0.1'"]).await;
    let url = format!("postgres://me:hunter2@127.0.0.1:{}/db", server.port());
    let postgres = Postgres::new(&url).unwrap();
    let fault = Fault::from(failure(&url).await);
    for shown in [
        format!("{postgres:?}"),
        format!("{:?}", Arc::new(crate::SqlRecorder::postgres(&url).unwrap())),
        postgres.place(),
        fault.report(),
        format!("{fault:?}"),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("127.0.0.1"), "{shown}");
    }
    assert!(
        fault.report().contains("password authentication failed"),
        "{}",
        fault.report()
    );
    for statement in ["CREATE ROLE me LOGIN PASSWORD 'hunter2'", "CREATE DATABASE db OWNER me"] {
        server.execute("postgres", statement).await;
    }
    postgres.writer().await.expect("the password is right");
}
