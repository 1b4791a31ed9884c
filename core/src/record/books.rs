//! What uploads are counted as: who has how much, and what came and went on which day.
//!
//! Pure, and the only place that says what counts. Every change of a record is booked in the same transaction as the change
//! itself, as the difference between what the record was counted as before and is now. So a crash can neither lose nor double
//! anything: what is given back is given back by the change that ends the upload, once.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use crate::record::upload::{Record, State};

/// How a change ended. None of these is a fault.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The record is the new one.
    Done,
    /// The record has changed, or is gone, since it was read: somebody else was faster.
    Lost,
    /// An account would have more than its quota allows. Nothing was changed.
    Full,
}

/// What an account may have. `None` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Bytes in all.
    pub bytes: Option<u64>,
    /// How many: files, uses of a token, or whatever the account counts.
    pub files: Option<u64>,
}

impl Quota {
    /// So many at most, whatever they have in bytes.
    #[must_use]
    pub fn of(count: u64) -> Self {
        Self {
            bytes: None,
            files: Some(count),
        }
    }

    /// Whether somebody who has so much may get more.
    #[must_use]
    pub fn allows(&self, has: &Holdings, more: &Change) -> bool {
        let within = |has: u64, more: i64, most: Option<u64>| match (most, u64::try_from(more)) {
            // Who gives back, or gets nothing, is never refused.
            (None, _) | (_, Err(_) | Ok(0)) => true,
            (Some(most), Ok(more)) => has.saturating_add(more) <= most,
        };
        within(has.bytes, more.bytes, self.bytes) && within(has.files, more.files, self.files)
    }
}

/// What an account has, uploads under way included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Bytes.
    pub bytes: u64,
    /// How many: files, uses of a token, or whatever the account counts.
    pub files: u64,
}

impl Holdings {
    /// What it has after a change.
    #[must_use]
    pub fn after(&self, change: &Change) -> Self {
        Self {
            bytes: self.bytes.saturating_add_signed(change.bytes),
            files: self.files.saturating_add_signed(change.files),
        }
    }
}

/// How much more, or less, an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Bytes.
    pub bytes: i64,
    /// How many more or fewer: files, uses of a token, or whatever the account counts.
    pub files: i64,
}

/// Something that has holdings: a project, a token, or those things of one project, or of one sender, that are counted apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(String);

impl Account {
    /// A project's.
    #[must_use]
    pub fn project(key: &str) -> Self {
        Self::named(format!("project:{key}"))
    }

    /// Names that a recorder may not be able to keep are known by their digest: an embedder may call a project anything.
    fn named(name: String) -> Self {
        const LONGEST: usize = 400;
        if name.len() <= LONGEST && !name.contains('\0') {
            return Self(name);
        }
        Self(format!("#{}", hex::encode(Sha256::digest(name.as_bytes()))))
    }

    /// A token's, among those of a project. No project's key has a colon in it.
    #[must_use]
    pub fn token(project: &str, id: &str) -> Self {
        Self::named(format!("token:{project}:{id}"))
    }

    /// A project's orders that wait or are being fetched.
    #[must_use]
    pub fn orders(project: &str) -> Self {
        Self::named(format!("orders:{project}"))
    }

    /// A project's unfinished uploads: parts of them are arriving, or are being put together.
    #[must_use]
    pub fn unfinished(project: &str) -> Self {
        Self::named(format!("unfinished:{project}"))
    }

    /// A project's groups: how many, and the bytes of their lists.
    #[must_use]
    pub fn groups(project: &str) -> Self {
        Self::named(format!("groups:{project}"))
    }

    /// Notes of what was refused: of a project, or of uploads whose project was not known.
    #[must_use]
    pub fn refused(project: Option<&str>) -> Self {
        // No project has an empty key.
        Self::named(format!("refused:{}", project.unwrap_or_default()))
    }

    /// A sender's unfinished uploads, whichever projects they are of: see [`Record::sender`].
    #[must_use]
    pub fn sender(sender: &str) -> Self {
        Self::named(format!("sender:{sender}"))
    }

    /// A sender's orders that wait or are being fetched, whichever projects they are of.
    #[must_use]
    pub fn orders_of_sender(sender: &str) -> Self {
        Self::named(format!("orders-of-sender:{sender}"))
    }

    /// The account as recorders name it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One account's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub account: Account,
    /// How much more or less.
    pub change: Change,
    /// What it may have then. If that is too much, nothing at all is changed.
    pub quota: Quota,
    /// When nobody will ask for the account any more. `None`: never.
    pub until: Option<SystemTime>,
}

/// A day, counted from the first of 1970, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// The day of an instant.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        const SECONDS: u64 = 24 * 3600;
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_secs() / SECONDS).unwrap_or(i64::MAX))
    }
}

/// What came and went of a project's, on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Whose, by its public key.
    pub project: String,
    /// When.
    pub day: Day,
    /// Uploads that were begun, as far as their project was known.
    pub asked: u64,
    /// Files that became readable.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Files that left: deleted, or expired.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
}

impl Flow {
    /// Adds what came and went besides, of the same project on the same day.
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

    /// Of the same project on the same day, nothing.
    #[must_use]
    pub fn nothing_of(&self) -> Self {
        Self {
            project: self.project.clone(),
            day: self.day,
            ..Self::default()
        }
    }
}

/// What is written down together with a change of a record, in the same transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booking {
    /// Accounts that change. Each at most once.
    pub lines: Vec<Line>,
    /// What came or went.
    pub flow: Option<Flow>,
}

impl Booking {
    /// Nothing to write down.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: Booking = Booking {
            lines: Vec::new(),
            flow: None,
        };
        &NONE
    }

    /// What is written down where a record takes another's place, or is new.
    #[must_use]
    pub fn of(before: Option<&Record>, next: &Record, quota: Quota, now: SystemTime) -> Self {
        let mut booking = Self::default();
        for (record, sign) in before.map(|before| (before, -1)).into_iter().chain([(next, 1)]) {
            let unfinished = one_if(matches!(record.state, State::Open | State::Assembling));
            let waiting = one_if(matches!(record.state, State::Waiting | State::Pulling));
            if let Some(sender) = &record.sender {
                // When the last of them has ended, which its sweeper sees to, the account has nothing.
                let until = record.due.unwrap_or(now).max(now).checked_add(ACCOUNTS_STAY);
                booking.add(Account::sender(sender), unfinished, sign, Quota::default(), until);
                booking.add(
                    Account::orders_of_sender(sender),
                    waiting,
                    sign,
                    Quota::default(),
                    until,
                );
            }
            let noted = one_if(matches!(record.state, State::Rejected(_)));
            let refused = Account::refused(record.project.as_deref());
            booking.add(refused, noted, sign, Quota::default(), None);
            let Some(project) = &record.project else { continue };
            booking.add(Account::unfinished(project), unfinished, sign, Quota::default(), None);
            booking.add(Account::orders(project), waiting, sign, Quota::default(), None);
            let held = held(record);
            booking.add(Account::project(project), held, sign, quota, None);
            // A token that lets in any number has nothing to count.
            let grant = record.pass.as_ref().and_then(|pass| pass.grant.as_ref());
            if let Some(grant) = grant.filter(|grant| grant.uses.is_some()) {
                let uses = Holdings {
                    bytes: 0,
                    files: used(record),
                };
                let quota = Quota {
                    files: grant.uses,
                    bytes: None,
                };
                // Notes of its uploads are gone long before that, or hold nothing back.
                let until = grant.expires.checked_add(ACCOUNTS_STAY);
                booking.add(Account::token(project, &grant.id), uses, sign, quota, until);
            }
        }
        booking.lines.retain(|line| line.change != Change::default());
        booking.flow = flow(before, next, now);
        booking
    }

    /// The same, where this account may have no more than that. An account that does not change is not bounded.
    #[must_use]
    pub fn within(mut self, account: &Account, quota: Quota) -> Self {
        for line in self.lines.iter_mut().filter(|line| line.account == *account) {
            line.quota = quota;
        }
        self
    }

    pub(crate) fn add(&mut self, account: Account, held: Holdings, sign: i64, quota: Quota, until: Option<SystemTime>) {
        let signed = |count: u64| sign * i64::try_from(count).unwrap_or(i64::MAX);
        let change = Change {
            bytes: signed(held.bytes),
            files: signed(held.files),
        };
        match self.lines.iter_mut().find(|line| line.account == account) {
            Some(line) => {
                line.change.bytes = line.change.bytes.saturating_add(change.bytes);
                line.change.files = line.change.files.saturating_add(change.files);
            }
            None => self.lines.push(Line {
                account,
                change,
                quota,
                until,
            }),
        }
    }
}

/// Whether everybody may have what is booked, one booking after the other, where an account has so much before.
pub fn all_fit<'a>(bookings: impl IntoIterator<Item = &'a Booking>, has: impl Fn(&Account) -> Holdings) -> bool {
    let mut after: BTreeMap<&Account, Holdings> = BTreeMap::new();
    bookings.into_iter().flat_map(|booking| &booking.lines).all(|line| {
        let has = after.entry(&line.account).or_insert_with(|| has(&line.account));
        let fits = line.quota.allows(has, &line.change);
        *has = has.after(&line.change);
        fits
    })
}

/// How long the account of a token, or of a sender, outlives what it was last booked for: nothing of it is under way then.
const ACCOUNTS_STAY: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

fn one_if(counts: bool) -> Holdings {
    Holdings {
        bytes: 0,
        files: u64::from(counts),
    }
}

/// What an upload is counted as on its project's account: what it is going to have, as far as that was said, then what it has,
/// until its bytes are gone.
fn held(record: &Record) -> Holdings {
    let bytes = match (&record.facts, &record.parts) {
        (Some(facts), _) => facts.size,
        (None, Some(parts)) => parts.size,
        (None, None) => record.declared.size.unwrap_or_default(),
    };
    match record.state {
        State::Open | State::Assembling | State::Staged | State::Ready | State::Trashed | State::Deleting => {
            Holdings { bytes, files: 1 }
        }
        // Orders have no bytes; the uploads that come of them have records of their own.
        State::Waiting | State::Pulling | State::Pulled | State::Rejected(_) | State::Gone => Holdings::default(),
    }
}

/// What an upload is counted as on its token's account: a use, unless it came to nothing.
fn used(record: &Record) -> u64 {
    // What was fetched for an order is the order's use, however often it was tried.
    if record.pull.is_none() && record.pass.as_ref().is_some_and(|pass| pass.ordered) {
        return 0;
    }
    let came_to_something = match record.state {
        State::Open | State::Assembling | State::Staged | State::Ready | State::Trashed => true,
        State::Waiting | State::Pulling | State::Pulled => true,
        State::Deleting | State::Gone => record.facts.is_some(),
        State::Rejected(_) => false,
    };
    u64::from(came_to_something)
}

fn flow(before: Option<&Record>, next: &Record, now: SystemTime) -> Option<Flow> {
    let project = next
        .project
        .clone()
        .filter(|project| project.len() <= 400 && !project.contains('\0'))?;
    let is_there = |record: &Record| matches!(record.state, State::Ready | State::Trashed);
    let was_there = before.is_some_and(is_there);
    let was_known = before.is_some_and(|before| before.project.is_some());
    let size = next.facts.as_ref().map_or(0, |facts| facts.size);
    // An order is asked for once, however often it is tried.
    let is_a_try = next.pull.is_none() && next.pass.as_ref().is_some_and(|pass| pass.ordered);
    let asked = u64::from(!was_known && !is_a_try);
    let received = u64::from(is_there(next) && !was_there);
    let removed = u64::from(was_there && !is_there(next));
    let flow = Flow {
        project,
        day: Day::of(now),
        asked,
        received,
        received_bytes: received * size,
        removed,
        removed_bytes: removed * size,
    };
    (asked + received + removed > 0).then_some(flow)
}
