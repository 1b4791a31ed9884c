//! `GET /info/`: what is known of a file (wire facts, section 6.0).

use intake_core::UploadId;
use serde_json::Value;

use crate::api::Api;
use crate::error::{Refusal, codes};
use crate::key_names::KEY;
use crate::params::Params;
use crate::visit::Visit;
use crate::wire::FileInfo;

/// Tells of one file of the project's own. Another project's is not there.
pub(crate) async fn info(api: &Api, visit: &Visit<'_>, params: &Params) -> Result<Value, Refusal> {
    let project = visit.project(api, params, KEY).await?;
    let id = params
        .get("file_id")
        .ok_or_else(|| Refusal::new(&codes::FILE_ID_MISSING))?;
    let id: UploadId = id.parse().map_err(|_| Refusal::new(&codes::FILE_ID_INVALID))?;
    let record = api.pipeline.get(id).await?;
    if record.project.as_deref() != Some(&*project.public_key) {
        return Err(intake_core::codes::NOT_FOUND.into());
    }
    Ok(serde_json::to_value(FileInfo::of(&record)).unwrap_or_default())
}
