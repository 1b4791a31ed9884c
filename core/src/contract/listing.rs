//! What a recorder lists of a project, and what it counts over all projects.

use crate::record::upload::{Record, State};

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
