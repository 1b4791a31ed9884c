//! `/groups/`: the list of groups, one group, and its deletion. See `docs/rest-api.md`, "Groups".

use futures_util::{StreamExt as _, stream};
use intake_core::accounting::Account;
use intake_core::{Error, Group, Member, Record, UploadId};

use crate::error::ApiError;
use crate::list_params::{ListParams, Page};
use crate::request::Request;
use crate::response::Answer;
use crate::wire::{FileObject, GroupFile, GroupObject, PageHead, json};

/// Files of a group that are looked up at a time.
const AT_A_TIME: usize = 8;
/// The bytes of the description of a group's files, beyond which metadata, tags and notes are left out: a group may name one file,
/// with all of them, a thousand times.
const MOST_BYTES: usize = 4 << 20;

/// Lists groups, a page at a time.
pub(crate) async fn list(request: &Request<'_>) -> Result<Answer, ApiError> {
    let params = ListParams::of_groups(request.query)?;
    let account = Account::groups(&request.project.public_key);
    let total = request.api.pipeline.catalog().usage(&account).await?.files;
    let page = page(request, &params).await?;
    let (next, previous) = params.beside(&page, &request.links);
    let head = PageHead {
        next,
        previous,
        total,
        totals: None,
        per_page: params.limit,
    };
    Ok(Answer::Json(head.with(&page.entries)))
}

async fn page(request: &Request<'_>, params: &ListParams) -> Result<Page, ApiError> {
    let mut page = params.page();
    let now = std::time::SystemTime::now();
    'page: loop {
        let asked = page.missing();
        let groups = request
            .api
            .pipeline
            .groups_of(&request.project.public_key, params.order(), page.behind(), asked)
            .await?;
        let are_last = groups.len() < asked;
        for group in groups {
            let place = (group.created, group.id);
            // A sweeper will delete it.
            if !group.is_there(now) {
                match page.skips(place) {
                    true => continue,
                    false => break 'page,
                }
            }
            if !page.takes(place) {
                break 'page;
            }
            page.push(place, json(&GroupObject::of(&group, &request.links)));
        }
        if are_last {
            break;
        }
    }
    params.finish(&mut page);
    Ok(page)
}

/// Describes a group and its files.
pub(crate) async fn info(request: &Request<'_>, id: UploadId, count: usize) -> Result<Answer, ApiError> {
    let group = find(request, id, count).await?;
    let members = stream::iter(group.members.clone());
    let records = members.map(|member| async move {
        let record = request.api.pipeline.get(member.id).await;
        (member, record)
    });
    let mut records = std::pin::pin!(records.buffered(AT_A_TIME));
    let (mut files, mut bytes) = (Vec::with_capacity(count), 0);
    while let Some((member, record)) = records.next().await {
        let file = match record {
            Ok(record) => file(request, &member, &record, bytes < MOST_BYTES),
            // It was deleted.
            Err(Error::NotFound(_)) => "null".to_owned(),
            Err(error) => return Err(error.into()),
        };
        bytes += file.len();
        files.push(file);
    }
    let group = GroupObject::of(&group, &request.links);
    Ok(Answer::Json(group.with(&files)))
}

/// A file of a group as JSON.
fn file(request: &Request<'_>, member: &Member, record: &Record, is_whole: bool) -> String {
    let file = FileObject::of(record, &request.links);
    json(&GroupFile {
        file: if is_whole { file } else { file.without_metadata() },
        default_effects: &member.effects,
    })
}

/// Deletes a group. Its files stay.
pub(crate) async fn delete(request: &Request<'_>, id: UploadId, count: usize) -> Result<Answer, ApiError> {
    let group = find(request, id, count).await?;
    request.api.pipeline.delete_group(group.id).await?;
    Ok(Answer::Nothing)
}

/// A group of the project. A group of another project is not found.
async fn find(request: &Request<'_>, id: UploadId, count: usize) -> Result<Group, ApiError> {
    let group = request.api.pipeline.get_group(id).await?;
    match group.project == request.project.public_key && group.members.len() == count {
        true => Ok(group),
        false => Err(ApiError::not_found()),
    }
}
