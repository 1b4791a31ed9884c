//! A recorder that keeps everything in memory, and a catalog beside it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use async_trait::async_trait;

use super::kept_events::Kept;
use super::{Nothing, lock};
use crate::contract::catalog::Catalog;
use crate::contract::outbox::Outbox;
use crate::contract::plugin::FromSettings;
use crate::contract::stages::{Backlog, FileList, Listing, ListingOfAll, Order, Recorder};
use crate::record::account::{Account, Usage};
use crate::record::accounting;
use crate::record::accounting::{DailyUsage, Day, UsageChange};
use crate::record::group::Group;
use crate::record::managed::ManagedProject;
use crate::record::update::Update;
use crate::record::upload::{Record, State, Task};
use crate::value::codes;
use crate::value::config_error::ConfigError;
use crate::value::error::Fault;
use crate::value::id::UploadId;

/// Keeps records in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryRecorder(pub(super) Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
pub(super) struct Inner {
    records: BTreeMap<UploadId, Record>,
    accounts: BTreeMap<Account, (Usage, Option<SystemTime>)>,
    daily_usage: BTreeMap<(Day, String), DailyUsage>,
    projects: BTreeMap<String, ManagedProject>,
    groups: BTreeMap<UploadId, Group>,
    pub(super) outbox: Kept,
}

impl Inner {
    /// Whether all these usage changes fit, one after the other.
    fn has_room<'a>(&self, usage_changes: impl IntoIterator<Item = &'a UsageChange>) -> bool {
        accounting::all_fit(usage_changes, |account| {
            let account = self.accounts.get(account);
            account.map(|(has, _)| *has).unwrap_or_default()
        })
    }

    /// The newest of these records.
    fn newest(
        &self,
        is_wanted: impl Fn(&Record) -> bool,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Vec<Record> {
        let is_behind = |record: &Record| behind.is_none_or(|behind| (record.created, record.id) < behind);
        let found = self.records.values();
        let found = found.filter(|record| is_wanted(record) && is_behind(record));
        let mut found: Vec<_> = found.cloned().collect();
        found.sort_by_key(|record| std::cmp::Reverse((record.created, record.id)));
        found.truncate(limit);
        found
    }

    fn book(&mut self, usage_change: &UsageChange) {
        for line in &usage_change.deltas {
            let new = || (Usage::default(), line.until);
            let (has, until) = self.accounts.entry(line.account.clone()).or_insert_with(new);
            *has = has.after(&line.change);
            *until = until.zip(line.until).map(|(one, other)| one.max(other));
            // An account at zero is the same as no account.
            if until.is_some() && *has == Usage::default() {
                self.accounts.remove(&line.account);
            }
        }
        if let Some(daily_usage) = &usage_change.daily_usage {
            let key = (daily_usage.day, daily_usage.project.clone());
            self.daily_usage
                .entry(key)
                .or_insert_with(|| daily_usage.nothing_of())
                .add(daily_usage);
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
    async fn insert(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        let mut inner = lock(&self.0);
        if inner.records.contains_key(&record.id) {
            return Err(taken(record.id));
        }
        if !inner.has_room([usage_change]) {
            return Ok(Update::QuotaExceeded);
        }
        inner.records.insert(record.id, record.clone());
        inner.outbox.keep_events(record);
        inner.book(usage_change);
        Ok(Update::Applied)
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        Ok(lock(&self.0).records.get(&id).cloned())
    }

    async fn update(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        let mut inner = lock(&self.0);
        let has_room = inner.has_room([usage_change]);
        match inner.records.get_mut(&record.id) {
            Some(kept) if kept.revision + 1 == record.revision => {
                if !has_room {
                    return Ok(Update::QuotaExceeded);
                }
                kept.clone_from(record);
            }
            _ => return Ok(Update::Conflict),
        }
        inner.outbox.keep_events(record);
        inner.book(usage_change);
        Ok(Update::Applied)
    }

    async fn update_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault> {
        let mut inner = lock(&self.0);
        let follows = |record: &Record| {
            let kept = inner.records.get(&record.id);
            kept.is_some_and(|kept| kept.revision + 1 == record.revision)
        };
        if !changes.iter().all(|(record, _)| follows(record)) {
            return Ok(Update::Conflict);
        }
        if !inner.has_room(changes.iter().map(|(_, usage_change)| usage_change)) {
            return Ok(Update::QuotaExceeded);
        }
        for (record, usage_change) in changes {
            inner.records.insert(record.id, record.clone());
            inner.outbox.keep_events(record);
            inner.book(usage_change);
        }
        Ok(Update::Applied)
    }

    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault> {
        let mut inner = lock(&self.0);
        if inner.records.get(&id).is_some_and(|record| record.revision == revision) {
            inner.records.remove(&id);
        }
        Ok(())
    }

    async fn due(&self, task: Task, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        let inner = lock(&self.0);
        let is_due = |record: &&Record| record.task() == task && record.is_due(now);
        let mut due: Vec<_> = inner.records.values().filter(is_due).cloned().collect();
        due.sort_by_key(|record| record.due);
        due.truncate(limit);
        Ok(due)
    }

    async fn find_by_source_key(&self, name: &str) -> Result<Option<Record>, Fault> {
        let inner = lock(&self.0);
        let is_known =
            |record: &&Record| record.state == State::Ready && record.options.source_key.as_deref() == Some(name);
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
        Ok(lock(&self.0).newest(|record| kind.has(record, project), behind, limit))
    }

    async fn list_all(
        &self,
        kind: ListingOfAll,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        Ok(lock(&self.0).newest(|record| kind.has(record), behind, limit))
    }

    async fn files(&self, list: &FileList<'_>) -> Result<Vec<Record>, Fault> {
        let inner = lock(&self.0);
        let mut found: Vec<_> = inner.records.values().filter(|record| list.has(record)).collect();
        list.order.sort(&mut found, |record| (record.uploaded(), record.id));
        Ok(found.into_iter().take(list.limit).cloned().collect())
    }

    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault> {
        let inner = lock(&self.0);
        let is_refused = |record: &&Record| {
            record.options.project.as_deref() == project && matches!(record.state, State::Rejected(_))
        };
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
            fetches: count(|record| record.task() == Task::Fetch),
        })
    }

    fn catalog(&self) -> &dyn Catalog {
        self
    }

    fn outbox(&self) -> &dyn Outbox {
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

    async fn put_project(&self, project: &ManagedProject) -> Result<Update, Fault> {
        let mut inner = lock(&self.0);
        let next = inner
            .projects
            .get(&project.public_key)
            .map_or(0, |kept| kept.revision + 1);
        if project.revision != next {
            return Ok(Update::Conflict);
        }
        inner.projects.insert(project.public_key.clone(), project.clone());
        Ok(Update::Applied)
    }

    async fn projects(&self, behind: &str, limit: usize) -> Result<Vec<ManagedProject>, Fault> {
        let inner = lock(&self.0);
        let rest = inner.projects.values().filter(|project| *project.public_key > *behind);
        Ok(rest.take(limit).cloned().collect())
    }

    async fn add_group(&self, group: &Group, usage_change: &UsageChange) -> Result<Update, Fault> {
        let mut inner = lock(&self.0);
        if inner.groups.contains_key(&group.id) {
            return Err(taken(group.id));
        }
        if !inner.has_room([usage_change]) {
            return Ok(Update::QuotaExceeded);
        }
        inner.groups.insert(group.id, group.clone());
        inner.book(usage_change);
        Ok(Update::Applied)
    }

    async fn group(&self, id: UploadId) -> Result<Option<Group>, Fault> {
        Ok(lock(&self.0).groups.get(&id).cloned())
    }

    async fn groups(
        &self,
        project: &str,
        order: Order,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Group>, Fault> {
        let inner = lock(&self.0);
        let is_behind = |group: &Group| behind.is_none_or(|behind| order.follows((group.created, group.id), behind));
        let found = inner.groups.values();
        let found = found.filter(|group| group.project == project && is_behind(group));
        let mut found: Vec<_> = found.cloned().collect();
        order.sort(&mut found, |group| (group.created, group.id));
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

    async fn remove_group(&self, id: UploadId, usage_change: &UsageChange) -> Result<Update, Fault> {
        let mut inner = lock(&self.0);
        if inner.groups.remove(&id).is_none() {
            return Ok(Update::Conflict);
        }
        inner.book(usage_change);
        Ok(Update::Applied)
    }

    async fn usage(&self, account: &Account) -> Result<Usage, Fault> {
        let inner = lock(&self.0);
        Ok(inner.accounts.get(account).map(|(has, _)| *has).unwrap_or_default())
    }

    async fn daily_usage(&self, project: Option<&str>, days: RangeInclusive<Day>) -> Result<Vec<DailyUsage>, Fault> {
        let inner = lock(&self.0);
        let of = |daily_usage: &&DailyUsage| {
            days.contains(&daily_usage.day) && project.is_none_or(|project| daily_usage.project == project)
        };
        Ok(inner.daily_usage.values().filter(of).cloned().collect())
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
