//! Reads the body of a request, within its limits: a signature is over all of it.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::codes;
use crate::error::ApiError;
use crate::settings::Settings;

/// The most bytes of a body: room for the most metadata, each character as an escape of JSON.
pub(crate) const LONGEST: usize = 256 * 1024;

pub(crate) async fn read(body: Body, settings: &Settings) -> Result<Bytes, ApiError> {
    let whole = tokio::time::timeout(settings.body_timeout, Limited::new(body, LONGEST).collect()).await;
    match whole {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::new(&codes::REQUEST_TOO_LARGE).arg(LONGEST)),
        Ok(Err(_)) => Err(ApiError::malformed_body("The body of the request broke off.")),
        Err(_) => Err(codes::REQUEST_TOO_SLOW.into()),
    }
}
