//! Bodies whose bytes come from a store while they are sent, so that a slow reader slows down the store, and one that hangs up
//! ends the reading.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use http_body_util::BodyExt as _;
use intake_core::permits::Permit;
use intake_core::{BoxError, Error, Fault};
use tracing::{Span, error};

/// A body of these bytes. If they break off, so does the answer, and the log has the reason.
pub(crate) fn body(bytes: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static) -> Body {
    let span = Span::current();
    Body::from_stream(bytes.inspect_err(move |error| {
        let cause = report(error);
        span.in_scope(|| error!(target: "intake::request", cause, "broke off an answer: a file could not be read"));
    }))
}

/// No body, of an answer that may not even say that it has 0 bytes (RFC 9110, section 8.6): axum says so of an empty one.
pub(crate) fn none() -> Body {
    Body::from_stream(stream::empty::<Result<Bytes, Infallible>>())
}

/// A body that holds permits while it exists: an answer that is not sent yet uses memory, and an open file of the store.
pub(crate) fn holding(body: Body, held: Vec<Permit>) -> Body {
    Body::new(body.map_err(move |error| {
        let _held = &held;
        error
    }))
}

fn report(error: &BoxError) -> String {
    match (error.downcast_ref::<Error>(), error.downcast_ref::<Fault>()) {
        (Some(Error::Fault(fault)), _) | (_, Some(fault)) => fault.report(),
        _ => error.to_string(),
    }
}
