//! The scan of one upload.

use std::sync::Arc;

use async_trait::async_trait;
use intake_core::inspection::Engine;
use intake_core::{Bytes, Coverage, Fault, Report, Scan, Verdict};
use yara_x::{Rules, ScanError};

use crate::codes::SCANNER_FAILED;
use crate::look::{Looked, Terms, look};
use crate::note::YaraNote;
use crate::spool::Content;
use crate::workers::{Workers, too_long};

/// What all scans share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) rules: Rules,
    pub(crate) terms: Terms,
    pub(crate) workers: Workers,
    pub(crate) engine: Engine,
    pub(crate) max_scan_size: u64,
}

pub(crate) struct YaraScan {
    shared: Arc<Shared>,
    content: Content,
    /// Whether the content has more than is kept of it, or will have.
    is_cut: bool,
}

impl YaraScan {
    pub(crate) fn new(shared: Arc<Shared>, content: Content, declared: Option<u64>) -> Self {
        let is_cut = declared.is_some_and(|size| size > shared.max_scan_size);
        Self {
            shared,
            content,
            is_cut,
        }
    }
}

#[async_trait]
impl Scan for YaraScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        let room = self.shared.max_scan_size.saturating_sub(self.content.length());
        let kept = chunk.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.is_cut |= kept < chunk.len();
        self.content.push(&chunk[..kept]).await?;
        Ok(Verdict::Accept)
    }

    fn gap(&self) -> Option<String> {
        let most = self.shared.max_scan_size;
        self.is_cut
            .then(|| format!("not scanned: what follows the first {most} bytes"))
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        let gap = self.gap();
        let Self { shared, content, .. } = *self;
        let bytes = content.length();
        let looking = Arc::clone(&shared);
        let work = move || {
            let content = content.into_bytes()?;
            look(&looking.rules, &looking.terms, &content).map_err(|error| failed(error, &looking.terms))
        };
        let Looked {
            note,
            coverage,
            verdict,
        } = shared.workers.run(work).await?;
        let coverage = gap.map_or(coverage, Coverage::Partial);
        let report = Report::new(verdict, coverage).with(|report| {
            report.bytes = Some(bytes);
            report.engine = Some(shared.engine.clone());
        });
        let note = Some(note).filter(|note| !note.rules.is_empty());
        Ok(match note {
            Some(note) => report.note(YaraNote::SUBJECT, note),
            None => report,
        })
    }
}

fn failed(error: ScanError, terms: &Terms) -> Fault {
    match error {
        ScanError::Timeout => too_long(terms.timeout),
        error => Fault::new(SCANNER_FAILED, "a scan failed").with_source(error),
    }
}
