//! The responses: their types and headers, and the log lines and metrics of requests.

use std::time::Instant;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::Response;
use intake_core::codes::SUBSCRIPTION_EXISTS;
use intake_core::measure;
use tracing::{error, info};

use crate::codes::PUBLIC_KEY_UNKNOWN;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::wire::{ErrorBody, FieldsErrorBody, json};

/// A successful answer of an endpoint.
#[derive(Debug)]
pub(crate) enum Answer {
    /// 200, with this JSON.
    Json(String),
    /// 201, with this JSON, and the address of what was made.
    Created(String, Option<String>),
    /// 204.
    Nothing,
}

/// The most characters of a project's key in a log line: a request may send any text as its key.
const LONGEST_KEY: usize = 64;

/// Logs and counts the outcome of a request, and makes its response.
pub(crate) fn respond(
    outcome: Result<Answer, ApiError>,
    endpoint: &Endpoint,
    kind: &'static str,
    key: Option<&str>,
    began: Instant,
) -> Response {
    match outcome {
        Ok(answer) => succeeded(answer, endpoint, kind),
        Err(error) => {
            let status = error.status();
            measure::request_answered(endpoint.path(), status, Some(&error.code));
            log(&error, endpoint.path(), key, began);
            failed(&error, endpoint, kind)
        }
    }
}

fn succeeded(answer: Answer, endpoint: &Endpoint, kind: &'static str) -> Response {
    let (status, body, location) = match answer {
        Answer::Json(body) => (StatusCode::OK, Some(body), None),
        Answer::Created(body, location) => (StatusCode::CREATED, Some(body), location),
        Answer::Nothing => (StatusCode::NO_CONTENT, None, None),
    };
    measure::request_answered(endpoint.path(), status.as_u16(), None);
    let mut response = match body {
        Some(body) => with_type(body, kind),
        None => Response::new(Body::empty()),
    };
    *response.status_mut() = status;
    let location = location.and_then(|location| HeaderValue::try_from(location).ok());
    response
        .headers_mut()
        .extend(location.map(|location| (LOCATION, location)));
    response
}

fn failed(error: &ApiError, endpoint: &Endpoint, kind: &'static str) -> Response {
    let detail = error.detail();
    let body = match error.code == SUBSCRIPTION_EXISTS {
        // Clients look for this name.
        true => json(&FieldsErrorBody {
            non_field_errors: [&detail],
        }),
        false => json(&ErrorBody { detail: &detail }),
    };
    let mut response = with_type(body, kind);
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(seconds) = error.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    match status {
        // RFC 9110, section 15.5.2.
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Uploadcare"));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(ALLOW, HeaderValue::from_static(endpoint.methods()));
        }
        _ => {}
    }
    response
}

fn with_type(body: String, kind: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Writes the line of a request that was refused or failed. A failure of the server is an error with its causes.
fn log(error: &ApiError, endpoint: &'static str, key: Option<&str>, began: Instant) {
    let (status, code) = (error.status(), error.code.as_str());
    let project: Option<String> = key.map(|sent| sent.chars().take(LONGEST_KEY).collect());
    let millis = began.elapsed().as_millis() as u64;
    if status >= 500 {
        let cause = error.cause.as_deref().unwrap_or("unknown");
        error!(target: "intake::request", endpoint, project, status, code, cause, millis, "request failed");
    } else {
        let reason = match error.code == PUBLIC_KEY_UNKNOWN {
            // The answer repeats the key, and the log does not.
            true => "No project has this public key.".to_owned(),
            false => error.detail(),
        };
        info!(target: "intake::request", endpoint, project, status, code, by = "rest-api", reason, millis, "request refused");
    }
}
