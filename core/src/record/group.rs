//! Groups: ordered lists of files of one project, each under one id. A group never changes: a deleted file leaves its place empty.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::record::account::{Account, Quota, Usage};

use crate::record::accounting::UsageChange;
use crate::value::id::UploadId;

/// A group of files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The id of the group. It is not the id of a file.
    pub id: UploadId,
    /// The public key of the project.
    pub project: String,
    /// When the group was made.
    pub created: SystemTime,
    /// When the group expires. `None`: never.
    pub expires: Option<SystemTime>,
    /// The files, in their order. One file may be listed more than once.
    pub members: Vec<Member>,
}

/// One file of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// The id of the file.
    pub id: UploadId,
    /// Image operations that the maker of the group asks for when the file is shown. They are kept, and this program does not do
    /// them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub effects: String,
}

impl Member {
    /// The file with this id, without image operations.
    #[must_use]
    pub fn new(id: UploadId) -> Self {
        Self {
            id,
            effects: String::new(),
        }
    }

    /// Sets some of what is known of the member.
    ///
    /// ```
    /// use intake_core::{Member, UploadId};
    ///
    /// let member = Member::new(UploadId::random()).with(|member| member.effects = "resize/100x/".to_owned());
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Group {
    /// A group of these files. It does not expire.
    pub fn new(id: UploadId, project: impl Into<String>, created: SystemTime, members: Vec<Member>) -> Self {
        Self {
            id,
            project: project.into(),
            created,
            expires: None,
            members,
        }
    }

    /// Sets some of what is recorded.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use intake_core::{Group, UploadId};
    ///
    /// let now = SystemTime::now();
    /// let group = Group::new(UploadId::random(), "demopublickey", now, Vec::new()).with(|group| {
    ///     group.expires = Some(now + Duration::from_secs(3600));
    /// });
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// What the group adds to the account of its project's groups: one group, and the bytes of its list of files.
    #[must_use]
    pub fn held(&self) -> Usage {
        let list = serde_json::to_string(&self.members).unwrap_or_default();
        Usage {
            bytes: list.len() as u64,
            files: 1,
        }
    }

    /// Whether the group has not expired at `now`.
    #[must_use]
    pub fn is_there(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

impl UsageChange {
    /// The usage change from `before` to `next`: a new group has no `before`, a deleted one no `next`.
    #[must_use]
    pub fn of_group(before: Option<&Group>, next: Option<&Group>, quota: Quota) -> Self {
        let mut usage_change = Self::default();
        let groups = [(before, -1), (next, 1)];
        for (group, sign) in groups.into_iter().filter_map(|(group, sign)| Some((group?, sign))) {
            usage_change.add(Account::groups(&group.project), group.held(), sign, quota, None);
        }
        usage_change
    }
}
