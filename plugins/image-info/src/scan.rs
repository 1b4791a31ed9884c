//! One upload being looked at.

use std::sync::Arc;

use async_trait::async_trait;
use intake_core::notes::Image;
use intake_core::{Bytes, Coverage, Fault, MediaType, Rejection, Report, Scan, Verdict};
use tokio::sync::Semaphore;

use crate::aside::{PATIENCE, aside};
use crate::formats::Format;
use crate::look::{Look, Reading};
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
                Some(format) => scan.reading = Some(Reading::new(format, max_header)),
                None => scan.report = scan.unreadable("it is of a format that is not looked into"),
            },
            _ => {}
        }
        scan
    }

    /// Looks at what was read, and reports if that is all there will be, or nothing else can matter.
    async fn look(&mut self, mut reading: Reading, whole: bool) {
        let full = reading.is_full();
        let looked = aside(&self.seats, PATIENCE, move || {
            let look = reading.look(whole);
            (reading, look)
        });
        let (reading, look) = match looked.await {
            Ok(looked) => looked,
            Err(why) => {
                self.report = self.unreadable(why);
                return;
            }
        };
        if let Some(rejection) = self.too_large(&look) {
            self.report.verdict = Verdict::Reject(rejection);
        } else if look.settled || full || whole {
            self.report = self.tell(look);
        } else {
            self.reading = Some(reading);
        }
    }

    fn too_large(&self, look: &Look) -> Option<Rejection> {
        let Policy {
            max_pixels, max_side, ..
        } = self.policy;
        let (width, height) = *look.sizes.iter().find(|(width, height)| {
            *width.max(height) > max_side || u64::from(*width) * u64::from(*height) > max_pixels
        })?;
        let message = format!(
            "the image has {width} by {height} pixels; at most {max_pixels}, and {max_side} on a side, are taken"
        );
        Some(Rejection::new(IMAGE_TOO_LARGE, message).about(format!("{width}x{height}")))
    }

    fn tell(&self, look: Look) -> Report {
        let note = match look.note {
            Ok(note) if note.width == 0 || note.height == 0 => return self.unreadable("it has no pixels"),
            Ok(note) => note,
            Err(why) => return self.unreadable(why),
        };
        let mut report = Report::clean();
        if let Some(missing) = look.missing {
            report.coverage = Coverage::Partial(format!("not seen, as it lies too far in: {missing}"));
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
        if let Some(mut reading) = self.reading.take() {
            reading.push(chunk);
            if reading.is_worth_a_look() {
                self.look(reading, false).await;
            } else {
                self.reading = Some(reading);
            }
        }
        Ok(self.report.verdict.clone())
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        if let Some(reading) = self.reading.take() {
            self.look(reading, true).await;
        }
        Ok(self.report)
    }
}
