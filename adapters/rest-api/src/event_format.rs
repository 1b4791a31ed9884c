//! Events of files as the service's webhooks have them. See `docs/rest-api.md`, "Webhooks".

use std::collections::BTreeMap;

use bytes::Bytes;
use intake_core::events::{FileEventKind, Initiator, KeptEvent, Subscription};
use intake_core::{EventFormat, Fault};
use serde::Serialize;

use crate::links::Links;
use crate::settings::Settings;
use crate::wire::{FileObject, VERSION, instant, json, project_number};

/// Writes events as the service's webhooks have them: `initiator`, `hook`, `data` with the file as this API describes it, and the
/// `file`'s address. Recorded answers: `docs/rest-api.md`, "Webhooks".
///
/// Addresses begin with `base_url` and `cdn_base` of the settings. Without `base_url` they are paths, because no request says
/// which host clients use.
#[derive(Clone, Debug)]
pub struct UploadcareFormat {
    links: Links,
}

impl UploadcareFormat {
    /// The name by which subscriptions ask for it.
    pub const NAME: &'static str = "uploadcare";

    /// The format with the addresses of these settings.
    #[must_use]
    pub fn new(settings: Option<&Settings>) -> Self {
        Self {
            links: Links::without_request(settings),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    initiator: Cause,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<Hook<'a>>,
    data: FileObject<'a>,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_values: Option<Previous<'a>>,
}

/// Who caused the event.
#[derive(Serialize)]
struct Cause {
    r#type: &'static str,
    detail: CauseDetail,
}

#[derive(Default, Serialize)]
struct CauseDetail {
    /// Requests are not kept with what they change.
    request_id: Option<()>,
    addon_name: Option<()>,
}

#[derive(Serialize)]
struct Hook<'a> {
    id: i64,
    project_id: u32,
    project_pub_key: &'a str,
    created_at: String,
    updated_at: String,
    event: &'static str,
    target: &'a str,
    is_active: bool,
    version: &'static str,
}

#[derive(Serialize)]
struct Previous<'a> {
    /// There are no add-ons, so there is no data of theirs.
    appdata: BTreeMap<String, String>,
    metadata: &'a BTreeMap<String, String>,
}

impl EventFormat for UploadcareFormat {
    fn body(&self, event: &KeptEvent, subscription: Option<&Subscription>) -> Result<Bytes, Fault> {
        let record = &event.record;
        let hook = subscription.map(|hook| Hook {
            id: hook.id,
            project_id: project_number(&hook.project),
            project_pub_key: &hook.project,
            created_at: instant(hook.created),
            updated_at: instant(hook.updated),
            event: hook.kind.name(),
            target: &hook.target,
            is_active: hook.is_active,
            version: VERSION,
        });
        let metadata = event.event.previous_metadata.as_ref();
        let body = Body {
            initiator: Cause {
                r#type: match event.event.initiator {
                    Initiator::Api => "api",
                    _ => "system",
                },
                detail: CauseDetail::default(),
            },
            hook,
            data: FileObject::of(record, &self.links),
            file: self.links.bytes(record),
            previous_values: metadata
                .filter(|_| event.event.kind == FileEventKind::InfoUpdated)
                .map(|metadata| Previous {
                    appdata: BTreeMap::new(),
                    metadata,
                }),
        };
        Ok(json(&body).into())
    }
}
