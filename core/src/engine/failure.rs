//! Why an upload that is under way is not accepted, and what follows from it.

use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::parts::Part;
use crate::value::verdict::RECEIVE;
use crate::value::verdict::Rejection;

/// Why an upload is not accepted.
pub(crate) enum Failure {
    /// The upload is over: its bytes are deleted, and the reason is noted.
    Refuse(Error),
    /// Not now: its parts stay, and it may be completed later.
    Retry(Error),
    /// The lease is lost, or it is not known what the recorder has written: nothing of the upload is touched.
    Leave(Error),
}

impl Failure {
    pub(crate) fn error(&self) -> &Error {
        let (Self::Refuse(error) | Self::Retry(error) | Self::Leave(error)) = self;
        error
    }

    pub(crate) fn into_error(self) -> Error {
        let (Self::Refuse(error) | Self::Retry(error) | Self::Leave(error)) = self;
        error
    }
}

/// The failure of an upload in parts.
impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Retry(fault.into())
    }
}

pub(crate) fn not_yet(judged: Result<Vec<Part>, Rejection>) -> Result<Vec<Part>, Failure> {
    judged.map_err(|rejection| Failure::Retry(Error::rejected(RECEIVE, rejection)))
}

/// The failure of an upload in parts, whose whole was read from the server's own store.
pub(crate) fn of_parts(error: Error) -> Failure {
    match error {
        // A part was sent again while the whole was read.
        Error::Rejected { by, rejection } if rejection.code == codes::SIZE_MISMATCH => {
            Failure::Retry(Error::Rejected { by, rejection })
        }
        refused @ Error::Rejected { .. } => Failure::Refuse(refused),
        Error::Interrupted(why) => {
            let fault = Fault::new(codes::BYTES_MISSING, "the parts could not be read to their end");
            fault.retryable().with_source(why).into()
        }
        error => Failure::Retry(error),
    }
}
