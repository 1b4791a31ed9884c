//! Accounts: counters of usage, and their quotas. Pure.

use sha2::{Digest as _, Sha256};
use std::time::SystemTime;

use crate::record::file_times::FileStatus;

/// The most that an account may have. `None`: no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// The sum of bytes.
    pub bytes: Option<u64>,
    /// The number of files, of uses of a token, or of other items that the account counts.
    pub files: Option<u64>,
}

impl Quota {
    /// A bound on the number only, not on the bytes.
    #[must_use]
    pub fn of(count: u64) -> Self {
        Self {
            bytes: None,
            files: Some(count),
        }
    }

    /// Whether an account that has `has` may change by `more`.
    #[must_use]
    pub fn allows(&self, has: &Usage, more: &Change) -> bool {
        let within = |has: u64, more: i64, most: Option<u64>| match (most, u64::try_from(more)) {
            // A change that adds nothing always fits.
            (None, _) | (_, Err(_) | Ok(0)) => true,
            (Some(most), Ok(more)) => has.saturating_add(more) <= most,
        };
        within(has.bytes, more.bytes, self.bytes) && within(has.files, more.files, self.files)
    }
}

/// What an account has, including uploads in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes.
    pub bytes: u64,
    /// The number of files, of uses of a token, or of other items that the account counts.
    pub files: u64,
}

impl Usage {
    /// What the account has after a change.
    #[must_use]
    pub fn after(&self, change: &Change) -> Self {
        Self {
            bytes: self.bytes.saturating_add_signed(change.bytes),
            files: self.files.saturating_add_signed(change.files),
        }
    }
}

/// By how much an account changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Bytes.
    pub bytes: i64,
    /// Change of the number of files, of uses of a token, or of other items that the account counts.
    pub files: i64,
}

/// A counter of usage: of a project, of a token, or of one kind of record of a project or of a sender.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(String);

impl Account {
    /// The files of a project.
    #[must_use]
    pub fn project(key: &str) -> Self {
        Self::named(format!("project:{key}"))
    }

    /// The files of a project that have this status. It counts them, and not their bytes.
    #[must_use]
    pub fn files(project: &str, status: FileStatus) -> Self {
        Self::named(format!("files-{}:{project}", status.name()))
    }

    /// An account with a name that a recorder may not be able to keep is named by its digest: an embedder may choose any name
    /// for a project.
    fn named(name: String) -> Self {
        const LONGEST: usize = 400;
        if name.len() <= LONGEST && !name.contains('\0') {
            return Self(name);
        }
        Self(format!("#{}", hex::encode(Sha256::digest(name.as_bytes()))))
    }

    /// The uses of a token of a project. The name is unique, since no project's key has a colon.
    #[must_use]
    pub fn token(project: &str, id: &str) -> Self {
        Self::named(format!("token:{project}:{id}"))
    }

    /// The queued and running fetch jobs of a project.
    #[must_use]
    pub fn fetches(project: &str) -> Self {
        Self::named(format!("orders:{project}"))
    }

    /// The unfinished multipart uploads of a project: their parts are arriving or being joined.
    #[must_use]
    pub fn unfinished(project: &str) -> Self {
        Self::named(format!("unfinished:{project}"))
    }

    /// The groups of a project, and the bytes of their lists of files.
    #[must_use]
    pub fn groups(project: &str) -> Self {
        Self::named(format!("groups:{project}"))
    }

    /// The records of refused uploads: of a project, or of uploads whose project was not known.
    #[must_use]
    pub fn refused(project: Option<&str>) -> Self {
        // The name of the latter is unique, since no project has an empty key.
        Self::named(format!("refused:{}", project.unwrap_or_default()))
    }

    /// The unfinished multipart uploads of a sender, in all projects: see [`UploadOptions::sender`](crate::UploadOptions::sender).
    #[must_use]
    pub fn sender(sender: &str) -> Self {
        Self::named(format!("sender:{sender}"))
    }

    /// The queued and running fetch jobs of a sender, in all projects.
    #[must_use]
    pub fn fetches_of_client(sender: &str) -> Self {
        Self::named(format!("orders-of-sender:{sender}"))
    }

    /// The name by which recorders keep the account.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The change of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountDelta {
    /// The account that changes.
    pub account: Account,
    /// By how much it changes.
    pub change: Change,
    /// The most that the account may have after the change. If it would have more, no account changes.
    pub quota: Quota,
    /// When the account may be deleted, because it is not used any more. `None`: never.
    pub until: Option<SystemTime>,
}
