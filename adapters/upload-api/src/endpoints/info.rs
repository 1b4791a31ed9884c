//! `GET /info/`: the description of a file. See `docs/upload-api.md`, "Direct uploads".

use intake_core::UploadId;
use serde_json::Value;

use crate::codes;
use crate::error::ApiError;
use crate::request::Request;
use crate::wire::FileInfo;

/// Describes one file of the project. A file of another project is reported as missing.
pub(crate) async fn info(request: &mut Request<'_>) -> Result<Value, ApiError> {
    let project = request.project().await?;
    let id = request.params.get("file_id");
    let id = id.ok_or_else(|| ApiError::new(&codes::FILE_ID_MISSING))?;
    let id: UploadId = id.parse().map_err(|_| ApiError::new(&codes::FILE_ID_INVALID))?;
    let record = request.api.pipeline.acknowledged(id).await?;
    if record.options.project.as_deref() != Some(&*project.public_key) {
        return Err(intake_core::codes::NOT_FOUND.into());
    }
    Ok(serde_json::to_value(FileInfo::of(&record)).unwrap_or_default())
}
