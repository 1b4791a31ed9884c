//! The events of files, which are told to others. Pure.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::value::id::UploadId;

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FileEventKind {
    /// It can be read for the first time.
    #[serde(rename = "file.uploaded")]
    Uploaded,
    /// It is kept until it is deleted, or it was restored after it was deleted.
    #[serde(rename = "file.stored")]
    Stored,
    /// It was deleted, or it expired.
    #[serde(rename = "file.deleted")]
    Deleted,
    /// What is known of it has changed, such as its metadata.
    #[serde(rename = "file.info_updated")]
    InfoUpdated,
    /// A scanner refused it, and it is in quarantine.
    #[serde(rename = "file.infected")]
    Infected,
}

impl FileEventKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Uploaded,
        Self::Stored,
        Self::Deleted,
        Self::InfoUpdated,
        Self::Infected,
    ];

    /// The name, such as `file.uploaded`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uploaded => "file.uploaded",
            Self::Stored => "file.stored",
            Self::Deleted => "file.deleted",
            Self::InfoUpdated => "file.info_updated",
            Self::Infected => "file.infected",
        }
    }

    /// The kind of this name, if there is one.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Who caused an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Initiator {
    /// A call: of a sender, of the owner, or of an operator.
    Api,
    /// The service itself: a lifetime ended, or a scanner decided.
    System,
}

/// An event of a file. The record after the change has the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileEvent {
    /// What happened.
    pub kind: FileEventKind,
    /// When.
    #[serde(with = "crate::value::micros")]
    pub at: SystemTime,
    /// Who caused it.
    pub initiator: Initiator,
    /// The metadata before the change, if the change was one of the metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_metadata: Option<BTreeMap<String, String>>,
}

impl FileEvent {
    /// An event.
    #[must_use]
    pub fn new(kind: FileEventKind, at: SystemTime, initiator: Initiator) -> Self {
        Self {
            kind,
            at,
            initiator,
            previous_metadata: None,
        }
    }
}

/// The id of an event: the same wherever it is computed, without `.`, at most 64 characters.
///
/// `number` is the place of the event among those of its change, from 0 on.
#[must_use]
pub fn event_id(file: UploadId, revision: u64, number: usize) -> String {
    let file = file.to_string().replace('-', "");
    format!("{file}_{revision}_{number}")
}
