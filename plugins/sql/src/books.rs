//! What is booked with the changes of one transaction, written once per account and day, however many changes there are.
//!
//! Accounts are taken first, in the order of their names, and records after them, in the order of their ids: nodes that write
//! at the same time do not wait for each other in a circle (but for changes of several records, see `writer.rs`). From then on
//! no other transaction changes those accounts: what is compared here with a quota is what is written in the end.

use std::collections::BTreeMap;

use intake_core::books::{self, Booking, Flow, Holdings};
use sqlx::{Database, query, query_as};

/// An account that is there from now on, and nobody else's to change until the transaction ends.
pub(crate) const TAKE: &str = "INSERT INTO accounts (name, bytes, files, until) VALUES ($1, 0, 0, $2) \
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING bytes, files, until";

/// An account that is looked up when it has nothing is not kept: what is not there has nothing.
pub(crate) const EMPTY: &str = "DELETE FROM accounts WHERE name = $1";

pub(crate) const BALANCE: &str = "UPDATE accounts SET bytes = $2, files = $3, until = $4 WHERE name = $1";

const ADD_FLOW: &str = "INSERT INTO flows (project, day, asked, received, received_bytes, removed, removed_bytes) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project, day) DO UPDATE SET asked = flows.asked + excluded.asked, \
    received = flows.received + excluded.received, received_bytes = flows.received_bytes + excluded.received_bytes, \
    removed = flows.removed + excluded.removed, removed_bytes = flows.removed_bytes + excluded.removed_bytes";

/// The accounts of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Books {
    accounts: BTreeMap<String, Account>,
    flows: BTreeMap<(String, i64), Flow>,
}

#[derive(Debug)]
struct Account {
    has: Holdings,
    until: Option<i64>,
    changed: bool,
}

/// The statements as functions.
pub(crate) trait Accounts: Database {
    /// Takes an account: what it has, and until when it is asked for; until then, if it is new.
    fn take(
        connection: &mut Self::Connection,
        name: &str,
        until: Option<i64>,
    ) -> impl Future<Output = sqlx::Result<(i64, i64, Option<i64>)>> + Send;

    /// Writes down what an account has, and until when it is asked for.
    fn balance(
        connection: &mut Self::Connection,
        name: &str,
        has: (i64, i64),
        until: Option<i64>,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Forgets an account that has nothing, and that somebody would have to forget some day.
    fn empty(connection: &mut Self::Connection, name: &str) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Adds to what came and went on a day.
    fn add_flow(connection: &mut Self::Connection, flow: &Flow) -> impl Future<Output = sqlx::Result<()>> + Send;
}

macro_rules! accounts {
    ($database:ty) => {
        impl Accounts for $database {
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

            async fn add_flow(connection: &mut Self::Connection, flow: &Flow) -> sqlx::Result<()> {
                let add = query(ADD_FLOW).bind(flow.project.as_str()).bind(flow.day.0);
                let counts = [
                    flow.asked,
                    flow.received,
                    flow.received_bytes,
                    flow.removed,
                    flow.removed_bytes,
                ];
                let add = counts.into_iter().fold(add, |add, count| add.bind(signed(count)));
                add.execute(connection).await.map(drop)
            }
        }
    };
}

accounts!(sqlx::Sqlite);
accounts!(sqlx::Postgres);

/// A count as databases have it: nobody has counted more than fits.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(count: i64) -> u64 {
    count.try_into().unwrap_or_default()
}

impl Books {
    /// Takes all accounts that these bookings are about.
    pub(crate) async fn open<D: Accounts>(
        connection: &mut D::Connection,
        bookings: impl Iterator<Item = &Booking> + Send,
    ) -> sqlx::Result<Self> {
        let lines = bookings.flat_map(|booking| &booking.lines);
        let names: BTreeMap<_, _> = lines
            .map(|line| (line.account.as_str().to_owned(), line.until.map(crate::row::micros)))
            .collect();
        let mut accounts = BTreeMap::new();
        for (name, until) in names {
            let (bytes, files, until) = D::take(connection, &name, until).await?;
            let has = Holdings {
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
            flows: BTreeMap::new(),
        })
    }

    /// Whether all accounts may have what is booked, one booking after the other.
    pub(crate) fn have_room(&self, bookings: &[&Booking]) -> bool {
        books::all_fit(bookings.iter().copied(), |account| {
            let account = self.accounts.get(account.as_str());
            account.map(|account| account.has).unwrap_or_default()
        })
    }

    /// Books, after the change was made.
    pub(crate) fn book(&mut self, booking: &Booking) {
        for line in &booking.lines {
            if let Some(account) = self.accounts.get_mut(line.account.as_str()) {
                account.has = account.has.after(&line.change);
                // Somebody may have made two tokens of one id; the one that ends last is asked for last.
                account.until = account
                    .until
                    .zip(line.until.map(crate::row::micros))
                    .map(|(one, other)| one.max(other));
                account.changed = true;
            }
        }
        if let Some(flow) = &booking.flow {
            let key = (flow.project.clone(), flow.day.0);
            self.flows.entry(key).or_insert_with(|| flow.nothing_of()).add(flow);
        }
    }

    /// Writes down what is different now.
    pub(crate) async fn close<D: Accounts>(self, connection: &mut D::Connection) -> sqlx::Result<()> {
        for (name, account) in &self.accounts {
            // Refused or given back: either way nobody has to come by and forget it.
            if account.until.is_some() && account.has == Holdings::default() {
                D::empty(connection, name).await?;
                continue;
            }
            if !account.changed {
                continue;
            }
            let has = (signed(account.has.bytes), signed(account.has.files));
            D::balance(connection, name, has, account.until).await?;
        }
        for flow in self.flows.values() {
            D::add_flow(connection, flow).await?;
        }
        Ok(())
    }
}
