//! Why the parts of an upload were not put together: refused for good, or not now.

use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::parts::Part;
use crate::value::verdict::RECEIVE;
use crate::value::verdict::Rejection;

/// Why an upload was not put together.
pub(crate) enum Failure {
    /// A stage said no: the upload is over.
    Rejected(Error),
    /// Not now: its parts stay, and it may be tried again.
    Retry(Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Retry(fault.into())
    }
}

pub(crate) fn not_yet(judged: Result<Vec<Part>, Rejection>) -> Result<Vec<Part>, Failure> {
    judged.map_err(|rejection| Failure::Retry(Error::rejected(RECEIVE, rejection)))
}

/// What the pass ended with, for an upload whose bytes are our own to read.
pub(crate) fn failure(error: Error) -> Failure {
    match error {
        // A part was sent again while the whole was read.
        Error::Rejected { by, rejection } if rejection.code == codes::SIZE_MISMATCH => {
            Failure::Retry(Error::Rejected { by, rejection })
        }
        refused @ Error::Rejected { .. } => Failure::Rejected(refused),
        Error::Interrupted(why) => {
            let fault = Fault::new(codes::BYTES_MISSING, "the parts could not be read to their end");
            fault.retryable().with_source(why).into()
        }
        error => Failure::Retry(error),
    }
}
