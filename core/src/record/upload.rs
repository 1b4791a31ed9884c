//! The record of an upload, and the only rules by which one changes.
//!
//! ```text
//!   multipart     Open ──Assemble──► Assembling ──Commit──┐                       Claim
//!                   ▲                 │      │            ▼                        ┌─┐
//!                   └─────Release─────┘      │          Ready ──Delete, Claim──► Deleting ──BytesDeleted──► Deleted ──► (no record)
//!                                            │            ▲
//!   one request   Staged ────────────────────┼──Commit────┘
//!                   │                        ▼
//!                   └─────────Reject─────► Rejected ──Forget, Claim──► Deleted ──► (no record)
//!
//!   fetched       Queued ──Fetch──► Fetching ──Fetched──► Fetched ──► (no record)
//!                   ▲                  │                    each try is an upload of its own
//!                   └────Postpone──────┘ ──Reject──► Rejected
//!
//!   deleted       Ready ──Trash──► Trashed ──Delete, Claim──► Deleting        if deleted uploads can be restored
//!                   ▲                 │
//!                   └─────Restore─────┘
//!
//!   quarantined   Staged, Assembling, Ready ──Quarantine, Withdraw──► Quarantined ──Approve──► Ready
//!                                                                      │  ──Delete, Discard, Claim──► Deleting
//!
//!   not drawn: Open, Staged ── Abandon ──► Deleting, Open, Assembling ── Delete ──► Deleting, Open ── Begun ──► Open, Assembling ── Renew, Assemble ──► Assembling, Ready ── Keep, Describe, Tidied, Inspected ──► Ready,
//!              Quarantined ── Rescan, Postpone, Withdraw, Tidied ──► Quarantined,
//!              Staged ── Relocate ──► Staged, Fetching ── Progress, Fetch ──► Fetching, Queued ── Reject ──► Rejected,
//!              and Open, Staged ── Claim ──► Deleting, when their time is over
//! ```
//!
//! Pure: no clock, no store, no waiting. To change a record, a caller asks [`Record::apply`] for the next revision and passes it to
//! the [`Recorder`](crate::Recorder). If several callers change one revision at the same time, one of them succeeds.

use crate::value::lifetime::{Lifetime, UploadMethod};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::record::fetch_job::FetchJob;
use crate::record::file_event::FileEvent;
use crate::record::file_times::FileTimes;
use crate::record::quarantine::{AuditEntry, Quarantine};
use crate::value::evidence::{Declared, Facts};
use crate::value::id::{Location, UploadId};
use crate::value::options::UploadOptions;
use crate::value::parts::PartPlan;
use crate::value::upload_info::UploadInfo;
use crate::value::verdict::Rejection;

/// Everything that is recorded of one upload. Serialised, it is what recorders keep, with times in microseconds since 1970; a new
/// field has a default, so that older records can be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// The id of the upload. The key of its bytes is made from it.
    pub id: UploadId,
    /// The number of changes so far. A recorder accepts a change only of the revision from which it was made.
    pub revision: u64,
    /// The state of the upload.
    pub state: State,
    /// When background work has to look at the record: the end of a lease, of a lifetime or of a tombstone. `None`: never.
    #[serde(with = "crate::value::micros::option")]
    pub due: Option<SystemTime>,
    /// When this record was made, before the first byte was stored.
    #[serde(with = "crate::value::micros")]
    pub created: SystemTime,
    /// The declared metadata.
    pub declared: Declared,
    /// The sender's options, such as the project and metadata. They are complete from the start for a multipart upload and a
    /// fetch job, else from the commit on. The sender and the origin are removed once the upload is accepted or deleted; a refusal keeps the sender for the list of refusals.
    pub options: UploadOptions,
    /// The facts of the content, from the commit on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// How long the upload is kept. Known from the commit on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
    /// When it became a file, and since when it is kept or deleted.
    #[serde(default, skip_serializing_if = "FileTimes::are_unknown")]
    pub times: FileTimes,
    /// How the upload is cut into parts, if it is a multipart upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartPlan>,
    /// The source to fetch, if this is the record of a fetch job. The fetched upload has a record of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch_job: Option<FetchJob>,
    /// Why the upload is in quarantine, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantine>,
    /// What was decided about the content after the upload, the oldest first: at most the last 32 decisions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<AuditEntry>,
    /// The signatures of each scanner when an operator released the upload from quarantine: by these, it is not scanned again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub released_with: BTreeMap<String, String>,
    /// The store and prefix where the bytes are.
    #[serde(default)]
    pub location: Location,
    /// The store and prefix where the bytes were before. Bytes may be left there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_location: Option<Location>,
    /// What the last change of the record means to others. A recorder keeps these events in the transaction that writes this
    /// revision: see [`Outbox`](crate::Outbox).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<FileEvent>,
}

/// The state of an upload or of a fetch job. The bytes of an upload are readable in [`State::Ready`] and in no other state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// A multipart upload whose parts are arriving.
    Open,
    /// A node has the lease of the multipart upload: it joins the parts, and every stage judges the whole.
    Assembling,
    /// A fetch job that waits until it is due.
    #[serde(rename = "waiting")]
    Queued,
    /// A node has the lease of the fetch job and fetches its source.
    #[serde(rename = "pulling")]
    Fetching,
    /// The source was fetched. The record of the fetch job is kept for a while, so that the sender can ask for its status.
    #[serde(rename = "pulled")]
    Fetched,
    /// The upload has begun: bytes may be on their way to the store.
    Staged,
    /// Every stage accepted the upload. Its bytes are durable and readable.
    Ready,
    /// The bytes are durable, and no route reads them: a scanner refused them, did not look at all of them, or failed. See
    /// [`Record::quarantine`].
    Quarantined,
    /// A stage refused the upload. The record is kept for a while, so that a client can ask for the reason.
    Rejected(Rejection),
    /// The owner deleted the upload, and can restore it for a while. It is not readable.
    Trashed,
    /// A sweeper took the lease of the upload, or its owner deleted it. Bytes may still be there, and are not readable.
    Deleting,
    /// The bytes are deleted. The record is kept for a while; at its end, bytes that arrived late are deleted too.
    #[serde(rename = "gone")]
    Deleted,
}

impl State {
    /// The state's name in logs and databases. Databases keep names of earlier versions, so some differ from those here.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Assembling => "assembling",
            Self::Queued => "waiting",
            Self::Fetching => "pulling",
            Self::Fetched => "pulled",
            Self::Staged => "staged",
            Self::Ready => "ready",
            Self::Quarantined => "quarantined",
            Self::Rejected(_) => "rejected",
            Self::Trashed => "trashed",
            Self::Deleting => "deleting",
            Self::Deleted => "gone",
        }
    }
}

/// The kind of background work that a due record needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// A sweeper ends the upload, because its time is over.
    Sweep,
    /// A node resumes the multipart upload, because the node that worked on it has stopped renewing its lease.
    Resume,
    /// A node fetches the source of the fetch job.
    Fetch,
    /// A node scans an upload again that is in quarantine because a scanner failed.
    Rescan,
}

/// Durations after which a record becomes due, and whether others are told of its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Periods {
    /// How long an upload in one request, or a sweeper's deletion, may take. Afterwards a sweeper may take the lease.
    pub write_lease: Duration,
    /// How long the lease of a node lasts that completes a multipart upload or fetches a source. The node renews it while it
    /// works. Once the lease is over, another node may take the upload over.
    pub lease: Duration,
    /// How long the parts of one upload may take to arrive.
    pub open: Duration,
    /// How long the record of a refused or deleted upload is kept, its tombstone. At least `write_lease`, so that late bytes are
    /// deleted too.
    pub tombstone: Duration,
    /// How long a deleted upload can be restored. Zero: it cannot be restored.
    pub trash: Duration,
    /// How long an upload stays in quarantine until it is deleted.
    pub quarantine: Duration,
    /// After which time an upload is scanned again whose scanner failed. Each further pause is twice as long, up to an hour.
    pub rescan: Duration,
    /// Whether a change leaves [`Record::events`].
    pub events: bool,
}

impl Default for Periods {
    /// Those of a pipeline with the default [`Limits`](crate::Limits).
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            write_lease: 2 * HOUR,
            lease: Duration::from_secs(30),
            open: 24 * HOUR,
            tombstone: 24 * HOUR,
            trash: Duration::ZERO,
            quarantine: 30 * 24 * HOUR,
            rescan: Duration::from_secs(30),
            events: false,
        }
    }
}

impl Periods {
    /// Sets some of the periods.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use intake_core::record::Periods;
    ///
    /// let periods = Periods::default().with(|periods| periods.trash = Duration::from_secs(3600));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Record {
    /// The record of an upload in one request that begins now. None of its bytes is stored yet.
    #[must_use]
    pub fn intent(
        id: UploadId,
        declared: Declared,
        options: UploadOptions,
        now: SystemTime,
        periods: &Periods,
    ) -> Self {
        Self {
            id,
            revision: 0,
            state: State::Staged,
            due: Some(now + periods.write_lease),
            created: now,
            declared,
            options,
            facts: None,
            lifetime: None,
            times: FileTimes::default(),
            parts: None,
            fetch_job: None,
            quarantine: None,
            history: Vec::new(),
            released_with: BTreeMap::new(),
            location: Location::default(),
            previous_location: None,
            events: Vec::new(),
        }
    }

    /// Sets the location of the bytes.
    #[must_use]
    pub fn at(self, location: Location) -> Self {
        Self { location, ..self }
    }

    /// The record of a multipart upload that begins now. None of its bytes is stored yet.
    #[must_use]
    pub fn open(
        id: UploadId,
        declared: Declared,
        parts: PartPlan,
        options: UploadOptions,
        now: SystemTime,
        periods: &Periods,
    ) -> Self {
        Self {
            state: State::Open,
            due: Some(now + periods.open),
            parts: Some(parts),
            ..Self::intent(id, declared, options, now, periods)
        }
    }

    /// The record of a fetch job that is due at once.
    #[must_use]
    pub fn queued(
        id: UploadId,
        fetch_job: FetchJob,
        options: UploadOptions,
        now: SystemTime,
        periods: &Periods,
    ) -> Self {
        Self {
            state: State::Queued,
            due: Some(now),
            fetch_job: Some(fetch_job),
            ..Self::intent(id, Declared::default(), options, now, periods)
        }
    }

    /// The upload as validators and scanners see it.
    #[must_use]
    pub fn info(&self, method: UploadMethod) -> UploadInfo<'_> {
        UploadInfo::new(&self.declared)
            .with_id(self.id)
            .with_method(method)
            .with_options(&self.options)
    }

    /// The background work that the record needs when it is due.
    #[must_use]
    pub fn task(&self) -> Task {
        match self.state {
            State::Assembling => Task::Resume,
            State::Queued | State::Fetching => Task::Fetch,
            State::Quarantined if self.is_pending() => Task::Rescan,
            _ => Task::Sweep,
        }
    }

    /// Whether the bytes may be read: the upload is ready and has not expired.
    #[must_use]
    pub fn is_readable(&self, now: SystemTime) -> bool {
        self.state == State::Ready && !self.has_expired(now)
    }

    /// Whether the upload was acknowledged and waits in quarantine for a scanner that failed. It is readable once every scanner has
    /// accepted it.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        let quarantine = self.quarantine.as_ref();
        self.state == State::Quarantined && quarantine.is_some_and(Quarantine::is_pending)
    }

    /// Whether the upload has expired.
    #[must_use]
    pub fn has_expired(&self, now: SystemTime) -> bool {
        let expires = self.lifetime.and_then(|lifetime| lifetime.expires);
        expires.is_some_and(|expires| expires <= now)
    }

    /// Whether parts of the upload may be under keys of their own.
    #[must_use]
    pub fn has_separate_keys(&self) -> bool {
        self.parts.as_ref().is_some_and(|parts| parts.separate_keys)
    }

    /// Whether bytes may be left over: parts under keys of their own, or bytes at a previous location.
    #[must_use]
    pub fn is_untidy(&self) -> bool {
        self.has_separate_keys() || self.previous_location.is_some()
    }

    /// Whether background work has to look at the record.
    #[must_use]
    pub fn is_due(&self, now: SystemTime) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}
