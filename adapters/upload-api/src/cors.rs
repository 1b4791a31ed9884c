//! The CORS headers of every response: every origin is allowed, because a key authorizes a request, and never a cookie.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use uuid::Uuid;

use crate::endpoint::Endpoint;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-uploadcare-request-id");
const ALLOWED: &str = "Authorization, Content-Type, DNT, X-PINGOTHER, X-UC-User-Agent";

pub(crate) fn add_common(headers: &mut HeaderMap, endpoint: Endpoint, request_id: Uuid) {
    if let Ok(id) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, endpoint.methods()),
        (ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED),
        (ACCESS_CONTROL_EXPOSE_HEADERS, exposed(endpoint)),
        (ACCESS_CONTROL_MAX_AGE, "600"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Headers that a page of another origin may read.
fn exposed(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Part(_) => "ETag, Retry-After, X-Uploadcare-Request-Id",
        _ => "Retry-After, Warning, X-Uploadcare-Request-Id",
    }
}
