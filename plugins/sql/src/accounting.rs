//! The accounting of one transaction: each account and each day is written once, however many changes there are.
//!
//! Accounts are locked first, in the order of their names, and records after them, in the order of their ids, so that nodes
//! that write at the same time do not deadlock (except by changes of several records, see `writer.rs`). From then on no other
//! transaction changes those accounts: the values that are compared with a quota here are those that are written in the end.

use std::collections::BTreeMap;

use intake_core::accounting::{self, DailyUsage, Usage, UsageChange};
use sqlx::{Database, query, query_as};

/// Creates an account unless it exists, and locks it until the transaction ends.
pub(crate) const TAKE: &str = "INSERT INTO accounts (name, bytes, files, until) VALUES ($1, 0, 0, $2) \
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING bytes, files, until";

/// An account with an end and a balance of zero is deleted: a missing account has a balance of zero.
pub(crate) const EMPTY: &str = "DELETE FROM accounts WHERE name = $1";

pub(crate) const BALANCE: &str = "UPDATE accounts SET bytes = $2, files = $3, until = $4 WHERE name = $1";

const ADD_FLOW: &str = "INSERT INTO flows (project, day, asked, received, received_bytes, removed, removed_bytes) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project, day) DO UPDATE SET asked = flows.asked + excluded.asked, \
    received = flows.received + excluded.received, received_bytes = flows.received_bytes + excluded.received_bytes, \
    removed = flows.removed + excluded.removed, removed_bytes = flows.removed_bytes + excluded.removed_bytes";

/// The locked accounts of one transaction, and its daily usage.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    accounts: BTreeMap<String, Account>,
    daily_usage: BTreeMap<(String, i64), DailyUsage>,
}

#[derive(Debug)]
struct Account {
    has: Usage,
    until: Option<i64>,
    changed: bool,
}

/// The statements as functions.
pub(crate) trait AccountStatements: Database {
    /// Locks an account. Returns its bytes, its files, and its end: this one, if the account is new.
    fn take(
        connection: &mut Self::Connection,
        name: &str,
        until: Option<i64>,
    ) -> impl Future<Output = sqlx::Result<(i64, i64, Option<i64>)>> + Send;

    /// Writes the balance and the end of an account.
    fn balance(
        connection: &mut Self::Connection,
        name: &str,
        has: (i64, i64),
        until: Option<i64>,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Deletes an account with a balance of zero, so that maintenance does not have to.
    fn empty(connection: &mut Self::Connection, name: &str) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Adds to the usage of a day.
    fn add_flow(
        connection: &mut Self::Connection,
        daily_usage: &DailyUsage,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
}

macro_rules! accounts {
    ($database:ty) => {
        impl AccountStatements for $database {
            async fn take(
                connection: &mut Self::Connection,
                name: &str,
                until: Option<i64>,
            ) -> sqlx::Result<(i64, i64, Option<i64>)> {
                query_as(TAKE).bind(name).bind(until).fetch_one(connection).await
            }

            async fn balance(
                connection: &mut Self::Connection,
                name: &str,
                (bytes, files): (i64, i64),
                until: Option<i64>,
            ) -> sqlx::Result<()> {
                let balance = query(BALANCE).bind(name).bind(bytes).bind(files).bind(until);
                balance.execute(connection).await.map(drop)
            }

            async fn empty(connection: &mut Self::Connection, name: &str) -> sqlx::Result<()> {
                query(EMPTY).bind(name).execute(connection).await.map(drop)
            }

            async fn add_flow(connection: &mut Self::Connection, daily_usage: &DailyUsage) -> sqlx::Result<()> {
                let add = query(ADD_FLOW)
                    .bind(daily_usage.project.as_str())
                    .bind(daily_usage.day.0);
                let counts = [
                    daily_usage.asked,
                    daily_usage.received,
                    daily_usage.received_bytes,
                    daily_usage.removed,
                    daily_usage.removed_bytes,
                ];
                let add = counts.into_iter().fold(add, |add, count| add.bind(signed(count)));
                add.execute(connection).await.map(drop)
            }
        }
    };
}

accounts!(sqlx::Sqlite);
accounts!(sqlx::Postgres);

/// A count in the signed type of databases. No real count exceeds it.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(count: i64) -> u64 {
    count.try_into().unwrap_or_default()
}

impl Accounts {
    /// Locks all accounts of these usage changes.
    pub(crate) async fn lock<D: AccountStatements>(
        connection: &mut D::Connection,
        usage_changes: impl Iterator<Item = &UsageChange> + Send,
    ) -> sqlx::Result<Self> {
        let lines = usage_changes.flat_map(|usage_change| &usage_change.deltas);
        let names: BTreeMap<_, _> = lines
            .map(|line| {
                (
                    line.account.as_str().to_owned(),
                    line.until.map(intake_core::micros::to_micros),
                )
            })
            .collect();
        let mut accounts = BTreeMap::new();
        for (name, until) in names {
            let (bytes, files, until) = D::take(connection, &name, until).await?;
            let has = Usage {
                bytes: unsigned(bytes),
                files: unsigned(files),
            };
            let account = Account {
                has,
                until,
                changed: false,
            };
            accounts.insert(name, account);
        }
        Ok(Self {
            accounts,
            daily_usage: BTreeMap::new(),
        })
    }

    /// Whether these usage changes, one after the other, keep all accounts within their quotas.
    pub(crate) fn have_room(&self, usage_changes: &[&UsageChange]) -> bool {
        accounting::all_fit(usage_changes.iter().copied(), |account| {
            let account = self.accounts.get(account.as_str());
            account.map(|account| account.has).unwrap_or_default()
        })
    }

    /// Applies a usage change, after its change was made.
    pub(crate) fn apply(&mut self, usage_change: &UsageChange) {
        for line in &usage_change.deltas {
            if let Some(account) = self.accounts.get_mut(line.account.as_str()) {
                account.has = account.has.after(&line.change);
                // Two tokens may have the same id; the later end counts.
                account.until = account
                    .until
                    .zip(line.until.map(intake_core::micros::to_micros))
                    .map(|(one, other)| one.max(other));
                account.changed = true;
            }
        }
        if let Some(daily_usage) = &usage_change.daily_usage {
            let key = (daily_usage.project.clone(), daily_usage.day.0);
            self.daily_usage
                .entry(key)
                .or_insert_with(|| daily_usage.nothing_of())
                .add(daily_usage);
        }
    }

    /// Writes everything that has changed.
    pub(crate) async fn write<D: AccountStatements>(self, connection: &mut D::Connection) -> sqlx::Result<()> {
        for (name, account) in &self.accounts {
            // The usage change was refused, or has emptied the account: maintenance does not have to delete it.
            if account.until.is_some() && account.has == Usage::default() {
                D::empty(connection, name).await?;
                continue;
            }
            if !account.changed {
                continue;
            }
            let has = (signed(account.has.bytes), signed(account.has.files));
            D::balance(connection, name, has, account.until).await?;
        }
        for daily_usage in self.daily_usage.values() {
            D::add_flow(connection, daily_usage).await?;
        }
        Ok(())
    }
}
