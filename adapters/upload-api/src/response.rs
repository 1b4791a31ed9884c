//! The responses: their shapes, their headers, and the two shapes of an error. See `docs/upload-api.md`, "Every request".

use std::time::Instant;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{
    ACCEPT, ALLOW, CONTENT_TYPE, ETAG, EXPECT, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::response::Response;
use intake_core::measure;
use serde_json::Value;
use uuid::Uuid;

use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::key_names::BASE_KEY;
use crate::request::Request;
use crate::wire::{ErrorBody, ErrorInfo};
use crate::{cors, jsonp, request_log};

/// A successful answer of an endpoint.
pub(crate) enum Answer {
    Nothing,
    Json(Value),
    /// JSON that is made while it is sent.
    Streamed(Body),
    /// The response to an accepted part.
    Part,
}

/// A request and its response, for the log and the metrics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    pub(crate) id: Uuid,
    pub(crate) began: Instant,
    pub(crate) endpoint: Endpoint,
}

impl Exchange {
    pub(crate) fn begun_now(self) -> Self {
        Self {
            began: Instant::now(),
            ..self
        }
    }

    /// Logs and counts the outcome of a request, and makes its response.
    pub(crate) async fn respond(
        self,
        request: Request<'_>,
        head: &Parts,
        outcome: Result<Answer, ApiError>,
    ) -> Response {
        let callback = jsonp::callback(self.endpoint, &head.method, &request.params);
        let mut response = match outcome {
            Ok(answer) => {
                measure::request_answered(self.endpoint.path(), 200, None);
                succeeded(answer, self.id)
            }
            Err(error) => {
                let project = request.params.get(BASE_KEY.0).or(request.params.get(BASE_KEY.1));
                self.log(&error, project);
                // If a wrong query was not read, its parameter for the shape of errors still counts.
                let json = request.params.json_errors() || wants_json_errors(head) || callback.is_some();
                request.body.drain(expects_continue(&head.headers)).await;
                failed(&error, self.endpoint, json)
            }
        };
        if let Some(callback) = callback {
            response = jsonp::jsonp(response, &callback).await;
        }
        cors::add_common(response.headers_mut(), self.endpoint, self.id);
        response
    }

    /// Refuses a request whose head alone was read; its body is not read.
    pub(crate) fn refuse_unread(self, head: &Parts, error: &ApiError) -> Response {
        self.log(error, None);
        let mut response = failed(error, self.endpoint, wants_json_errors(head));
        cors::add_common(response.headers_mut(), self.endpoint, self.id);
        response
    }

    fn log(self, error: &ApiError, project: Option<&str>) {
        let endpoint = self.endpoint.path();
        measure::request_answered(endpoint, error.status(), Some(&error.code));
        request_log::refused(error, endpoint, project, self.began);
    }
}

fn succeeded(answer: Answer, request_id: Uuid) -> Response {
    match answer {
        Answer::Nothing => Response::new(Body::empty()),
        Answer::Json(value) => json(value.to_string().into()),
        Answer::Streamed(body) => json(body),
        Answer::Part => etag_response(request_id),
    }
}

fn json(body: Body) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Exactly 200, with an `ETag`, as S3 does: some clients send a part again and again until they receive that.
/// The tag tells attempts apart, and is no digest: the whole file is hashed when it is judged.
fn etag_response(request_id: Uuid) -> Response {
    let mut response = Response::new(Body::empty());
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{request_id}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// Clients in browsers take any status but 200 for a broken network; other clients read the status and show the text.
fn failed(error: &ApiError, endpoint: Endpoint, json_errors: bool) -> Response {
    let content = error.message();
    let mut response = if json_errors {
        let error = ErrorInfo {
            content: &content,
            status_code: error.status(),
            error_code: error.api_code(),
        };
        json(serde_json::to_string(&ErrorBody { error }).unwrap_or_default().into())
    } else {
        let mut response = Response::new(Body::from(content.into_owned()));
        *response.status_mut() = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    };
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    // RFC 9110, section 15.5.2. A browser opens no password dialog for this scheme.
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    if error.status() == 405 {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(endpoint.methods()));
    }
    response
}

/// Whether the sender wants errors as JSON, by its query and its headers.
fn wants_json_errors(head: &Parts) -> bool {
    let query = head.uri.query().unwrap_or_default();
    let asks = form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "jsonerrors" && !value.is_empty());
    asks || reads_json_alone(&head.headers)
}

/// Whether a request accepts JSON and not text. A library that accepts both, as some do in every request, receives a status.
fn reads_json_alone(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let named: Vec<&str> = lines.flat_map(|line| line.split(',')).map(type_of_range).collect();
    let names = |kind: &str| named.iter().any(|named| named.eq_ignore_ascii_case(kind));
    names("application/json") && !names("text/plain")
}

/// The type in a range of an `Accept` header, without its weight.
fn type_of_range(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

/// Whether the sender waits for `100 Continue` before it sends the body.
fn expects_continue(headers: &HeaderMap) -> bool {
    let expect = headers.get(EXPECT);
    expect.is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}
