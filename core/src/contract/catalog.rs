//! The data that a recorder keeps beside the records: accounts, projects and groups.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::contract::listing::Order;
use crate::record::account::{Account, Usage};
use crate::record::accounting::{DailyUsage, Day, UsageChange};
use crate::record::group::Group;
use crate::record::managed::ManagedProject;
use crate::record::update::Update;
use crate::value::error::Fault;
use crate::value::id::UploadId;

/// The data that a recorder keeps beside the records: projects, groups, accounts and daily counts.
///
/// The rules of [`Recorder`](crate::Recorder) hold here too: a change is durable when its call returns, and a group and its usage
/// change are written in one transaction.
#[async_trait]
pub trait Catalog: Debug + Send + Sync {
    /// Returns the managed project with this public key, if there is one.
    ///
    /// # Errors
    ///
    /// If the recorder could not look it up.
    async fn project(&self, public_key: &str) -> Result<Option<ManagedProject>, Fault>;

    /// Inserts a project whose revision is 0, or replaces the project that has the revision before that of `project`. Otherwise it
    /// returns [`Update::Conflict`] and writes nothing.
    ///
    /// # Errors
    ///
    /// If it is not known whether the project was written.
    async fn put_project(&self, project: &ManagedProject) -> Result<Update, Fault>;

    /// Lists managed projects whose keys follow `behind`, in the order of their keys. Returns at most `limit` projects.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn projects(&self, behind: &str, limit: usize) -> Result<Vec<ManagedProject>, Fault>;

    /// Inserts a new group and its usage change. Returns [`Update::QuotaExceeded`] if the usage change exceeds a quota, and then
    /// writes nothing.
    ///
    /// # Errors
    ///
    /// [`ID_TAKEN`](crate::codes::ID_TAKEN) if this id has a group, else if it is not known whether the group was inserted.
    async fn add_group(&self, group: &Group, usage_change: &UsageChange) -> Result<Update, Fault>;

    /// Returns the group with this id, if there is one.
    ///
    /// # Errors
    ///
    /// If the recorder could not look it up.
    async fn group(&self, id: UploadId) -> Result<Option<Group>, Fault>;

    /// Lists groups of a project in the order in which they were made. Returns at most `limit` groups.
    ///
    /// `behind` is the creation time and the id of the last group of the page before. `None` asks for the first page.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn groups(
        &self,
        project: &str,
        order: Order,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Group>, Fault>;

    /// Lists groups that have expired at `now`. The earliest expiry comes first. Returns at most `limit` groups.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn expired_groups(&self, now: SystemTime, limit: usize) -> Result<Vec<Group>, Fault>;

    /// Deletes a group and writes the usage change. Returns [`Update::Conflict`] if there is no such group, and then writes
    /// nothing.
    ///
    /// # Errors
    ///
    /// If it is not known whether the group was deleted.
    async fn remove_group(&self, id: UploadId, usage_change: &UsageChange) -> Result<Update, Fault>;

    /// Returns the usage of an account. An account that was never used has zero bytes and files.
    ///
    /// # Errors
    ///
    /// If the recorder could not look it up.
    async fn usage(&self, account: &Account) -> Result<Usage, Fault>;

    /// Lists the usage of each of these days, for one project or for all. The list is ordered by day, then by the projects'
    /// keys.
    ///
    /// # Errors
    ///
    /// If the recorder could not look it up.
    async fn daily_usage(&self, project: Option<&str>, days: RangeInclusive<Day>) -> Result<Vec<DailyUsage>, Fault>;

    /// Deletes at most `limit` accounts whose [`until`](crate::accounting::AccountDelta::until) is over. Returns how many it
    /// deleted.
    ///
    /// # Errors
    ///
    /// If it is not known whether the accounts were deleted.
    async fn forget_accounts(&self, now: SystemTime, limit: usize) -> Result<u64, Fault>;
}
