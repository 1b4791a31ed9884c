//! Limits of one pipeline: sizes, times and numbers.

use std::time::Duration;

use crate::value::shares::share_of;

/// The limits of one pipeline. All nodes of a service should have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one upload.
    pub max_size: u64,
    /// How long the pipeline may take to read one upload and have every stage judge it, counted from the first byte it asks for.
    /// The lease of the upload is twice as long, so no sweeper claims an upload that is still in progress.
    pub timeout: Duration,
    /// How long a multipart upload may stay incomplete, counted from its start. Afterwards its parts are deleted.
    pub unfinished: Duration,
    /// How long the claim of a node lasts that completes a multipart upload or fetches a URL. The node renews it while it works.
    /// After a crash, another node takes over when the claim ends.
    pub claim: Duration,
    /// The most fetch orders that one node works on at the same time.
    pub pulls: usize,
    /// The most fetch orders of one project that one node works on at the same time.
    pub pulls_of_project: usize,
    /// The most fetch orders of one [sender](crate::Terms::sender) that one node works on at the same time.
    pub pulls_of_address: usize,
    /// The most fetch orders of one project that wait or are being fetched, on all nodes together. More are refused. The bound is
    /// exact, even if many orders arrive at the same time.
    pub waiting_of_project: u64,
    /// The most fetch orders of one [sender](crate::Terms::sender) that wait or are being fetched, in all projects and on all nodes
    /// together. More are refused.
    pub waiting_of_address: u64,
    /// The most multipart uploads of one project that are unfinished, on all nodes together. More are refused.
    pub unfinished_of_project: u64,
    /// The most multipart uploads of one [sender](crate::Terms::sender) that are unfinished, in all projects and on all nodes
    /// together. More are refused.
    pub unfinished_of_address: u64,
    /// The most records of refused uploads and fetch orders that are kept of one project. The same number is kept of uploads whose
    /// project was not known. The oldest are deleted first.
    pub refused_of_project: u64,
    /// The most groups of one project. A project can have its own number: see [`Project::max_groups`](crate::Project::max_groups).
    pub groups_of_project: u64,
    /// The most bytes of the lists of files of all groups of one project. A file in a group takes about 50 bytes.
    pub group_bytes_of_project: u64,
    /// How long a group is kept, counted from when it is made. `None`: until it is deleted. A project can have its own time: see
    /// [`Project::keep_groups`](crate::Project::keep_groups).
    pub keep_groups: Option<Duration>,
    /// The most tries of one fetch order, including the first one. Only errors that may pass are followed by another try. A source
    /// that accepts no connection, or takes too long, gets fewer tries: see
    /// [`Interruption::most_tries`](crate::Interruption::most_tries).
    pub pull_tries: u32,
    /// How long a fetch order waits between its first and its second try. Each further pause is twice as long as the one before.
    pub pull_pause: Duration,
    /// How long a deleted file can be restored. Zero: its bytes are deleted at once.
    pub trash: Duration,
}

/// The default of [`Limits::pulls`].
const PULLS: usize = 32;

impl Default for Limits {
    /// | field | default |
    /// | --- | --- |
    /// | `max_size` | 5 GiB |
    /// | `timeout` | 1 hour |
    /// | `unfinished` | 24 hours |
    /// | `claim` | 30 seconds |
    /// | `pulls`, `pulls_of_project`, `pulls_of_address` | 32, 8, 4 |
    /// | `waiting_of_project`, `waiting_of_address` | 400, 50 |
    /// | `unfinished_of_project`, `unfinished_of_address` | 1,000, 125 |
    /// | `refused_of_project` | 10,000 |
    /// | `groups_of_project`, `group_bytes_of_project` | 100,000, 256 MiB |
    /// | `keep_groups` | none: groups are kept |
    /// | `pull_tries`, `pull_pause` | 4 tries, after pauses of 1, 2 and 4 seconds |
    /// | `trash` | zero: no file can be restored |
    fn default() -> Self {
        Self {
            max_size: 5 << 30,
            timeout: Duration::from_secs(3600),
            unfinished: Duration::from_secs(24 * 3600),
            claim: Duration::from_secs(30),
            pulls: PULLS,
            pulls_of_project: 8,
            pulls_of_address: share_of(PULLS),
            waiting_of_project: 400,
            waiting_of_address: 50,
            unfinished_of_project: 1000,
            unfinished_of_address: 125,
            refused_of_project: 10_000,
            groups_of_project: 100_000,
            group_bytes_of_project: 256 << 20,
            keep_groups: None,
            pull_tries: 4,
            pull_pause: Duration::from_secs(1),
            trash: Duration::ZERO,
        }
    }
}
