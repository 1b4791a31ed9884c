//! Uploads in one request that every stage has accepted, and their commit or discard.

use std::fmt;

use crate::engine::attempt::Attempt;
use crate::engine::judged::Held;
use crate::record::quarantine::QuarantineCause;
use crate::record::upload::Record;
use crate::value::error::Error;
use crate::value::evidence::{Declared, Facts};
use crate::value::id::UploadId;
use crate::value::options::UploadOptions;
use crate::value::verdict::REQUEST;
use crate::value::verdict::Rejection;

/// An upload that every stage has judged and none has refused, or that is to be put into quarantine. It is not readable yet. It ends by [`commit`](Self::commit), by
/// [`commit_together`](crate::Pipeline::commit_together) or by [`discard`](Self::discard); if it is dropped, it ends with its lease.
#[must_use = "an upload that is neither committed nor discarded waits for the sweeper"]
pub struct Admitted {
    pub(crate) attempt: Attempt,
    pub(crate) facts: Facts,
    /// Why it is put into quarantine instead of being readable.
    pub(crate) held: Option<Held>,
}

impl Admitted {
    /// The upload's id.
    #[must_use]
    pub fn id(&self) -> UploadId {
        self.attempt.record().id
    }

    /// The facts of its content.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Why the upload is put into quarantine by [`commit`](Self::commit), if it is.
    #[must_use]
    pub fn held(&self) -> Option<&Rejection> {
        self.held.as_ref().map(|held| &held.reason)
    }

    /// The declared metadata.
    #[must_use]
    pub fn declared(&self) -> &Declared {
        &self.attempt.record().declared
    }

    /// Makes the upload durable, then readable, if its project admits it now. When this returns the record, both survive a
    /// crash.
    ///
    /// # Errors
    ///
    /// Those of [`Pipeline::commit_together`](crate::Pipeline::commit_together).
    pub async fn commit(self, options: UploadOptions) -> Result<Record, Error> {
        let pipeline = self.attempt.pipeline();
        match pipeline.commit_together(vec![self], options).await?.pop() {
            Some(record) => Ok(record),
            None => unreachable!("one upload has one record"),
        }
    }

    /// Whether a scanner refused it: it is put into quarantine, and the sender is told that it is refused.
    pub(crate) fn is_refused(&self) -> bool {
        let held = self.held.as_ref();
        held.is_some_and(|held| held.cause != QuarantineCause::Fault)
    }

    /// Deletes the upload and records the reason: for a rejection that is known only after the last byte.
    pub async fn discard(mut self, why: Rejection) {
        self.attempt.log.refused(REQUEST, &why);
        let _always_ended = self.attempt.refuse(why.by(REQUEST)).await;
    }
}

impl fmt::Debug for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admitted")
            .field("record", self.attempt.record())
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
