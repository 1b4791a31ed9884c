//! What a record is in the list of the files of its project, and the times of a file, which follow from its states. Pure.

use std::time::SystemTime;

use crate::record::file_times::FileStatus;
use crate::record::upload::{Record, State};

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
