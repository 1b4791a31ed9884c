//! Rules of HTTP (RFC 9112) that hyper leaves to its users, checked before any other code sees a request.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue, TRANSFER_ENCODING};
use axum::http::uri::Authority;
use axum::http::{Request, Response, StatusCode, Version};
use tracing::debug;

/// Why a request is invalid: a status, and a sentence for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken(StatusCode, &'static str);

/// The request, if it keeps the rules; otherwise the answer.
///
/// The answer ends the connection: the client and the proxies between may not agree where such a request ends.
pub(super) fn checked<B>(mut request: Request<B>) -> Result<Request<B>, Box<Response<Body>>> {
    match host(&request).and_then(|host| coding(&request).map(|()| host)) {
        Ok(None) => Ok(request),
        Ok(Some(host)) => {
            request.headers_mut().insert(HOST, host);
            Ok(request)
        }
        Err(Broken(status, why)) => {
            debug!(status = status.as_u16(), why, "a request breaks a rule of HTTP");
            let mut answer = Response::new(Body::from(why));
            *answer.status_mut() = status;
            let headers = answer.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            Err(Box::new(answer))
        }
    }
}

/// Section 3.2: one host, or none in HTTP/1.0. A host in an absolute target replaces it (section 3.2.2); this returns that one.
fn host<B>(request: &Request<B>) -> Result<Option<HeaderValue>, Broken> {
    let broken = |why| Err(Broken(StatusCode::BAD_REQUEST, why));
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return broken("The request has more than one Host header; send one."),
        (None, None) if request.version() >= Version::HTTP_11 => {
            return broken("The request has no Host header; send one.");
        }
        (host, None) => host,
    };
    if host.is_some_and(|host| !is_authority(host.as_bytes())) {
        return broken("The Host header is no host, nor a host and a port.");
    }
    match request.uri().authority().map(Authority::as_str) {
        None => Ok(None),
        Some(named) if is_authority(named.as_bytes()) => Ok(HeaderValue::from_str(named).ok()),
        Some(_) => broken("The request names no host, nor a host and a port."),
    }
}

/// A host with an optional port, and no user name before it.
fn is_authority(text: &[u8]) -> bool {
    Authority::try_from(text).is_ok_and(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
}

/// Section 6.1: a body with a transfer coding is not decoded here, and must not be taken for its content. hyper accepts any
/// codings, if the last of them is `chunked`.
fn coding<B>(request: &Request<B>) -> Result<(), Broken> {
    let lines = request.headers().get_all(TRANSFER_ENCODING).iter();
    let mut names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let is_chunked = |name: &[u8]| name.trim_ascii().eq_ignore_ascii_case(b"chunked");
    match (names.next(), names.next()) {
        (None, _) => Ok(()),
        (Some(name), None) if is_chunked(name) => Ok(()),
        (Some(first), Some(second)) if is_chunked(first) && is_chunked(second) => {
            let why = "The body is chunked more than once; chunk it once.";
            Err(Broken(StatusCode::BAD_REQUEST, why))
        }
        _ => {
            let why = "No Transfer-Encoding but `chunked` is read; send the body as it is.";
            Err(Broken(StatusCode::NOT_IMPLEMENTED, why))
        }
    }
}
