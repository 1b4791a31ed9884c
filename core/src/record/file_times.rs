//! When an upload became a file, and since when it is kept or deleted. Pure.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::record::upload::{Record, State};

/// The times in the life of a file that its owner can ask for.
///
/// Records of earlier versions have none of them: [`Record::uploaded`] and [`Record::stored`] have the time that comes closest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileTimes {
    /// When the upload could be read for the first time.
    #[serde(
        default,
        with = "crate::value::micros::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub uploaded: Option<SystemTime>,
    /// Since when the file is kept for good ([`Lifetime::kept`](crate::Lifetime::kept)). It stays while the file is in the trash.
    #[serde(
        default,
        with = "crate::value::micros::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub stored: Option<SystemTime>,
    /// When the owner deleted the file.
    #[serde(
        default,
        with = "crate::value::micros::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub removed: Option<SystemTime>,
}

impl FileTimes {
    pub(super) fn are_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// What a record is in the list of the files of its project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileStatus {
    /// A file that is kept for good.
    Stored,
    /// A file that is kept for a while.
    Unstored,
    /// A file that its owner deleted and can restore.
    Removed,
}

impl FileStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stored, Self::Unstored, Self::Removed];

    /// The name in databases and accounts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Unstored => "unstored",
            Self::Removed => "removed",
        }
    }
}

impl Record {
    /// What the record is in the list of files; `None` if it is not listed there, such as an upload that is under way.
    #[must_use]
    pub fn file_status(&self) -> Option<FileStatus> {
        match self.state {
            State::Ready if self.is_kept() => Some(FileStatus::Stored),
            State::Ready => Some(FileStatus::Unstored),
            State::Trashed => Some(FileStatus::Removed),
            _ => None,
        }
    }

    /// When the upload became a file. Of a record that does not have this time: when the upload began.
    #[must_use]
    pub fn uploaded(&self) -> SystemTime {
        self.times.uploaded.unwrap_or(self.created)
    }

    /// Since when the file is kept for good, if it is.
    #[must_use]
    pub fn stored(&self) -> Option<SystemTime> {
        self.is_kept()
            .then(|| self.times.stored.unwrap_or_else(|| self.uploaded()))
    }

    fn is_kept(&self) -> bool {
        self.lifetime.is_some_and(|lifetime| lifetime.kept)
    }

    /// Sets the times of a record that was made from `before` at `now`.
    pub(super) fn with_times_after(mut self, before: &Self, now: SystemTime) -> Self {
        let was_file = matches!(before.state, State::Ready | State::Trashed);
        match self.state {
            State::Ready => {
                if !was_file {
                    self.times.uploaded = self.times.uploaded.or(Some(now));
                }
                // A record of an earlier version that is kept already stays without the time.
                self.times.stored = match (self.is_kept(), was_file && before.is_kept()) {
                    (true, true) => before.times.stored,
                    (true, false) => Some(now),
                    (false, _) => None,
                };
                self.times.removed = None;
            }
            State::Trashed | State::Deleting if was_file => self.times.removed = self.times.removed.or(Some(now)),
            _ => {}
        }
        self
    }
}
