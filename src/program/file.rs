//! An upload as commands show it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::SystemTime;

use intake_core::{Error, Pipeline, Record, State, UploadId};
use serde::Serialize;

use super::failure::Failure;
use super::output::{exact_time, plain, size, time};

pub(super) async fn look(pipeline: &Pipeline, id: UploadId) -> Result<Option<Record>, Failure> {
    let found = pipeline.status(id).await;
    found.map_err(|error| Failure::Other(report(error)))
}

pub(super) fn report(error: Error) -> String {
    match error {
        Error::Fault(fault) => fault.report(),
        other => other.to_string(),
    }
}

pub(super) fn none(id: UploadId) -> Failure {
    Failure::Other(format!("there is no file {id}"))
}

/// The state of an upload as it is shown. An expired file is shown as such even before it is removed.
pub(super) fn state(record: &Record, now: SystemTime) -> &'static str {
    match record.state {
        State::Ready | State::Trashed if record.has_expired(now) => "expired",
        _ => record.state.name(),
    }
}

/// Until when a deleted file can be restored.
pub(super) fn restorable_until(record: &Record) -> Option<SystemTime> {
    let due = record.due.filter(|_| record.state == State::Trashed)?;
    let expires = record.lifetime.and_then(|lifetime| lifetime.expires);
    Some(expires.map_or(due, |expires| expires.min(due)))
}

pub(super) fn until(record: &Record) -> String {
    match record.lifetime.and_then(|lifetime| lifetime.expires) {
        Some(end) => format!("until {}", time(end)),
        None => "to stay".to_owned(),
    }
}

/// The shown properties of an upload. Its authorization, and the secret of its part URLs, are never shown.
#[derive(Debug, Serialize)]
pub(super) struct File<'a> {
    id: String,
    state: &'static str,
    project: Option<&'a str>,
    name: Option<&'a str>,
    size: Option<u64>,
    media_type: Option<&'a str>,
    created: String,
    kept: Option<bool>,
    expires: Option<String>,
    /// Only for deleted files.
    #[serde(skip_serializing_if = "Option::is_none")]
    restorable_until: Option<String>,
    /// When it ends unless it is completed before: only for unfinished uploads.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<String>,
    /// The address of its sender; recorded until it is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    /// The URL to fetch, and how often that was tried: only for fetch jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tries: Option<u32>,
    /// Why it was refused, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a str>,
    /// The stage that refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_by: Option<&'a str>,
    /// The subject of the refusal, such as the name of a virus.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_about: Option<&'a str>,
    /// The refusal in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    metadata: &'a BTreeMap<String, String>,
    tags: &'a [String],
    #[serde(skip)]
    times: Times,
}

/// The same times, to the second.
#[derive(Debug)]
struct Times {
    created: String,
    expires: Option<String>,
    restorable_until: Option<String>,
    ends: Option<String>,
}

impl<'a> File<'a> {
    pub(super) fn of(record: &'a Record, now: SystemTime) -> Self {
        let facts = record.facts.as_ref();
        let expires = record.lifetime.and_then(|lifetime| lifetime.expires);
        let restorable = restorable_until(record);
        let rejection = match &record.state {
            State::Rejected(rejection) => Some(rejection),
            State::Quarantined => record.quarantine.as_ref().map(|quarantine| &quarantine.reason),
            _ => None,
        };
        // While its parts are put together, the due time is the end of the lease, and not of the upload.
        let ends = record.due.filter(|_| record.state == State::Open);
        let parts = record.parts.as_ref().map(|parts| parts.size);
        let name = record
            .fetch_job
            .as_ref()
            .and_then(|fetch_job| fetch_job.name.as_deref());
        Self {
            id: record.id.to_string(),
            state: state(record, now),
            project: record.options.project.as_deref(),
            name: record.declared.name.as_deref().or(name),
            size: facts.map(|facts| facts.size).or(parts),
            media_type: facts
                .and_then(|facts| facts.media_type.as_ref())
                .map(|kind| kind.as_str()),
            created: exact_time(record.created),
            kept: record.lifetime.map(|lifetime| lifetime.kept),
            expires: expires.map(exact_time),
            restorable_until: restorable.map(exact_time),
            ends: ends.map(exact_time),
            sender: record.options.sender.as_deref(),
            source: record.fetch_job.as_ref().map(|fetch_job| fetch_job.source.as_str()),
            tries: record.fetch_job.as_ref().map(|fetch_job| fetch_job.tries),
            refused: rejection.map(|rejection| rejection.code.as_str()),
            refused_by: rejection.and_then(|rejection| rejection.by.as_deref()),
            refused_about: rejection.and_then(|rejection| rejection.subject.as_deref()),
            reason: rejection.map(|rejection| rejection.message.as_str()),
            metadata: &record.options.metadata,
            tags: &record.options.tags,
            times: Times {
                created: time(record.created),
                expires: expires.map(time),
                restorable_until: restorable.map(time),
                ends: ends.map(time),
            },
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn project(&self) -> Option<&str> {
        self.project
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    pub(super) fn line(&self) -> String {
        let size = self.size.map(size).unwrap_or_default();
        let until = self.times.restorable_until.as_ref().or(self.times.expires.as_ref());
        let until = until.map_or("to stay", String::as_str);
        let name = self.name.map(plain).unwrap_or_default();
        line(&self.id, self.state, &self.times.created, &size, until, &name)
    }

    pub(super) fn refused_line(&self) -> String {
        let about = self.refused_about.map(plain).unwrap_or_default();
        let name = self.name.map(plain).unwrap_or_default();
        let (by, code) = (self.refused_by.unwrap_or_default(), self.refused.unwrap_or_default());
        refused_line(&self.id, &self.times.created, by, code, &about, &name)
    }

    pub(super) fn unfinished_line(&self) -> String {
        let size = self.size.map(size).unwrap_or_default();
        let ends = self.times.ends.as_deref().unwrap_or_default();
        let sender = self.sender.map(plain).unwrap_or_default();
        let name = self.name.map(plain).unwrap_or_default();
        unfinished_line(&self.id, self.state, &self.times.created, &size, ends, &sender, &name)
    }

    pub(super) fn order_line(&self) -> String {
        let tries = self.tries.unwrap_or_default().to_string();
        let sender = self.sender.map(plain).unwrap_or_default();
        let source = self.source.map(plain).unwrap_or_default();
        order_line(&self.id, self.state, &self.times.created, &tries, &sender, &source)
    }

    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        let mut entry = |name: &str, value: &str| {
            // Writing to a string does not fail.
            let _ok = writeln!(page, "{name:<12}{value}");
        };
        entry("id", &self.id);
        entry("state", self.state);
        if let Some(code) = self.refused {
            entry("refused", code);
        }
        if let Some(by) = self.refused_by {
            entry("refused by", by);
        }
        if let Some(about) = self.refused_about {
            entry("about", &plain(about));
        }
        if let Some(reason) = self.reason {
            entry("reason", &plain(reason));
        }
        if let Some(project) = self.project {
            entry("project", &plain(project));
        }
        if let Some(name) = self.name {
            entry("name", &plain(name));
        }
        if let Some(bytes) = self.size {
            entry("size", &format!("{} ({bytes} bytes)", size(bytes)));
        }
        if let Some(kind) = self.media_type {
            entry("media type", kind);
        }
        entry("created", &self.times.created);
        if let Some(sender) = self.sender {
            entry("sender", &plain(sender));
        }
        if let Some(ends) = &self.times.ends {
            entry("ends", ends);
        }
        if let Some(source) = self.source {
            entry("source", &plain(source));
        }
        if let Some(tries) = self.tries {
            entry("tries", &tries.to_string());
        }
        if let Some(kept) = self.kept {
            entry("stored", if kept { "yes" } else { "no" });
            entry("expires", self.times.expires.as_deref().unwrap_or("never"));
        }
        if let Some(end) = &self.times.restorable_until {
            entry("restorable", &format!("until {end}"));
        }
        for (name, value) in self.metadata {
            entry("metadata", &format!("{} = {}", plain(name), plain(value)));
        }
        if !self.tags.is_empty() {
            entry("tags", &plain(&self.tags.join(", ")));
        }
        page
    }
}

/// A line of a list, with fixed widths: lists may be too long to read them as a whole before the first line is printed.
pub(super) fn line(id: &str, state: &str, created: &str, size: &str, until: &str, name: &str) -> String {
    let line = format!("{id:<36}  {state:<8}  {created:<20}  {size:>10}  {until:<20}  {name}");
    format!("{}\n", line.trim_end())
}

pub(super) fn refused_line(id: &str, created: &str, by: &str, code: &str, about: &str, name: &str) -> String {
    let line = format!("{id:<36}  {created:<20}  {by:<12}  {code:<20}  {about:<24}  {name}");
    format!("{}\n", line.trim_end())
}

#[rustfmt::skip]
pub(super) fn unfinished_line(id: &str, state: &str, created: &str, size: &str, ends: &str, sender: &str, name: &str) -> String {
    let line = format!("{id:<36}  {state:<10}  {created:<20}  {size:>10}  {ends:<20}  {sender:<24}  {name}");
    format!("{}\n", line.trim_end())
}

pub(super) fn order_line(id: &str, state: &str, created: &str, tries: &str, sender: &str, source: &str) -> String {
    let line = format!("{id:<36}  {state:<8}  {created:<20}  {tries:>5}  {sender:<24}  {source}");
    format!("{}\n", line.trim_end())
}
