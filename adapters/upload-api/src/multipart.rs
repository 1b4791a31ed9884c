//! `POST /multipart/start/` and `POST /multipart/complete/` (wire facts, section 4). Parts themselves: see `part`.

use intake_core::{Declared, Error, FileName, Opening, Record, State, UploadId};
use serde_json::Value;

use crate::api::Api;
use crate::error::{Refusal, codes};
use crate::key_names::BASE_KEY;
use crate::options::{STORE, terms};
use crate::params::Params;
use crate::part;
use crate::reading::read_params;
use crate::visit::Visit;
use crate::wire::{FileInfo, MultipartStarted};

/// Bytes of a file that may come in parts, at least.
const LEAST_SIZE: u64 = 10 << 20;
/// Bytes of a part, at least, at most, and if nothing is said.
const LEAST_PART: u64 = 5 << 20;
const LARGEST_PART: u64 = 5 << 30;
const USUAL_PART: u64 = 5 << 20;

/// Begins an upload in parts and says where each part is to go.
pub(crate) async fn start(api: &Api, visit: &Visit<'_>, params: &mut Params) -> Result<Value, Refusal> {
    read_params(api, visit, params).await?;
    let let_in = visit.let_in(api, params, BASE_KEY).await?;
    let name = required(params, "filename")?;
    let size = required(params, "size")?;
    let size: u64 = size.parse().map_err(|_| Refusal::new(&codes::MULTIPART_SIZE_INVALID))?;
    if size < LEAST_SIZE {
        return Err(Refusal::new(&codes::MULTIPART_TOO_SMALL).arg(LEAST_SIZE));
    }
    let media_type = required(params, "content_type")?;
    let declared = Declared {
        name: FileName::new(name),
        size: Some(size),
        media_type: media_type.parse().ok(),
    };
    let part_size = part_size(params)?;
    let opening = Opening {
        id: UploadId::random(),
        declared,
        size,
        part_size,
        at_most: None,
        terms: terms(&let_in, params, STORE)?,
    };
    let origin = visit.origin(api)?;
    let record = match api.pipeline.open(opening).await {
        Ok(record) => record,
        Err(Error::Rejected { rejection, .. }) if rejection.code == intake_core::codes::TOO_LARGE => {
            return Err(codes::MULTIPART_TOO_LARGE.into());
        }
        Err(error) => return Err(error.into()),
    };
    let parts = match part::urls(api, &record, &origin).await {
        Ok(parts) => parts,
        Err(refusal) => {
            // Nobody is told of it, so nobody will send anything.
            api.pipeline.give_up(record.id).await;
            return Err(refusal);
        }
    };
    let started = MultipartStarted {
        uuid: record.id.to_string(),
        parts,
    };
    Ok(serde_json::to_value(started).unwrap_or_default())
}

fn required<'a>(params: &'a Params, name: &'static str) -> Result<&'a str, Refusal> {
    params
        .get(name)
        .ok_or_else(|| Refusal::new(&codes::PARAM_MISSING).arg(name))
}

fn part_size(params: &Params) -> Result<u64, Refusal> {
    let Some(text) = params.get("part_size") else {
        return Ok(USUAL_PART);
    };
    match text.parse::<u64>() {
        Ok(size) if size < LEAST_PART => Err(Refusal::new(&codes::PART_SIZE_TOO_SMALL).arg(LEAST_PART)),
        Ok(size) if size > LARGEST_PART => Err(Refusal::new(&codes::PART_SIZE_TOO_BIG).arg(LARGEST_PART)),
        Ok(size) => Ok(size),
        Err(_) => Err(Refusal::new(&codes::PART_SIZE_INVALID)),
    }
}

/// Puts the parts together, and answers as `/info/` does. Asked again, it answers the same.
pub(crate) async fn complete(api: &Api, visit: &Visit<'_>, params: &mut Params) -> Result<Value, Refusal> {
    read_params(api, visit, params).await?;
    let project = visit.active_project(api, params, BASE_KEY).await?;
    visit.access_token_is_good(&project, params)?;
    let id = params
        .get("uuid")
        .ok_or_else(|| Refusal::new(&codes::MULTIPART_ID_MISSING))?;
    let id: UploadId = id.parse().map_err(|_| Refusal::new(&codes::MULTIPART_ID_INVALID))?;
    let found = api.pipeline.status(id).await.map_err(Refusal::from)?;
    // Another project's upload is not there.
    let record = found.filter(|record| record.project.as_deref() == Some(&*project.public_key));
    match &record {
        Some(Record { parts: Some(_), .. }) => {}
        Some(record) if record.state == State::Ready => return Err(codes::MULTIPART_ALREADY_UPLOADED.into()),
        _ => return Err(codes::MULTIPART_NOT_FOUND.into()),
    }
    // The whole is read, and every scanner asked, as for any other upload.
    let _upload = api
        .gate
        .upload(visit.client.as_ref(), api.settings.idle_timeout)
        .await?;
    match api.pipeline.complete(id).await {
        Ok(ready) => Ok(serde_json::to_value(FileInfo::of(&ready)).unwrap_or_default()),
        Err(Error::NotFound(_)) => Err(codes::MULTIPART_NOT_FOUND.into()),
        Err(Error::Rejected { rejection, .. }) if rejection.code == intake_core::codes::TOO_LARGE => {
            Err(codes::MULTIPART_TOO_LARGE.into())
        }
        Err(error) => Err(error.into()),
    }
}
