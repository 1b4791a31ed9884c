//! Accounting: how much each project, sender and token uses, and what was received and removed on each day.
//!
//! Pure, and the only place that says what counts. A recorder writes the usage change in the same transaction as the change of
//! the record. It is the difference between the record's counts before and after the change. So a crash neither loses nor
//! doubles a count: the change that ends an upload returns its usage exactly once.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

pub use crate::record::account::{Account, AccountDelta, Change, Quota, Usage};
use crate::record::upload::{Record, State};

/// A day in UTC, as the number of days since 1 January 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// The day of a time.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        const SECONDS: u64 = 24 * 3600;
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_secs() / SECONDS).unwrap_or(i64::MAX))
    }
}

/// What a project received and removed on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DailyUsage {
    /// The public key of the project.
    pub project: String,
    /// The day.
    pub day: Day,
    /// Uploads that began, if their project was known then.
    pub asked: u64,
    /// Files that became readable.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Files that were deleted or expired.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
}

impl DailyUsage {
    /// This project and day, with zero counts.
    pub fn new(project: impl Into<String>, day: Day) -> Self {
        Self {
            project: project.into(),
            day,
            ..Self::default()
        }
    }

    /// Sets some of the counts.
    ///
    /// ```
    /// use intake_core::accounting::{DailyUsage, Day};
    ///
    /// let usage = DailyUsage::new("demopublickey", Day(20_000)).with(|usage| usage.received = 1);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Adds further counts of the same project and day.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in [
            (&mut self.asked, other.asked),
            (&mut self.received, other.received),
            (&mut self.received_bytes, other.received_bytes),
            (&mut self.removed, other.removed),
            (&mut self.removed_bytes, other.removed_bytes),
        ] {
            *count = count.saturating_add(more);
        }
    }

    /// The same project and day, with zero counts.
    #[must_use]
    pub fn nothing_of(&self) -> Self {
        Self {
            project: self.project.clone(),
            day: self.day,
            ..Self::default()
        }
    }
}

/// What a recorder writes to accounts together with a change of a record, in the same transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageChange {
    /// Accounts that change. Each account has at most one delta.
    pub deltas: Vec<AccountDelta>,
    /// What was received or removed.
    pub daily_usage: Option<DailyUsage>,
}

impl UsageChange {
    /// A usage change without any delta.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: UsageChange = UsageChange {
            deltas: Vec::new(),
            daily_usage: None,
        };
        &NONE
    }

    /// The usage change of a record that changes from `before` to `next`. A new record has no `before`.
    #[must_use]
    pub fn of(before: Option<&Record>, next: &Record, quota: Quota, now: SystemTime) -> Self {
        let mut usage_change = Self::default();
        for (record, sign) in before.map(|before| (before, -1)).into_iter().chain([(next, 1)]) {
            let unfinished = one_if(matches!(record.state, State::Open | State::Assembling));
            let fetches = one_if(matches!(record.state, State::Queued | State::Fetching));
            if let Some(sender) = &record.options.sender {
                // By then every upload of the sender has ended, at the latest by a sweeper, and the account is at zero.
                let until = record.due.unwrap_or(now).max(now).checked_add(ACCOUNTS_STAY);
                usage_change.add(Account::sender(sender), unfinished, sign, Quota::default(), until);
                usage_change.add(
                    Account::fetches_of_client(sender),
                    fetches,
                    sign,
                    Quota::default(),
                    until,
                );
            }
            let noted = one_if(matches!(record.state, State::Rejected(_)));
            let refused = Account::refused(record.options.project.as_deref());
            usage_change.add(refused, noted, sign, Quota::default(), None);
            let Some(project) = &record.options.project else {
                continue;
            };
            usage_change.add(Account::unfinished(project), unfinished, sign, Quota::default(), None);
            usage_change.add(Account::fetches(project), fetches, sign, Quota::default(), None);
            let held = held(record);
            usage_change.add(Account::project(project), held, sign, quota, None);
            if let Some(status) = record.file_status() {
                let account = Account::files(project, status);
                usage_change.add(account, one_if(true), sign, Quota::default(), None);
            }
            // A token without a bound on its uses is not counted.
            let grant = record
                .options
                .authorization
                .as_ref()
                .and_then(|authorization| authorization.grant.as_ref());
            if let Some(grant) = grant.filter(|grant| grant.uses.is_some()) {
                let uses = Usage {
                    bytes: 0,
                    files: used(record),
                };
                let quota = Quota {
                    files: grant.uses,
                    bytes: None,
                };
                // By then the records of the token's uploads are deleted, or no longer change the account.
                let until = grant.expires.checked_add(ACCOUNTS_STAY);
                usage_change.add(Account::token(project, &grant.id), uses, sign, quota, until);
            }
        }
        usage_change.deltas.retain(|delta| delta.change != Change::default());
        usage_change.daily_usage = daily_usage(before, next, now);
        usage_change
    }

    /// Sets the quota of this account. Does nothing if the account is among the deltas.
    #[must_use]
    pub fn within(mut self, account: &Account, quota: Quota) -> Self {
        for delta in self.deltas.iter_mut().filter(|delta| delta.account == *account) {
            delta.quota = quota;
        }
        self
    }

    pub(crate) fn add(&mut self, account: Account, held: Usage, sign: i64, quota: Quota, until: Option<SystemTime>) {
        let signed = |count: u64| sign * i64::try_from(count).unwrap_or(i64::MAX);
        let change = Change {
            bytes: signed(held.bytes),
            files: signed(held.files),
        };
        match self.deltas.iter_mut().find(|delta| delta.account == account) {
            Some(delta) => {
                delta.change.bytes = delta.change.bytes.saturating_add(change.bytes);
                delta.change.files = delta.change.files.saturating_add(change.files);
            }
            None => self.deltas.push(AccountDelta {
                account,
                change,
                quota,
                until,
            }),
        }
    }
}

/// Whether all these usage changes fit, one after the other. `has` returns what an account has before the first of them.
pub fn all_fit<'a>(usage_changes: impl IntoIterator<Item = &'a UsageChange>, has: impl Fn(&Account) -> Usage) -> bool {
    let mut after: BTreeMap<&Account, Usage> = BTreeMap::new();
    usage_changes
        .into_iter()
        .flat_map(|usage_change| &usage_change.deltas)
        .all(|delta| {
            let has = after.entry(&delta.account).or_insert_with(|| has(&delta.account));
            let fits = delta.quota.allows(has, &delta.change);
            *has = has.after(&delta.change);
            fits
        })
}

/// How long the account of a token or of a sender is kept after the last upload in it has ended.
const ACCOUNTS_STAY: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

fn one_if(counts: bool) -> Usage {
    Usage {
        bytes: 0,
        files: u64::from(counts),
    }
}

/// What an upload counts on its project's account: its declared size while it is in progress, then its real size, until its bytes
/// are deleted.
fn held(record: &Record) -> Usage {
    let bytes = match (&record.facts, &record.parts) {
        (Some(facts), _) => facts.size,
        (None, Some(parts)) => parts.size,
        (None, None) => record.declared.size.unwrap_or_default(),
    };
    match record.state {
        State::Open
        | State::Assembling
        | State::Staged
        | State::Ready
        | State::Quarantined
        | State::Trashed
        | State::Deleting => Usage { bytes, files: 1 },
        // Fetch jobs have no bytes; the fetched uploads have records of their own.
        State::Queued | State::Fetching | State::Fetched | State::Rejected(_) | State::Deleted => Usage::default(),
    }
}

/// What an upload counts on its token's account: one use, unless it failed or was refused.
fn used(record: &Record) -> u64 {
    // A fetched upload is not counted, because its fetch job is: so a fetch job is one use, however many tries it takes.
    if record.fetch_job.is_none()
        && record
            .options
            .authorization
            .as_ref()
            .is_some_and(|authorization| authorization.via_fetch_job)
    {
        return 0;
    }
    let came_to_something = match record.state {
        State::Open | State::Assembling | State::Staged | State::Ready | State::Trashed => true,
        // Refused or not: its bytes are kept, so that a token of one use cannot fill the quarantine.
        State::Quarantined => true,
        State::Queued | State::Fetching | State::Fetched => true,
        State::Deleting | State::Deleted => record.facts.is_some(),
        State::Rejected(_) => false,
    };
    u64::from(came_to_something)
}

fn daily_usage(before: Option<&Record>, next: &Record, now: SystemTime) -> Option<DailyUsage> {
    let project = next
        .options
        .project
        .clone()
        .filter(|project| project.len() <= 400 && !project.contains('\0'))?;
    let is_there = |record: &Record| matches!(record.state, State::Ready | State::Trashed);
    let was_there = before.is_some_and(is_there);
    let was_known = before.is_some_and(|before| before.options.project.is_some());
    let size = next.facts.as_ref().map_or(0, |facts| facts.size);
    // A fetch job counts once, however many tries it takes.
    let is_a_try = next.fetch_job.is_none()
        && next
            .options
            .authorization
            .as_ref()
            .is_some_and(|authorization| authorization.via_fetch_job);
    let asked = u64::from(!was_known && !is_a_try);
    let received = u64::from(is_there(next) && !was_there);
    let removed = u64::from(was_there && !is_there(next));
    let daily_usage = DailyUsage {
        project,
        day: Day::of(now),
        asked,
        received,
        received_bytes: received * size,
        removed,
        removed_bytes: removed * size,
    };
    (asked + received + removed > 0).then_some(daily_usage)
}
