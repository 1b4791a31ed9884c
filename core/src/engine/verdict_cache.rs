//! Verdicts of earlier scans: the same content is not scanned twice with the same signatures.
//!
//! Only complete verdicts of engines that name their signatures are kept, in memory, and those that were not used for longest are
//! dropped first. A verdict that is reused names the engine and the signatures that made it.

use quick_cache::sync::Cache;

use crate::contract::report::Report;
use crate::value::evidence::Digest;
use crate::value::inspection::{Coverage, Engine};

/// The most bytes of the notes of a verdict that is kept, as JSON.
const MOST_NOTES: usize = 4096;

/// A content, a scanner, and its signatures.
type Verdict = (Digest, String, String);

/// The verdicts of one pipeline.
#[derive(Debug)]
pub(crate) struct VerdictCache(Option<Cache<Verdict, Report>>);

impl VerdictCache {
    /// A cache of at most so many verdicts. Zero: none is kept.
    pub(crate) fn new(most: usize) -> Self {
        Self((most > 0).then(|| Cache::new(most)))
    }

    /// Whether verdicts are kept.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The verdict of a scanner on a content, by the signatures of now.
    pub(crate) fn get(&self, digest: Digest, scanner: &str, engine: &Engine) -> Option<Report> {
        let key = (digest, scanner.to_owned(), signatures(engine)?);
        self.0.as_ref()?.get(&key)
    }

    /// Keeps a verdict, if it may be used again.
    pub(crate) fn put(&self, digest: Digest, scanner: &str, report: &Report) {
        let (Some(cache), Coverage::Whole) = (&self.0, &report.coverage) else {
            return;
        };
        let notes = serde_json::to_string(&report.notes).map_or(usize::MAX, |notes| notes.len());
        if notes > MOST_NOTES {
            return;
        }
        if let Some(signatures) = report.engine.as_ref().and_then(signatures) {
            cache.insert((digest, scanner.to_owned(), signatures), report.clone());
        }
    }
}

/// The engine with its signatures, if it names them.
fn signatures(engine: &Engine) -> Option<String> {
    engine.signatures.as_ref()?;
    Some(engine.to_string())
}
