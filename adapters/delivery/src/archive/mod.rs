//! All files of a group in one archive, which is made while it is sent: the files as they are, one after the other, not
//! compressed. Its length is known before its first byte, so a client sees whether it broke off.

mod names;
mod pack;

use std::time::SystemTime;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use intake_core::{BoxError, ByteStream, Digest, FileName, Group, Pipeline, Record, UploadId};

use crate::archive::names::Names;
use crate::archive::pack::Packer;
use crate::codes;
use crate::delivery::Delivery;
use crate::group;
use crate::headers::caching::{self, Audience};
use crate::headers::disposition;
use crate::path::Format;
use crate::refusal::Refusal;
use crate::streams;

/// The most files of an archive, and the most bytes of them together: those of the service that clients know. They also keep an
/// archive within what every reader of ZIP reads.
const MOST_FILES: usize = 1000;
const MOST_BYTES: u64 = 2 << 30;
/// Files that are looked up at the same time before an archive begins.
const AT_A_TIME: usize = 8;

/// A file of an archive: what is kept of its record until it is its turn.
struct Entry {
    id: UploadId,
    digest: Digest,
    size: u64,
    name: String,
    created: SystemTime,
    expires: Option<SystemTime>,
}

/// Answers a request for all files of a group.
pub(crate) async fn answer(
    delivery: &Delivery,
    head: &Parts,
    group: &Group,
    audience: Audience,
    format: Format,
    name: Option<FileName>,
) -> Result<Response, Refusal> {
    let entries = entries(&delivery.pipeline, group).await?;
    let length = length(format, &entries)?;
    let (content_type, ending) = match format {
        Format::Zip => ("application/zip", "zip"),
        Format::Tar => ("application/x-tar", "tar"),
    };
    let name = name.or_else(|| FileName::new(&format!("{}.{ending}", group.id)));
    let now = delivery.pipeline.now();
    let expires = entries
        .iter()
        .filter_map(|entry| entry.expires)
        .chain(group.expires)
        .min();
    let headers = HeaderMap::from_iter([
        (ACCEPT_RANGES, HeaderValue::from_static("none")),
        (
            CACHE_CONTROL,
            caching::control(audience, delivery.settings.cache, expires, now),
        ),
        (CONTENT_DISPOSITION, disposition::value(false, name.as_ref())),
        (CONTENT_LENGTH, HeaderValue::from(length)),
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
    ]);
    let body = match head.method == Method::HEAD {
        true => Body::empty(),
        false => streams::body(bytes(delivery.pipeline.clone(), format, entries)),
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    Ok(response)
}

/// Looks all files up: one that was removed leaves no archive.
async fn entries(pipeline: &Pipeline, group: &Group) -> Result<Vec<Entry>, Refusal> {
    if group.members.len() > MOST_FILES {
        return Err(too_large());
    }
    let ids: Vec<UploadId> = group.members.iter().map(|member| member.id).collect();
    let found = stream::iter(ids)
        .map(|id| async move { entry(&*group::member(pipeline, group, id).await?) })
        .buffered(AT_A_TIME);
    let mut entries: Vec<Entry> = found.try_collect().await?;
    let mut names = Names::default();
    for entry in &mut entries {
        entry.name = names.own(&entry.name);
    }
    let bytes = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    match bytes > MOST_BYTES {
        true => Err(too_large()),
        false => Ok(entries),
    }
}

fn entry(record: &Record) -> Result<Entry, Refusal> {
    let facts = record.facts.as_ref().ok_or_else(Refusal::not_found)?;
    let name = record.declared.name.as_ref().map(|name| name.as_str().to_owned());
    Ok(Entry {
        id: record.id,
        digest: facts.digest,
        size: facts.size,
        name: name.unwrap_or_else(|| record.id.to_string()),
        created: record.created,
        expires: record.lifetime.and_then(|lifetime| lifetime.expires),
    })
}

fn too_large() -> Refusal {
    let message = "An archive has at most 1000 files, and 2 GiB of them.";
    Refusal::new(StatusCode::BAD_REQUEST, codes::ARCHIVE_TOO_LARGE, message)
}

/// The length of an archive: of one of the same files without their bytes, and of these.
fn length(format: Format, entries: &[Entry]) -> Result<u64, Refusal> {
    let mut packer = Packer::new(format);
    let mut length = 0;
    let failed = |error: BoxError| Refusal::failure("The archive cannot be made.", error.to_string());
    for entry in entries {
        length += packer.begin(entry).map_err(failed)?.len() as u64;
        length += entry.size + packer.padding(entry).len() as u64;
    }
    Ok(length + packer.finish().map_err(failed)?.len() as u64)
}

/// What is sent next.
enum Step {
    Next,
    Bytes(Entry, ByteStream),
    End,
}

/// The bytes of an archive. Each file is looked up and opened once it is its turn: one that was deleted meanwhile is sent to
/// nobody, and the archive breaks off.
fn bytes(
    pipeline: Pipeline,
    format: Format,
    entries: Vec<Entry>,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let start = (pipeline, Packer::new(format), entries.into_iter(), Step::Next);
    stream::try_unfold(start, |(pipeline, mut packer, mut entries, step)| async move {
        let (piece, step) = match step {
            Step::End => return Ok(None),
            Step::Next => match entries.next() {
                None => (packer.finish()?, Step::End),
                Some(entry) => {
                    let record = pipeline.get(entry.id).await?;
                    let is_same = record.facts.as_ref().is_some_and(|facts| facts.digest == entry.digest);
                    if !is_same {
                        return Err(BoxError::from("a file is another one than when the archive began"));
                    }
                    let bytes = pipeline.read_of(&record, None).await?;
                    (packer.begin(&entry)?, Step::Bytes(entry, bytes))
                }
            },
            Step::Bytes(entry, mut bytes) => match bytes.next().await.transpose()? {
                Some(piece) => (packer.bytes(piece)?, Step::Bytes(entry, bytes)),
                None => (packer.padding(&entry), Step::Next),
            },
        };
        Ok(Some((piece, (pipeline, packer, entries, step))))
    })
}
