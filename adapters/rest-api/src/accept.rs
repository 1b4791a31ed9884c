//! The versions of the API that a client may ask for in `Accept`, and the type of the answer.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use crate::codes;
use crate::error::ApiError;

/// The type of an answer. Clients compare the whole value, so it has no charset.
pub(crate) const VERSIONED: &str = "application/vnd.uploadcare-v0.7+json";
/// The type for a client that does not name a version.
pub(crate) const PLAIN: &str = "application/json";

/// Versions whose clients understand the answers of version 0.7.
const VERSIONS: [&str; 3] = [
    VERSIONED,
    "application/vnd.uploadcare-v0.6+json",
    "application/vnd.uploadcare-v0.5+json",
];

/// The type of the answer for a request. One without `Accept` takes any (RFC 9110, section 12.5.1).
pub(crate) fn type_of_answer(headers: &HeaderMap) -> Result<&'static str, ApiError> {
    let lines: Vec<_> = headers.get_all(ACCEPT).iter().collect();
    if lines.is_empty() {
        return Ok(PLAIN);
    }
    let lines = lines.iter().filter_map(|line| line.to_str().ok());
    let named: Vec<&str> = lines.flat_map(|line| line.split(',')).filter_map(accepted).collect();
    let names = |kinds: &[&str]| {
        let mut named = named.iter();
        named.any(|named| kinds.iter().any(|kind| named.eq_ignore_ascii_case(kind)))
    };
    if names(&VERSIONS) {
        return Ok(VERSIONED);
    }
    match names(&[PLAIN, "application/*", "*/*"]) {
        true => Ok(PLAIN),
        false => Err(codes::ACCEPT_UNKNOWN.into()),
    }
}

/// The type in a range of an `Accept` header, unless its weight is zero.
fn accepted(range: &str) -> Option<&str> {
    let mut pieces = range.split(';').map(str::trim);
    let kind = pieces.next()?;
    let is_refused = |piece: &str| {
        let weight = piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q="));
        weight.and_then(|weight| weight.trim().parse::<f32>().ok()) == Some(0.0)
    };
    (!pieces.any(is_refused)).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_type_that_the_client_names() {
        for (accept, answer) in [
            (None, Some(PLAIN)),
            (Some("application/vnd.uploadcare-v0.7+json"), Some(VERSIONED)),
            (Some("application/vnd.uploadcare-v0.6+json, */*"), Some(VERSIONED)),
            (Some("application/vnd.uploadcare-v0.5+json;q=0.9"), Some(VERSIONED)),
            (Some("Application/JSON"), Some(PLAIN)),
            (Some("*/*"), Some(PLAIN)),
            (Some("text/html, application/*;q=0.8"), Some(PLAIN)),
            (Some("application/json;q=0"), None),
            (Some("application/vnd.uploadcare-v0.8+json"), None),
            (Some("text/html"), None),
            (Some(""), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(accept.map(|accept| (ACCEPT, accept.parse().unwrap())));
            assert_eq!(type_of_answer(&headers).ok(), answer, "{accept:?}");
        }
    }
}
