//! What is answered of a group: one file after the other, looked up while the answer is sent, so that no answer is in memory as
//! a whole, and none is as large as a stranger likes.

use std::collections::HashMap;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use intake_core::{Error, Group, Member, Pipeline, Record, UploadId};
use serde::Serialize;
use tracing::error;

use crate::error::{Refusal, codes};
use crate::wire::{FileInfo, GroupInfo, GroupMember};

/// Bytes of metadata and tags in what is told of one group, however often it names a file. A file may have 100 KB of them.
pub(crate) const MOST_METADATA: usize = 1 << 20;
/// Files that are looked up at a time: before an answer is sent, and while it is sent.
const CHECKED_AT_A_TIME: usize = 8;
const TOLD_AT_A_TIME: usize = 2;
/// Bytes of an answer that are made before any are sent. Most answers have fewer: they have a length, and a fault is still an
/// answer of its own.
const ENOUGH: usize = 64 * 1024;

/// Whether there can be a group of these files: all are there, are this project's, and can be told of within bounds.
pub(crate) async fn check(pipeline: &Pipeline, project: &str, members: &[Member]) -> Result<(), Refusal> {
    let mut beside: HashMap<UploadId, usize> = HashMap::new();
    for member in members {
        beside.entry(member.id).or_default();
    }
    // The same file may be there again and again, and is looked up once.
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
        let refusal = Refusal::new(&codes::TOO_MANY_FILES_NAMED);
        return Err(refusal.adding("The metadata and tags of all files of a group have 1 MiB at most, a file that is named twice counted twice."));
    }
    Ok(())
}

/// A file, if it is there and this project's.
async fn find(pipeline: &Pipeline, project: &str, id: UploadId) -> Result<Option<Record>, Error> {
    match pipeline.get(id).await {
        Ok(record) => Ok(Some(record).filter(|record| record.project.as_deref() == Some(project))),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Bytes of what a sender has noted beside a file.
fn size_beside(record: &Record) -> usize {
    let metadata = record.metadata.iter().map(|(name, value)| name.len() + value.len());
    metadata.sum::<usize>() + record.tags.iter().map(String::len).sum::<usize>()
}

/// What is told of a group, with addresses that begin so: of what it is shown by, and of what tells of it.
pub(crate) async fn tell(pipeline: Pipeline, group: Group, cdn: &str, origin: &str) -> Result<Body, Refusal> {
    let head = json(&GroupInfo::of(&group, cdn, origin));
    // All but the last brace: its files are the last field.
    let head = format!("{},\"files\":[", head.trim_end_matches('}'));
    let start = stream::iter([Ok(Bytes::from(head))]);
    let end = stream::iter([Ok(Bytes::from_static(b"]}"))]);
    let mut told = Box::pin(gathered(start.chain(files(pipeline, group)).chain(end).boxed()));
    let first = told.next().await.transpose()?.unwrap_or_default();
    if first.len() < ENOUGH {
        return Ok(Body::from(first));
    }
    let rest = told.inspect_err(|error| {
        let cause = match error {
            Error::Fault(fault) => fault.chain(),
            other => other.to_string(),
        };
        error!(
            cause,
            "broke off an answer about a group: a file could not be looked up"
        );
    });
    Ok(Body::from_stream(stream::iter([Ok(first)]).chain(rest)))
}

/// As many pieces in one as are enough to be sent.
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

/// The files of a group as JSON, each a piece of its own, with what stands between them.
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
        .buffered(TOLD_AT_A_TIME)
        .map_ok(move |(member, record)| {
            let told = match &record {
                None => "null".to_owned(),
                Some(record) => {
                    let info = FileInfo::of(record);
                    // Groups that were made before there was a bound are told of within it.
                    let info = match left.checked_sub(size_beside(record)) {
                        Some(rest) => {
                            left = rest;
                            info
                        }
                        None => info.with_nothing_beside(),
                    };
                    json(&GroupMember {
                        info,
                        default_effects: &member.effects,
                    })
                }
            };
            let piece = format!("{separator}{told}");
            separator = ",";
            Bytes::from(piece)
        })
}

fn json(shape: &impl Serialize) -> String {
    serde_json::to_string(shape).unwrap_or_default()
}

/// An answer in JSON as a script that calls a function of the page with it (JSONP).
pub(crate) async fn as_script(body: Body, callback: &str) -> Body {
    let start = format!("/**/{callback}(");
    let is_short = body.size_hint().exact().is_some_and(|size| size < ENOUGH as u64);
    if is_short {
        // It was made here, so it is there.
        let json = axum::body::to_bytes(body, ENOUGH).await.unwrap_or_default();
        let script = [start.as_bytes(), &in_script(json), b");"].concat();
        return Body::from(script);
    }
    let start = stream::iter([Ok(Bytes::from(start))]);
    let end = stream::iter([Ok(Bytes::from_static(b");"))]);
    let json = body.into_data_stream().map_ok(in_script);
    Body::from_stream(start.chain(json).chain(end))
}

/// Text of JSON that scripts read as JSON does: two characters end a line in scripts, and not in JSON. Each piece of an answer
/// is a whole text, so no character is cut.
fn in_script(json: Bytes) -> Bytes {
    const LINE_ENDS: [char; 2] = ['\u{2028}', '\u{2029}'];
    match std::str::from_utf8(&json) {
        Ok(text) if text.contains(LINE_ENDS) => {
            let escaped = text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
            Bytes::from(escaped)
        }
        _ => json,
    }
}
