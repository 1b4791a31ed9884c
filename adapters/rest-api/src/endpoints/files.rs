//! `/files/` and `/files/:uuid/`: the list of files, and one file. See `docs/rest-api.md`, "Files".

use intake_core::{FileList, UploadId};

use crate::error::ApiError;
use crate::list_params::{ListParams, Page};
use crate::request::Request;
use crate::response::Answer;
use crate::wire::{FileObject, PageHead, json};

/// Describes one file.
pub(crate) async fn info(request: &Request<'_>, id: UploadId) -> Result<Answer, ApiError> {
    let record = request.file(id).await?;
    let file = FileObject::of(&record, &request.links).with_appdata(request.wants_appdata());
    Ok(Answer::Json(json(&file)))
}

/// Lists files, a page at a time.
pub(crate) async fn list(request: &Request<'_>) -> Result<Answer, ApiError> {
    let params = ListParams::of_files(request.query)?;
    let totals = request.api.pipeline.count_files(&request.project.public_key).await?;
    let page = page(request, &params).await?;
    let (next, previous) = params.beside(&page, &request.links);
    let head = PageHead {
        next,
        previous,
        total: params.filter.map_or(0, |filter| totals.of(filter)),
        totals: Some(totals.into()),
        per_page: params.limit,
    };
    Ok(Answer::Json(head.with(&page.entries)))
}

async fn page(request: &Request<'_>, params: &ListParams) -> Result<Page, ApiError> {
    let mut page = params.page();
    let Some(filter) = params.filter else {
        return Ok(page);
    };
    let now = std::time::SystemTime::now();
    'page: loop {
        let asked = page.missing();
        let list = FileList::of(&request.project.public_key, asked).with(|list| {
            (list.filter, list.order) = (filter, params.order());
            list.behind = page.behind();
        });
        let records = request.api.pipeline.list_files(&list).await?;
        let are_last = records.len() < asked;
        for record in records {
            let place = (record.uploaded(), record.id);
            // A sweeper will delete it.
            if record.has_expired(now) {
                match page.skips(place) {
                    true => continue,
                    false => break 'page,
                }
            }
            if !page.takes(place) {
                break 'page;
            }
            let file = FileObject::of(&record, &request.links).with_appdata(params.with_appdata);
            page.push(place, json(&file));
        }
        if are_last {
            break;
        }
    }
    params.finish(&mut page);
    Ok(page)
}
