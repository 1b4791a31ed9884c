//! Where an image is changed before it is sent, such as `-/resize/640x/`, or described (`-/json/`).
//!
//! This is the one way from operations to an answer. What comes in is a file that may be read by who asks: its record is ready,
//! and its token, if its project asks for one, was checked.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ACCEPT, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, HeaderMap, HeaderValue, InvalidHeaderValue, VARY,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use intake_core::{FileName, MediaType};
use intake_images::{Accept, Operations};

use crate::access;
use crate::codes;
use crate::delivery::Delivery;
use crate::headers::caching;
use crate::headers::conditions::{Condition, Validators, evaluate};
use crate::headers::{disposition, media};
use crate::images::{Made, Wish};
use crate::original::Shown;
use crate::path::Operation;
use crate::refusal::Refusal;
use crate::streams;

/// Answers a request for a file after operations, of which there is at least one.
pub(crate) async fn answer(
    delivery: &Delivery,
    head: &Parts,
    shown: &Shown,
    operations: &[Operation],
) -> Result<Response, Refusal> {
    let operations = parsed(operations)?;
    let facts = shown.record.facts.as_ref().ok_or_else(Refusal::not_found)?;
    if !facts.media_type.as_ref().is_some_and(is_raster) {
        return Err(Refusal::not_an_image());
    }
    let accept = head.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let wish = Wish {
        record: Arc::clone(&shown.record),
        accept: Accept::of(accept.unwrap_or_default()),
        operations: Arc::new(operations),
    };
    let mut headers = steering(delivery, shown, &wish);
    let validators = Validators {
        tag: wish.tag(),
        modified: None,
    };
    match evaluate(&head.headers, &validators) {
        Condition::Failed => return Err(Refusal::precondition_failed()),
        Condition::NotModified => return Ok(response(StatusCode::NOT_MODIFIED, headers, streams::none())),
        // A result is sent whole.
        Condition::Holds { .. } => {}
    }
    let is_description = wish.operations.json();
    let made = match delivery.images.at_hand(&wish) {
        Some(made) => made,
        None => {
            let made = delivery.images.get(wish).await;
            // That may have taken long: a file that was deleted, or made private, meanwhile is not given out.
            let record = delivery.pipeline.get(shown.record.id).await?;
            access::check(delivery, head, record.options.project.as_deref()).await?;
            made?
        }
    };
    let bytes = match is_description {
        true => with_id(&made, &shown.record.id.to_string()),
        false => made.bytes.clone(),
    };
    let inline = shown.inline != Some(false);
    let name = named(shown, &made.media_type);
    let media_type = HeaderValue::from_str(&made.media_type);
    let failed = |error: InvalidHeaderValue| Refusal::failure("The image cannot be processed.", error.to_string());
    headers.extend([
        (ACCEPT_RANGES, HeaderValue::from_static("none")),
        (CONTENT_TYPE, media_type.map_err(failed)?),
        (CONTENT_LENGTH, HeaderValue::from(bytes.len())),
        (CONTENT_DISPOSITION, disposition::value(inline, name.as_ref())),
    ]);
    let body = match head.method == Method::HEAD {
        true => Body::empty(),
        false => Body::from(bytes),
    };
    Ok(response(StatusCode::OK, headers, body))
}

/// The operations, checked.
fn parsed(operations: &[Operation]) -> Result<Operations, Refusal> {
    let pieces = operations.iter().map(|operation| {
        let params: String = operation.params.iter().map(|param| format!("{param}/")).collect();
        format!("-/{}/{params}", operation.name)
    });
    let refused = |error: intake_images::OperationsError| {
        let message = format!("Not possible: {error}.");
        Refusal::new(StatusCode::BAD_REQUEST, codes::OPERATION_UNSUPPORTED, message)
    };
    let parsed = Operations::parse(&pieces.collect::<String>()).map_err(refused)?;
    match parsed.is_original() && !parsed.json() {
        true => {
            let message = "Not possible: the operations change nothing.";
            Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                codes::OPERATION_UNSUPPORTED,
                message,
            ))
        }
        false => Ok(parsed),
    }
}

/// Whether a type is that of pixels. Which of them can be decoded, the bytes tell.
fn is_raster(media_type: &MediaType) -> bool {
    media_type.main() == "image" && !media_type.as_str().ends_with("+xml")
}

/// What a cache needs to know, also if it has the result already.
fn steering(delivery: &Delivery, shown: &Shown, wish: &Wish) -> HeaderMap {
    let expires = shown.record.lifetime.and_then(|lifetime| lifetime.expires);
    let (cache, now) = (delivery.settings.cache, delivery.pipeline.now());
    let mut headers = HeaderMap::from_iter([
        (CACHE_CONTROL, caching::control(shown.audience, cache, expires, now)),
        (CONTENT_SECURITY_POLICY, media::policy(None)),
    ]);
    if wish.operations.negotiates() {
        headers.insert(VARY, HeaderValue::from_static("Accept"));
    }
    if let Ok(tag) = HeaderValue::try_from(wish.tag()) {
        headers.insert(ETAG, tag);
    }
    headers
}

/// A description with the id of the file that was asked for: files of the same content share the rest.
fn with_id(made: &Made, id: &str) -> Bytes {
    let rest = made.bytes.strip_prefix(b"{").unwrap_or_default();
    [format!("{{\"id\":\"{id}\",").as_bytes(), rest].concat().into()
}

/// The name of the result: that of the file, with the ending of its format.
fn named(shown: &Shown, media_type: &str) -> Option<FileName> {
    if let Some(name) = &shown.name {
        return Some(name.clone());
    }
    let name = shown.record.declared.name.as_ref()?;
    let ending = match media_type {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        _ => "json",
    };
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    FileName::new(&format!("{stem}.{ending}"))
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
