//! The scan of one upload.

use async_trait::async_trait;
use intake_core::{Bytes, Coverage, Fault, Rejection, Report, Scan, Verdict, Workers};

use crate::codes::IMAGE_UNREADABLE;
use crate::judge::Judge;
use crate::note::ImageLimitsNote;
use crate::settings::{Choice, Settings};
use crate::walk::{Broken, Reader, Walk};

/// Fewer bytes than these are read on the thread of the caller: it takes less time than to change the thread.
const FEW: usize = 8 * 1024;

/// Why an image was not read.
const FAILED: &str = "reading it failed";

pub(crate) struct ImageScan {
    workers: Workers,
    /// It is away while it is read, and stays away if reading it fails.
    image: Option<Box<Image>>,
    unreadable: Choice,
    bytes: u64,
}

/// What is known of an image so far.
struct Image {
    walk: Walk,
    judge: Judge,
}

impl ImageScan {
    pub(crate) fn new(settings: Settings, reader: Box<dyn Reader>, workers: Workers) -> Self {
        Self {
            workers,
            unreadable: settings.unreadable,
            image: Some(Box::new(Image {
                walk: Walk::new(reader),
                judge: Judge::new(settings),
            })),
            bytes: 0,
        }
    }

    fn verdict(&self) -> Verdict {
        let refusal = self.image.as_ref().and_then(|image| image.judge.refusal());
        refusal.map_or(Verdict::Accept, |rejection| Verdict::Reject(rejection.clone()))
    }
}

impl Image {
    fn push(&mut self, chunk: &[u8]) {
        self.walk.push(chunk, &mut self.judge);
        self.conclude();
    }

    fn finish(&mut self) {
        self.walk.finish(&mut self.judge);
        self.conclude();
    }

    /// Judges what is known once the reader is done.
    fn conclude(&mut self) {
        if self.walk.result() == Some(Ok(())) && self.judge.refusal().is_none() {
            self.judge.finish();
        }
    }

    /// Why it cannot be read, if it cannot.
    fn broken(&self) -> Option<&'static str> {
        match self.walk.result() {
            Some(Err(Broken(why))) => Some(why),
            Some(Ok(())) if !self.judge.has_size() => Some("it has no pixels"),
            _ => None,
        }
    }
}

#[async_trait]
impl Scan for ImageScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        let Some(image) = &self.image else {
            return Ok(Verdict::Accept);
        };
        let (is_slow, chunk) = (image.walk.is_slow(chunk.len(), FEW), chunk.clone());
        self.workers
            .advance(&mut self.image, is_slow, move |image| image.push(&chunk))
            .await;
        Ok(self.verdict())
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        self.workers.advance(&mut self.image, false, Image::finish).await;
        let verdict = self.verdict();
        let Some(image) = &self.image else {
            return Ok(unreadable(self.unreadable, FAILED));
        };
        if verdict != Verdict::Accept {
            return Ok(Report::new(verdict, Coverage::Whole));
        }
        if let Some(why) = image.broken() {
            return Ok(unreadable(self.unreadable, why));
        }
        let coverage = match image.judge.missing() {
            Some(what) => Coverage::Partial(format!("not read: {what}")),
            None => Coverage::Whole,
        };
        let report = Report::new(Verdict::Accept, coverage).with(|report| report.bytes = Some(self.bytes));
        Ok(report.note(ImageLimitsNote::SUBJECT, image.judge.note()))
    }
}

/// The report on an image that cannot be read.
pub(crate) fn unreadable(choice: Choice, why: &str) -> Report {
    let why = format!("the image cannot be read: {why}");
    let verdict = match choice {
        Choice::Accept => Verdict::Accept,
        Choice::Refuse => Verdict::Reject(Rejection::new(IMAGE_UNREADABLE, why.clone())),
    };
    Report::new(verdict, Coverage::Partial(why))
}
