//! The log lines of requests: each is a span with an id, and one that is refused or fails has a line of its own.

use std::net::IpAddr;
use std::time::Instant;

use tracing::{Span, error, error_span, field, info};
use uuid::Uuid;

use crate::error::ApiError;

/// The most characters of a project's key in a log line: a request may send any text as its key.
const LONGEST_KEY: usize = 64;

/// The span of one request. All log lines in it have its id and its client.
pub(crate) fn span(id: Uuid, client: Option<IpAddr>) -> Span {
    // At the highest level, so that no log filter removes it.
    error_span!(
        "request",
        %id,
        client = client.map(field::display),
    )
}

/// Writes the line of a request that was refused or failed. A failure of the server is an error with its causes, unless the line
/// about the upload has them.
pub(crate) fn refused(error: &ApiError, endpoint: &str, project: Option<&str>, began: Instant) {
    let (status, code, api_code) = (error.status(), error.code.as_str(), error.api_code());
    let project: Option<String> = project.map(|sent| sent.chars().take(LONGEST_KEY).collect());
    let millis = began.elapsed().as_millis() as u64;
    if status >= 500 && !error.log.is_logged {
        let cause = error.log.cause.as_deref().unwrap_or("unknown");
        error!(target: "intake::request", endpoint, project, status, code, api_code, cause, millis, "request failed");
    } else {
        let by = error.log.by.as_deref().unwrap_or("upload-api");
        let reason = &*error.message();
        info!(target: "intake::request", endpoint, project, status, code, api_code, by, reason, millis, "request refused");
    }
}
