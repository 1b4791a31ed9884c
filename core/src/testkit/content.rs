//! The contents that a scanner is asked about: how they are cut, and what it says to them.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use super::broken::broken;
use crate::value::evidence::Coverage;
use crate::value::verdict::{Code, Verdict};

/// The most bytes at each end of a content that are cut finely. More would take longer than a test may.
pub(super) const FINELY: usize = 16 * 1024;
/// A piece as the pump makes them at most.
pub(super) const PIECE: usize = 256 * 1024;

/// Where a content is cut.
pub(super) fn cuts(len: usize, piece: usize) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut at = 0;
    while at < len {
        let (ahead, left) = (len.saturating_sub(FINELY), len - at);
        let amid = is_cut_in_part(len, piece) && at >= FINELY && at < ahead;
        let size = if amid { (ahead - at).min(PIECE) } else { piece.min(left) };
        cuts.push(at..at + size);
        at += size;
    }
    cuts
}

pub(super) fn is_cut_in_part(len: usize, piece: usize) -> bool {
    piece < 1024 && len > 2 * FINELY
}

/// What a scanner says to one content.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Refused(Code),
    Accepted {
        coverage: Coverage,
        notes: BTreeMap<String, Value>,
    },
}

/// A content with a name for reports, and the answer that it got alone.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) content: Bytes,
    pub(super) answer: Option<Answer>,
    /// Whether a second scan alone came to the same notes.
    pub(super) has_steady_notes: bool,
}

impl Upload {
    pub(super) fn new(name: String, content: Bytes) -> Self {
        let name = format!("{name} ({} bytes)", content.len());
        Self {
            name,
            content,
            answer: None,
            has_steady_notes: true,
        }
    }

    /// An answer has to be the one that the content got alone.
    pub(super) fn expect_again(&self, answer: Answer) {
        let Some(expected) = &self.answer else { return };
        let same_but_notes = match (expected, &answer) {
            (Answer::Accepted { coverage, .. }, Answer::Accepted { coverage: again, .. }) => coverage == again,
            (expected, answer) => expected == answer,
        };
        if !same_but_notes || (self.has_steady_notes && *expected != answer) {
            let expected = format!("for {}, as alone and in one piece: {expected:?}", self.name);
            broken(expected, format!("{answer:?}"));
        }
    }
}

/// The refusal, if it is one; it has to say why.
pub(super) fn refused(verdict: Verdict) -> Option<Answer> {
    let rejection = verdict.rejection()?;
    if rejection.message.trim().is_empty() {
        broken("a refusal that says why", format!("{rejection:?}"));
    }
    Some(Answer::Refused(rejection.code))
}
