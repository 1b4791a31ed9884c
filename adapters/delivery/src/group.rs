//! Groups: which of its files an address names.

use std::sync::Arc;

use intake_core::{Group, Pipeline, Record, UploadId};

use crate::path::GroupAddress;
use crate::refusal::Refusal;

/// The group at an address: the number of its files is part of that.
pub(crate) async fn find(pipeline: &Pipeline, address: GroupAddress) -> Result<Group, Refusal> {
    let group = pipeline.get_group(address.id).await?;
    match group.members.len() == address.files {
        true => Ok(group),
        false => Err(Refusal::not_found()),
    }
}

/// A file of a group. One that was removed, or is no file of the group's project, is not found.
pub(crate) async fn member(pipeline: &Pipeline, group: &Group, id: UploadId) -> Result<Arc<Record>, Refusal> {
    let record = pipeline.get(id).await?;
    match record.options.project.as_deref() == Some(group.project.as_str()) {
        true => Ok(Arc::new(record)),
        false => Err(Refusal::not_found()),
    }
}
