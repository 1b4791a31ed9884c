//! The contents that the scanner suite scans: how they are cut, and the answers of the scanner.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use super::broken::broken;
use crate::value::inspection::Coverage;
use crate::value::verdict::{Code, Verdict};

/// The most bytes at each end of a content that the suite cuts into small pieces. More would take too long for a test.
pub(super) const FINELY: usize = 16 * 1024;
/// The size of the largest piece that the pipeline makes.
pub(super) const PIECE: usize = 256 * 1024;

/// The places at which a content is cut.
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

/// The answer of a scanner to one content.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Refused(Code),
    Accepted {
        coverage: Coverage,
        notes: BTreeMap<String, Value>,
    },
}

/// A content with a name for reports, and the answer to it when it was scanned alone.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) content: Bytes,
    pub(super) answer: Option<Answer>,
    /// Whether a second scan of the content alone made the same notes.
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

    /// Checks that an answer is the same as when the content was scanned alone.
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

/// The refusal, if the verdict is one. Checks that it gives a reason.
pub(super) fn refused(verdict: Verdict) -> Option<Answer> {
    let rejection = verdict.rejection()?;
    if rejection.message.trim().is_empty() {
        broken("a refusal with a reason", format!("{rejection:?}"));
    }
    Some(Answer::Refused(rejection.code))
}
