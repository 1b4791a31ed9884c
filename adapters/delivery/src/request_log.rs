//! The log lines of requests: each is a span with an id, and one that is refused or fails has a line of its own.

use std::net::IpAddr;
use std::time::Instant;

use intake_core::measure;
use tracing::{Span, debug, error, error_span, field, info};
use uuid::Uuid;

use crate::path::Target;
use crate::refusal::Refusal;

/// The name of what a request is about, in logs and metrics.
pub(crate) fn name_of(target: &Target) -> &'static str {
    match target {
        Target::File(_, wanted) | Target::Member(_, _, wanted) if !wanted.operations.is_empty() => {
            "delivery/operations"
        }
        Target::File(..) => "delivery/file",
        Target::Member(..) => "delivery/member",
        Target::Archive(..) => "delivery/archive",
        Target::Group(_) => "delivery/group",
        Target::Nothing => "delivery/none",
    }
}

/// The span of one request. All log lines in it have its id and its client.
pub(crate) fn span(client: Option<IpAddr>) -> Span {
    // At the highest level, so that no log filter removes it.
    error_span!(
        "request",
        id = %Uuid::new_v4(),
        client = client.map(field::display),
    )
}

/// Counts and logs a request that got no file. Addresses of files that are gone are asked for again and again, and are no news.
pub(crate) fn refused(refusal: &Refusal, endpoint: &'static str, began: Instant) {
    let (status, code, reason) = (refusal.status.as_u16(), refusal.code.as_str(), &*refusal.message);
    measure::request_answered(endpoint, status, Some(&refusal.code));
    let millis = began.elapsed().as_millis() as u64;
    if status >= 500 {
        let cause = refusal.cause.as_deref().unwrap_or("unknown");
        error!(target: "intake::request", endpoint, status, code, cause, millis, "request failed");
    } else if status == 404 || status == 416 || status == 412 {
        debug!(target: "intake::request", endpoint, status, code, reason, millis, "request refused");
    } else {
        info!(target: "intake::request", endpoint, status, code, reason, millis, "request refused");
    }
}
