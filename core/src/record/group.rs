//! Groups: files of one project, in an order, under one name. They never change; a file that has left leaves its place empty.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::record::books::{Account, Booking, Holdings, Quota};
use crate::value::id::UploadId;

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
