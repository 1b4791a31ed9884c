//! The scan of one upload.

use std::time::Duration;

use async_trait::async_trait;
use intake_core::notes::Image;
use intake_core::{Bytes, Coverage, Fault, Head, Rejection, Report, Scan, Verdict, Workers};

use crate::codes::{IMAGE_TOO_LARGE, IMAGE_UNREADABLE};
use crate::formats::{self, Format};
use crate::policy::{Policy, Unreadable};
use crate::probe::Probe;
use crate::source::Reading;

/// How long a reader may take, with the wait for a thread: far more than reading a header ever needs.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The scan of one upload: its reader is polled until it has a result; from then on, the report answers.
pub(crate) struct ImageScan {
    policy: Policy,
    workers: Workers,
    /// `None` once the report is final.
    reading: Option<Reading>,
    report: Report,
}

impl ImageScan {
    pub(crate) fn new(head: &Head<'_>, policy: Policy, max_header: usize, workers: Workers) -> Self {
        let mut scan = Self {
            policy,
            workers,
            reading: None,
            report: Report::clean(),
        };
        let image = head.media_type.filter(|found| found.main() == "image");
        let format = match image {
            Some(image) => Format::of(image),
            // The root of a markup document, which may make it a drawing, is further on.
            None if head.type_may_change => Some(Format::Svg),
            None => return scan,
        };
        let Some(format) = format else {
            scan.report = scan.unreadable("its format is not supported");
            return scan;
        };
        if format == Format::Svg {
            // It is drawn at any size, and what is wrong with it is for the plugin `svg` to say.
            scan.policy.unreadable = Unreadable::Accept;
        }
        let reader = |source| formats::probe(format, source);
        scan.reading = Some(Reading::new(policy, max_header, reader));
        scan
    }

    /// Polls the reader, and completes the report if the reader has a result or the image is too large.
    async fn read(&mut self, mut reading: Reading) {
        let read = self.workers.run_within(TIMEOUT, move || {
            let probe = reading.poll();
            (reading, probe)
        });
        let (reading, probe) = match read.await {
            Ok(read) => read,
            Err(why) => {
                self.report = self.unreadable(&why.to_string());
                return;
            }
        };
        if let Some(size) = reading.too_large() {
            self.report.verdict = Verdict::Reject(self.too_large(size));
        } else if let Some(probe) = probe {
            self.report = self.report(probe);
        } else {
            self.reading = Some(reading);
        }
    }

    fn too_large(&self, (width, height): (u32, u32)) -> Rejection {
        let Policy {
            max_pixels, max_side, ..
        } = self.policy;
        let message = format!(
            "the image has {width} by {height} pixels; at most {max_pixels}, and {max_side} on a side, are accepted"
        );
        Rejection::new(IMAGE_TOO_LARGE, message).with_subject(format!("{width}x{height}"))
    }

    fn report(&self, probe: Probe) -> Report {
        if probe.is_other {
            return Report::clean();
        }
        let note = match probe.note {
            Ok(note) if note.width == 0 || note.height == 0 => return self.unreadable("it has no pixels"),
            Ok(note) => note,
            Err(why) => return self.unreadable(why),
        };
        let mut report = Report::clean();
        if let Some(missing) = probe.missing {
            report.coverage = Coverage::Partial(format!("not read: {missing}"));
        }
        report.note(Image::NOTE, note)
    }

    fn unreadable(&self, why: &str) -> Report {
        let why = format!("the image cannot be read: {why}");
        let verdict = match self.policy.unreadable {
            Unreadable::Accept => Verdict::Accept,
            Unreadable::Refuse => Verdict::reject(IMAGE_UNREADABLE, why.clone()),
        };
        Report::new(verdict, Coverage::Partial(why))
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
