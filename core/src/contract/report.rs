//! What a scanner found out of one content.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::value::evidence::Coverage;
use crate::value::verdict::Verdict;

/// The result of a scan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Whether the scanner accepts the content.
    pub verdict: Verdict,
    /// How much of the content the verdict covers.
    pub coverage: Coverage,
    /// What the scanner found out, by subject. The pipeline puts it into [`Facts::notes`](crate::Facts::notes).
    pub notes: BTreeMap<String, Value>,
}

impl Report {
    /// A verdict without notes, and how much of the content it covers.
    #[must_use]
    pub fn new(verdict: Verdict, coverage: Coverage) -> Self {
        Self {
            verdict,
            coverage,
            notes: BTreeMap::new(),
        }
    }

    /// Accepts the content, of which the scanner has read everything.
    #[must_use]
    pub fn clean() -> Self {
        Self::new(Verdict::Accept, Coverage::Whole)
    }

    /// Adds a note on a subject.
    #[must_use]
    pub fn note(mut self, subject: impl Into<String>, note: Value) -> Self {
        self.notes.insert(subject.into(), note);
        self
    }
}
