//! Answers that give no file: a status, a code for the log, and a sentence for who asked.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use intake_core::{Code, Error, Fault};

use crate::codes;
use crate::headers::common::METHODS;

/// How long a client is asked to wait if this server is busy, or a part of it fails that may work again.
const RETRY_AFTER_SECS: u64 = 5;

/// Why a request gets no file.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: Code,
    pub(crate) message: Cow<'static, str>,
    /// A header that the status asks for.
    header: Option<Box<(HeaderName, HeaderValue)>>,
    /// The failure behind it, for the log.
    pub(crate) cause: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
            cause: None,
        }
    }

    fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.header = Some(Box::new((name, value.into())));
        self
    }

    /// A failure of this server, with its cause for the log.
    pub(crate) fn failure(message: &'static str, cause: String) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, intake_core::codes::FAULT, message).because(cause)
    }

    fn because(mut self, cause: String) -> Self {
        self.cause = Some(cause);
        self
    }

    /// There is no such file, or it cannot be read: not yet, or no longer. The answer tells no more.
    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            codes::NOT_FOUND,
            "There is no file at this address.",
        )
    }

    /// A group is there, and is no file.
    pub(crate) fn no_file() -> Self {
        let message = "A group is no file: its files are under nth/0/ and so on, and all of them under archive/zip/.";
        Self::new(StatusCode::NOT_FOUND, codes::NOT_FOUND, message)
    }

    pub(crate) fn method_not_allowed(method: &Method) -> Self {
        let message = format!("Files are read with GET or HEAD, not with {method}.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, codes::METHOD_NOT_ALLOWED, message)
            .with(ALLOW, HeaderValue::from_static(METHODS))
    }

    /// Operations are for images of pixels.
    pub(crate) fn not_an_image() -> Self {
        Self::new(StatusCode::BAD_REQUEST, codes::NOT_AN_IMAGE, "Not an image.")
    }

    pub(crate) fn throttled() -> Self {
        let message = "Too many requests are under way: try again in a few seconds.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, codes::THROTTLED, message).with(RETRY_AFTER, RETRY_AFTER_SECS)
    }

    pub(crate) fn precondition_failed() -> Self {
        let message = "The file is another one than the request is about.";
        Self::new(StatusCode::PRECONDITION_FAILED, codes::PRECONDITION_FAILED, message)
    }

    pub(crate) fn range_unsatisfiable(size: u64) -> Self {
        let message = format!("The file has {size} bytes, and the request asks for none of them.");
        let refusal = Self::new(StatusCode::RANGE_NOT_SATISFIABLE, codes::RANGE_UNSATISFIABLE, message);
        match HeaderValue::try_from(format!("bytes */{size}")) {
            Ok(value) => refusal.with(CONTENT_RANGE, value),
            Err(_) => refusal,
        }
    }

    /// Its answer.
    pub(crate) fn response(self) -> Response {
        let mut response = Response::new(Body::from(format!("{}\n", self.message)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Some((name, value)) = self.header.map(|header| *header) {
            headers.insert(name, value);
        }
        response
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let (status, message) = match fault.retryable {
            true => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The file cannot be read at the moment: try again in a few seconds.",
            ),
            false => (StatusCode::INTERNAL_SERVER_ERROR, "The file cannot be read."),
        };
        let refusal = Self::new(status, fault.code.clone(), message).because(fault.report());
        match fault.retryable {
            true => refusal.with(RETRY_AFTER, RETRY_AFTER_SECS),
            false => refusal,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Fault(fault) => fault.into(),
            Error::NotFound(_) => Self::not_found(),
            // Of uploads, and never of reading.
            other => Self::failure("The file cannot be read.", other.to_string()),
        }
    }
}
