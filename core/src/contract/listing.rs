//! What a recorder lists of a project, and what it counts over all projects.

use std::time::SystemTime;

use crate::record::file_times::FileStatus;
use crate::record::upload::{Record, State};
use crate::value::id::UploadId;

/// The kinds of records that [`Recorder::list`](crate::Recorder::list) lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listing {
    /// Files: [`Ready`](State::Ready) or [`Trashed`](State::Trashed).
    Files,
    /// Refused uploads: [`Rejected`](State::Rejected), with this project or without a project.
    Refused,
    /// Multipart uploads that are not finished: [`Open`](State::Open) or [`Assembling`](State::Assembling).
    Unfinished,
    /// Fetch jobs that are not finished: [`Queued`](State::Queued) or [`Fetching`](State::Fetching).
    Fetches,
}

impl Listing {
    /// Whether the list of this kind and project has this record.
    #[must_use]
    pub fn has(self, record: &Record, project: &str) -> bool {
        let of_project = record.options.project.as_deref() == Some(project);
        match self {
            Self::Files => of_project && matches!(record.state, State::Ready | State::Trashed),
            Self::Refused => {
                (of_project || record.options.project.is_none()) && matches!(record.state, State::Rejected(_))
            }
            Self::Unfinished => of_project && matches!(record.state, State::Open | State::Assembling),
            Self::Fetches => of_project && matches!(record.state, State::Queued | State::Fetching),
        }
    }
}

/// The kinds of records that [`Recorder::list_all`](crate::Recorder::list_all) lists, in all projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListingOfAll {
    /// Files that can be read: [`Ready`](State::Ready).
    Ready,
    /// Uploads in quarantine: [`Quarantined`](State::Quarantined).
    Quarantined,
}

impl ListingOfAll {
    /// Whether the list of this kind has this record.
    #[must_use]
    pub fn has(self, record: &Record) -> bool {
        match self {
            Self::Ready => record.state == State::Ready,
            Self::Quarantined => record.state == State::Quarantined,
        }
    }
}

/// The order of a list by time. Of the same time, it is that of the ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// The newest first.
    #[default]
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

impl Order {
    /// Whether an entry of a list comes after another, such as the last one of the page before.
    #[must_use]
    pub fn follows(self, here: (SystemTime, UploadId), behind: (SystemTime, UploadId)) -> bool {
        match self {
            Self::NewestFirst => here < behind,
            Self::OldestFirst => here > behind,
        }
    }

    /// Sorts a list, by the time and the id of each entry.
    pub(crate) fn sort<T>(self, list: &mut [T], place: impl Fn(&T) -> (SystemTime, UploadId)) {
        match self {
            Self::NewestFirst => list.sort_by_key(|entry| std::cmp::Reverse(place(entry))),
            Self::OldestFirst => list.sort_by_key(place),
        }
    }
}

/// Which files of a project a [`FileList`] has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileFilter {
    /// Files that are not deleted.
    #[default]
    Present,
    /// Files that are not deleted and are kept for good.
    Stored,
    /// Files that are not deleted and are kept for a while.
    Unstored,
    /// Files that their owner deleted and can restore.
    Removed,
}

impl FileFilter {
    /// Whether files with this status are listed.
    #[must_use]
    pub fn has(self, status: FileStatus) -> bool {
        match self {
            Self::Present => status != FileStatus::Removed,
            Self::Stored => status == FileStatus::Stored,
            Self::Unstored => status == FileStatus::Unstored,
            Self::Removed => status == FileStatus::Removed,
        }
    }
}

/// What is asked of a list of files, by the time at which each [became a file](Record::uploaded): see
/// [`Recorder::files`](crate::Recorder::files).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileList<'a> {
    /// The public key of the project.
    pub project: &'a str,
    /// Which files.
    pub filter: FileFilter,
    /// In which order.
    pub order: Order,
    /// The time and the id after which the list begins, in its order: those of the last file of the page before. `None` asks for
    /// the first page.
    pub behind: Option<(SystemTime, UploadId)>,
    /// The most files.
    pub limit: usize,
}

impl<'a> FileList<'a> {
    /// At most so many files of a project that are not deleted, the newest first.
    #[must_use]
    pub fn of(project: &'a str, limit: usize) -> Self {
        Self {
            project,
            filter: FileFilter::default(),
            order: Order::default(),
            behind: None,
            limit,
        }
    }

    /// Sets some of what is asked.
    ///
    /// ```
    /// use intake_core::{FileFilter, FileList, Order};
    ///
    /// let oldest = FileList::of("demopublickey", 100).with(|list| {
    ///     list.filter = FileFilter::Stored;
    ///     list.order = Order::OldestFirst;
    /// });
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Whether the list, without its limit, has this record.
    #[must_use]
    pub fn has(&self, record: &Record) -> bool {
        let is_listed = record.file_status().is_some_and(|status| self.filter.has(status));
        let here = (record.uploaded(), record.id);
        is_listed
            && record.options.project.as_deref() == Some(self.project)
            && self.behind.is_none_or(|behind| self.order.follows(here, behind))
    }
}

/// How many files a project has, by their status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileTotals {
    /// Files that are kept for good.
    pub stored: u64,
    /// Files that are kept for a while.
    pub unstored: u64,
    /// Files that their owner deleted and can restore.
    pub removed: u64,
}

impl FileTotals {
    /// How many files a list has, without its limit.
    #[must_use]
    pub fn of(&self, filter: FileFilter) -> u64 {
        match filter {
            FileFilter::Present => self.stored.saturating_add(self.unstored),
            FileFilter::Stored => self.stored,
            FileFilter::Unstored => self.unstored,
            FileFilter::Removed => self.removed,
        }
    }
}

/// How much is unfinished in a recorder, in all projects and on all nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backlog {
    /// Multipart uploads that are not finished: see [`Listing::Unfinished`].
    pub unfinished: u64,
    /// Fetch jobs that are not finished: see [`Listing::Fetches`].
    pub fetches: u64,
}

impl Backlog {
    /// So many multipart uploads and fetch jobs.
    #[must_use]
    pub fn new(unfinished: u64, fetches: u64) -> Self {
        Self { unfinished, fetches }
    }
}
