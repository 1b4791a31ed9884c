//! A file as it was sent: whole, in part, or not again.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use intake_core::{BoxError, ByteStream, Digest, Error, Facts, FileName, Pipeline, Record};
use uuid::Uuid;

use crate::codes;
use crate::delivery::Delivery;
use crate::headers::caching::{self, Audience};
use crate::headers::conditions::{Condition, Validators, evaluate, to_the_second};
use crate::headers::ranges::{Part, asked};
use crate::headers::{disposition, media};
use crate::refusal::Refusal;
use crate::streams;

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// A file that may be read by who asks, and how to show it.
pub(crate) struct Shown {
    pub(crate) record: Arc<Record>,
    pub(crate) audience: Audience,
    /// The name in the address.
    pub(crate) name: Option<FileName>,
    /// Whether to show or to save the file, if the address says so.
    pub(crate) inline: Option<bool>,
}

/// Answers a request for a file as it was sent.
pub(crate) async fn answer(delivery: &Delivery, head: &Parts, shown: &Shown) -> Result<Response, Refusal> {
    let facts = shown.record.facts.as_ref().ok_or_else(Refusal::not_found)?;
    let validators = Validators {
        tag: tag(&facts.digest),
        modified: Some(to_the_second(shown.record.created)),
    };
    let steering = steering(delivery, shown, facts, &validators);
    let ranges = match evaluate(&head.headers, &validators) {
        Condition::Failed => return Err(Refusal::precondition_failed()),
        Condition::NotModified => return Ok(response(StatusCode::NOT_MODIFIED, steering, streams::none())),
        Condition::Holds { ranges } => ranges && head.method == Method::GET,
    };
    let part = match ranges {
        true => asked(&head.headers, facts.size),
        false => Part::Whole,
    };
    let mut headers = steering;
    headers.extend(description(delivery, shown, facts, &validators));
    let content_type = headers.get(CONTENT_TYPE).cloned();
    let (status, length, body) = match part {
        Part::None => return Err(Refusal::range_unsatisfiable(facts.size)),
        Part::Whole if head.method == Method::HEAD || facts.size == 0 => (StatusCode::OK, facts.size, Body::empty()),
        Part::Whole => (
            StatusCode::OK,
            facts.size,
            streams::body(read(delivery, shown, None).await?),
        ),
        Part::One(range) => {
            set(&mut headers, CONTENT_RANGE, &content_range(&range, facts.size));
            let bytes = read(delivery, shown, Some(range.clone())).await?;
            (
                StatusCode::PARTIAL_CONTENT,
                range.end - range.start,
                streams::body(bytes),
            )
        }
        Part::Several(ranges) => {
            let several = Several::new(ranges, facts.size, content_type.as_ref());
            set(&mut headers, CONTENT_TYPE, &several.content_type());
            let length = several.length();
            let body = several.body(delivery.pipeline.clone(), shown.record.clone());
            (StatusCode::PARTIAL_CONTENT, length, body)
        }
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response(status, headers, body))
}

/// The strong entity tag of a content.
pub(crate) fn tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// What a cache needs to know, also if it has the file already (RFC 9110, section 15.4.5). The policy too: a cache takes over
/// what this answer says into what it has.
fn steering(delivery: &Delivery, shown: &Shown, facts: &Facts, validators: &Validators) -> HeaderMap {
    let expires = shown.record.lifetime.and_then(|lifetime| lifetime.expires);
    let control = caching::control(
        shown.audience,
        delivery.settings.cache,
        expires,
        delivery.pipeline.now(),
    );
    let policy = media::policy(facts.media_type.as_ref());
    let mut headers = HeaderMap::from_iter([(CACHE_CONTROL, control), (CONTENT_SECURITY_POLICY, policy)]);
    set(&mut headers, ETAG, &validators.tag);
    headers
}

/// What describes the file itself.
fn description(delivery: &Delivery, shown: &Shown, facts: &Facts, validators: &Validators) -> HeaderMap {
    let may_be_shown = media::may_be_shown(facts.media_type.as_ref(), &delivery.settings.inline_types);
    let inline = may_be_shown && shown.inline != Some(false);
    let name = shown.name.as_ref().or(shown.record.declared.name.as_ref());
    let mut headers = HeaderMap::from_iter([
        (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (CONTENT_TYPE, media::content_type(facts)),
        (CONTENT_DISPOSITION, disposition::value(inline, name)),
    ]);
    // RFC 9530: of the whole file, also where only a part of it is sent.
    let digest = format!("sha-256=:{}:", STANDARD.encode(facts.digest.as_bytes()));
    set(&mut headers, REPR_DIGEST, &digest);
    if let Some(modified) = validators.modified {
        set(&mut headers, LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    }
    headers
}

/// Sets a header, if its value can be one.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

/// Opens the bytes of a file, or a range of them.
async fn read(delivery: &Delivery, shown: &Shown, range: Option<Range<u64>>) -> Result<ByteStream, Refusal> {
    let pipeline = &delivery.pipeline;
    match pipeline.read_of(&shown.record, range).await {
        Ok(bytes) => Ok(bytes),
        // It was deleted since its record was read, which is no failure; or it was not, and that is one.
        Err(Error::Fault(fault)) if fault.code == codes::BYTES_MISSING => {
            pipeline.get(shown.record.id).await?;
            Err(fault.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Several ranges of a file in one answer (RFC 9110, section 14.6).
struct Several {
    boundary: String,
    /// Each range, with what precedes its bytes.
    parts: Vec<(Bytes, Range<u64>)>,
    end: Bytes,
}

impl Several {
    fn new(ranges: Vec<Range<u64>>, size: u64, content_type: Option<&HeaderValue>) -> Self {
        let boundary = Uuid::new_v4().simple().to_string();
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let parts = ranges.into_iter().map(|range| {
            let head = format!(
                "\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {}\r\n\r\n",
                content_range(&range, size)
            );
            (Bytes::from(head), range)
        });
        let parts = parts.collect();
        let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
        Self { boundary, parts, end }
    }

    fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    fn length(&self) -> u64 {
        let parts = self
            .parts
            .iter()
            .map(|(head, range)| head.len() as u64 + (range.end - range.start));
        parts.sum::<u64>() + self.end.len() as u64
    }

    /// Each range is opened once the one before it was sent.
    fn body(self, pipeline: Pipeline, record: Arc<Record>) -> Body {
        let parts = stream::iter(self.parts).then(move |(head, range)| {
            let (pipeline, record) = (pipeline.clone(), record.clone());
            async move {
                // Looked up again: it may have been deleted while the ranges before were sent.
                let record = pipeline.get(record.id).await.map_err(BoxError::from)?;
                let bytes = pipeline.read_of(&record, Some(range)).await.map_err(BoxError::from)?;
                Ok::<_, BoxError>(stream::iter([Ok(head)]).chain(bytes))
            }
        });
        streams::body(parts.try_flatten().chain(stream::iter([Ok(self.end)])))
    }
}
