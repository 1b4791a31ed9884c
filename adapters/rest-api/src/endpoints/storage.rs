//! `/files/:uuid/storage/` and `/files/storage/`: keeps files for good, and deletes them. See `docs/rest-api.md`, "Storing and
//! deleting".

use std::collections::BTreeMap;
use std::time::SystemTime;

use axum::http::Method;
use futures_util::{StreamExt as _, stream};
use intake_core::{Error, FileStatus, Record, Retention, UploadId};
use serde_json::Value;

use crate::codes;
use crate::error::ApiError;
use crate::request::Request;
use crate::response::Answer;
use crate::wire::{Batch, FileObject, json};

/// The most files of one request.
const MOST: usize = 100;
/// Files of one request that are changed at a time.
const AT_A_TIME: usize = 8;

/// Keeps one file.
pub(crate) async fn store(request: &Request<'_>, id: UploadId) -> Result<Answer, ApiError> {
    let record = keep(request, id).await?;
    Ok(Answer::Json(json(&FileObject::of(&record, &request.links))))
}

/// Deletes one file.
pub(crate) async fn delete(request: &Request<'_>, id: UploadId) -> Result<Answer, ApiError> {
    let record = remove(request, id).await?;
    Ok(Answer::Json(json(&FileObject::of(&record, &request.links))))
}

/// Keeps or deletes several files.
pub(crate) async fn batch(request: &Request<'_>) -> Result<Answer, ApiError> {
    let named = named(&request.json()?)?;
    let mut problems = BTreeMap::new();
    let mut ids: Vec<UploadId> = Vec::with_capacity(named.len());
    for name in named {
        match name.parse() {
            Ok(id) if ids.contains(&id) => {}
            Ok(id) => ids.push(id),
            Err(_) => {
                problems.insert(name, "Invalid");
            }
        }
    }
    let stores = *request.method == Method::PUT;
    let changes = stream::iter(ids).map(async |id| {
        let changed = match stores {
            true => keep(request, id).await,
            false => remove(request, id).await,
        };
        (id, changed)
    });
    let mut records = Vec::new();
    for (id, changed) in changes.buffered(AT_A_TIME).collect::<Vec<_>>().await {
        match changed {
            Ok(record) => records.push(record),
            Err(error) if error.code == codes::NOT_FOUND => {
                problems.insert(id.to_string(), "Missing in the project");
            }
            Err(error) => return Err(error),
        }
    }
    let files = records.iter().map(|record| FileObject::of(record, &request.links));
    let answer = Batch {
        status: "ok",
        result: files.collect(),
        problems,
    };
    Ok(Answer::Json(json(&answer)))
}

/// The files that a request names.
fn named(body: &Value) -> Result<Vec<String>, ApiError> {
    let expected = || ApiError::new(&codes::UUIDS_EXPECTED);
    let list = body.as_array().ok_or_else(expected)?;
    if list.is_empty() {
        return Err(codes::UUIDS_EMPTY.into());
    }
    if list.len() > MOST {
        return Err(codes::UUIDS_TOO_MANY.into());
    }
    let texts = list.iter().map(|name| name.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(expected)
}

/// Keeps a file for good. One that was deleted is restored first.
async fn keep(request: &Request<'_>, id: UploadId) -> Result<Record, ApiError> {
    let pipeline = &request.api.pipeline;
    let record = request.file(id).await?;
    if record.file_status() == Some(FileStatus::Removed) {
        match pipeline.restore(id).await {
            // Another request has restored it, or it is gone by now; the next step finds out.
            Ok(_) | Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(pipeline.keep(id, Retention::Keep).await?)
}

/// Deletes a file. One that was deleted before stays so.
async fn remove(request: &Request<'_>, id: UploadId) -> Result<Record, ApiError> {
    let pipeline = &request.api.pipeline;
    let mut record = request.file(id).await?;
    if record.file_status() == Some(FileStatus::Removed) {
        return Ok(record);
    }
    match pipeline.delete(id).await {
        // Another request has deleted it meanwhile.
        Ok(_) | Err(Error::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    match pipeline.get_file(id).await {
        Ok(removed) if removed.times.removed.is_some() => Ok(removed),
        // It cannot be restored, so it is described as it was.
        Ok(_) | Err(Error::NotFound(_)) => {
            record.times.removed = Some(SystemTime::now());
            Ok(record)
        }
        Err(error) => Err(error.into()),
    }
}
