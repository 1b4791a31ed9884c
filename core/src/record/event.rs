//! The events that change a record. [`Record::apply`](crate::Record::apply) says which change each makes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::record::quarantine::Quarantine;
use crate::value::evidence::Facts;
use crate::value::id::{Location, UploadId};
use crate::value::inspection::Inspection;
use crate::value::lifetime::Lifetime;
use crate::value::options::UploadOptions;
use crate::value::verdict::Rejection;

/// An event in the life of an upload or of a fetch job.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The store has started a multipart upload.
    Begun {
        /// The store's own name for it.
        upload: String,
    },
    /// A node starts to join the parts, or takes over from a node whose lease is over.
    Assemble,
    /// The node that joins the parts renews its lease.
    Renew,
    /// The parts could not be joined now. They stay.
    Release,
    /// Everything left over is deleted: parts under keys of their own, and bytes at a previous location.
    Tidied,
    /// A node starts to fetch the source of a fetch job, or takes over from a node whose lease is over.
    Fetch {
        /// The id of the upload that this try makes.
        upload: UploadId,
    },
    /// The node that fetches the source renews its lease and reports its progress.
    Progress {
        /// Bytes that have arrived.
        done: u64,
        /// Bytes of the whole source, if it declares them.
        total: Option<u64>,
    },
    /// The source could not be fetched, or the left-over bytes not deleted, this time. The next try follows after this delay.
    Postpone(Duration),
    /// The source was fetched: the upload of the last try is ready.
    Fetched,
    /// The upload is given up before its lease ends, because the try of which it was part is over.
    Abandon,
    /// The bytes are about to be relocated, because the project is known now and keeps its bytes at another location.
    Relocate {
        /// The new location.
        to: Location,
    },
    /// Every stage accepted the upload, and its bytes are durable.
    Commit {
        /// The facts of the content. They are boxed, because the other events are small.
        facts: Box<Facts>,
        /// The sender's options.
        options: Box<UploadOptions>,
        /// How long the upload is kept.
        lifetime: Lifetime,
    },
    /// The bytes of the upload are durable, and are not to be read: a scanner refused them, did not look at all of them, or failed.
    Quarantine {
        /// The facts of the content. They are boxed, because the other events are small.
        facts: Box<Facts>,
        /// The sender's options.
        options: Box<UploadOptions>,
        /// How long the upload is kept, if it is released.
        lifetime: Lifetime,
        /// Why.
        quarantine: Box<Quarantine>,
    },
    /// A later scan refused an upload that could be read, or that waited for this scan in quarantine.
    Withdraw {
        /// What the stages say of the content now.
        inspections: Vec<Inspection>,
        /// Why.
        quarantine: Box<Quarantine>,
    },
    /// A node scans an upload again that is in quarantine because a scanner failed.
    Rescan,
    /// An upload leaves its quarantine and can be read.
    Approve {
        /// Who decided it: the name of a scanner, or what an operator gave as a name.
        by: String,
        /// What the stages say of the content now, if it was scanned again.
        inspections: Option<Vec<Inspection>>,
        /// What the scanners found out now.
        notes: BTreeMap<String, Value>,
        /// The signatures of each scanner now, if an operator decides.
        signatures: BTreeMap<String, String>,
        /// How long it is kept now.
        lifetime: Lifetime,
    },
    /// An operator deletes an upload out of quarantine.
    Discard {
        /// What the operator gave as a name.
        by: String,
    },
    /// An upload that can be read was scanned again, and nothing was found.
    Inspected(Vec<Inspection>),
    /// A stage refused the upload, and its bytes are deleted.
    Reject(Rejection),
    /// The upload gets another lifetime.
    Keep(Lifetime),
    /// The owner changes the metadata and the tags of a file.
    Describe {
        /// All metadata from now on.
        metadata: BTreeMap<String, String>,
        /// All tags from now on.
        tags: Vec<String>,
    },
    /// The owner deletes the upload, and can restore it for a while.
    Trash,
    /// The owner restores the upload.
    Restore,
    /// The upload is deleted for good, or its owner ends it while its parts are arriving or being joined.
    Delete,
    /// A sweeper takes the lease of the record because it is due: an abandoned upload, an expired one, an unfinished deletion of
    /// another sweeper, or an old tombstone.
    Claim,
    /// The record of a refusal makes room for newer ones before its time is over.
    Forget,
    /// The bytes were deleted.
    BytesDeleted,
}

impl Event {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Begun { .. } => "begun",
            Self::Assemble => "assemble",
            Self::Renew => "renew",
            Self::Release => "release",
            Self::Tidied => "tidied",
            Self::Fetch { .. } => "fetch",
            Self::Progress { .. } => "progress",
            Self::Postpone(_) => "postpone",
            Self::Fetched => "fetched",
            Self::Abandon => "abandon",
            Self::Relocate { .. } => "relocate",
            Self::Commit { .. } => "commit",
            Self::Quarantine { .. } => "quarantine",
            Self::Withdraw { .. } => "withdraw",
            Self::Rescan => "rescan",
            Self::Approve { .. } => "approve",
            Self::Discard { .. } => "discard",
            Self::Inspected(_) => "inspected",
            Self::Reject(_) => "reject",
            Self::Keep(_) => "keep",
            Self::Describe { .. } => "describe",
            Self::Trash => "trash",
            Self::Restore => "restore",
            Self::Delete => "delete",
            Self::Claim => "claim",
            Self::Forget => "forget",
            Self::BytesDeleted => "bytes_deleted",
        }
    }
}
