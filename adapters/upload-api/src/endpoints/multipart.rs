//! `POST /multipart/start/` and `POST /multipart/complete/`; the endpoint for parts is in `part`. See `docs/upload-api.md`,
//! "Uploads in parts".

use intake_core::{Declared, Error, FileName, NewMultipart, Record, State, UploadId};
use serde_json::Value;

use crate::codes;
use crate::endpoints::part;
use crate::error::ApiError;
use crate::options::{STORE, upload_options};
use crate::params::Params;
use crate::request::Request;
use crate::wire::{FileInfo, MultipartStarted};

/// The least bytes of a file that is uploaded in parts.
const LEAST_SIZE: u64 = 10 << 20;
/// The least and the most bytes of a part, and the default.
const LEAST_PART: u64 = 5 << 20;
const LARGEST_PART: u64 = 5 << 30;
const USUAL_PART: u64 = 5 << 20;

/// Starts a multipart upload and answers with the URL of each part.
pub(crate) async fn start(request: &mut Request<'_>) -> Result<Value, ApiError> {
    request.read_params().await?;
    let authorized = request.authorize().await?;
    let (api, params) = (request.api, &mut request.params);
    let name = required(params, "filename")?;
    let size = required(params, "size")?;
    let size: u64 = size
        .parse()
        .map_err(|_| ApiError::new(&codes::MULTIPART_SIZE_INVALID))?;
    if size < LEAST_SIZE {
        return Err(ApiError::new(&codes::MULTIPART_TOO_SMALL).arg(LEAST_SIZE));
    }
    let media_type = required(params, "content_type")?;
    let declared = Declared::default().with(|declared| {
        declared.name = FileName::new(name);
        declared.size = Some(size);
        declared.media_type = media_type.parse().ok();
    });
    let part_size = part_size(params)?;
    let options = upload_options(&authorized, params, STORE)?;
    let new_multipart = NewMultipart::new(declared, size, part_size).with(|new| new.options = options);
    let origin = request.public_origin()?;
    let record = match request.pipeline().start_multipart(new_multipart).await {
        Ok(record) => record,
        Err(Error::Rejected { rejection, .. }) if rejection.code == intake_core::codes::TOO_LARGE => {
            return Err(codes::MULTIPART_TOO_LARGE.into());
        }
        Err(error) => return Err(error.into()),
    };
    let parts = match part::urls(api, &record, &origin).await {
        Ok(parts) => parts,
        Err(error) => {
            // The sender gets no URLs for the parts, so none will arrive.
            api.pipeline.abort_multipart(record.id).await;
            return Err(error);
        }
    };
    let started = MultipartStarted {
        uuid: record.id.to_string(),
        parts,
    };
    Ok(serde_json::to_value(started).unwrap_or_default())
}

fn required<'a>(params: &'a Params, name: &'static str) -> Result<&'a str, ApiError> {
    params
        .get(name)
        .ok_or_else(|| ApiError::new(&codes::PARAM_MISSING).arg(name))
}

fn part_size(params: &Params) -> Result<u64, ApiError> {
    let Some(text) = params.get("part_size") else {
        return Ok(USUAL_PART);
    };
    match text.parse::<u64>() {
        Ok(size) if size < LEAST_PART => Err(ApiError::new(&codes::PART_SIZE_TOO_SMALL).arg(LEAST_PART)),
        Ok(size) if size > LARGEST_PART => Err(ApiError::new(&codes::PART_SIZE_TOO_BIG).arg(LARGEST_PART)),
        Ok(size) => Ok(size),
        Err(_) => Err(ApiError::new(&codes::PART_SIZE_INVALID)),
    }
}

/// Completes an upload, and answers as `/info/` does. A repeated request gets the same answer.
pub(crate) async fn complete(request: &mut Request<'_>) -> Result<Value, ApiError> {
    request.read_params().await?;
    let project = request.active_project().await?;
    request.check_access_token(&project)?;
    let api = request.api;
    let id = request
        .params
        .get("uuid")
        .ok_or_else(|| ApiError::new(&codes::MULTIPART_ID_MISSING))?;
    let id: UploadId = id.parse().map_err(|_| ApiError::new(&codes::MULTIPART_ID_INVALID))?;
    let found = api.pipeline.status(id).await.map_err(ApiError::from)?;
    // An upload of another project is reported as missing.
    let record = found.filter(|record| record.options.project.as_deref() == Some(&*project.public_key));
    match &record {
        Some(Record { parts: Some(_), .. }) => {}
        Some(record) if record.state == State::Ready => return Err(codes::MULTIPART_ALREADY_UPLOADED.into()),
        _ => return Err(codes::MULTIPART_NOT_FOUND.into()),
    }
    // The whole file is read and scanned, as any other upload is.
    let patience = api.settings.idle_timeout;
    let _held = api.limiter.acquire_upload(request.client.as_ref(), patience).await?;
    match request.pipeline().complete(id).await {
        Ok(ready) => Ok(serde_json::to_value(FileInfo::of(&ready)).unwrap_or_default()),
        Err(Error::NotFound(_)) => Err(codes::MULTIPART_NOT_FOUND.into()),
        Err(Error::Rejected { rejection, .. }) if rejection.code == intake_core::codes::TOO_LARGE => {
            Err(codes::MULTIPART_TOO_LARGE.into())
        }
        Err(error) => Err(error.into()),
    }
}
