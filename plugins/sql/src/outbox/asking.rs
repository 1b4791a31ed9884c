//! What is read from the outbox. Each statement finds its rows by an index; tests check that against the query plans.

use sqlx::{Database, Row as _, query, query_as};

use super::rows::{DeliveryRow, EventRow, SubscriptionRow};

/// A question to the outbox.
#[derive(Clone, Debug)]
pub(crate) enum Asked<'a> {
    /// Events behind a position.
    Events { after: (i64, i64), limit: i64 },
    /// Events whose deliveries are not planned.
    Unplanned { limit: i64 },
    /// Lanes behind this one with a due delivery and less than `most` under way, in the order of their numbers.
    Lanes {
        behind: i64,
        now: i64,
        most: i64,
        limit: i64,
    },
    /// Due deliveries of a lane, each the first of its file.
    Heads { lane: i64, now: i64, limit: i64 },
    /// Deliveries before this one.
    Deliveries {
        subscription: Option<i64>,
        failed: bool,
        before: i64,
        limit: i64,
    },
    /// How many deliveries wait, and since when the first is due.
    Waiting,
    /// The subscription of this number.
    Subscription(i64),
    /// The subscription of a project for this kind and target.
    Same {
        project: &'a str,
        kind: &'a str,
        target: &'a str,
    },
    /// Subscriptions of a project.
    Subscriptions { project: &'a str, limit: i64 },
}

impl Asked<'_> {
    /// Whether only maintenance asks this.
    pub(crate) fn is_maintenance(&self) -> bool {
        matches!(
            self,
            Self::Unplanned { .. } | Self::Lanes { .. } | Self::Heads { .. } | Self::Waiting
        )
    }
}

/// An answer of the outbox.
#[derive(Debug)]
pub(crate) enum Answered {
    Events(Vec<EventRow>),
    /// Lanes, each with how many of it are under way.
    Lanes(Vec<(i64, i64)>),
    Deliveries(Vec<DeliveryRow>),
    Waiting(i64, Option<i64>),
    Subscriptions(Vec<SubscriptionRow>),
}

/// SQLite has one writer: numbers rise in the order of the commits.
pub(crate) const EVENTS_BY_NUMBER: &str = "SELECT 0 AS xact, number, id, event, record FROM events \
    WHERE $1 >= 0 AND number > $2 ORDER BY number LIMIT $3";

/// A transaction that began earlier may commit later. So only events are listed before which no other can appear: those of
/// transactions older than every one that is running.
pub(crate) const EVENTS_BY_TRANSACTION: &str = "SELECT xact, number, id, event, record FROM events \
    WHERE (xact, number) > ($1, $2) AND xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
    ORDER BY xact, number LIMIT $3";

/// Those of one file have rising numbers: each change waits for the commit of the one before.
pub(crate) const UNPLANNED: &str =
    "SELECT number, id, event, record FROM events WHERE planned = 0 ORDER BY number LIMIT $1";

/// From lane to lane by the index, however many deliveries wait in each.
pub(crate) const LANES: &str = "WITH RECURSIVE lanes (lane) AS (SELECT min(lane) FROM deliveries WHERE due IS NOT NULL AND lane > $1 \
    UNION ALL SELECT (SELECT min(next.lane) FROM deliveries AS next WHERE next.due IS NOT NULL AND next.lane > lanes.lane) \
    FROM lanes WHERE lanes.lane IS NOT NULL), \
    found AS (SELECT lane, (SELECT min(first.due) FROM deliveries AS first WHERE first.due IS NOT NULL AND first.lane = lanes.lane) AS due, \
    (SELECT count(*) FROM deliveries AS sent WHERE sent.under_way = 1 AND sent.lane = lanes.lane AND sent.due > $2) AS under_way \
    FROM lanes WHERE lane IS NOT NULL) \
    SELECT lane, under_way FROM found WHERE due <= $2 AND under_way < $3 ORDER BY lane LIMIT $4";

macro_rules! delivery {
    () => {
        "number, event, event_id, kind, upload, project, notifier, target, subscription, state, attempts, attempts_before, \
         due, created, ended, answer, body"
    };
}

pub(crate) const HEADS: &str = concat!(
    "SELECT ",
    delivery!(),
    " FROM deliveries WHERE lane = $1 AND due <= $2 AND NOT EXISTS (SELECT 1 FROM deliveries AS before \
     WHERE before.due IS NOT NULL AND before.lane = deliveries.lane AND before.upload = deliveries.upload \
     AND before.event < deliveries.event) ORDER BY due LIMIT $3"
);

pub(crate) const DELIVERIES: &str = concat!(
    "SELECT ",
    delivery!(),
    " FROM deliveries WHERE number < $1 ORDER BY number DESC LIMIT $2"
);

pub(crate) const DELIVERIES_FAILED: &str = concat!(
    "SELECT ",
    delivery!(),
    " FROM deliveries WHERE state = 'failed' AND number < $1 ORDER BY number DESC LIMIT $2"
);

pub(crate) const DELIVERIES_OF: &str = concat!(
    "SELECT ",
    delivery!(),
    " FROM deliveries WHERE number < $1 AND subscription = $3 ORDER BY number DESC LIMIT $2"
);

pub(crate) const DELIVERIES_FAILED_OF: &str = concat!(
    "SELECT ",
    delivery!(),
    " FROM deliveries WHERE state = 'failed' AND number < $1 AND subscription = $3 ORDER BY number DESC LIMIT $2"
);

pub(crate) const WAITING: &str = "SELECT count(*), min(due) FROM deliveries WHERE due IS NOT NULL";

pub(crate) const SUBSCRIPTION: &str =
    "SELECT number, project, kind, target, revision, subscription FROM subscriptions WHERE number = $1";

pub(crate) const SAME: &str = "SELECT number, project, kind, target, revision, subscription FROM subscriptions \
    WHERE project = $1 AND kind = $2 AND target = $3";

pub(crate) const SUBSCRIPTIONS: &str = "SELECT number, project, kind, target, revision, subscription FROM subscriptions \
    WHERE project = $1 ORDER BY number LIMIT $2";

/// The statements as a function.
pub(crate) trait OutboxStatements: Database {
    fn ask(connection: &mut Self::Connection, asked: &Asked<'_>)
    -> impl Future<Output = sqlx::Result<Answered>> + Send;
}

macro_rules! statements {
    ($database:ty, $row:ty, $events:expr) => {
        impl OutboxStatements for $database {
            async fn ask(connection: &mut Self::Connection, asked: &Asked<'_>) -> sqlx::Result<Answered> {
                fn event(row: &$row, xact: i64) -> sqlx::Result<EventRow> {
                    Ok(EventRow {
                        xact,
                        number: row.try_get("number")?,
                        id: row.try_get("id")?,
                        event: row.try_get("event")?,
                        record: row.try_get("record")?,
                    })
                }
                fn delivery(row: &$row) -> sqlx::Result<DeliveryRow> {
                    Ok(DeliveryRow {
                        number: row.try_get("number")?,
                        event: row.try_get("event")?,
                        event_id: row.try_get("event_id")?,
                        kind: row.try_get("kind")?,
                        upload: row.try_get("upload")?,
                        project: row.try_get("project")?,
                        notifier: row.try_get("notifier")?,
                        target: row.try_get("target")?,
                        subscription: row.try_get("subscription")?,
                        state: row.try_get("state")?,
                        attempts: row.try_get("attempts")?,
                        attempts_before: row.try_get("attempts_before")?,
                        due: row.try_get("due")?,
                        created: row.try_get("created")?,
                        ended: row.try_get("ended")?,
                        answer: row.try_get("answer")?,
                        body: row.try_get("body")?,
                    })
                }
                fn subscription(row: &$row) -> sqlx::Result<SubscriptionRow> {
                    Ok(SubscriptionRow {
                        number: row.try_get("number")?,
                        project: row.try_get("project")?,
                        kind: row.try_get("kind")?,
                        target: row.try_get("target")?,
                        revision: row.try_get("revision")?,
                        subscription: row.try_get("subscription")?,
                    })
                }
                match *asked {
                    Asked::Events {
                        after: (xact, number),
                        limit,
                    } => {
                        let rows = query($events).bind(xact).bind(number).bind(limit);
                        let rows = rows.fetch_all(connection).await?;
                        let events = rows.iter().map(|row| event(row, row.try_get("xact")?));
                        events.collect::<Result<_, _>>().map(Answered::Events)
                    }
                    Asked::Unplanned { limit } => {
                        let rows = query(UNPLANNED).bind(limit).fetch_all(connection).await?;
                        let events = rows.iter().map(|row| event(row, 0));
                        events.collect::<Result<_, _>>().map(Answered::Events)
                    }
                    Asked::Lanes {
                        behind,
                        now,
                        most,
                        limit,
                    } => {
                        let lanes = query_as(LANES).bind(behind).bind(now).bind(most).bind(limit);
                        lanes.fetch_all(connection).await.map(Answered::Lanes)
                    }
                    Asked::Heads { lane, now, limit } => {
                        let heads = query(HEADS).bind(lane).bind(now).bind(limit);
                        let rows = heads.fetch_all(connection).await?;
                        rows.iter()
                            .map(delivery)
                            .collect::<Result<_, _>>()
                            .map(Answered::Deliveries)
                    }
                    Asked::Deliveries {
                        subscription,
                        failed,
                        before,
                        limit,
                    } => {
                        let listed = match (subscription, failed) {
                            (None, false) => query(DELIVERIES).bind(before).bind(limit),
                            (None, true) => query(DELIVERIES_FAILED).bind(before).bind(limit),
                            (Some(of), false) => query(DELIVERIES_OF).bind(before).bind(limit).bind(of),
                            (Some(of), true) => query(DELIVERIES_FAILED_OF).bind(before).bind(limit).bind(of),
                        };
                        let rows = listed.fetch_all(connection).await?;
                        rows.iter()
                            .map(delivery)
                            .collect::<Result<_, _>>()
                            .map(Answered::Deliveries)
                    }
                    Asked::Waiting => {
                        let (count, first) = query_as(WAITING).fetch_one(connection).await?;
                        Ok(Answered::Waiting(count, first))
                    }
                    Asked::Subscription(number) => {
                        let rows = query(SUBSCRIPTION).bind(number).fetch_all(connection).await?;
                        let found = rows.iter().map(subscription);
                        found.collect::<Result<_, _>>().map(Answered::Subscriptions)
                    }
                    Asked::Same {
                        project,
                        kind,
                        target,
                    } => {
                        let same = query(SAME).bind(project).bind(kind).bind(target);
                        let rows = same.fetch_all(connection).await?;
                        let found = rows.iter().map(subscription);
                        found.collect::<Result<_, _>>().map(Answered::Subscriptions)
                    }
                    Asked::Subscriptions { project, limit } => {
                        let of = query(SUBSCRIPTIONS).bind(project).bind(limit);
                        let rows = of.fetch_all(connection).await?;
                        let found = rows.iter().map(subscription);
                        found.collect::<Result<_, _>>().map(Answered::Subscriptions)
                    }
                }
            }
        }
    };
}

statements!(sqlx::Sqlite, sqlx::sqlite::SqliteRow, EVENTS_BY_NUMBER);
statements!(sqlx::Postgres, sqlx::postgres::PgRow, EVENTS_BY_TRANSACTION);

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::outbox::steps;
    use crate::sqlite::{Sqlite, session};

    #[tokio::test]
    async fn no_statement_of_the_outbox_reads_a_whole_table() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Sqlite::new(folder.path().join("records.db")).tables().await.unwrap();
        for (statement, index) in [
            (EVENTS_BY_NUMBER, "INTEGER PRIMARY KEY (rowid>?)"),
            (UNPLANNED, "events_unplanned"),
            (LANES, "deliveries_due (lane>?)"),
            (LANES, "deliveries_due (lane=? AND due>?)"),
            (LANES, "deliveries_under_way (lane=? AND due>?)"),
            (HEADS, "deliveries_due (lane=? AND due<?)"),
            (HEADS, "deliveries_file (lane=? AND upload=? AND event<?)"),
            (DELIVERIES, "INTEGER PRIMARY KEY (rowid<?)"),
            (DELIVERIES_FAILED, "deliveries_failed (number<?)"),
            (DELIVERIES_OF, "deliveries_of (subscription=? AND number<?)"),
            (
                DELIVERIES_FAILED_OF,
                "deliveries_failed_of (subscription=? AND number<?)",
            ),
            (SUBSCRIPTION, "INTEGER PRIMARY KEY (rowid=?)"),
            (SAME, "(project=? AND kind=? AND target=?)"),
            (SUBSCRIPTIONS, "subscriptions_project (project=?)"),
            (session::PLAN_EVENT, "INTEGER PRIMARY KEY (rowid=?)"),
            (steps::TAKE, "INTEGER PRIMARY KEY (rowid=?)"),
            (steps::SETTLE, "INTEGER PRIMARY KEY (rowid=?)"),
            (
                steps::SETTLE_BEHIND,
                "deliveries_file (lane=? AND upload=? AND event>?)",
            ),
            (steps::REPLAY, "INTEGER PRIMARY KEY (rowid=?)"),
            (steps::REPLAY_FAILED, "deliveries_failed_of (subscription=?)"),
            (steps::FORGET_EVENTS, "events_planned (at<?)"),
            (steps::FORGET_ENDED, "deliveries_ended (ended<?)"),
            (steps::FORGET_FAILED, "deliveries_given_up (ended<?)"),
            (steps::CHANGE, "(project=? AND kind=? AND target=?)"),
            (steps::REMOVE, "INTEGER PRIMARY KEY (rowid=?)"),
            (steps::CANCEL, "deliveries_waiting_of (subscription=?)"),
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let steps = query(explain).fetch_all(&mut connection).await.unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            assert!(steps.iter().any(|step| step.contains(index)), "{statement}: {steps:#?}");
            let tables = ["events", "deliveries", "subscriptions"];
            let is_whole = |step: &String| tables.iter().any(|table| *step == format!("SCAN {table}"));
            assert!(!steps.iter().any(is_whole), "{statement}: {steps:#?}");
        }
    }
}
