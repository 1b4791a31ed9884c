//! The codes of this adapter's own answers: see `docs/codes.md`.

use intake_core::Code;
pub(crate) use intake_core::codes::{BYTES_MISSING, NOT_FOUND};

pub(crate) const ARCHIVE_TOO_LARGE: Code = Code::new("archive_too_large");
pub(crate) const DELIVERY_TOKEN_EXPIRED: Code = Code::new("delivery_token_expired");
pub(crate) const DELIVERY_TOKEN_INVALID: Code = Code::new("delivery_token_invalid");
pub(crate) const DELIVERY_TOKEN_MISSING: Code = Code::new("delivery_token_missing");
pub(crate) const METHOD_NOT_ALLOWED: Code = Code::new("method_not_allowed");
pub(crate) const OPERATION_UNSUPPORTED: Code = Code::new("operation_unsupported");
pub(crate) const PRECONDITION_FAILED: Code = Code::new("precondition_failed");
pub(crate) const RANGE_UNSATISFIABLE: Code = Code::new("range_unsatisfiable");
pub(crate) const THROTTLED: Code = Code::new("throttled");
