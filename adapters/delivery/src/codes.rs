//! The codes of this adapter's own answers: see `docs/codes.md`.

use intake_core::Code;
pub(crate) use intake_core::codes::{BYTES_MISSING, NOT_FOUND};

pub(crate) const ARCHIVE_TOO_LARGE: Code = Code::new("archive_too_large");
pub(crate) const DELIVERY_TOKEN_EXPIRED: Code = Code::new("delivery_token_expired");
pub(crate) const DELIVERY_TOKEN_INVALID: Code = Code::new("delivery_token_invalid");
pub(crate) const DELIVERY_TOKEN_MISSING: Code = Code::new("delivery_token_missing");
pub(crate) const IMAGE_DAMAGED: Code = Code::new("image_damaged");
pub(crate) const IMAGE_RESULT_TOO_LARGE: Code = Code::new("image_result_too_large");
pub(crate) const IMAGE_TOO_LARGE: Code = Code::new("image_too_large_to_process");
pub(crate) const IMAGE_UNDECODABLE: Code = Code::new("image_undecodable");
pub(crate) const METHOD_NOT_ALLOWED: Code = Code::new("method_not_allowed");
pub(crate) const NOT_AN_IMAGE: Code = Code::new("not_an_image");
pub(crate) const OPERATION_UNSUPPORTED: Code = Code::new("operation_unsupported");
pub(crate) const PRECONDITION_FAILED: Code = Code::new("precondition_failed");
pub(crate) const RANGE_UNSATISFIABLE: Code = Code::new("range_unsatisfiable");
pub(crate) const THROTTLED: Code = Code::new("throttled");
