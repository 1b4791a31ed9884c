//! The scan of one upload.

use async_trait::async_trait;
use intake_core::{Bytes, Coverage, Fault, Report, Scan, Verdict};

use crate::document::Document;
use crate::settings::{Choice, Settings};
use crate::tally::Tally;
use intake_core::Workers;

/// The scan of one upload.
pub(crate) struct PdfScan {
    settings: Settings,
    workers: Workers,
    state: State,
}

enum State {
    /// The upload is no document.
    Other,
    Reading(Box<Document>),
    /// A reader panicked.
    Failed,
}

impl PdfScan {
    pub(crate) fn new(settings: Settings, workers: Workers, is_document: bool) -> Self {
        let state = if is_document {
            State::Reading(Box::new(Document::new(Tally::new(settings))))
        } else {
            State::Other
        };
        Self {
            settings,
            workers,
            state,
        }
    }

    fn failed(&self) -> Report {
        let why = "the document cannot be read completely: reading it failed";
        let verdict = match self.settings.unreadable {
            Choice::Accept => Verdict::Accept,
            Choice::Refuse => Verdict::reject(crate::codes::PDF_UNREADABLE, why),
        };
        Report::new(verdict, Coverage::Partial(why.to_owned()))
    }
}

#[async_trait]
impl Scan for PdfScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        let mut document = match std::mem::replace(&mut self.state, State::Failed) {
            State::Reading(document) => document,
            other => {
                self.state = other;
                return Ok(Verdict::Accept);
            }
        };
        let bytes = chunk.clone();
        let work = move || {
            document.push(&bytes);
            document
        };
        let document = self.workers.run(work).await;
        let Some(document) = document else {
            return Ok(self.failed().verdict);
        };
        let verdict = document.tally().verdict();
        self.state = State::Reading(document);
        Ok(verdict)
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Other => Ok(Report::clean()),
            State::Failed => Ok(self.failed()),
            State::Reading(document) => {
                let tally = self.workers.run(move || document.end()).await;
                Ok(tally.map_or_else(|| self.failed(), Tally::report))
            }
        }
    }
}
