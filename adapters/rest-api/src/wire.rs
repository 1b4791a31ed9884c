//! The JSON shapes of the REST API. The fields are in the recorded order: `docs/rest-api.md`, "Files".

use std::collections::BTreeMap;
use std::time::SystemTime;

use intake_core::events::Subscription;
use intake_core::{ConfigError, Fault, FileTotals, Group, MediaType, Project, Record};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::codes::FAULT;
use crate::content_info::{UNKNOWN, content_info};
use crate::links::{Links, group_id};

/// A file.
#[derive(Debug, Serialize)]
pub(crate) struct FileObject<'a> {
    datetime_removed: Option<String>,
    datetime_stored: Option<String>,
    datetime_uploaded: String,
    is_image: bool,
    is_ready: bool,
    mime_type: String,
    original_file_url: Option<String>,
    original_filename: &'a str,
    size: u64,
    url: String,
    uuid: String,
    /// Images in other sizes, of an earlier version of the API.
    variations: Option<()>,
    content_info: Value,
    metadata: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appdata: Option<Nothing>,
    tags: &'a [String],
}

/// An object without fields.
#[derive(Debug, Serialize)]
struct Nothing {}

impl<'a> FileObject<'a> {
    /// The description of a file that can be read, or that its owner has deleted.
    pub(crate) fn of(record: &'a Record, links: &Links) -> Self {
        let facts = record.facts.as_ref();
        let (content_info, is_image) = content_info(facts);
        let detected = facts.and_then(|facts| facts.media_type.as_ref());
        let kind = detected.or(record.declared.media_type.as_ref());
        let removed = record.times.removed;
        Self {
            datetime_removed: removed.map(instant),
            datetime_stored: record.stored().filter(|_| removed.is_none()).map(instant),
            datetime_uploaded: instant(record.uploaded()),
            is_image,
            is_ready: true,
            mime_type: kind.map_or(UNKNOWN, MediaType::as_str).to_owned(),
            original_file_url: links.original(record).filter(|_| removed.is_none()),
            original_filename: record.declared.name.as_deref().unwrap_or_default(),
            size: facts.map_or(0, |facts| facts.size),
            url: links.file(record),
            uuid: record.id.to_string(),
            variations: None,
            content_info,
            metadata: &record.options.metadata,
            appdata: None,
            tags: &record.options.tags,
        }
    }

    /// The same without what senders may make long.
    pub(crate) fn without_metadata(self) -> Self {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        Self {
            content_info: Value::Null,
            metadata: &NONE,
            tags: &[],
            ..self
        }
    }

    /// The same with the data of add-ons, of which there are none.
    pub(crate) fn with_appdata(self, with: bool) -> Self {
        Self {
            appdata: with.then_some(Nothing {}),
            ..self
        }
    }
}

/// How many files there are.
#[derive(Debug, Serialize)]
pub(crate) struct Totals {
    removed: u64,
    stored: u64,
    unstored: u64,
}

impl From<FileTotals> for Totals {
    fn from(totals: FileTotals) -> Self {
        Self {
            removed: totals.removed,
            stored: totals.stored,
            unstored: totals.unstored,
        }
    }
}

/// A page of a list, without its entries, which are JSON already.
#[derive(Debug, Serialize)]
pub(crate) struct PageHead {
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) totals: Option<Totals>,
    pub(crate) per_page: usize,
}

impl PageHead {
    /// The page with its entries.
    pub(crate) fn with(&self, entries: &[String]) -> String {
        let mut page = json(self);
        page.pop();
        page + ",\"results\":[" + &entries.join(",") + "]}"
    }
}

/// The answer about several files.
#[derive(Debug, Serialize)]
pub(crate) struct Batch<'a> {
    pub(crate) status: &'static str,
    pub(crate) result: Vec<FileObject<'a>>,
    pub(crate) problems: BTreeMap<String, &'static str>,
}

/// The answer about a copy.
#[derive(Debug, Serialize)]
pub(crate) struct Copied<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) result: FileObject<'a>,
}

/// The tags of a file.
#[derive(Debug, Serialize)]
pub(crate) struct Tags<'a> {
    pub(crate) tags: &'a [String],
}

/// The tags of a file after a change, and what has changed.
#[derive(Debug, Serialize)]
pub(crate) struct ChangedTags<'a> {
    pub(crate) tags: &'a [String],
    pub(crate) added: Vec<&'a String>,
    pub(crate) deleted: Vec<&'a String>,
}

/// A group, without its files.
#[derive(Debug, Serialize)]
pub(crate) struct GroupObject {
    id: String,
    datetime_created: String,
    /// Groups are not stored: their files are.
    datetime_stored: Option<()>,
    files_count: usize,
    cdn_url: String,
    url: String,
}

impl GroupObject {
    pub(crate) fn of(group: &Group, links: &Links) -> Self {
        let (url, cdn_url) = links.group(group);
        Self {
            id: group_id(group),
            datetime_created: instant(group.created),
            datetime_stored: None,
            files_count: group.members.len(),
            cdn_url,
            url,
        }
    }

    /// The group with its files, which are JSON already.
    pub(crate) fn with(&self, files: &[String]) -> String {
        let mut group = json(self);
        group.pop();
        group + ",\"files\":[" + &files.join(",") + "]}"
    }
}

/// A file of a group.
#[derive(Debug, Serialize)]
pub(crate) struct GroupFile<'a> {
    #[serde(flatten)]
    pub(crate) file: FileObject<'a>,
    pub(crate) default_effects: &'a str,
}

/// A project.
#[derive(Debug, Serialize)]
pub(crate) struct ProjectObject<'a> {
    /// People are no part of a project here.
    collaborators: [(); 0],
    name: &'a str,
    pub_key: &'a str,
    autostore_enabled: bool,
}

impl<'a> ProjectObject<'a> {
    pub(crate) fn of(project: &'a Project) -> Self {
        use intake_core::project::Autostore;
        Self {
            collaborators: [],
            name: &project.public_key,
            pub_key: &project.public_key,
            autostore_enabled: !matches!(project.autostore, Some(Autostore::Off | Autostore::Forbidden)),
        }
    }
}

/// The version of the API, and of the events that its webhooks get.
pub(crate) const VERSION: &str = "0.7";

/// A subscription to events.
#[derive(Serialize)]
pub(crate) struct WebhookObject {
    id: i64,
    created: String,
    updated: String,
    event: &'static str,
    target_url: String,
    project: u32,
    is_active: bool,
    /// Clients read it back, so it is in the answer, as with the service.
    signing_secret: Option<String>,
    version: &'static str,
}

impl WebhookObject {
    pub(crate) fn of(subscription: &Subscription) -> Result<Self, Fault> {
        let newest = subscription.secrets.first();
        let secret = newest.map(|secret| secret.expose(str::to_owned)).transpose();
        let unreadable =
            |error: ConfigError| Fault::new(FAULT, "the secret of a webhook cannot be read").with_source(error);
        Ok(Self {
            id: subscription.id,
            created: instant(subscription.created),
            updated: instant(subscription.updated),
            event: subscription.kind.name(),
            target_url: subscription.target.clone(),
            project: project_number(&subscription.project),
            is_active: subscription.is_active,
            signing_secret: secret.map_err(unreadable)?,
            version: VERSION,
        })
    }
}

/// A number for a project, which the service has beside its key: positive, and always the same for a key.
pub(crate) fn project_number(key: &str) -> u32 {
    let digest = Sha256::digest(key);
    let number = digest
        .iter()
        .take(4)
        .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    (number >> 1).max(1)
}

/// An error about the fields of a request taken together.
#[derive(Debug, Serialize)]
pub(crate) struct FieldsErrorBody<'a> {
    pub(crate) non_field_errors: [&'a str; 1],
}

/// An error.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) detail: &'a str,
}

/// A value as JSON. These shapes can always be written.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A time as the REST API writes it: in UTC, to the microsecond.
pub(crate) fn instant(time: SystemTime) -> String {
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    format!("{time:.6}")
}
