//! Where a file is changed before it is sent, such as `-/resize/640x/`. No operation is there yet: each request for one is
//! refused with its name.
//!
//! This is the one way from operations to an answer. What comes in is a file that may be read by who asks: its record is ready,
//! and its token, if its project asks for one, was checked.

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use crate::codes;
use crate::delivery::Delivery;
use crate::original::Shown;
use crate::path::Operation;
use crate::refusal::Refusal;

/// The longest name of an operation in an answer.
const LONGEST_NAME: usize = 64;

/// Answers a request for a file after operations, of which there is at least one.
#[allow(clippy::unused_async, reason = "operations read files")]
pub(crate) async fn answer(
    _delivery: &Delivery,
    _head: &Parts,
    _shown: &Shown,
    operations: &[Operation],
) -> Result<Response, Refusal> {
    let name = operations.first().map_or("", |operation| operation.name.as_str());
    let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let message = format!("The operation `{name}` is not supported, or not with these parameters.");
    Err(Refusal::new(
        StatusCode::BAD_REQUEST,
        codes::OPERATION_UNSUPPORTED,
        message,
    ))
}
