//! What may happen to a record. What becomes of it then is in [`Record::apply`](crate::Record::apply).

use std::time::Duration;

use crate::value::evidence::Facts;
use crate::value::id::{Place, UploadId};
use crate::value::lifetime::Lifetime;
use crate::value::options::Terms;
use crate::value::verdict::Rejection;

/// What may happen to an upload.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The store has begun to take parts, and calls the upload this.
    Begun {
        /// The store's own name for it.
        upload: String,
    },
    /// Somebody begins to put the parts together, or goes on where somebody else's lease is over.
    Assemble,
    /// Whoever puts the parts together is still at it.
    Renew,
    /// It could not be put together now. Its parts stay.
    Release,
    /// Nothing of it is left where it does not belong: no part under a key of its own, nothing where it was before.
    Tidied,
    /// Somebody begins to fetch what was ordered, or tries again where somebody else's lease is over.
    Pull {
        /// The upload that this try is going to be.
        upload: UploadId,
    },
    /// Whoever fetches it is still at it.
    Progress {
        /// Bytes that came.
        done: u64,
        /// Bytes that there are, if the source has said so.
        total: Option<u64>,
    },
    /// It could not be fetched, or tidied up, this time; it is tried again later.
    Postpone(Duration),
    /// It was fetched: the upload of the last try is ready.
    Pulled,
    /// This try is over, whoever was at it: its upload ends before its lease does.
    Abandon,
    /// Its bytes belong elsewhere, as it is known by now whose it is; they are about to be written there.
    Move {
        /// Where.
        to: Place,
    },
    /// Every stage accepted it and its bytes are durable.
    Commit {
        /// What is known of the content. Boxed, because the other events are small.
        facts: Box<Facts>,
        /// What the sender said last.
        terms: Box<Terms>,
        /// How long it stays.
        lifetime: Lifetime,
    },
    /// A stage refused it, and its bytes are gone.
    Reject(Rejection),
    /// It gets another lifetime.
    Keep(Lifetime),
    /// Its owner deletes it, and may bring it back for a while.
    Trash,
    /// It is brought back.
    Restore,
    /// It is deleted for good, or ended by its owner while its parts are still coming or being put together.
    Delete,
    /// A sweeper takes it because it is due: an abandoned attempt, an expired upload, another sweeper's unfinished work, an
    /// old note.
    Claim,
    /// It was refused, and the note of that makes room for newer ones before its time is over.
    Forget,
    /// Its bytes were removed.
    Erased,
}

impl Event {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Begun { .. } => "begun",
            Self::Assemble => "assemble",
            Self::Renew => "renew",
            Self::Release => "release",
            Self::Tidied => "tidied",
            Self::Pull { .. } => "pull",
            Self::Progress { .. } => "progress",
            Self::Postpone(_) => "postpone",
            Self::Pulled => "pulled",
            Self::Abandon => "abandon",
            Self::Move { .. } => "move",
            Self::Commit { .. } => "commit",
            Self::Reject(_) => "reject",
            Self::Keep(_) => "keep",
            Self::Trash => "trash",
            Self::Restore => "restore",
            Self::Delete => "delete",
            Self::Claim => "claim",
            Self::Forget => "forget",
            Self::Erased => "erased",
        }
    }
}
