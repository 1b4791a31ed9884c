//! The table from this project's codes to the statuses and texts of the REST API. `docs/rest-api.md`, "Errors", describes it.

/// An error that the answer to a request may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorRow {
    /// The code of the pipeline, a plugin or this adapter; see `docs/codes.md`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The text in `detail`; `%s` stands for a value of the request.
    pub detail: &'static str,
}

/// All errors that the answer to a request may have.
pub fn errors() -> impl Iterator<Item = &'static ErrorRow> {
    TABLE.iter()
}

const fn row(code: &'static str, status: u16, detail: &'static str) -> ErrorRow {
    ErrorRow { code, status, detail }
}

/// Every error of this adapter, in the order of the checks: one line each.
#[rustfmt::skip]
pub(crate) static TABLE: &[ErrorRow] = &[
    row("not_an_endpoint", 404, "Not found."),
    row("accept_unknown", 406, "Incorrect Accept header provided. Make sure to specify API version. Refer to REST API docs for details."),
    row("request_too_large", 413, "The body of the request has more than %s bytes."),
    row("request_too_slow", 408, "The body of the request took too long to arrive."),
    // Authentication.
    row("simple_over_http", 400, "Simple authentication over HTTP is forbidden. Please, use HTTPS or signed requests instead."),
    row("credentials_invalid", 401, "Incorrect authentication credentials."),
    row("public_key_unknown", 401, "Public key %s not found."),
    row("secret_key_unknown", 401, "Secret key not found."),
    row("date_out_of_range", 401, "The date of the request is missing, unreadable, or too far from the time of this server."),
    row("request_signature_invalid", 401, "Invalid signature. Please check your Secret key."),
    row("throttled", 429, "Request was throttled. Expected available in %s seconds."),
    row("method_not_allowed", 405, "Method \"%s\" not allowed."),
    // Requests.
    row("not_supported", 400, "%s is not supported by this server."),
    row("body_malformed", 400, "%s"),
    row("param_invalid", 400, "%s"),
    row("not_found", 404, "Not found."),
    row("uuids_expected", 400, "Expected list of UUIDs"),
    row("uuids_empty", 400, "List of UUIDs can not be empty"),
    row("uuids_too_many", 400, "Maximum UUIDs per request is exceeded. The limit is 100"),
    // Metadata and tags.
    row("metadata_key_empty", 400, "File's metadata key can not be empty."),
    row("metadata_key_forbidden", 400, "File's metadata key `%s` contains symbols not allowed by the metadata key format."),
    row("metadata_key_too_long", 400, "Length of file metadata key `%s` can not be more than %s symbols."),
    row("metadata_too_many", 400, "A file can not have more than %s metadata keys."),
    row("metadata_value_empty", 400, "Value of the file metadata key `%s` can not be empty."),
    row("metadata_value_forbidden", 400, "Value of file metadata key `%s` contains symbols not allowed by the metadata value format."),
    row("metadata_value_too_long", 400, "Value of file metadata's key `%s` can not be more than %s symbols in length."),
    row("tags_invalid", 400, "Tags are invalid: %s."),
    // Copies.
    row("copy_source_missing", 400, "`source` parameter is required."),
    row("copy_source_invalid", 400, "Bad `source` parameter. Use UUID or CDN URL."),
    row("copy_operations_unsupported", 400, "`source` with operations is not supported by this server."),
    // Webhooks.
    row("target_missing", 400, "`target_url` is missing."),
    row("target_invalid", 400, "`target_url` cannot be used: %s."),
    row("subscription_exists", 400, "This project is already subscribed on this event"),
    row("subscription_changed", 409, "The webhook was changed by another request."),
    row("quota_exceeded", 403, "Account has reached its limits."),
    row("project_blocked", 403, "Account has been blocked."),
    row("project_unpaid", 403, "Account has been blocked for non payment."),
    row("project_limits_exceeded", 403, "Account has reached its limits."),
    // Any other refusal of a rule, with its reason.
    row("request_refused", 400, "%s"),
    row("fault", 500, "Internal server error."),
];
