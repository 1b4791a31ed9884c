//! The headers of every answer, whatever its status: a browser does with no answer of this adapter what the sender of a file
//! wants, and pages of other origins may embed and read it.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap,
    HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};

use crate::headers::media::POLICY;
use crate::settings::Settings;

/// The methods that this adapter answers.
pub(crate) const METHODS: &str = "GET, HEAD, OPTIONS";
/// Headers that a page of another origin may send.
const ALLOWED: &str = "Cache-Control, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range";
/// Headers that a page of another origin may read.
const EXPOSED: &str = "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Last-Modified, Repr-Digest, \
                       Retry-After";

/// Adds the headers that an answer does not have by itself.
pub(crate) fn add(headers: &mut HeaderMap, settings: &Settings, is_preflight: bool) {
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, POLICY),
        // Otherwise a page that isolates itself could not show a picture from here.
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    let Some(readers) = settings.readers() else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, readers);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    if is_preflight {
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED),
            (ACCESS_CONTROL_MAX_AGE, "86400"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
