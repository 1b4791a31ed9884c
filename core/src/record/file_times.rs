//! When an upload became a file, since when it is kept or deleted, and what it is in lists. Pure.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// The times in the life of a file that its owner can ask for.
///
/// Records of earlier versions have none of them: [`Record::uploaded`](crate::Record::uploaded) and [`Record::stored`](crate::Record::stored) have the time that comes closest.
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
