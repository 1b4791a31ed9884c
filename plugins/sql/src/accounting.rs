//! The accounting of one transaction: each account and each day is written once, however many changes there are.
//!
//! Accounts are locked first, in the order of their names, and records after them, in the order of their ids, so that nodes
//! that write at the same time do not deadlock. From then on no other transaction changes those accounts: the values that are
//! compared with a quota here are those that are written in the end.

use std::collections::BTreeMap;

use intake_core::accounting::{self, DailyUsage, Usage, UsageChange};
use intake_core::micros::to_micros;

/// The accounts of one transaction, and its daily usage.
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

/// An account as it was when it was locked.
#[derive(Debug)]
pub(crate) struct LockedAccount {
    pub(crate) name: String,
    pub(crate) bytes: i64,
    pub(crate) files: i64,
    /// When it expires.
    pub(crate) until: Option<i64>,
}

/// What an account has after the transaction.
#[derive(Debug)]
pub(crate) struct Balance<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes: i64,
    pub(crate) files: i64,
    pub(crate) until: Option<i64>,
}

/// What is to be written of accounts and days.
#[derive(Debug, Default)]
pub(crate) struct Written<'a> {
    pub(crate) balances: Vec<Balance<'a>>,
    /// Accounts that have an end and nothing in them. They are deleted, so that maintenance does not have to: a missing account
    /// has a balance of zero.
    pub(crate) empty: Vec<&'a str>,
    pub(crate) days: Vec<&'a DailyUsage>,
}

/// A count in the signed type of databases. No real count exceeds it.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(count: i64) -> u64 {
    count.try_into().unwrap_or_default()
}

/// A day's usage in the order of the columns.
pub(crate) fn counts(usage: &DailyUsage) -> [i64; 5] {
    [
        usage.asked,
        usage.received,
        usage.received_bytes,
        usage.removed,
        usage.removed_bytes,
    ]
    .map(signed)
}

/// The names of all accounts of these usage changes, in order, each with its end.
pub(crate) fn names<'a>(usage_changes: impl Iterator<Item = &'a UsageChange>) -> Vec<(&'a str, Option<i64>)> {
    let deltas = usage_changes.flat_map(|usage_change| &usage_change.deltas);
    let names: BTreeMap<_, _> = deltas
        .map(|delta| (delta.account.as_str(), delta.until.map(to_micros)))
        .collect();
    names.into_iter().collect()
}

impl Accounts {
    pub(crate) fn of(locked: Vec<LockedAccount>) -> Self {
        let account = |locked: LockedAccount| {
            let has = Usage {
                bytes: unsigned(locked.bytes),
                files: unsigned(locked.files),
            };
            let account = Account {
                has,
                until: locked.until,
                changed: false,
            };
            (locked.name, account)
        };
        Self {
            accounts: locked.into_iter().map(account).collect(),
            daily_usage: BTreeMap::new(),
        }
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
                    .zip(line.until.map(to_micros))
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

    /// Everything that has changed.
    pub(crate) fn written(&self) -> Written<'_> {
        let mut written = Written::default();
        for (name, account) in &self.accounts {
            match account {
                Account {
                    has, until: Some(_), ..
                } if *has == Usage::default() => written.empty.push(name),
                Account { changed: false, .. } => {}
                Account { has, until, .. } => written.balances.push(Balance {
                    name,
                    bytes: signed(has.bytes),
                    files: signed(has.files),
                    until: *until,
                }),
            }
        }
        written.days = self.daily_usage.values().collect();
        written
    }
}
