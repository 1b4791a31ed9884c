//! Groups: files of one project, in an order, under one name. They never change; a file that has left leaves its place empty.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::books::{Account, Booking, Holdings, Quota};
use crate::pipeline::Pipeline;
use crate::ruling::PROJECT;
use crate::stages::Swap;
use crate::{Error, Fault, Rejection, UploadId, codes};

/// A group of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Names the group. None of its files has it.
    pub id: UploadId,
    /// Whose it is, by its public key.
    pub project: String,
    /// When it was made.
    pub created: SystemTime,
    /// When it leaves by itself; `None` is never.
    pub expires: Option<SystemTime>,
    /// Its files, in their order. The same may be there more than once.
    pub members: Vec<Member>,
}

/// A file's place in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The file.
    pub id: UploadId,
    /// What whoever made the group said is to be done with the file where it is shown; nothing here does it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub effects: String,
}

impl Group {
    /// What it counts as on the account of its project's groups: one, and the bytes of its list.
    #[must_use]
    pub fn held(&self) -> Holdings {
        let list = serde_json::to_string(&self.members).unwrap_or_default();
        Holdings {
            bytes: list.len() as u64,
            files: 1,
        }
    }

    /// Whether it is still there at this time.
    #[must_use]
    pub fn is_there(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

/// Groups that are listed at a time: one may have a list of over a hundred thousand bytes.
const LONGEST_PAGE: usize = 100;
/// Groups that are looked up at a time to be removed.
const BATCH: usize = 64;

impl Pipeline {
    /// Makes a group. Whether its files are there, and are the project's, is for the caller to see to.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`codes::QUOTA_EXCEEDED`] if the project has as many groups as it may have, or if their lists have
    /// as many bytes; faults of the recorder.
    pub async fn group(&self, project: &str, members: Vec<Member>) -> Result<Group, Error> {
        let known = self.project(project).await?;
        let limits = &self.parts().limits;
        let stays = known
            .as_ref()
            .and_then(|project| project.keep_groups)
            .or(limits.keep_groups);
        let quota = Quota {
            bytes: Some(limits.group_bytes_of_project),
            files: Some(
                known
                    .and_then(|project| project.max_groups)
                    .unwrap_or(limits.groups_of_project),
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
            .add_group(&group, &Booking::of_group(None, Some(&group), quota))
            .await?
        {
            Swap::Done => Ok(group),
            Swap::Lost | Swap::Full => {
                let message = "the project has as many groups as it may have";
                let rejection = Rejection::new(codes::QUOTA_EXCEEDED, message).about(project);
                Err(Error::rejected(PROJECT, rejection))
            }
        }
    }

    /// The group of this id.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, or its time is over; faults of the recorder.
    pub async fn get_group(&self, id: UploadId) -> Result<Group, Error> {
        let found = self.catalog().group(id).await?;
        // One whose time is over is gone, even if no sweeper came by yet.
        found
            .filter(|group| group.is_there(self.now()))
            .ok_or(Error::NotFound(id))
    }

    /// Groups of a project, the newest first, from behind this one on. No more than 100 at a time.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    pub async fn groups_of(
        &self,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Group>, Fault> {
        self.catalog().groups(project, behind, limit.min(LONGEST_PAGE)).await
    }

    /// Removes a group. Its files stay.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none; faults of the recorder.
    pub async fn delete_group(&self, id: UploadId) -> Result<(), Error> {
        let group = self.catalog().group(id).await?.ok_or(Error::NotFound(id))?;
        match self.remove_group(&group).await? {
            Swap::Done => Ok(()),
            Swap::Lost | Swap::Full => Err(Error::NotFound(id)),
        }
    }

    async fn remove_group(&self, group: &Group) -> Result<Swap, Fault> {
        let booking = Booking::of_group(Some(group), None, Quota::default());
        self.catalog().remove_group(group.id, &booking).await
    }

    /// Removes groups whose time is over. They never change, so nobody has to claim one. Answers how many it removed.
    pub(crate) async fn sweep_groups(&self) -> Result<u64, Fault> {
        let mut removed = 0;
        loop {
            let over = self.catalog().expired_groups(self.now(), BATCH).await?;
            let full = over.len() == BATCH;
            let removals = over.iter().map(|group| self.remove_group(group));
            for swap in futures_util::future::try_join_all(removals).await? {
                removed += u64::from(swap == Swap::Done);
            }
            if !full {
                return Ok(removed);
            }
        }
    }
}

impl Booking {
    /// What is written down where a group is new, or leaves.
    #[must_use]
    pub fn of_group(before: Option<&Group>, next: Option<&Group>, quota: Quota) -> Self {
        let mut booking = Self::default();
        let groups = [(before, -1), (next, 1)];
        for (group, sign) in groups.into_iter().filter_map(|(group, sign)| Some((group?, sign))) {
            booking.add(Account::groups(&group.project), group.held(), sign, quota, None);
        }
        booking
    }
}
