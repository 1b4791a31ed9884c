//! The connection that writes to PostgreSQL. A statement costs a round trip, so each step is one statement, however many changes
//! there are: lists of values travel as arrays.

use std::sync::Arc;

use intake_core::accounting::DailyUsage;
use sqlx::postgres::PgQueryResult;
use sqlx::{Connection, Executor as _, PgConnection, SqlStr, query, query_as};

use crate::accounting::{LockedAccount, Written, counts};
use crate::catalog;
use crate::change::Change;
use crate::failure::{Failure, by_database};
use crate::postgres::states;
use crate::row::Row;
use crate::rows::RowChanges;
use crate::session::{Session, Trouble, values};
use crate::statements::columns;

/// The columns as arrays, one value for each row.
macro_rules! unnested {
    () => {
        "UNNEST($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], \
         $9::text[])"
    };
}

/// A row that is there already is none that was inserted, because an error would end the transaction.
pub(crate) const INSERT: &str = concat!(
    "INSERT INTO uploads (",
    columns!(),
    ") SELECT * FROM ",
    unnested!(),
    " ON CONFLICT (id) DO NOTHING"
);

pub(crate) const UPDATE: &str = concat!(
    "UPDATE uploads SET revision = new.revision, state = new.state, duty = new.duty, due = new.due, created = new.created, \
     project = new.project, known_as = new.known_as, record = new.record FROM ",
    unnested!(),
    " AS new (",
    columns!(),
    ") WHERE uploads.id = new.id"
);

pub(crate) const REMOVE: &str = "DELETE FROM uploads WHERE id = ANY ($1)";

pub(crate) const REVISIONS: &str = "SELECT id, revision FROM uploads WHERE id = ANY ($1) ORDER BY id FOR UPDATE";

/// An insert locks the rows in the order of its values.
const LOCK_ACCOUNTS: &str = "INSERT INTO accounts (name, bytes, files, until) \
    SELECT name, 0, 0, until FROM UNNEST($1::text[], $2::bigint[]) AS taken (name, until) \
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING name, bytes, files, until";

pub(crate) const EMPTY: &str = "DELETE FROM accounts WHERE name = ANY ($1)";

pub(crate) const BALANCES: &str = "UPDATE accounts SET bytes = new.bytes, files = new.files, until = new.until \
    FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS new (name, bytes, files, until) \
    WHERE accounts.name = new.name";

const ADD_DAYS: &str = "INSERT INTO flows (project, day, asked, received, received_bytes, removed, removed_bytes) \
    SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) \
    ON CONFLICT (project, day) DO UPDATE SET asked = flows.asked + excluded.asked, \
    received = flows.received + excluded.received, received_bytes = flows.received_bytes + excluded.received_bytes, \
    removed = flows.removed + excluded.removed, removed_bytes = flows.removed_bytes + excluded.removed_bytes";

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
        Self {
            connection,
            begin,
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

    async fn write(&mut self, statement: &'static str, rows: &[&Row]) -> Result<u64, Trouble> {
        if rows.is_empty() {
            return Ok(0);
        }
        let done = query(statement)
            .bind(list(rows, |row| row.id.as_str()))
            .bind(list(rows, |row| row.revision))
            .bind(list(rows, |row| row.state.as_str()))
            .bind(list(rows, |row| row.task.as_str()))
            .bind(list(rows, |row| row.due))
            .bind(list(rows, |row| row.created))
            .bind(list(rows, |row| row.project.as_deref()))
            .bind(list(rows, |row| row.source_key.as_deref()))
            .bind(list(rows, |row| row.record.as_str()))
            .execute(&mut self.connection)
            .await;
        self.done(done)
    }

    #[cfg(test)]
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// One value of each row.
fn list<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

impl Session for PostgresSession {
    async fn begin(&mut self) -> Result<(), Trouble> {
        let begun = sqlx::raw_sql(self.begin.clone()).execute(&mut self.connection).await;
        begun.map(drop).map_err(|error| self.trouble(error))
    }

    async fn lock_accounts(&mut self, names: &[(&str, Option<i64>)]) -> Result<Vec<LockedAccount>, Trouble> {
        let locked = query_as::<_, (String, i64, i64, Option<i64>)>(LOCK_ACCOUNTS)
            .bind(list(names, |(name, _)| *name))
            .bind(list(names, |(_, until)| *until))
            .fetch_all(&mut self.connection)
            .await;
        let account = |(name, bytes, files, until)| LockedAccount {
            name,
            bytes,
            files,
            until,
        };
        let locked = locked.map_err(|error| self.trouble(error))?;
        Ok(locked.into_iter().map(account).collect())
    }

    async fn revisions(&mut self, ids: &[&str]) -> Result<Vec<(String, i64)>, Trouble> {
        let found = query_as(REVISIONS).bind(ids).fetch_all(&mut self.connection).await;
        found.map_err(|error| self.trouble(error))
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
            Change::Nothing => return Ok(0),
        };
        let done = statement.execute(&mut self.connection).await;
        self.done(done)
    }

    async fn write_rows(&mut self, changes: &RowChanges<'_>) -> Result<(), Trouble> {
        let inserted = self.write(INSERT, &changes.inserted).await?;
        if inserted < changes.inserted.len() as u64 {
            // Another node has inserted one of these ids since the revisions were read. Next time its revision is there.
            let message = format!("a record was written twice in {}", self.place);
            return Err(Trouble::Fleeting(Failure::passing(message)));
        }
        self.write(UPDATE, &changes.updated).await?;
        if !changes.removed.is_empty() {
            let done = query(REMOVE).bind(&changes.removed).execute(&mut self.connection).await;
            self.done(done)?;
        }
        Ok(())
    }

    async fn write_accounts(&mut self, written: &Written<'_>) -> Result<(), Trouble> {
        if !written.empty.is_empty() {
            let done = query(EMPTY).bind(&written.empty).execute(&mut self.connection).await;
            self.done(done)?;
        }
        if !written.balances.is_empty() {
            let balances: Vec<_> = written.balances.iter().map(values).collect();
            let done = query(BALANCES)
                .bind(list(&balances, |balance| balance.0))
                .bind(list(&balances, |balance| balance.1))
                .bind(list(&balances, |balance| balance.2))
                .bind(list(&balances, |balance| balance.3))
                .execute(&mut self.connection)
                .await;
            self.done(done)?;
        }
        if !written.days.is_empty() {
            let days = query(ADD_DAYS)
                .bind(list(&written.days, |day: &&DailyUsage| day.project.as_str()))
                .bind(list(&written.days, |day| day.day.0));
            let counts: Vec<_> = written.days.iter().map(|day| counts(day)).collect();
            let days = (0..5).fold(days, |days, at| days.bind(list(&counts, |counts| counts[at])));
            let done = days.execute(&mut self.connection).await;
            self.done(done)?;
        }
        Ok(())
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
