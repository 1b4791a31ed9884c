//! What a scanner found out of one content.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::value::inspection::{Coverage, Engine, ScanLimits, Walked};
use crate::value::verdict::Verdict;

/// The result of a scan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Whether the scanner accepts the content.
    pub verdict: Verdict,
    /// How much of the content the verdict covers.
    pub coverage: Coverage,
    /// How many bytes the scanner looked at, if it counts them.
    pub bytes: Option<u64>,
    /// The engine behind the scanner, if there is one.
    pub engine: Option<Engine>,
    /// What the content is as an archive, if the scanner walks archives.
    pub walked: Walked,
    /// How much of an archive the scanner looks at, if it may stop there without saying so. The pipeline compares it with
    /// what another scanner [walked](Self::walked).
    pub limits: Option<ScanLimits>,
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
            bytes: None,
            engine: None,
            walked: Walked::Not,
            limits: None,
            notes: BTreeMap::new(),
        }
    }

    /// Accepts the content, of which the scanner has read everything.
    #[must_use]
    pub fn clean() -> Self {
        Self::new(Verdict::Accept, Coverage::Whole)
    }

    /// Sets some of the result.
    ///
    /// ```
    /// use intake_core::Report;
    ///
    /// let report = Report::clean().with(|report| report.bytes = Some(1024));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Adds a note on a subject, which [`Facts::note`](crate::Facts::note) reads. A note that cannot be written as JSON, such as a map
    /// whose keys are no texts, is left out.
    #[must_use]
    pub fn note(mut self, subject: impl Into<String>, note: impl Serialize) -> Self {
        if let Ok(note) = serde_json::to_value(note) {
            self.notes.insert(subject.into(), note);
        }
        self
    }
}
