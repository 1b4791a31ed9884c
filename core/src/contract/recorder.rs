//! The contract of recorders.

use std::fmt::Debug;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::contract::catalog::Catalog;
use crate::contract::listing::{Backlog, FileList, Listing, ListingOfAll};
use crate::contract::outbox::Outbox;
use crate::record::accounting::UsageChange;
use crate::record::update::Update;
use crate::record::upload::{Record, Task};
use crate::value::error::Fault;
use crate::value::id::UploadId;

/// Keeps records of uploads and of fetch jobs.
///
/// A recorder stores records and compares their revisions. It has no rules of its own: [`Record::apply`] says how a record
/// changes, and [`UsageChange::of`] says what a change adds to or takes from accounts.
///
/// - A change is durable when its call returns.
/// - Times are kept to the microsecond.
/// - A record, its usage change and its [`events`](Record::events) are written in one transaction.
#[async_trait]
pub trait Recorder: Debug + Send + Sync {
    /// Inserts a new record and its usage change. Returns [`Update::QuotaExceeded`] if the usage change exceeds a quota, and then
    /// writes nothing.
    ///
    /// # Errors
    ///
    /// [`ID_TAKEN`](crate::codes::ID_TAKEN) if this id has a record, else if it is not known whether the record was inserted.
    async fn insert(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault>;

    /// Returns the record with this id, if there is one.
    ///
    /// # Errors
    ///
    /// If the recorder could not look it up.
    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault>;

    /// Replaces a record by its next revision, and writes the usage change.
    ///
    /// It compares and swaps: the kept record must have the revision before that of `record`. Otherwise it returns
    /// [`Update::Conflict`]. If the usage change exceeds a quota, it returns [`Update::QuotaExceeded`]. In both cases nothing is
    /// written.
    ///
    /// # Errors
    ///
    /// If it is not known whether the record was replaced.
    async fn update(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault>;

    /// Does what [`update`](Self::update) does for each of these records, in one transaction: all or nothing.
    ///
    /// The records have different ids. It returns [`Update::Conflict`] if one of them has changed, and [`Update::QuotaExceeded`]
    /// if all usage changes together exceed a quota. In both cases nothing is written.
    ///
    /// # Errors
    ///
    /// If it is not known whether the records were replaced.
    async fn update_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault>;

    /// Deletes a record if it still has this revision. If there is no such record, the call succeeds and changes nothing.
    ///
    /// # Errors
    ///
    /// If the record may still be there.
    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault>;

    /// Lists records with this task whose [`due`](Record::due) time is `now` or earlier. The earliest comes first. Returns at
    /// most `limit` records.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn due(&self, task: Task, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault>;

    /// Returns the newest record with this [source key](crate::UploadOptions::source_key) in the state [`Ready`](crate::State::Ready).
    ///
    /// # Errors
    ///
    /// If the recorder could not look it up.
    async fn find_by_source_key(&self, name: &str) -> Result<Option<Record>, Fault>;

    /// Lists records of this kind and project, the newest first. Returns at most `limit` records.
    ///
    /// `behind` is the creation time and the id of the last record of the page before. `None` asks for the first page.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault>;

    /// Lists records of this kind in all projects, the newest first. Returns at most `limit` records.
    ///
    /// `behind` is the creation time and the id of the last record of the page before. `None` asks for the first page.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn list_all(
        &self,
        kind: ListingOfAll,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault>;

    /// Lists files of a project by the time at which each [became a file](Record::uploaded). It costs what it returns, however
    /// many files the project has.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn files(&self, list: &FileList<'_>) -> Result<Vec<Record>, Fault>;

    /// Lists records in the state [`Rejected`](crate::State::Rejected), the oldest first. Returns at most `limit` records.
    ///
    /// With a project, it lists the records of this project. With `None`, it lists the records without a project.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault>;

    /// Counts what is unfinished, in all projects.
    ///
    /// # Errors
    ///
    /// If the recorder could not count it.
    async fn backlog(&self) -> Result<Backlog, Fault>;

    /// The accounts, projects and groups that the recorder keeps beside the records.
    fn catalog(&self) -> &dyn Catalog;

    /// The events of files that the recorder keeps beside the records, and their deliveries.
    fn outbox(&self) -> &dyn Outbox;

    /// Checks whether the place of the records exists, such as a database with its tables.
    ///
    /// Every other call creates this place if it is missing; this one never does. Commands that work on the records of a server
    /// call it first. A recorder that needs no such place keeps the default, `true`.
    ///
    /// # Errors
    ///
    /// If the recorder could not look it up.
    async fn exists(&self) -> Result<bool, Fault> {
        Ok(true)
    }

    /// Checks whether the recorder can work now. A program calls it at its start and for health checks.
    ///
    /// # Errors
    ///
    /// The reason why it cannot.
    async fn ready(&self) -> Result<(), Fault>;
}
