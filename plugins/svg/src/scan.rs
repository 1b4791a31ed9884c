//! The scan of one upload.

use async_trait::async_trait;
use intake_core::{Bytes, Coverage, Fault, Rejection, Report, Scan, Verdict, Workers};

use crate::codes::SVG_UNREADABLE;
use crate::event::Limits;
use crate::finding::{Finding, Kind, Stop};
use crate::input::{Input, Unpacked};
use crate::judge::Judge;
use crate::markup::Markup;
use crate::note::SvgNote;
use crate::settings::{Choice, Settings};

/// Fewer bytes than these are read on the thread of the caller: it takes less time than to change the thread.
const FEW: usize = 8 * 1024;

/// Why a document was not read.
const FAILED: &str = "reading it failed";

pub(crate) struct SvgScan {
    settings: Settings,
    workers: Workers,
    /// It is away while it is read, and stays away if reading it fails.
    document: Option<Box<Document>>,
    bytes: u64,
}

impl SvgScan {
    pub(crate) fn new(settings: Settings, workers: Workers) -> Self {
        Self {
            settings,
            workers,
            document: Some(Box::new(Document::new(settings))),
            bytes: 0,
        }
    }

    fn verdict(&self) -> Verdict {
        let stop = self.document.as_ref().and_then(|document| document.stop.as_ref());
        match stop {
            Some(Stop::Refuse(finding)) => Verdict::Reject(finding.rejection()),
            _ => Verdict::Accept,
        }
    }

    fn unreadable(&self, why: &str) -> Option<Verdict> {
        let refused = self.settings.unreadable == Choice::Refuse;
        let message = format!("the image cannot be read: {why}");
        refused.then(|| Verdict::Reject(Rejection::new(SVG_UNREADABLE, message)))
    }
}

#[async_trait]
impl Scan for SvgScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        let Some(document) = &self.document else {
            return Ok(Verdict::Accept);
        };
        if document.stop.is_none() {
            let is_much = chunk.len() > FEW || document.input.may_be_packed(chunk);
            let chunk = chunk.clone();
            self.workers
                .advance(&mut self.document, is_much, move |document| document.push(&chunk))
                .await;
        }
        Ok(self.verdict())
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        let is_much = self
            .document
            .as_ref()
            .is_some_and(|document| document.input.is_packed());
        self.workers
            .advance(&mut self.document, is_much, Document::finish)
            .await;
        let partial = |why: &str| Report::new(Verdict::Accept, Coverage::Partial(why.to_owned()));
        let Some(document) = &self.document else {
            let refused = self
                .unreadable(FAILED)
                .map(|verdict| Report::new(verdict, Coverage::Partial(FAILED.to_owned())));
            return Ok(refused.unwrap_or_else(|| partial(FAILED)));
        };
        let report = match &document.stop {
            Some(Stop::NotOurs) => Report::clean(),
            Some(Stop::TooMuch) => partial("not read: what follows a part of the document that exceeds a limit"),
            Some(Stop::Refuse(_)) => Report::new(self.verdict(), Coverage::Whole),
            None => {
                let malformed = document.judge.malformed().filter(|_| document.judge.is_svg());
                let refused = malformed.and_then(|why| self.unreadable(why));
                Report::new(refused.unwrap_or(Verdict::Accept), Coverage::Whole)
            }
        };
        let report = report.with(|report| report.bytes = Some(self.bytes));
        Ok(match document.judge.note() {
            Some(note) => report.note(SvgNote::SUBJECT, note),
            None => report,
        })
    }
}

/// What is known of a document so far.
struct Document {
    input: Input,
    reading: Option<Markup>,
    judge: Judge,
    stop: Option<Stop>,
}

impl Document {
    fn new(settings: Settings) -> Self {
        let limits = Limits {
            attributes: settings.max_attributes,
            attribute: usize::try_from(settings.max_attribute).unwrap_or(usize::MAX),
        };
        Self {
            input: Input::new(settings.max_unpacked),
            reading: Some(Markup::new(limits)),
            judge: Judge::new(settings),
            stop: None,
        }
    }

    fn push(&mut self, chunk: &[u8]) {
        self.read(|input, to| input.push(chunk, to));
    }

    fn finish(&mut self) {
        if self.stop.is_some() {
            return;
        }
        self.read(|input, to| input.finish(to));
        let is_between = self.reading.as_ref().is_some_and(Markup::is_between);
        if let (None, Some(markup)) = (&self.stop, &mut self.reading) {
            self.stop = markup.finish(&mut self.judge).err();
        }
        if self.stop.is_none() {
            self.stop = self.judge.finish(is_between).err();
        }
    }

    fn read(
        &mut self,
        bytes: impl FnOnce(&mut Input, &mut dyn FnMut(&[u8]) -> Result<(), Stop>) -> Result<Unpacked, Stop>,
    ) {
        let Some(markup) = &mut self.reading else {
            return;
        };
        let judge = &mut self.judge;
        let read = bytes(&mut self.input, &mut |piece| markup.push(piece, judge));
        match read {
            Ok(Unpacked::Fine) => {}
            Ok(Unpacked::Broken) => judge.malform("it cannot be unpacked"),
            Ok(Unpacked::TooMuch) => {
                let message = "the image is too large when it is unpacked";
                self.stop = Some(Stop::Refuse(Finding::new(Kind::TooComplex(message), "")));
            }
            Err(stop) => self.stop = Some(stop),
        }
    }
}
