//! The JSON shapes of the Upload API. The fields are in the recorded order: `docs/upload-api.md`, "What is known of a file".

use std::collections::BTreeMap;
use std::time::SystemTime;

use intake_core::notes::{GeoLocation, Image};
use intake_core::{FileName, Group, MediaType, Record};
use serde::Serialize;

/// The description of a file.
#[derive(Debug, Serialize)]
pub(crate) struct FileInfo<'a> {
    size: u64,
    total: u64,
    done: u64,
    uuid: String,
    file_id: String,
    original_filename: &'a str,
    is_image: bool,
    is_stored: bool,
    image_info: Option<ImageInfo>,
    video_info: Option<()>,
    content_info: ContentInfo,
    is_ready: bool,
    filename: String,
    mime_type: &'a str,
    metadata: &'a BTreeMap<String, String>,
    /// Newer than the others; a file without tags is described as before tags existed.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

#[derive(Debug, Serialize)]
struct ContentInfo {
    mime: Mime,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ImageInfo>,
}

#[derive(Debug, Serialize)]
struct Mime {
    mime: String,
    #[serde(rename = "type")]
    main: String,
    subtype: String,
}

#[derive(Clone, Debug, Serialize)]
struct ImageInfo {
    dpi: Option<(u32, u32)>,
    width: u32,
    format: String,
    height: u32,
    sequence: Option<bool>,
    color_mode: Option<String>,
    orientation: Option<u8>,
    geo_location: Option<GeoLocation>,
    datetime_original: Option<String>,
}

/// The type of a file whose type is unknown.
const UNKNOWN: &str = "application/octet-stream";

impl<'a> FileInfo<'a> {
    /// The description of a readable file.
    pub(crate) fn of(record: &'a Record) -> Self {
        let facts = record.facts.as_ref();
        let size = facts.map_or(0, |facts| facts.size);
        let id = record.id.to_string();
        let original = record.declared.name.as_deref().unwrap_or_default();
        let image: Option<ImageInfo> = facts.and_then(|facts| facts.note::<Image>(Image::NOTE)).map(Into::into);
        let detected = facts.and_then(|facts| facts.media_type.as_ref());
        Self {
            size,
            total: size,
            done: size,
            uuid: id.clone(),
            file_id: id,
            original_filename: original,
            is_image: image.is_some(),
            is_stored: record.lifetime.is_some_and(|lifetime| lifetime.kept),
            image_info: image.clone(),
            video_info: None,
            content_info: ContentInfo {
                mime: Mime {
                    mime: detected.map_or(UNKNOWN, MediaType::as_str).to_owned(),
                    main: detected.map_or("application", MediaType::main).to_owned(),
                    subtype: detected.map_or("octet-stream", MediaType::sub).to_owned(),
                },
                image,
            },
            is_ready: true,
            filename: address_name(record),
            mime_type: record.declared.media_type.as_ref().map_or(UNKNOWN, MediaType::as_str),
            metadata: &record.options.metadata,
            tags: &record.options.tags,
        }
    }
}

impl FileInfo<'_> {
    /// The same description without metadata and tags.
    pub(crate) fn without_metadata(self) -> Self {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        Self {
            metadata: &NONE,
            tags: &[],
            ..self
        }
    }
}

/// The file's name in URLs, even if its sender gave none.
pub(crate) fn address_name(record: &Record) -> String {
    let name = record.declared.name.as_ref();
    name.map_or_else(|| "noroot".to_owned(), FileName::ascii)
}

impl From<Image> for ImageInfo {
    fn from(image: Image) -> Self {
        let Image {
            format,
            width,
            height,
            color_mode,
            orientation,
            dpi,
            geo_location,
            datetime_original,
            sequence,
            ..
        } = image;
        Self {
            dpi,
            width,
            format,
            height,
            sequence,
            color_mode,
            orientation,
            geo_location,
            datetime_original,
        }
    }
}

/// The answer of `/multipart/start/`: the URL of each part.
#[derive(Debug, Serialize)]
pub(crate) struct MultipartStarted {
    pub(crate) uuid: String,
    pub(crate) parts: Vec<String>,
}

/// The answer of `/from_url/`: the token of the fetch.
#[derive(Debug, Serialize)]
pub(crate) struct Token {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) token: String,
}

/// The answer of `/from_url/` if the file was fetched before.
#[derive(Debug, Serialize)]
pub(crate) struct FetchedBefore<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(flatten)]
    pub(crate) info: FileInfo<'a>,
}

/// The state of a fetch without further details.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    pub(crate) status: &'static str,
}

/// The progress of a fetch that is under way.
#[derive(Debug, Serialize)]
pub(crate) struct Progress {
    pub(crate) status: &'static str,
    pub(crate) done: u64,
    pub(crate) total: Total,
}

/// Bytes to fetch. Only some clients can read an unknown number.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Total {
    Bytes(u64),
    Word(&'static str),
}

/// A fetch that succeeded.
#[derive(Debug, Serialize)]
pub(crate) struct Fetched<'a> {
    #[serde(flatten)]
    pub(crate) info: FileInfo<'a>,
    pub(crate) status: &'static str,
}

/// A fetch that failed.
#[derive(Debug, Serialize)]
pub(crate) struct NotFetched<'a> {
    pub(crate) status: &'static str,
    pub(crate) error: &'a str,
    pub(crate) error_code: &'a str,
}

/// An error, if the sender asked for JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) error: ErrorInfo<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ErrorInfo<'a> {
    pub(crate) content: &'a str,
    pub(crate) status_code: u16,
    pub(crate) error_code: &'a str,
}

/// The description of a group without its files, which follow.
#[derive(Debug, Serialize)]
pub(crate) struct GroupInfo {
    id: String,
    datetime_created: String,
    datetime_stored: Option<()>,
    files_count: usize,
    cdn_url: String,
    url: String,
}

/// A file in a group.
#[derive(Debug, Serialize)]
pub(crate) struct GroupMember<'a> {
    #[serde(flatten)]
    pub(crate) info: FileInfo<'a>,
    pub(crate) default_effects: &'a str,
}

impl GroupInfo {
    /// The description, with URLs that begin with `cdn` and `origin`.
    pub(crate) fn of(group: &Group, cdn: &str, origin: &str) -> Self {
        let id = format!("{}~{}", group.id, group.members.len());
        Self {
            datetime_created: instant(group.created),
            datetime_stored: None,
            files_count: group.members.len(),
            cdn_url: format!("{cdn}/{id}/"),
            url: format!("{origin}/groups/{id}/"),
            id,
        }
    }
}

/// A time as the Upload API writes it: in UTC, to the microsecond.
fn instant(time: SystemTime) -> String {
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_of_an_image_is_null() {
        let known = Image::default().with(|image| {
            image.format = "TIFF".to_owned();
            image.width = 3;
            image.height = 2;
        });
        let wire = json!({
            "dpi": null, "width": 3, "format": "TIFF", "height": 2, "sequence": null, "color_mode": null,
            "orientation": null, "geo_location": null, "datetime_original": null,
        });
        assert_eq!(serde_json::to_value(ImageInfo::from(known)).expect("plain data"), wire);
    }
}
