//! What a recorder keeps beside the records.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::record::books::Swap;
use crate::record::books::{Account, Booking, Day, Flow, Holdings};
use crate::record::group::Group;
use crate::record::managed::ManagedProject;
use crate::value::error::Fault;
use crate::value::id::UploadId;

/// What a recorder keeps beside the records: projects, groups, and what was booked. The same rules hold for it: what a call
/// acknowledged is durable.
#[async_trait]
pub trait Catalog: Debug + Send + Sync {
    /// The managed project of this public key.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    async fn project(&self, public_key: &str) -> Result<Option<ManagedProject>, Fault>;

    /// Puts a project in the place of the one with the revision before this one's; one of the revision 0 is new.
    ///
    /// # Errors
    ///
    /// If it is not known whether it was done.
    async fn put_project(&self, project: &ManagedProject) -> Result<Swap, Fault>;

    /// Managed projects in the order of their keys, from behind this one on.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    async fn projects(&self, behind: &str, limit: usize) -> Result<Vec<ManagedProject>, Fault>;

    /// Keeps a new group, and writes down what is to be booked with it: both or neither.
    ///
    /// # Errors
    ///
    /// [`ID_TAKEN`](crate::codes::ID_TAKEN) if there is one of this id, else whatever stands in the way.
    async fn add_group(&self, group: &Group, booking: &Booking) -> Result<Swap, Fault>;

    /// The group of this id.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    async fn group(&self, id: UploadId) -> Result<Option<Group>, Fault>;

    /// Groups of a project, the newest first, from behind this one on.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    async fn groups(
        &self,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Group>, Fault>;

    /// Groups whose time is over, those first whose time is over longest.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    async fn expired_groups(&self, now: SystemTime, limit: usize) -> Result<Vec<Group>, Fault>;

    /// Removes a group, and writes down what is to be booked with that: both or neither. [`Swap::Lost`] if there is none.
    ///
    /// # Errors
    ///
    /// If it is not known whether it was removed.
    async fn remove_group(&self, id: UploadId, booking: &Booking) -> Result<Swap, Fault>;

    /// What an account has; nothing, if nothing was booked.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    async fn holdings(&self, account: &Account) -> Result<Holdings, Fault>;

    /// What came and went on these days, in their order, and then in that of the projects' keys: of one project, or of all.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    async fn flows(&self, project: Option<&str>, days: RangeInclusive<Day>) -> Result<Vec<Flow>, Fault>;

    /// Forgets accounts that nobody will ask for any more, so many at most. Answers how many it forgot.
    ///
    /// # Errors
    ///
    /// If it is not known whether they are forgotten.
    async fn forget_accounts(&self, now: SystemTime, limit: usize) -> Result<u64, Fault>;
}
