//! Limits of one pipeline: sizes, times and numbers.

use std::time::Duration;

use crate::value::shares::share_of;

/// The limits of one pipeline. All nodes of a service should have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes of one upload.
    pub max_size: u64,
    /// How long the pipeline may take to read one upload and have every stage judge it, counted from the first byte it asks for.
    /// The lease of the upload is twice as long, so no sweeper ends an upload that is still in progress.
    pub timeout: Duration,
    /// How long a multipart upload may stay incomplete, counted from its start. Afterwards its parts are deleted.
    pub multipart_ttl: Duration,
    /// How long the lease of a node lasts that completes a multipart upload or fetches a URL. The node renews it while it works.
    /// After a crash, another node takes over when the lease ends.
    pub lease: Duration,
    /// The most fetch jobs that one node works on at the same time.
    pub max_fetches: usize,
    /// The most fetch jobs of one project that one node works on at the same time.
    pub max_fetches_per_project: usize,
    /// The most fetch jobs of one [sender](crate::UploadOptions::sender) that one node works on at the same time.
    pub max_fetches_per_ip: usize,
    /// The most fetch jobs of one project that are queued or running, on all nodes together. More are refused. The bound is
    /// exact, even if many fetch jobs arrive at the same time.
    pub max_queued_fetches_per_project: u64,
    /// The most fetch jobs of one [sender](crate::UploadOptions::sender) that are queued or running, in all projects and on all
    /// nodes together. More are refused.
    pub max_queued_fetches_per_ip: u64,
    /// The most multipart uploads of one project that are unfinished, on all nodes together. More are refused.
    pub max_multiparts_per_project: u64,
    /// The most multipart uploads of one [sender](crate::UploadOptions::sender) that are unfinished, in all projects and on all
    /// nodes together. More are refused.
    pub max_multiparts_per_ip: u64,
    /// The most records of refused uploads and fetch jobs that are kept of one project. The same number is kept of uploads whose
    /// project was not known. The oldest are deleted first.
    pub max_tombstones_per_project: u64,
    /// The most groups of one project. A project can have its own number: see [`Project::max_groups`](crate::Project::max_groups).
    pub max_groups_per_project: u64,
    /// The most bytes of the lists of files of all groups of one project. A file in a group takes about 50 bytes.
    pub max_group_bytes_per_project: u64,
    /// How long a group is kept, counted from when it is made. `None`: until it is deleted. A project can have its own time: see
    /// [`Project::group_ttl`](crate::Project::group_ttl).
    pub group_ttl: Option<Duration>,
    /// The most tries of one fetch job, including the first one. Only errors that may pass are followed by another try. A source
    /// that accepts no connection, or takes too long, gets fewer tries: see
    /// [`Interruption::most_tries`](crate::Interruption::most_tries).
    pub fetch_tries: u32,
    /// How long a fetch job waits between its first and its second try. Each further pause is twice as long as the one before.
    pub fetch_backoff: Duration,
    /// How long a deleted file can be restored. Zero: its bytes are deleted at once.
    pub trash: Duration,
    /// How long an upload stays in quarantine until it is deleted.
    pub quarantine_ttl: Duration,
    /// After which time an upload in quarantine is scanned again whose scanner failed. Each further pause is twice as long, up to an
    /// hour.
    pub rescan_backoff: Duration,
    /// The most verdicts of scanners that one node keeps in memory: the same content is not scanned again with the same signatures.
    /// Zero: none are kept.
    pub verdict_cache: usize,
    /// How many bytes a second one node reads to scan files again that were last scanned with other signatures. Zero: none are
    /// scanned again.
    pub rescan_rate: u64,
    /// Up to which age files are scanned again.
    pub rescan_age: Duration,
}

impl Limits {
    /// Sets some of the limits.
    ///
    /// ```
    /// use intake_core::Limits;
    ///
    /// let limits = Limits::default().with(|limits| limits.max_size = 10 << 20);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// The default of [`Limits::max_fetches`].
const MAX_FETCHES: usize = 32;

impl Default for Limits {
    /// | field | default |
    /// | --- | --- |
    /// | `max_size` | 5 GiB |
    /// | `timeout` | 1 hour |
    /// | `multipart_ttl` | 24 hours |
    /// | `lease` | 30 seconds |
    /// | `max_fetches`, `max_fetches_per_project`, `max_fetches_per_ip` | 32, 8, 4 |
    /// | `max_queued_fetches_per_project`, `max_queued_fetches_per_ip` | 400, 50 |
    /// | `max_multiparts_per_project`, `max_multiparts_per_ip` | 1,000, 125 |
    /// | `max_tombstones_per_project` | 10,000 |
    /// | `max_groups_per_project`, `max_group_bytes_per_project` | 100,000, 256 MiB |
    /// | `group_ttl` | none: groups are kept |
    /// | `fetch_tries`, `fetch_backoff` | 4 tries, after pauses of 1, 2 and 4 seconds |
    /// | `trash` | zero: no file can be restored |
    /// | `quarantine_ttl`, `rescan_backoff` | 30 days, 30 seconds |
    /// | `verdict_cache` | 10,000 |
    /// | `rescan_rate`, `rescan_age` | zero: no file is scanned again; 30 days |
    fn default() -> Self {
        Self {
            max_size: 5 << 30,
            timeout: Duration::from_secs(3600),
            multipart_ttl: Duration::from_secs(24 * 3600),
            lease: Duration::from_secs(30),
            max_fetches: MAX_FETCHES,
            max_fetches_per_project: 8,
            max_fetches_per_ip: share_of(MAX_FETCHES),
            max_queued_fetches_per_project: 400,
            max_queued_fetches_per_ip: 50,
            max_multiparts_per_project: 1000,
            max_multiparts_per_ip: 125,
            max_tombstones_per_project: 10_000,
            max_groups_per_project: 100_000,
            max_group_bytes_per_project: 256 << 20,
            group_ttl: None,
            fetch_tries: 4,
            fetch_backoff: Duration::from_secs(1),
            trash: Duration::ZERO,
            quarantine_ttl: Duration::from_secs(30 * 24 * 3600),
            rescan_backoff: Duration::from_secs(30),
            verdict_cache: 10_000,
            rescan_rate: 0,
            rescan_age: Duration::from_secs(30 * 24 * 3600),
        }
    }
}
