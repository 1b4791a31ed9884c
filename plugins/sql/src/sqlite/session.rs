//! The connection that writes to SQLite. Each step is done at once, on the thread that asks: that of the writer.
//!
//! Not through sqlx, which hands every statement to another thread and waits: of a transaction with ten changes, most of the
//! time was spent on that (docs/decisions/0031).

use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OpenFlags, Params, params, params_from_iter};

use crate::accounting::{LockedAccount, Written, counts};
use crate::catalog;
use crate::change::Change;
use crate::failure::Failure;
use crate::outbox::steps::{PlanRows, Step, Value};
use crate::row::Row;
use crate::rows::RowChanges;
use crate::session::{Locked, Session, Trouble, values};
use crate::sqlite::codes::{LONGEST_LOG, is_passing_code};
use crate::statements::columns;

/// More than there are statements.
const STATEMENTS: usize = 64;

pub(crate) const INSERT: &str = concat!(
    "INSERT INTO uploads (",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
);

pub(crate) const UPDATE: &str = concat!(
    "UPDATE uploads SET (",
    columns!(),
    ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) WHERE id = ?1"
);

pub(crate) const REMOVE: &str = "DELETE FROM uploads WHERE id = ?1";

pub(crate) const REVISION: &str = "SELECT revision FROM uploads WHERE id = ?1";

const LOCK_ACCOUNT: &str = "INSERT INTO accounts (name, bytes, files, until) VALUES (?1, 0, 0, ?2) \
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING bytes, files, until";

pub(crate) const EMPTY: &str = "DELETE FROM accounts WHERE name = ?1";

pub(crate) const BALANCE: &str = "UPDATE accounts SET bytes = ?2, files = ?3, until = ?4 WHERE name = ?1";

const ADD_DAY: &str = "INSERT INTO flows (project, day, asked, received, received_bytes, removed, removed_bytes) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (project, day) DO UPDATE SET asked = flows.asked + excluded.asked, \
    received = flows.received + excluded.received, received_bytes = flows.received_bytes + excluded.received_bytes, \
    removed = flows.removed + excluded.removed, removed_bytes = flows.removed_bytes + excluded.removed_bytes";

const ADD_EVENT: &str = "INSERT INTO events (id, at, planned, event, record) VALUES (?1, ?2, 0, ?3, ?4)";

pub(crate) const PLAN_EVENT: &str = "UPDATE events SET planned = 1 WHERE number = ?1 AND planned = 0";

const ADD_DELIVERY: &str = "INSERT INTO deliveries (event, event_id, kind, upload, project, notifier, target, lane, \
    subscription, state, attempts, attempts_before, under_way, due, created, body) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'waiting', 0, 0, 0, ?10, ?10, ?11)";

// A transaction that reads first and then wants to write fails at once if another one has written in between.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// An open connection that writes.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    connection: Connection,
    place: String,
}

impl SqliteSession {
    /// Opens a file in which the tables are up to date.
    pub(super) fn open(path: &Path, patience: Duration) -> rusqlite::Result<Self> {
        // No names such as `file:`; see `Sqlite`. Only the writer uses the connection.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(patience)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // The default depends on how SQLite was built. In write-ahead mode this syncs each commit.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.query_row(&format!("PRAGMA journal_size_limit = {LONGEST_LOG}"), (), |_| Ok(()))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self {
            connection,
            place: path.display().to_string(),
        })
    }

    fn failure(&self, error: rusqlite::Error, is_passing: bool) -> Failure {
        Failure::of(
            format!("cannot write to the records in {}", self.place),
            error,
            is_passing,
        )
    }

    /// Runs a statement, and returns how many rows it changed.
    fn run(&self, statement: &str, values: impl Params) -> Result<u64, Trouble> {
        let run = || self.connection.prepare_cached(statement)?.execute(values);
        run().map(|rows| rows as u64).map_err(|error| self.trouble(error))
    }

    fn trouble(&self, error: rusqlite::Error) -> Trouble {
        match code(&error) {
            Some(code) if is_passing_code(code) => Trouble::Whole(self.failure(error, true)),
            Some(_) => Trouble::Refused(self.failure(error, false)),
            None => Trouble::Whole(self.failure(error, true)),
        }
    }

    /// Inserts or updates: both statements have the same parameters.
    fn write_row(&self, statement: &str, row: &Row) -> Result<u64, Trouble> {
        let values = params![
            row.id,
            row.revision,
            row.state,
            row.task,
            row.due,
            row.created,
            row.project,
            row.source_key,
            row.record,
            row.listed,
            row.uploaded
        ];
        self.run(statement, values)
    }

    fn lock_accounts(&self, names: &[(&str, Option<i64>)]) -> Result<Vec<LockedAccount>, Trouble> {
        let take = |(name, until): &(&str, Option<i64>)| {
            let mut statement = self.connection.prepare_cached(LOCK_ACCOUNT)?;
            statement.query_row(params![name, until], |row| {
                Ok(LockedAccount {
                    name: (*name).to_owned(),
                    bytes: row.get(0)?,
                    files: row.get(1)?,
                    until: row.get(2)?,
                })
            })
        };
        let taken: rusqlite::Result<_> = names.iter().map(take).collect();
        taken.map_err(|error| self.trouble(error))
    }

    fn revisions(&self, ids: &[&str]) -> Result<Vec<(String, i64)>, Trouble> {
        let look_up = || {
            let mut statement = self.connection.prepare_cached(REVISION)?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let mut rows = statement.query((id,))?;
                if let Some(row) = rows.next()? {
                    found.push(((*id).to_owned(), row.get(0)?));
                }
            }
            Ok(found)
        };
        look_up().map_err(|error| self.trouble(error))
    }

    fn write_rows(&self, changes: &RowChanges<'_>) -> Result<(), Trouble> {
        for row in &changes.inserted {
            self.write_row(INSERT, row)?;
        }
        for row in &changes.updated {
            self.write_row(UPDATE, row)?;
        }
        for id in &changes.removed {
            self.run(REMOVE, (id,))?;
        }
        Ok(())
    }

    /// Writes events, in the order of their changes.
    fn write_events(&self, changes: &RowChanges<'_>) -> Result<(), Trouble> {
        for (row, event) in &changes.events {
            self.run(ADD_EVENT, params![event.id, event.at, event.event, row.record])?;
        }
        Ok(())
    }

    /// Plans events that are not planned. Returns how many.
    fn plan(&self, plan: &PlanRows) -> Result<u64, Trouble> {
        let mut planned = 0;
        for event in &plan.events {
            if self.run(PLAN_EVENT, (event,))? == 0 {
                continue;
            }
            planned += 1;
            for row in plan.deliveries.iter().filter(|row| row.event == *event) {
                let to = &row.to;
                let values = params![
                    row.event,
                    row.event_id,
                    row.kind,
                    row.upload,
                    row.project,
                    to.notifier,
                    to.target,
                    row.lane,
                    to.subscription,
                    plan.now,
                    to.body.as_ref()
                ];
                self.run(ADD_DELIVERY, values)?;
            }
        }
        Ok(planned)
    }

    /// Makes steps until one changes nothing. Returns how many rows the first one changed.
    fn make_steps(&self, steps: &[Step]) -> Result<u64, Trouble> {
        let mut first = None;
        for step in steps {
            let changed = self.run(step.statement, params_from_iter(step.values.iter().map(sql_of)))?;
            if *first.get_or_insert(changed) == 0 {
                break;
            }
        }
        Ok(first.unwrap_or_default())
    }

    fn write_accounts(&self, written: &Written<'_>) -> Result<(), Trouble> {
        for name in &written.empty {
            self.run(EMPTY, (name,))?;
        }
        for balance in &written.balances {
            self.run(BALANCE, values(balance))?;
        }
        for day in &written.days {
            let [asked, received, received_bytes, removed, removed_bytes] = counts(day);
            let values = params![
                day.project,
                day.day.0,
                asked,
                received,
                received_bytes,
                removed,
                removed_bytes
            ];
            self.run(ADD_DAY, values)?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// A value as SQLite's driver takes it.
fn sql_of(value: &Value) -> SqlValue {
    match value {
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.clone().into(),
    }
}

/// SQLite's primary result code.
fn code(error: &rusqlite::Error) -> Option<u32> {
    let extended = error.sqlite_error()?.extended_code;
    Some(extended.cast_unsigned() & 0xff)
}

impl Session for SqliteSession {
    async fn begin(&mut self) -> Result<(), Trouble> {
        self.run(BEGIN, ()).map(drop)
    }

    async fn lock(&mut self, names: &[(&str, Option<i64>)], ids: &[&str]) -> Result<Locked, Trouble> {
        Ok(Locked {
            accounts: self.lock_accounts(names)?,
            revisions: self.revisions(ids)?,
        })
    }

    async fn make(&mut self, change: &Change) -> Result<u64, Trouble> {
        match change {
            Change::PutProject((key, revision @ 0, settings)) => {
                self.run(catalog::ADD_PROJECT, params![key, revision, settings])
            }
            Change::PutProject((key, revision, settings)) => {
                self.run(catalog::CHANGE_PROJECT, params![revision, settings, key, revision - 1])
            }
            Change::AddGroup((id, project, created, expires, members), _) => {
                self.run(catalog::ADD_GROUP, params![id, project, created, expires, members])
            }
            Change::RemoveGroup { id, .. } => self.run(catalog::REMOVE_GROUP, (id,)),
            Change::Forget { name, now } => self.run(catalog::FORGET, params![name, now]),
            Change::Insert(..) | Change::Update { .. } | Change::UpdateAll(_) | Change::Remove { .. } => Ok(0),
            Change::Steps(steps) => self.make_steps(steps),
            Change::Plan(plan) => self.plan(plan),
            Change::Nothing => Ok(0),
        }
    }

    async fn write(&mut self, changes: &RowChanges<'_>, written: &Written<'_>) -> Result<(), Trouble> {
        self.write_rows(changes)?;
        self.write_events(changes)?;
        self.write_accounts(written)
    }

    async fn commit(&mut self) -> Result<(), Trouble> {
        let commit = || self.connection.prepare_cached("COMMIT")?.execute(());
        // Each change was accepted, so trying again may help.
        commit()
            .map(drop)
            .map_err(|error| Trouble::Whole(self.failure(error, true)))
    }

    async fn rollback(&mut self) -> Result<(), Trouble> {
        self.run("ROLLBACK", ()).map(drop)
    }

    async fn close(self) -> bool {
        self.connection.close().is_ok()
    }
}
