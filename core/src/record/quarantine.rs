//! What a record keeps of its quarantine, and of who decided what about its content after the upload.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::value::verdict::{Code, Rejection};

/// The most entries that a record keeps. The oldest are dropped.
const MOST_ENTRIES: usize = 32;

/// Why an upload is in quarantine, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quarantine {
    /// Why.
    pub cause: QuarantineCause,
    /// The reason in the words of the scanner; [`Rejection::by`] names it.
    pub reason: Rejection,
    /// Since when.
    #[serde(with = "crate::value::micros")]
    pub since: SystemTime,
    /// When it is deleted, unless an operator decides otherwise before.
    #[serde(with = "crate::value::micros")]
    pub until: SystemTime,
    /// How often it was scanned again, if a scanner failed.
    #[serde(default)]
    pub tries: u32,
}

impl Quarantine {
    /// A quarantine that begins now.
    #[must_use]
    pub fn new(cause: QuarantineCause, reason: Rejection, since: SystemTime, until: SystemTime) -> Self {
        Self {
            cause,
            reason,
            since,
            until,
            tries: 0,
        }
    }

    /// Whether the upload waits for a scanner: it was acknowledged, and is readable once every scanner has accepted it.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.cause == QuarantineCause::Fault
    }
}

/// Why an upload is in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QuarantineCause {
    /// A scanner refused it.
    Infected,
    /// A scanner did not look at all of it.
    Partial,
    /// A scanner failed. The upload is scanned again.
    Fault,
}

impl QuarantineCause {
    /// The cause in metrics, logs and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Infected => "infected",
            Self::Partial => "partial",
            Self::Fault => "fault",
        }
    }
}

/// One decision about a content after its upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// When.
    #[serde(with = "crate::value::micros")]
    pub at: SystemTime,
    /// What.
    pub action: AuditAction,
    /// Who: the name of a scanner, or what an operator gave as a name.
    pub by: String,
    /// Why, if a scanner decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// What was decided about a content after its upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditAction {
    /// It was put into quarantine when it was uploaded.
    Quarantined,
    /// It could be read, and was put into quarantine.
    Withdrawn,
    /// It was in quarantine and can be read now.
    Released,
    /// It was deleted out of quarantine.
    Deleted,
}

impl AuditAction {
    /// The action in logs and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::Withdrawn => "withdrawn",
            Self::Released => "released",
            Self::Deleted => "deleted",
        }
    }
}

/// Adds an entry to those of a record.
pub(crate) fn note(
    history: &mut Vec<AuditEntry>,
    (at, action): (SystemTime, AuditAction),
    by: &str,
    code: Option<&Code>,
) {
    if history.len() >= MOST_ENTRIES {
        history.remove(0);
    }
    history.push(AuditEntry {
        at,
        action,
        by: by.to_owned(),
        code: code.cloned(),
    });
}
