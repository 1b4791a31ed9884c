//! Operations on groups.

use std::time::SystemTime;

use crate::contract::stages::Order;
use crate::engine::pipeline::Pipeline;
use crate::record::account::Quota;
use crate::record::accounting::UsageChange;
use crate::record::group::{Group, Member};
use crate::record::update::Update;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::id::UploadId;
use crate::value::verdict::PROJECT;
use crate::value::verdict::Rejection;

/// Groups that are listed at a time: the list of one can have over a hundred thousand bytes.
const LONGEST_PAGE: usize = 100;
/// Groups that are looked up at a time to be deleted.
const BATCH: usize = 64;

impl Pipeline {
    /// Makes a group. The caller checks that its files exist and belong to the project.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`codes::QUOTA_EXCEEDED`] if the project has its most groups, or if their lists have the most
    /// bytes; faults of the recorder.
    pub async fn group(&self, project: &str, members: Vec<Member>) -> Result<Group, Error> {
        let known = self.known_or_found(project).await?;
        let limits = &self.inner().limits;
        let stays = known
            .as_ref()
            .and_then(|project| project.group_ttl)
            .or(limits.group_ttl);
        let quota = Quota {
            bytes: Some(limits.max_group_bytes_per_project),
            files: Some(
                known
                    .and_then(|project| project.max_groups)
                    .unwrap_or(limits.max_groups_per_project),
            ),
        };
        let now = self.now();
        let group = Group {
            id: UploadId::random(),
            project: project.to_owned(),
            created: now,
            expires: stays.and_then(|stays| now.checked_add(stays)),
            members,
        };
        match self
            .catalog()
            .add_group(&group, &UsageChange::of_group(None, Some(&group), quota))
            .await?
        {
            Update::Applied => Ok(group),
            Update::Conflict | Update::QuotaExceeded => {
                let message = "the project has as many groups as it may have";
                let rejection = Rejection::new(codes::QUOTA_EXCEEDED, message).with_subject(project);
                Err(Error::rejected(PROJECT, rejection))
            }
        }
    }

    /// The group with this id.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, or its time is over; faults of the recorder.
    pub async fn get_group(&self, id: UploadId) -> Result<Group, Error> {
        let found = self.catalog().group(id).await?;
        // A group whose time is over is not found, even if no sweeper has deleted it yet.
        found
            .filter(|group| group.is_there(self.now()))
            .ok_or(Error::NotFound(id))
    }

    /// Groups of a project in this order, after the group `behind`. At most 100 per call.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    pub async fn groups_of(
        &self,
        project: &str,
        order: Order,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Group>, Fault> {
        self.catalog()
            .groups(project, order, behind, limit.min(LONGEST_PAGE))
            .await
    }

    /// Deletes a group. Its files stay.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none; faults of the recorder.
    pub async fn delete_group(&self, id: UploadId) -> Result<(), Error> {
        let group = self.catalog().group(id).await?.ok_or(Error::NotFound(id))?;
        match self.remove_group(&group).await? {
            Update::Applied => Ok(()),
            Update::Conflict | Update::QuotaExceeded => Err(Error::NotFound(id)),
        }
    }

    async fn remove_group(&self, group: &Group) -> Result<Update, Fault> {
        let usage_change = UsageChange::of_group(Some(group), None, Quota::default());
        self.catalog().remove_group(group.id, &usage_change).await
    }

    /// Deletes groups whose time is over. Groups never change, so this needs no lease. Returns how many it deleted.
    pub(crate) async fn sweep_groups(&self) -> Result<u64, Fault> {
        let mut removed = 0;
        loop {
            let over = self.catalog().expired_groups(self.now(), BATCH).await?;
            let full = over.len() == BATCH;
            let removals = over.iter().map(|group| self.remove_group(group));
            for swap in futures_util::future::try_join_all(removals).await? {
                removed += u64::from(swap == Update::Applied);
            }
            if !full {
                return Ok(removed);
            }
        }
    }
}
