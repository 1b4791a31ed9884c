//! A recorder that keeps everything in memory, and a catalog beside it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use async_trait::async_trait;

use super::{Nothing, lock};
use crate::contract::catalog::Catalog;
use crate::contract::plugin::FromSettings;
use crate::contract::stages::{Backlog, Listing, Recorder};
use crate::record::books;
use crate::record::books::Swap;
use crate::record::books::{Account, Booking, Day, Flow, Holdings};
use crate::record::group::Group;
use crate::record::managed::ManagedProject;
use crate::record::upload::{Duty, Record, State};
use crate::value::codes;
use crate::value::config_error::ConfigError;
use crate::value::error::Fault;
use crate::value::id::UploadId;

/// Keeps records in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryRecorder(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    records: BTreeMap<UploadId, Record>,
    accounts: BTreeMap<Account, (Holdings, Option<SystemTime>)>,
    flows: BTreeMap<(Day, String), Flow>,
    projects: BTreeMap<String, ManagedProject>,
    groups: BTreeMap<UploadId, Group>,
}

impl Inner {
    /// Whether all these bookings fit, one after the other.
    fn has_room<'a>(&self, bookings: impl IntoIterator<Item = &'a Booking>) -> bool {
        books::all_fit(bookings, |account| {
            let account = self.accounts.get(account);
            account.map(|(has, _)| *has).unwrap_or_default()
        })
    }

    fn book(&mut self, booking: &Booking) {
        for line in &booking.lines {
            let new = || (Holdings::default(), line.until);
            let (has, until) = self.accounts.entry(line.account.clone()).or_insert_with(new);
            *has = has.after(&line.change);
            *until = until.zip(line.until).map(|(one, other)| one.max(other));
            // An account at zero is the same as no account.
            if until.is_some() && *has == Holdings::default() {
                self.accounts.remove(&line.account);
            }
        }
        if let Some(flow) = &booking.flow {
            let key = (flow.day, flow.project.clone());
            self.flows.entry(key).or_insert_with(|| flow.nothing_of()).add(flow);
        }
    }
}

impl MemoryRecorder {
    /// All records.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        lock(&self.0).records.values().cloned().collect()
    }
}

impl FromSettings for MemoryRecorder {
    type Settings = Nothing;

    fn from_settings(Nothing {}: Nothing) -> Result<Self, ConfigError> {
        Ok(Self::default())
    }
}

fn taken(id: UploadId) -> Fault {
    Fault::new(codes::ID_TAKEN, format!("{id} is recorded already"))
}

#[async_trait]
impl Recorder for MemoryRecorder {
    async fn insert(&self, record: &Record, booking: &Booking) -> Result<Swap, Fault> {
        let mut inner = lock(&self.0);
        if inner.records.contains_key(&record.id) {
            return Err(taken(record.id));
        }
        if !inner.has_room([booking]) {
            return Ok(Swap::Full);
        }
        inner.records.insert(record.id, record.clone());
        inner.book(booking);
        Ok(Swap::Done)
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        Ok(lock(&self.0).records.get(&id).cloned())
    }

    async fn update(&self, record: &Record, booking: &Booking) -> Result<Swap, Fault> {
        let mut inner = lock(&self.0);
        let has_room = inner.has_room([booking]);
        match inner.records.get_mut(&record.id) {
            Some(kept) if kept.revision + 1 == record.revision => {
                if !has_room {
                    return Ok(Swap::Full);
                }
                kept.clone_from(record);
            }
            _ => return Ok(Swap::Lost),
        }
        inner.book(booking);
        Ok(Swap::Done)
    }

    async fn update_all(&self, changes: &[(Record, Booking)]) -> Result<Swap, Fault> {
        let mut inner = lock(&self.0);
        let follows = |record: &Record| {
            let kept = inner.records.get(&record.id);
            kept.is_some_and(|kept| kept.revision + 1 == record.revision)
        };
        if !changes.iter().all(|(record, _)| follows(record)) {
            return Ok(Swap::Lost);
        }
        if !inner.has_room(changes.iter().map(|(_, booking)| booking)) {
            return Ok(Swap::Full);
        }
        for (record, booking) in changes {
            inner.records.insert(record.id, record.clone());
            inner.book(booking);
        }
        Ok(Swap::Done)
    }

    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault> {
        let mut inner = lock(&self.0);
        if inner.records.get(&id).is_some_and(|record| record.revision == revision) {
            inner.records.remove(&id);
        }
        Ok(())
    }

    async fn due(&self, duty: Duty, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        let inner = lock(&self.0);
        let is_due = |record: &&Record| record.duty() == duty && record.is_due(now);
        let mut due: Vec<_> = inner.records.values().filter(is_due).cloned().collect();
        due.sort_by_key(|record| record.due);
        due.truncate(limit);
        Ok(due)
    }

    async fn known_as(&self, name: &str) -> Result<Option<Record>, Fault> {
        let inner = lock(&self.0);
        let is_known = |record: &&Record| record.state == State::Ready && record.known_as.as_deref() == Some(name);
        let known = inner.records.values().filter(is_known);
        Ok(known.max_by_key(|record| record.created).cloned())
    }

    async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        let inner = lock(&self.0);
        let is_behind = |record: &Record| behind.is_none_or(|behind| (record.created, record.id) < behind);
        let found = inner.records.values();
        let found = found.filter(|record| kind.has(record, project) && is_behind(record));
        let mut found: Vec<_> = found.cloned().collect();
        found.sort_by_key(|record| std::cmp::Reverse((record.created, record.id)));
        found.truncate(limit);
        Ok(found)
    }

    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault> {
        let inner = lock(&self.0);
        let is_refused =
            |record: &&Record| record.project.as_deref() == project && matches!(record.state, State::Rejected(_));
        let mut oldest: Vec<_> = inner.records.values().filter(is_refused).cloned().collect();
        oldest.sort_by_key(|record| (record.created, record.id));
        oldest.truncate(limit);
        Ok(oldest)
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        let inner = lock(&self.0);
        let count = |of: fn(&Record) -> bool| inner.records.values().filter(|record| of(record)).count() as u64;
        Ok(Backlog {
            unfinished: count(|record| matches!(record.state, State::Open | State::Assembling)),
            orders: count(|record| record.duty() == Duty::Pull),
        })
    }

    fn catalog(&self) -> &dyn Catalog {
        self
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Catalog for MemoryRecorder {
    async fn project(&self, public_key: &str) -> Result<Option<ManagedProject>, Fault> {
        Ok(lock(&self.0).projects.get(public_key).cloned())
    }

    async fn put_project(&self, project: &ManagedProject) -> Result<Swap, Fault> {
        let mut inner = lock(&self.0);
        let next = inner
            .projects
            .get(&project.public_key)
            .map_or(0, |kept| kept.revision + 1);
        if project.revision != next {
            return Ok(Swap::Lost);
        }
        inner.projects.insert(project.public_key.clone(), project.clone());
        Ok(Swap::Done)
    }

    async fn projects(&self, behind: &str, limit: usize) -> Result<Vec<ManagedProject>, Fault> {
        let inner = lock(&self.0);
        let rest = inner.projects.values().filter(|project| *project.public_key > *behind);
        Ok(rest.take(limit).cloned().collect())
    }

    async fn add_group(&self, group: &Group, booking: &Booking) -> Result<Swap, Fault> {
        let mut inner = lock(&self.0);
        if inner.groups.contains_key(&group.id) {
            return Err(taken(group.id));
        }
        if !inner.has_room([booking]) {
            return Ok(Swap::Full);
        }
        inner.groups.insert(group.id, group.clone());
        inner.book(booking);
        Ok(Swap::Done)
    }

    async fn group(&self, id: UploadId) -> Result<Option<Group>, Fault> {
        Ok(lock(&self.0).groups.get(&id).cloned())
    }

    async fn groups(
        &self,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Group>, Fault> {
        let inner = lock(&self.0);
        let is_behind = |group: &Group| behind.is_none_or(|behind| (group.created, group.id) < behind);
        let found = inner.groups.values();
        let found = found.filter(|group| group.project == project && is_behind(group));
        let mut found: Vec<_> = found.cloned().collect();
        found.sort_by_key(|group| std::cmp::Reverse((group.created, group.id)));
        found.truncate(limit);
        Ok(found)
    }

    async fn expired_groups(&self, now: SystemTime, limit: usize) -> Result<Vec<Group>, Fault> {
        let inner = lock(&self.0);
        let over = inner.groups.values().filter(|group| !group.is_there(now));
        let mut over: Vec<_> = over.cloned().collect();
        over.sort_by_key(|group| group.expires);
        over.truncate(limit);
        Ok(over)
    }

    async fn remove_group(&self, id: UploadId, booking: &Booking) -> Result<Swap, Fault> {
        let mut inner = lock(&self.0);
        if inner.groups.remove(&id).is_none() {
            return Ok(Swap::Lost);
        }
        inner.book(booking);
        Ok(Swap::Done)
    }

    async fn holdings(&self, account: &Account) -> Result<Holdings, Fault> {
        let inner = lock(&self.0);
        Ok(inner.accounts.get(account).map(|(has, _)| *has).unwrap_or_default())
    }

    async fn flows(&self, project: Option<&str>, days: RangeInclusive<Day>) -> Result<Vec<Flow>, Fault> {
        let inner = lock(&self.0);
        let of = |flow: &&Flow| days.contains(&flow.day) && project.is_none_or(|project| flow.project == project);
        Ok(inner.flows.values().filter(of).cloned().collect())
    }

    async fn forget_accounts(&self, now: SystemTime, limit: usize) -> Result<u64, Fault> {
        let mut inner = lock(&self.0);
        let is_over = |until: Option<SystemTime>| until.is_some_and(|until| until <= now);
        let over: Vec<_> = inner
            .accounts
            .iter()
            .filter(|(_, (_, until))| is_over(*until))
            .map(|(account, _)| account.clone())
            .take(limit)
            .collect();
        for account in &over {
            inner.accounts.remove(account);
        }
        Ok(over.len() as u64)
    }
}
