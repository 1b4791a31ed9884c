//! What PostgreSQL does for the statements of the outbox: a target for which many deliveries wait costs the others nothing.

use sqlx::{AssertSqlSafe, Row as _};

use super::session::PLAN;
use super::*;
use crate::outbox::asking::{
    DELIVERIES, DELIVERIES_FAILED, DELIVERIES_FAILED_OF, DELIVERIES_OF, EVENTS_BY_TRANSACTION, HEADS, LANES, SAME,
    SUBSCRIPTION, SUBSCRIPTIONS, UNPLANNED,
};
use crate::outbox::steps::{
    CANCEL, CHANGE, FORGET_ENDED, FORGET_EVENTS, FORGET_FAILED, REMOVE, REPLAY, REPLAY_FAILED, SETTLE, SETTLE_BEHIND,
    TAKE,
};
use crate::testkit;

/// A dead target (lane 1) for which 40,000 deliveries are due, and a hundred others with a few each. Nine of ten events are
/// planned, and some deliveries have failed.
const ROWS: &str = "\
    INSERT INTO events (id, at, xact, planned, event, record) \
    SELECT i, i, i, CASE WHEN i % 100 = 0 THEN 0 ELSE 1 END, '{}', repeat('x', 300) FROM generate_series(1, 20000) AS i; \
    INSERT INTO deliveries (event, event_id, kind, upload, notifier, target, lane, subscription, state, attempts, attempts_before, \
    under_way, due, created, ended, body) \
    SELECT i, i, 'file.uploaded', i, 'n', 't', 1, 1, 'waiting', 1, 0, 0, i, i, NULL, '' FROM generate_series(1, 40000) AS i; \
    INSERT INTO deliveries (event, event_id, kind, upload, notifier, target, lane, subscription, state, attempts, attempts_before, \
    under_way, due, created, ended, body) \
    SELECT i, i, 'file.uploaded', i, 'n', 't', 2 + i % 100, 2 + i % 100, CASE i % 4 WHEN 0 THEN 'waiting' WHEN 1 THEN 'failed' \
    ELSE 'delivered' END, 1, 0, 0, CASE WHEN i % 4 = 0 THEN i END, i, CASE WHEN i % 4 > 0 THEN i END, '' \
    FROM generate_series(1, 20000) AS i; \
    INSERT INTO subscriptions (project, kind, target, revision, subscription) \
    SELECT i % 5000, 'file.uploaded', i, 0, '{}' FROM generate_series(1, 20000) AS i; \
    ANALYZE events; ANALYZE deliveries; ANALYZE subscriptions";

/// Each statement, with arguments.
const ASKED: [(&str, &str); 23] = [
    (EVENTS_BY_TRANSACTION, "7,7,100"),
    (UNPLANNED, "64"),
    (LANES, "0,90000,4,96"),
    (HEADS, "1,90000,4"),
    (DELIVERIES, "30000,100"),
    (DELIVERIES_FAILED, "30000,100"),
    (DELIVERIES_OF, "30000,100,7"),
    (DELIVERIES_FAILED_OF, "90000,100,7"),
    (SUBSCRIPTION, "7"),
    (SAME, "'7','file.uploaded','7'"),
    (SUBSCRIPTIONS, "'7',100"),
    (TAKE, "1,7,1,90000"),
    (SETTLE, "'failed',NULL,1,'',7,1"),
    (SETTLE_BEHIND, "1,7"),
    (REPLAY, "1,7"),
    (REPLAY_FAILED, "1,7,1"),
    (CHANGE, "'file.stored','x',1,'{}',7,0"),
    (REMOVE, "7"),
    (CANCEL, "1,7"),
    (FORGET_EVENTS, "100,64"),
    (FORGET_ENDED, "100,64"),
    (FORGET_FAILED, "100,64"),
    (
        PLAN,
        "'{7}','{7}','{7}','{k}','{u}','{NULL}','{n}','{t}','{1}','{1}','{x}',1",
    ),
];

#[tokio::test]
async fn what_waits_for_one_target_is_not_read_for_another() {
    let server = testkit::Postgres::shared().await;
    let url = server.database().await;
    let mut session = Postgres::new(&url).unwrap().writer().await.unwrap();
    let connection = session.connection();
    sqlx::raw_sql(ROWS).execute(&mut *connection).await.unwrap();
    for mode in ["force_generic_plan", "force_custom_plan"] {
        for (statement, arguments) in ASKED {
            // As in the transactions of the writer.
            let seqscan = if is_write(statement) { "off" } else { "on" };
            let ask = format!(
                "SET plan_cache_mode = {mode}; SET enable_seqscan = {seqscan}; DEALLOCATE ALL; PREPARE asked AS {statement}; \
                 EXPLAIN (COSTS OFF) EXECUTE asked({arguments})"
            );
            let steps = sqlx::raw_sql(AssertSqlSafe(ask))
                .fetch_all(&mut *connection)
                .await
                .unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get(0)).collect();
            let steps = steps.join("\n");
            assert!(!steps.contains("Seq Scan"), "{statement}\n{steps}");
        }
    }
    sqlx::raw_sql("RESET enable_seqscan; RESET plan_cache_mode")
        .execute(&mut *connection)
        .await
        .unwrap();
    // Of the lane with 40,000 due deliveries a few rows are read, and none of it for the others.
    for (statement, arguments) in [(LANES, "0,90000,4,96"), (HEADS, "1,90000,4"), (HEADS, "7,90000,4")] {
        let ask = format!(
            "DEALLOCATE ALL; PREPARE asked AS {statement}; \
             EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) EXECUTE asked({arguments})"
        );
        let steps = sqlx::raw_sql(AssertSqlSafe(ask))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get(0)).collect();
        let most = steps.iter().filter_map(|step| rows_of(step)).max().unwrap();
        assert!(most <= 200, "{most} rows\n{}", steps.join("\n"));
    }
}

fn is_write(statement: &str) -> bool {
    !statement.starts_with("SELECT") && statement != LANES
}

/// The actual rows of a step.
fn rows_of(step: &str) -> Option<u64> {
    let (_, rows) = step.split_once("actual rows=")?;
    let digits: String = rows.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
