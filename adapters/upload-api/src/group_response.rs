//! The description of a group: the files are looked up one after the other while the answer is sent, so that no answer is in
//! memory as a whole, and its size has a limit.

use std::collections::HashMap;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use intake_core::{Error, Group, Member, Pipeline, Record, UploadId};
use serde::Serialize;
use tracing::error;

use crate::codes;
use crate::error::ApiError;
use crate::wire::{FileInfo, GroupInfo, GroupMember};

/// The most bytes of metadata and tags in the description of one group, counting repeated files. A file may have 100 KB of them.
pub(crate) const MOST_METADATA: usize = 1 << 20;
/// Files that are looked up at the same time: before an answer is sent, and while it is sent.
const CHECKED_AT_A_TIME: usize = 8;
const DESCRIBED_AT_A_TIME: usize = 2;
/// The bytes of an answer that are made before any are sent. Most answers are smaller: they have a length, and a fault still
/// gets an answer of its own.
pub(crate) const ENOUGH: usize = 64 * 1024;

/// Checks whether these files can be a group: all exist and belong to this project, and their description is within the limits.
pub(crate) async fn check(pipeline: &Pipeline, project: &str, members: &[Member]) -> Result<(), ApiError> {
    let mut beside: HashMap<UploadId, usize> = HashMap::new();
    for member in members {
        beside.entry(member.id).or_default();
    }
    // A group may name a file several times; it is looked up once.
    let ids: Vec<_> = beside.keys().copied().collect();
    let mut found = stream::iter(ids)
        .map(|id| async move { Ok::<_, Error>((id, find(pipeline, project, id).await?)) })
        .buffer_unordered(CHECKED_AT_A_TIME);
    while let Some((id, record)) = found.try_next().await? {
        let record = record.ok_or(codes::GROUP_FILES_NOT_FOUND)?;
        beside.insert(id, size_beside(&record));
    }
    let sizes = members.iter().filter_map(|member| beside.get(&member.id));
    if sizes.sum::<usize>() > MOST_METADATA {
        let error = ApiError::new(&codes::TOO_MANY_FILES_NAMED);
        return Err(error.with_detail("The metadata and tags of all files of a group have 1 MiB at most, a file that is named twice counted twice."));
    }
    Ok(())
}

/// A file, if it exists and belongs to this project.
async fn find(pipeline: &Pipeline, project: &str, id: UploadId) -> Result<Option<Record>, Error> {
    match pipeline.get(id).await {
        Ok(record) => Ok(Some(record).filter(|record| record.options.project.as_deref() == Some(project))),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Bytes of the metadata and tags of a file.
fn size_beside(record: &Record) -> usize {
    let metadata = record
        .options
        .metadata
        .iter()
        .map(|(name, value)| name.len() + value.len());
    metadata.sum::<usize>() + record.options.tags.iter().map(String::len).sum::<usize>()
}

/// The description of a group as JSON, with URLs that begin with `cdn` and `origin`.
pub(crate) async fn body(pipeline: Pipeline, group: Group, cdn: &str, origin: &str) -> Result<Body, ApiError> {
    let head = json(&GroupInfo::of(&group, cdn, origin));
    // All but the last brace: its files are the last field.
    let head = format!("{},\"files\":[", head.trim_end_matches('}'));
    let start = stream::iter([Ok(Bytes::from(head))]);
    let end = stream::iter([Ok(Bytes::from_static(b"]}"))]);
    let mut pieces = Box::pin(gathered(start.chain(files(pipeline, group)).chain(end).boxed()));
    let first = pieces.next().await.transpose()?.unwrap_or_default();
    if first.len() < ENOUGH {
        return Ok(Body::from(first));
    }
    let rest = pieces.inspect_err(|error| {
        let cause = match error {
            Error::Fault(fault) => fault.report(),
            other => other.to_string(),
        };
        error!(
            cause,
            "broke off an answer about a group: a file could not be looked up"
        );
    });
    Ok(Body::from_stream(stream::iter([Ok(first)]).chain(rest)))
}

/// Joins pieces until there are enough bytes to send.
fn gathered(pieces: BoxStream<'static, Result<Bytes, Error>>) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    stream::unfold(Some(pieces), |pieces| async move {
        let mut pieces = pieces?;
        let mut gathered = BytesMut::new();
        while gathered.len() < ENOUGH {
            match pieces.next().await {
                Some(Ok(piece)) => gathered.extend_from_slice(&piece),
                Some(Err(error)) => return Some((Err(error), None)),
                None if gathered.is_empty() => return None,
                None => return Some((Ok(gathered.freeze()), None)),
            }
        }
        Some((Ok(gathered.freeze()), Some(pieces)))
    })
}

/// The files of a group as JSON, each a piece of its own, with commas between them.
fn files(pipeline: Pipeline, group: Group) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    let Group { project, members, .. } = group;
    let mut left = MOST_METADATA;
    let mut separator = "";
    stream::iter(members)
        .map(move |member| {
            let (pipeline, project) = (pipeline.clone(), project.clone());
            async move {
                let record = find(&pipeline, &project, member.id).await?;
                Ok((member, record))
            }
        })
        .buffered(DESCRIBED_AT_A_TIME)
        .map_ok(move |(member, record)| {
            let described = match &record {
                None => "null".to_owned(),
                Some(record) => {
                    let info = FileInfo::of(record);
                    // A group that was made before this limit existed is described within it.
                    let info = match left.checked_sub(size_beside(record)) {
                        Some(rest) => {
                            left = rest;
                            info
                        }
                        None => info.without_metadata(),
                    };
                    json(&GroupMember {
                        info,
                        default_effects: &member.effects,
                    })
                }
            };
            let piece = format!("{separator}{described}");
            separator = ",";
            Bytes::from(piece)
        })
}

fn json(shape: &impl Serialize) -> String {
    serde_json::to_string(shape).unwrap_or_default()
}
