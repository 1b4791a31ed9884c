//! `/files/:uuid/tags/`: the tags of a file. See `docs/rest-api.md`, "Tags".

use std::sync::Mutex;

use axum::http::Method;
use intake_core::{UploadId, tags};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::request::Request;
use crate::response::Answer;
use crate::wire::{ChangedTags, Tags, json};

/// The tags of a file.
pub(crate) async fn get(request: &Request<'_>, id: UploadId) -> Result<Answer, ApiError> {
    let record = request.present_file(id).await?;
    let tags = &record.options.tags;
    Ok(Answer::Json(json(&Tags { tags })))
}

/// Replaces all tags, or adds and deletes some.
pub(crate) async fn change(request: &Request<'_>, id: UploadId) -> Result<Answer, ApiError> {
    let fields = request.fields()?;
    let replaces = *request.method == Method::PUT;
    let list = |name| named(&fields, name);
    let (add, delete) = match replaces {
        true => (list("tags")?.ok_or_else(|| expected("tags"))?, Vec::new()),
        false => (list("add")?.unwrap_or_default(), unwanted(&fields)?),
    };
    request.present_file(id).await?;
    let before = Mutex::new(Vec::new());
    let described = request.api.pipeline.describe(id, |description| {
        let has = std::mem::take(&mut description.tags);
        let kept = has.iter().filter(|tag| !replaces && !delete.contains(tag));
        let next = tags::of_sender(kept.chain(&add).map(String::as_str))?;
        // The same tags in another order are the same.
        let is_same = next.len() == has.len() && next.iter().all(|tag| has.contains(tag));
        description.tags = if is_same { has.clone() } else { next };
        if let Ok(mut before) = before.lock() {
            *before = has;
        }
        Ok(())
    });
    let record = described.await?;
    let before = before.into_inner().unwrap_or_default();
    let tags = &record.options.tags;
    let without = |all: &[String], others: &[String]| {
        let mut left: Vec<_> = all.iter().filter(|tag| !others.contains(tag)).cloned().collect();
        left.sort();
        left
    };
    let (added, deleted) = (without(tags, &before), without(&before, tags));
    Ok(Answer::Json(json(&ChangedTags {
        tags,
        added: added.iter().collect(),
        deleted: deleted.iter().collect(),
    })))
}

/// The tags under this name, as files keep them.
fn named(fields: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, ApiError> {
    let tags = texts(fields, name)?.map(tags::of_sender);
    Ok(tags.transpose()?)
}

/// The tags to delete. There may be more than a file has, and such as no file has.
fn unwanted(fields: &Map<String, Value>) -> Result<Vec<String>, ApiError> {
    let tags = texts(fields, "delete")?.unwrap_or_default();
    Ok(tags.into_iter().map(|tag| tag.trim().to_ascii_lowercase()).collect())
}

/// The texts under this name.
fn texts<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<Vec<&'a str>>, ApiError> {
    let Some(list) = fields.get(name) else {
        return Ok(None);
    };
    let texts = list.as_array().map(|list| list.iter().map(Value::as_str).collect());
    let texts: Option<Vec<_>> = texts.flatten();
    texts.map(Some).ok_or_else(|| expected(name))
}

fn expected(name: &str) -> ApiError {
    ApiError::malformed_body(format!("`{name}` must be a list of strings."))
}
