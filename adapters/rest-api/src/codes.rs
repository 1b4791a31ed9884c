//! The codes of this adapter's own errors: each has a row in `error_table`.

use intake_core::Code;
pub(crate) use intake_core::codes::{FAULT, NOT_FOUND};

pub(crate) const ACCEPT_UNKNOWN: Code = Code::new("accept_unknown");
pub(crate) const BODY_MALFORMED: Code = Code::new("body_malformed");
pub(crate) const COPY_SOURCE_INVALID: Code = Code::new("copy_source_invalid");
pub(crate) const COPY_SOURCE_MISSING: Code = Code::new("copy_source_missing");
pub(crate) const COPY_OPERATIONS_UNSUPPORTED: Code = Code::new("copy_operations_unsupported");
pub(crate) const CREDENTIALS_INVALID: Code = Code::new("credentials_invalid");
pub(crate) const DATE_OUT_OF_RANGE: Code = Code::new("date_out_of_range");
pub(crate) const METHOD_NOT_ALLOWED: Code = Code::new("method_not_allowed");
pub(crate) const NOT_AN_ENDPOINT: Code = Code::new("not_an_endpoint");
pub(crate) const PARAM_INVALID: Code = Code::new("param_invalid");
pub(crate) const PUBLIC_KEY_UNKNOWN: Code = Code::new("public_key_unknown");
pub(crate) const REQUEST_SIGNATURE_INVALID: Code = Code::new("request_signature_invalid");
pub(crate) const REQUEST_REFUSED: Code = Code::new("request_refused");
pub(crate) const REQUEST_TOO_LARGE: Code = Code::new("request_too_large");
pub(crate) const REQUEST_TOO_SLOW: Code = Code::new("request_too_slow");
pub(crate) const SECRET_KEY_UNKNOWN: Code = Code::new("secret_key_unknown");
pub(crate) const SIMPLE_OVER_HTTP: Code = Code::new("simple_over_http");
pub(crate) const SUBSCRIPTION_CHANGED: Code = Code::new("subscription_changed");
pub(crate) const TARGET_MISSING: Code = Code::new("target_missing");
pub(crate) const THROTTLED: Code = Code::new("throttled");
pub(crate) const UNSUPPORTED: Code = Code::new("not_supported");
pub(crate) const UUIDS_EMPTY: Code = Code::new("uuids_empty");
pub(crate) const UUIDS_EXPECTED: Code = Code::new("uuids_expected");
pub(crate) const UUIDS_TOO_MANY: Code = Code::new("uuids_too_many");
