//! The connection that writes to PostgreSQL. A statement costs a round trip, so each step is one statement, however many changes
//! there are: lists of values travel as arrays.

use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgQueryResult};
use sqlx::query::QueryAs;
use sqlx::{AssertSqlSafe, Connection, Executor as _, PgConnection, SqlSafeStr as _, SqlStr, query, query_as, raw_sql};

use crate::accounting::{LockedAccount, Written, counts};
use crate::catalog;
use crate::change::Change;
use crate::failure::{Failure, by_database};
use crate::outbox::steps::{PlanRows, Step, Value};
use crate::postgres::states;
use crate::row::Row;
use crate::rows::RowChanges;
use crate::session::{Locked, Session, Trouble, values};
use crate::statements::columns;

/// The server keeps the plan of a prepared statement, and in an empty table each row is found by reading all of them. The table
/// may grow by many thousands of rows until it is analyzed and planned for anew.
const BY_INDEX: &str = "SET LOCAL enable_seqscan = off";

/// Locks accounts and then rows, each in the order of the arrays and of the ids: no row is read before all accounts are counted.
/// A row that another node inserts meanwhile is not found, and noticed when it is written.
pub(crate) const LOCK: &str = "WITH taken AS (INSERT INTO accounts (name, bytes, files, until) \
    SELECT name, 0, 0, until FROM UNNEST($1::text[], $2::bigint[]) AS taken (name, until) \
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING name, bytes, files, until), \
    found AS MATERIALIZED (SELECT id, revision FROM uploads \
    WHERE id = ANY ($3) AND (SELECT count(*) FROM taken) >= 0 ORDER BY id FOR UPDATE) \
    SELECT TRUE, name, bytes, files, until FROM taken UNION ALL SELECT FALSE, id, revision, 0, NULL FROM found";

/// Inserts rows and replaces those with the ids `$10`, and writes balances and days; each list may be empty. Returns how many rows
/// it has written. A row that is there, and is not one to be replaced, is none of them, because an error would end the transaction.
///
/// Days are locked after rows: their values are joined with the count of all rows.
pub(crate) const WRITE: &str = concat!(
    "WITH written AS (INSERT INTO uploads AS old (",
    columns!(),
    ") SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], \
     $9::text[], $22::text[], $23::bigint[]) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, state = excluded.state, duty = excluded.duty, \
     due = excluded.due, created = excluded.created, project = excluded.project, known_as = excluded.known_as, \
     record = excluded.record, listed = excluded.listed, uploaded = excluded.uploaded WHERE old.id = ANY ($10::text[]) RETURNING 1), \
     counted AS MATERIALIZED (SELECT count(*) AS rows FROM written), \
     balances AS (UPDATE accounts SET bytes = new.bytes, files = new.files, until = new.until \
     FROM UNNEST($11::text[], $12::bigint[], $13::bigint[], $14::bigint[]) AS new (name, bytes, files, until) \
     WHERE accounts.name = new.name), \
     days AS (INSERT INTO flows (project, day, asked, received, received_bytes, removed, removed_bytes) \
     SELECT new.* FROM counted, UNNEST($15::text[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], \
     $21::bigint[]) AS new ON CONFLICT (project, day) DO UPDATE SET asked = flows.asked + excluded.asked, \
     received = flows.received + excluded.received, received_bytes = flows.received_bytes + excluded.received_bytes, \
     removed = flows.removed + excluded.removed, removed_bytes = flows.removed_bytes + excluded.removed_bytes), \
     told AS (INSERT INTO events (id, at, xact, planned, event, record) \
     SELECT new.id, new.at, pg_current_xact_id()::text::bigint, 0, new.event, new.record FROM counted, \
     UNNEST($24::text[], $25::bigint[], $26::text[], $27::text[]) WITH ORDINALITY AS new (id, at, event, record, place) \
     ORDER BY new.place) \
     SELECT rows FROM counted"
);

/// Plans events that are not planned, and locks them in the order of their numbers. Returns how many.
pub(crate) const PLAN: &str = "WITH found AS MATERIALIZED (SELECT number FROM events WHERE number = ANY ($1::bigint[]) AND planned = 0 \
    ORDER BY number FOR UPDATE), \
    won AS (UPDATE events SET planned = 1 FROM found WHERE events.number = found.number RETURNING events.number), \
    added AS (INSERT INTO deliveries (event, event_id, kind, upload, project, notifier, target, lane, subscription, body, \
    state, attempts, attempts_before, under_way, due, created) \
    SELECT new.event, new.event_id, new.kind, new.upload, new.project, new.notifier, new.target, new.lane, new.subscription, \
    new.body, 'waiting', 0, 0, 0, $12, $12 FROM UNNEST($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], \
    $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bytea[]) WITH ORDINALITY AS new (event, event_id, kind, upload, \
    project, notifier, target, lane, subscription, body, place) WHERE new.event IN (SELECT number FROM won) ORDER BY new.place) \
    SELECT count(*) FROM won";

pub(crate) const REMOVE: &str = "DELETE FROM uploads WHERE id = ANY ($1)";

pub(crate) const EMPTY: &str = "DELETE FROM accounts WHERE name = ANY ($1)";

/// [`WRITE`], which returns a number of rows.
type Write<'a> = QueryAs<'a, sqlx::Postgres, (i64,), PgArguments>;

/// An open connection that writes.
#[derive(Debug)]
pub(crate) struct PostgresSession {
    connection: PgConnection,
    /// Begins a transaction, with its settings.
    begin: SqlStr,
    place: Arc<str>,
}

impl PostgresSession {
    pub(super) fn of(connection: PgConnection, begin: SqlStr, place: String) -> Self {
        let begin = format!("{}; {BY_INDEX}", begin.as_str());
        Self {
            connection,
            begin: AssertSqlSafe(begin).into_sql_str(),
            place: place.into(),
        }
    }

    fn failure(&self, error: sqlx::Error) -> Failure {
        let message = format!("cannot write to the records in {}", self.place);
        Failure::of_database(message, error, states::is_passing)
    }

    fn trouble(&self, error: sqlx::Error) -> Trouble {
        if by_database(&error).is_some_and(|error| !states::is_passing(error)) {
            return Trouble::Refused(self.failure(error));
        }
        match states::is_fleeting(&error) {
            true => Trouble::Fleeting(self.failure(error)),
            false => Trouble::Whole(self.failure(error)),
        }
    }

    fn done(&self, done: sqlx::Result<PgQueryResult>) -> Result<u64, Trouble> {
        done.map(|done| done.rows_affected())
            .map_err(|error| self.trouble(error))
    }

    /// Deletes what has these keys, if there are any.
    async fn delete(&mut self, statement: &'static str, keys: &[&str]) -> Result<(), Trouble> {
        if keys.is_empty() {
            return Ok(());
        }
        let done = query(statement).bind(keys).execute(&mut self.connection).await;
        self.done(done).map(drop)
    }

    /// Makes steps until one changes nothing. Returns how many rows the first one changed.
    async fn make_steps(&mut self, steps: &[Step]) -> Result<u64, Trouble> {
        let mut first = None;
        for step in steps {
            let statement = step
                .values
                .iter()
                .fold(query(step.statement), |statement, value| match value {
                    Value::Int(number) => statement.bind(*number),
                    Value::Text(text) => statement.bind(text.as_deref()),
                });
            let done = statement.execute(&mut self.connection).await;
            let changed = self.done(done)?;
            if *first.get_or_insert(changed) == 0 {
                break;
            }
        }
        Ok(first.unwrap_or_default())
    }

    /// Plans events that are not planned. Returns how many.
    async fn plan(&mut self, plan: &PlanRows) -> Result<u64, Trouble> {
        let rows = &plan.deliveries;
        let planned = query_as::<_, (i64,)>(PLAN)
            .bind(&plan.events)
            .bind(list(rows, |row| row.event))
            .bind(list(rows, |row| row.event_id.as_str()))
            .bind(list(rows, |row| row.kind))
            .bind(list(rows, |row| row.upload.as_str()))
            .bind(list(rows, |row| row.project.as_deref()))
            .bind(list(rows, |row| row.to.notifier.as_str()))
            .bind(list(rows, |row| row.to.target.as_str()))
            .bind(list(rows, |row| row.lane))
            .bind(list(rows, |row| row.to.subscription))
            .bind(list(rows, |row| row.to.body.as_ref()))
            .bind(plan.now)
            .fetch_one(&mut self.connection)
            .await;
        let (planned,) = planned.map_err(|error| self.trouble(error))?;
        Ok(planned.cast_unsigned())
    }

    #[cfg(test)]
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// [`WRITE`] with its values.
fn write_of<'a>(rows: &[&'a Row], changes: &RowChanges<'a>, written: &Written<'a>) -> Write<'a> {
    let balances: Vec<_> = written.balances.iter().map(values).collect();
    let days = &written.days;
    let counts: Vec<_> = days.iter().map(|day| counts(day)).collect();
    let write = query_as(WRITE)
        .bind(list(rows, |row| row.id.as_str()))
        .bind(list(rows, |row| row.revision))
        .bind(list(rows, |row| row.state.as_str()))
        .bind(list(rows, |row| row.task.as_str()))
        .bind(list(rows, |row| row.due))
        .bind(list(rows, |row| row.created))
        .bind(list(rows, |row| row.project.as_deref()))
        .bind(list(rows, |row| row.source_key.as_deref()))
        .bind(list(rows, |row| row.record.as_str()))
        .bind(list(&changes.updated, |row| row.id.as_str()))
        .bind(list(&balances, |balance| balance.0))
        .bind(list(&balances, |balance| balance.1))
        .bind(list(&balances, |balance| balance.2))
        .bind(list(&balances, |balance| balance.3))
        .bind(list(days, |day| day.project.as_str()))
        .bind(list(days, |day| day.day.0));
    let write = (0..5).fold(write, |write, at| write.bind(list(&counts, |counts| counts[at])));
    let events = &changes.events;
    write
        .bind(list(rows, |row| row.listed))
        .bind(list(rows, |row| row.uploaded))
        .bind(list(events, |(_, event)| event.id.as_str()))
        .bind(list(events, |(_, event)| event.at))
        .bind(list(events, |(_, event)| event.event.as_str()))
        .bind(list(events, |(row, _)| row.record.as_str()))
}

/// One value of each row.
fn list<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

impl Session for PostgresSession {
    async fn begin(&mut self) -> Result<(), Trouble> {
        let begun = raw_sql(self.begin.clone()).execute(&mut self.connection).await;
        begun.map(drop).map_err(|error| self.trouble(error))
    }

    async fn lock(&mut self, names: &[(&str, Option<i64>)], ids: &[&str]) -> Result<Locked, Trouble> {
        let mut locked = Locked::default();
        if names.is_empty() && ids.is_empty() {
            return Ok(locked);
        }
        let found = query_as::<_, (bool, String, i64, i64, Option<i64>)>(LOCK)
            .bind(list(names, |(name, _)| *name))
            .bind(list(names, |(_, until)| *until))
            .bind(ids)
            .fetch_all(&mut self.connection)
            .await;
        for (is_account, name, number, files, until) in found.map_err(|error| self.trouble(error))? {
            match is_account {
                true => locked.accounts.push(LockedAccount {
                    name,
                    bytes: number,
                    files,
                    until,
                }),
                false => locked.revisions.push((name, number)),
            }
        }
        Ok(locked)
    }

    async fn make(&mut self, change: &Change) -> Result<u64, Trouble> {
        let statement = match change {
            Change::PutProject((key, revision @ 0, settings)) => {
                query(catalog::ADD_PROJECT).bind(key).bind(revision).bind(settings)
            }
            Change::PutProject((key, revision, settings)) => query(catalog::CHANGE_PROJECT)
                .bind(revision)
                .bind(settings)
                .bind(key)
                .bind(revision - 1),
            Change::AddGroup((id, project, created, expires, members), _) => query(catalog::ADD_GROUP)
                .bind(id)
                .bind(project)
                .bind(created)
                .bind(expires)
                .bind(members),
            Change::RemoveGroup { id, .. } => query(catalog::REMOVE_GROUP).bind(id),
            Change::Forget { name, now } => query(catalog::FORGET).bind(name).bind(now),
            Change::Insert(..) | Change::Update { .. } | Change::UpdateAll(_) | Change::Remove { .. } => return Ok(0),
            Change::Steps(steps) => return self.make_steps(steps).await,
            Change::Plan(plan) => return self.plan(plan).await,
            Change::Nothing => return Ok(0),
        };
        let done = statement.execute(&mut self.connection).await;
        self.done(done)
    }

    async fn write(&mut self, changes: &RowChanges<'_>, written: &Written<'_>) -> Result<(), Trouble> {
        let rows: Vec<_> = changes.inserted.iter().chain(&changes.updated).copied().collect();
        let is_nothing = rows.is_empty() && changes.events.is_empty();
        if !(is_nothing && written.balances.is_empty() && written.days.is_empty()) {
            let found = write_of(&rows, changes, written).fetch_one(&mut self.connection).await;
            let (found,) = found.map_err(|error| self.trouble(error))?;
            if found.cast_unsigned() < rows.len() as u64 {
                // Another node has inserted one of these ids since the revisions were read. Next time its revision is there.
                let message = format!("a record was written twice in {}", self.place);
                return Err(Trouble::Fleeting(Failure::passing(message)));
            }
        }
        self.delete(REMOVE, &changes.removed).await?;
        self.delete(EMPTY, &written.empty).await
    }

    async fn commit(&mut self) -> Result<(), Trouble> {
        let committed = self.connection.execute("COMMIT").await;
        // Each change was accepted, so trying again may help.
        committed
            .map(drop)
            .map_err(|error| Trouble::Whole(self.failure(error).passes()))
    }

    async fn rollback(&mut self) -> Result<(), Trouble> {
        let ended = self.connection.execute("ROLLBACK").await;
        ended.map(drop).map_err(|error| self.trouble(error))
    }

    async fn close(self) -> bool {
        self.connection.close().await.is_ok()
    }
}
