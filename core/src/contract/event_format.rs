//! How the body of an event is written.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use humantime_serde::re::humantime::format_rfc3339_micros;
use serde::Serialize;

use crate::record::delivery::KeptEvent;
use crate::record::file_event::Initiator;
use crate::record::subscription::Subscription;
use crate::value::codes;
use crate::value::error::Fault;

/// The name of the format that is used if none is named.
pub(crate) const STANDARD: &str = "standard";

/// Writes the body of an event.
///
/// A body is written once, when the deliveries of an event are planned; every attempt sends the same bytes.
pub trait EventFormat: Debug + Send + Sync {
    /// The body, as JSON in UTF-8. `subscription` is the one that asked for it; `None` for a notifier that has a target of its own.
    ///
    /// # Errors
    ///
    /// If it cannot be written. That event is then not delivered there.
    fn body(&self, event: &KeptEvent, subscription: Option<&Subscription>) -> Result<Bytes, Fault>;
}

/// The format `standard`: `type`, `timestamp` and `data`, as Standard Webhooks suggests
/// (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>, "Payload structure").
///
/// ```json
/// {
///   "type": "file.uploaded",
///   "timestamp": "2026-11-28T12:00:00.000000Z",
///   "data": {
///     "id": "22240276-2f06-41f8-9411-755c8ce926ed", "project": "demopublickey", "revision": 1, "state": "ready",
///     "name": "photo.png", "size": 12345, "media_type": "image/png", "sha256": "9f86…", "metadata": {"album": "7"},
///     "initiator": "api"
///   }
/// }
/// ```
///
/// `name`, `media_type`, `size` and `sha256` are missing where they are not known; `previous_metadata` is there after a change of
/// the metadata.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardFormat;

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    revision: u64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    metadata: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_metadata: Option<&'a BTreeMap<String, String>>,
    initiator: Initiator,
}

impl EventFormat for StandardFormat {
    fn body(&self, event: &KeptEvent, _subscription: Option<&Subscription>) -> Result<Bytes, Fault> {
        let record = &event.record;
        let facts = record.facts.as_ref();
        let media_type = facts.and_then(|facts| facts.media_type.as_ref());
        let body = Body {
            r#type: event.event.kind.name(),
            timestamp: rfc3339(event.event.at),
            data: Data {
                id: record.id.to_string(),
                project: record.options.project.as_deref(),
                revision: record.revision,
                state: record.state.name(),
                name: record.declared.name.as_deref(),
                size: facts.map(|facts| facts.size),
                media_type: media_type.map(ToString::to_string),
                sha256: facts.map(|facts| facts.digest.to_string()),
                metadata: &record.options.metadata,
                previous_metadata: event.event.previous_metadata.as_ref(),
                initiator: event.event.initiator,
            },
        };
        let json = serde_json::to_vec(&body);
        let unwritable = |error| Fault::new(codes::FAULT, "the event cannot be written as JSON").with_source(error);
        json.map(Bytes::from).map_err(unwritable)
    }
}

/// A time as RFC 3339 has it, in UTC, to the microsecond; of the years from 1970 to 9999.
fn rfc3339(time: SystemTime) -> String {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default().min(LAST);
    format_rfc3339_micros(UNIX_EPOCH + since).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_has_them() {
        let after = |seconds| UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(7);
        for (time, text) in [
            (after(1_764_331_200), "2025-11-28T12:00:00.000007Z"),
            (UNIX_EPOCH - Duration::from_secs(1), "1970-01-01T00:00:00.000000Z"),
            (after(300_000_000_000), "9999-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(rfc3339(time), text);
        }
    }
}
