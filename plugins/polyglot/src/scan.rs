//! The scan of one upload.

use async_trait::async_trait;
use intake_core::{Bytes, Coverage, Fault, Report, Scan, Verdict};

use crate::detector::Detector;
use crate::finding::Finding;
use crate::walk::AHEAD;

/// How many bytes are read in one go: in far less than a millisecond. Other uploads have their turn in between.
const PIECE: usize = 64 * 1024;

pub(crate) struct PolyglotScan {
    detector: Detector,
    /// Bytes that wait until those behind them have come.
    waiting: Vec<u8>,
    found: Option<Finding>,
    bytes: u64,
}

impl PolyglotScan {
    pub(crate) fn new(detector: Detector) -> Self {
        Self {
            detector,
            waiting: Vec::new(),
            found: None,
            bytes: 0,
        }
    }

    /// Reads on, and keeps as many bytes as are looked at together.
    fn push(&mut self, piece: &[u8]) {
        self.waiting.extend_from_slice(piece);
        let count = self.waiting.len().saturating_sub(AHEAD);
        if count > 0 {
            self.found = self.detector.push(&self.waiting, count);
            self.waiting.drain(..count);
        }
    }

    fn verdict(&self) -> Verdict {
        let rejection = self.found.map(Finding::rejection);
        rejection.map_or(Verdict::Accept, Verdict::Reject)
    }
}

#[async_trait]
impl Scan for PolyglotScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        for piece in chunk.chunks(PIECE) {
            if self.found.is_some() {
                break;
            }
            self.push(piece);
            if chunk.len() > PIECE {
                tokio::task::yield_now().await;
            }
        }
        Ok(self.verdict())
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        if self.found.is_none() {
            let last = std::mem::take(&mut self.waiting);
            let found = self.detector.push(&last, last.len());
            self.found = found.or_else(|| self.detector.finish(&last));
        }
        let coverage = match self.detector.lost_at() {
            Some(at) => Coverage::Partial(format!(
                "not told apart: what is behind the end of the image, whose structure is broken at byte {at}"
            )),
            None => Coverage::Whole,
        };
        Ok(Report::new(self.verdict(), coverage).with(|report| report.bytes = Some(self.bytes)))
    }
}
