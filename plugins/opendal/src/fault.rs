//! Errors of libraries and services as faults.

use std::error::Error;
use std::fmt;
use std::io;

use intake_core::Fault;

use crate::codes::{STORE_FAILED, STORE_FULL};
use crate::failure::Failure;

/// A fault from an error of OpenDAL: "cannot {doing}".
pub(crate) fn of_opendal(doing: &str, error: opendal::Error) -> Fault {
    let full = error
        .source()
        .and_then(|below| below.downcast_ref::<io::Error>())
        .is_some_and(is_full);
    fault(doing, full, may_pass(&error)).with_source(Brief(error))
}

/// OpenDAL's error without its context and the service's whole answer, which are hundreds of characters in front of the cause.
#[derive(Debug)]
struct Brief(opendal::Error);

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind().fmt(f)?;
        // The status is only in the context, which is left out here.
        if let Some(status) = status(&self.0.to_string()) {
            write!(f, ", the service answered {status}")?;
        }
        match self.0.message() {
            "" => Ok(()),
            message => write!(f, ": {message}"),
        }
    }
}

/// The status of the answer in OpenDAL's context.
fn status(words: &str) -> Option<&str> {
    let (_, rest) = words.split_once("status: ")?;
    rest.get(..3)
        .filter(|status| status.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Error for Brief {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// A fault from an error of the system: "cannot {doing}".
pub(crate) fn of_io(doing: &str, error: io::Error) -> Fault {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};

    let lasts = matches!(
        error.kind(),
        AlreadyExists | IsADirectory | NotADirectory | NotFound | PermissionDenied | ReadOnlyFilesystem
    );
    fault(doing, is_full(&error), !lasts).with_source(error)
}

/// A fault from a failed request to S3: "cannot {doing}".
pub(crate) fn of_s3(doing: &str, failure: Failure) -> Fault {
    fault(doing, false, failure.passes).with_source(failure)
}

/// Whether trying later may help. OpenDAL marks its errors accordingly, but its retry layer marks every error that passes it as
/// persistent, a wrong password as well as a service that is down; then the kind decides.
fn may_pass(error: &opendal::Error) -> bool {
    use opendal::ErrorKind::{Conflict, RateLimited, Unexpected};

    error.is_temporary() || (error.is_persistent() && matches!(error.kind(), Conflict | RateLimited | Unexpected))
}

/// The task or thread ended early: it panicked, or the program is shutting down.
pub(crate) fn of_lost_work(doing: &str) -> Fault {
    Fault::new(STORE_FAILED, format!("cannot {doing}: the task ended early")).retryable()
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn fault(doing: &str, full: bool, passes: bool) -> Fault {
    let code = if full { STORE_FULL } else { STORE_FAILED };
    let fault = Fault::new(code, format!("cannot {doing}"));
    if passes { fault.retryable() } else { fault }
}
