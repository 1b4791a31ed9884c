//! The scan of one upload.

use async_trait::async_trait;
use intake_core::{Bytes, Coverage, Fault, Head, Report, Scan, Verdict, Workers};

use crate::characters::Characters;
use crate::encoding::{Piece, Text};
use crate::finding::Finding;
use crate::kind::Kind;
use crate::note::TextNote;
use crate::settings::{Choice, Settings};
use crate::table::Table;

/// Fewer bytes than these are read on the thread of the caller: it takes less time than to change the thread.
const FEW: usize = 8 * 1024;

/// Why a text was not read.
const FAILED: &str = "reading the text failed";

pub(crate) struct TextScan {
    workers: Workers,
    /// It is away while it is read, and stays away if reading it fails.
    document: Option<Box<Document>>,
    bytes: u64,
}

impl TextScan {
    pub(crate) fn new(settings: &Settings, kind: Kind, head: &Head<'_>, workers: Workers) -> Self {
        Self {
            workers,
            document: Some(Box::new(Document::new(settings, kind, head.bytes))),
            bytes: 0,
        }
    }

    fn verdict(&self) -> Verdict {
        let found = self.document.as_ref().and_then(|document| document.found.as_ref());
        found.map_or(Verdict::Accept, |finding| Verdict::Reject(finding.rejection()))
    }
}

#[async_trait]
impl Scan for TextScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        let chunk = chunk.clone();
        self.workers
            .advance(&mut self.document, chunk.len() > FEW, move |document| {
                document.push(&chunk)
            })
            .await;
        Ok(self.verdict())
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        self.workers.advance(&mut self.document, false, Document::finish).await;
        let Some(document) = &self.document else {
            return Ok(Report::new(Verdict::Accept, Coverage::Partial(FAILED.to_owned())));
        };
        let report = Report::new(self.verdict(), Coverage::Whole).with(|report| report.bytes = Some(self.bytes));
        Ok(report.note(TextNote::SUBJECT, document.note()))
    }
}

/// What is known of a text so far.
struct Document {
    kind: Kind,
    text: Text,
    reading: Reading,
    found: Option<Finding>,
}

/// What is done with the characters of a text.
struct Reading {
    characters: Characters,
    table: Option<Table>,
    formulas: Choice,
    malformed: Choice,
    legacy: Choice,
}

impl Document {
    fn new(settings: &Settings, kind: Kind, head: &[u8]) -> Self {
        let text = Text::of(head, kind);
        let declared = text.legacy().filter(|_| settings.legacy_encodings == Choice::Refuse);
        Self {
            kind,
            reading: Reading {
                characters: Characters::new(settings, kind),
                table: kind.is_table().then(|| Table::new(kind, settings.counted_formulas)),
                formulas: settings.formulas,
                malformed: settings.malformed,
                legacy: settings.legacy_encodings,
            },
            found: declared.map(|encoding| Finding::Encoding(Some(encoding))),
            text,
        }
    }

    fn push(&mut self, chunk: &[u8]) {
        if self.found.is_some() {
            return;
        }
        let (name, reading, found) = (self.text.name(), &mut self.reading, &mut self.found);
        self.text.push(chunk, &mut |piece| {
            *found = reading.read(piece, name);
            found.is_none()
        });
    }

    fn finish(&mut self) {
        if self.found.is_some() {
            return;
        }
        let (name, reading, found) = (self.text.name(), &mut self.reading, &mut self.found);
        self.text.finish(&mut |piece| {
            *found = reading.read(piece, name);
            found.is_none()
        });
        if self.found.is_none() {
            self.found = self.reading.characters.finish();
        }
    }

    fn note(&self) -> TextNote {
        let characters = &self.reading.characters;
        let encoding = match self.text.name() {
            "UTF-8" if characters.is_ascii && !self.text.has_mark() => "US-ASCII",
            name => name,
        };
        TextNote {
            kind: Some(self.kind),
            encoding: encoding.to_owned(),
            is_guess: self.text.is_guess(),
            has_mark: self.text.has_mark(),
            line_ending: characters.ending(),
            lines: characters.lines(),
            formulas: self.reading.table.as_ref().map(Table::formulas),
            has_bidi: characters.has_bidi,
        }
    }
}

impl Reading {
    /// Reads a piece. Returns the first finding in it: of two kinds, that whose last byte comes first.
    fn read(&mut self, piece: Piece<'_>, encoding: &'static str) -> Option<Finding> {
        let text = match piece {
            Piece::Text(text) => text,
            Piece::Malformed => {
                let line = self.characters.line();
                return (self.malformed == Choice::Refuse).then_some(Finding::Malformed { encoding, line });
            }
            Piece::Legacy => {
                self.characters.doubt();
                return (self.legacy == Choice::Refuse).then_some(Finding::Encoding(None));
            }
        };
        let is_refused = self.formulas == Choice::Refuse;
        let table = self.table.as_mut();
        let formula = table.and_then(|table| table.push(text.as_bytes(), is_refused));
        let character = self.characters.push(text);
        let found = [character, formula].into_iter().flatten();
        found.min_by_key(|(at, _)| *at).map(|(_, finding)| finding)
    }
}
