//! One upload being looked at.

use std::sync::Arc;

use async_trait::async_trait;
use intake_core::notes::Image;
use intake_core::{Bytes, Coverage, Fault, MediaType, Rejection, Report, Scan, Verdict};
use tokio::sync::Semaphore;

use crate::aside::{PATIENCE, aside};
use crate::formats::{self, Format};
use crate::look::Look;
use crate::source::Reading;
use crate::{IMAGE_TOO_LARGE, IMAGE_UNREADABLE, Policy, Unreadable};

/// No pixels to count in these: they are drawn at whatever size one likes.
const DRAWN: [&str; 1] = ["image/svg+xml"];

/// One upload: read until enough is known, then answered from the report.
pub(crate) struct ImageScan {
    policy: Policy,
    seats: Arc<Semaphore>,
    /// `None`: everything is known, or there is nothing to be known.
    reading: Option<Reading>,
    report: Report,
}

impl ImageScan {
    pub(crate) fn new(
        media_type: Option<&MediaType>,
        policy: Policy,
        max_header: usize,
        seats: Arc<Semaphore>,
    ) -> Self {
        let mut scan = Self {
            policy,
            seats,
            reading: None,
            report: Report::clean(),
        };
        match media_type {
            Some(image) if image.main() == "image" && !DRAWN.contains(&image.as_str()) => match Format::of(image) {
                Some(format) => {
                    let reader = |source| formats::look(format, source);
                    scan.reading = Some(Reading::new(policy, max_header, reader));
                }
                None => scan.report = scan.unreadable("it is of a format that is not looked into"),
            },
            _ => {}
        }
        scan
    }

    /// Lets the reader read, and reports if that is all there will be, or nothing else can matter.
    async fn read(&mut self, mut reading: Reading) {
        let read = aside(&self.seats, PATIENCE, move || {
            let look = reading.poll();
            (reading, look)
        });
        let (reading, look) = match read.await {
            Ok(read) => read,
            Err(why) => {
                self.report = self.unreadable(why);
                return;
            }
        };
        if let Some(size) = reading.too_large() {
            self.report.verdict = Verdict::Reject(self.too_large(size));
        } else if let Some(look) = look {
            self.report = self.tell(look);
        } else {
            self.reading = Some(reading);
        }
    }

    fn too_large(&self, (width, height): (u32, u32)) -> Rejection {
        let Policy {
            max_pixels, max_side, ..
        } = self.policy;
        let message = format!(
            "the image has {width} by {height} pixels; at most {max_pixels}, and {max_side} on a side, are taken"
        );
        Rejection::new(IMAGE_TOO_LARGE, message).about(format!("{width}x{height}"))
    }

    fn tell(&self, look: Look) -> Report {
        let note = match look.note {
            Ok(note) if note.width == 0 || note.height == 0 => return self.unreadable("it has no pixels"),
            Ok(note) => note,
            Err(why) => return self.unreadable(why),
        };
        let mut report = Report::clean();
        if let Some(missing) = look.missing {
            report.coverage = Coverage::Partial(format!("not seen: {missing}"));
        }
        match serde_json::to_value(note) {
            Ok(note) => report.note(Image::NOTE, note),
            // Plain numbers and text always become a value.
            Err(_) => report,
        }
    }

    fn unreadable(&self, why: &str) -> Report {
        let why = format!("the image cannot be read: {why}");
        let verdict = match self.policy.unreadable {
            Unreadable::Accept => Verdict::Accept,
            Unreadable::Refuse => Verdict::reject(IMAGE_UNREADABLE, why.clone()),
        };
        Report {
            verdict,
            coverage: Coverage::Partial(why),
            ..Report::clean()
        }
    }
}

#[async_trait]
impl Scan for ImageScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        let mut rest = chunk.as_ref();
        while let Some(mut reading) = self.reading.take() {
            rest = reading.push(rest);
            if reading.is_due() {
                self.read(reading).await;
            } else {
                self.reading = Some(reading);
                break;
            }
        }
        Ok(self.report.verdict.clone())
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        if let Some(mut reading) = self.reading.take() {
            reading.end();
            self.read(reading).await;
        }
        Ok(self.report)
    }
}
