//! `/files/:uuid/metadata/`: the metadata of a file, as a whole and by its keys. See `docs/rest-api.md`, "Metadata".

use std::sync::atomic::{AtomicBool, Ordering};

use intake_core::UploadId;
use intake_core::codes::METADATA_TOO_MANY;
use serde_json::Value;

use crate::error::ApiError;
use crate::request::Request;
use crate::response::Answer;
use crate::wire::json;

/// All metadata of a file.
pub(crate) async fn all(request: &Request<'_>, id: UploadId) -> Result<Answer, ApiError> {
    let record = request.file(id).await?;
    Ok(Answer::Json(json(&record.options.metadata)))
}

/// The value of a key.
pub(crate) async fn get(request: &Request<'_>, id: UploadId, key: &str) -> Result<Answer, ApiError> {
    let record = request.file(id).await?;
    let value = record.options.metadata.get(key).ok_or_else(ApiError::not_found)?;
    Ok(Answer::Json(json(value)))
}

/// Sets the value of a key.
pub(crate) async fn put(request: &Request<'_>, id: UploadId, key: &str) -> Result<Answer, ApiError> {
    let Value::String(value) = request.json()? else {
        return Err(ApiError::malformed_body("Expected a JSON string."));
    };
    let limits = request.project.metadata_limits();
    limits.check_entry(key, Some(&value))?;
    request.present_file(id).await?;
    let is_new = AtomicBool::new(false);
    let described = request.api.pipeline.describe(id, |description| {
        let metadata = &mut description.metadata;
        let before = metadata.insert(key.to_owned(), value.clone());
        is_new.store(before.is_none(), Ordering::Relaxed);
        Ok(limits.check_count(metadata.len())?)
    });
    described.await.map_err(|error| match error.code() {
        code if code == METADATA_TOO_MANY => ApiError::new(&code).arg(limits.keys),
        _ => error.into(),
    })?;
    let answer = json(&value);
    Ok(match is_new.load(Ordering::Relaxed) {
        true => Answer::Created(answer, None),
        false => Answer::Json(answer),
    })
}

/// Removes a key.
pub(crate) async fn delete(request: &Request<'_>, id: UploadId, key: &str) -> Result<Answer, ApiError> {
    let record = request.present_file(id).await?;
    if !record.options.metadata.contains_key(key) {
        return Err(ApiError::not_found());
    }
    let described = request.api.pipeline.describe(id, |description| {
        description.metadata.remove(key);
        Ok(())
    });
    described.await?;
    Ok(Answer::Nothing)
}
