//! What a scan has found so far: the first reason for a refusal, the note, and what it could not look at.

use intake_core::{Code, Coverage, Rejection, Report, Verdict};

use crate::codes::{PDF_EMBEDDED_FILE, PDF_ENCRYPTED, PDF_JAVASCRIPT, PDF_LAUNCH, PDF_REMOTE, PDF_UNREADABLE, PDF_XFA};
use crate::note::PdfNote;
use crate::settings::{Choice, Settings};

/// A property for which a document may be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    JavaScript,
    Launch,
    Remote,
    EmbeddedFile,
    Encrypted,
    Xfa,
}

impl Finding {
    fn rule(self, settings: &Settings) -> (Choice, Code, &'static str) {
        match self {
            Self::JavaScript => (settings.javascript, PDF_JAVASCRIPT, "the document contains a script"),
            Self::Launch => (
                settings.launch,
                PDF_LAUNCH,
                "the document starts a program, sends a form or imports data",
            ),
            Self::Remote => (settings.remote, PDF_REMOTE, "the document opens another document"),
            Self::EmbeddedFile => (
                settings.embedded_files,
                PDF_EMBEDDED_FILE,
                "the document contains another file",
            ),
            Self::Encrypted => (settings.encrypted, PDF_ENCRYPTED, "the document is encrypted"),
            Self::Xfa => (settings.xfa, PDF_XFA, "the document contains an XFA form"),
        }
    }
}

/// What a scan has found so far.
#[derive(Debug)]
pub(crate) struct Tally {
    settings: Settings,
    pub(crate) note: PdfNote,
    refusal: Option<Rejection>,
    gap: Option<&'static str>,
    objects: u64,
    inflated: u64,
}

impl Tally {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            note: PdfNote::default(),
            refusal: None,
            gap: None,
            objects: 0,
            inflated: 0,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Records a property that the document has, by the key that says so, in the object of this number.
    pub(crate) fn found(&mut self, finding: Finding, key: &'static str, object: Option<u64>) {
        match finding {
            Finding::JavaScript => self.note.javascript = true,
            Finding::EmbeddedFile => self.note.embedded_files = true,
            Finding::Encrypted => self.note.encrypted = true,
            Finding::Xfa => self.note.forms = true,
            Finding::Launch | Finding::Remote => {}
        }
        let (choice, code, message) = finding.rule(&self.settings);
        if choice == Choice::Refuse && self.refusal.is_none() {
            let subject = match object {
                Some(number) => format!("/{key} in object {number}"),
                None => format!("/{key}"),
            };
            self.refusal = Some(Rejection::new(code, message).with_subject(subject));
        }
    }

    /// Records that a part of the document was not looked at. The first reason counts.
    pub(crate) fn missed(&mut self, why: &'static str) {
        self.gap.get_or_insert(why);
    }

    /// Counts an object. Returns whether it is still within the limit.
    pub(crate) fn count_object(&mut self) -> bool {
        self.objects = self.objects.saturating_add(1);
        let is_within = self.objects <= self.settings.max_objects;
        if !is_within {
            self.missed("it has more objects than the scanner reads");
        }
        is_within
    }

    /// Counts what a filter put out. Returns whether it is still within the limit of all object streams.
    pub(crate) fn count_inflated(&mut self, bytes: usize) -> bool {
        self.inflated = self.inflated.saturating_add(bytes as u64);
        self.inflated <= self.settings.max_inflated
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// The verdict so far.
    pub(crate) fn verdict(&self) -> Verdict {
        match &self.refusal {
            Some(refusal) => Verdict::Reject(refusal.clone()),
            None => Verdict::Accept,
        }
    }

    /// The result, after the last byte.
    pub(crate) fn report(mut self) -> Report {
        let coverage = match self.gap {
            // The scanner has no key, so it cannot know whether the parts that it could not read are damaged.
            _ if self.note.encrypted => Coverage::Partial("the document is encrypted".to_owned()),
            Some(why) => {
                let why = format!("the document cannot be read completely: {why}");
                if self.settings.unreadable == Choice::Refuse && self.refusal.is_none() {
                    self.refusal = Some(Rejection::new(PDF_UNREADABLE, why.clone()));
                }
                Coverage::Partial(why)
            }
            None => Coverage::Whole,
        };
        Report::new(self.verdict(), coverage).note(PdfNote::SUBJECT, self.note)
    }
}
