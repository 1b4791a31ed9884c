//! Why an upload under way is not accepted, and what follows.

use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::parts::Part;
use crate::value::verdict::RECEIVE;
use crate::value::verdict::Rejection;

/// Why an upload is not accepted.
pub(crate) enum Failure {
    /// The upload has ended: its bytes are deleted, and the reason is recorded.
    Refuse(Error),
    /// Not now: the parts stay, and the client may complete the upload later.
    Retry(Error),
    /// The lease is lost, or the recorder's outcome is unknown: the node changes nothing of the upload.
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

/// The failure of a multipart upload.
impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Retry(fault.into())
    }
}

pub(crate) fn not_yet(judged: Result<Vec<Part>, Rejection>) -> Result<Vec<Part>, Failure> {
    judged.map_err(|rejection| Failure::Retry(Error::rejected(RECEIVE, rejection)))
}

/// The failure of a multipart upload whose file was read from the server's own store.
pub(crate) fn of_parts(error: Error) -> Failure {
    match error {
        // A part was sent again while the file was read.
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
