//! `FlateDecode`: zlib (RFC 1950).

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::stage::{Flow, Stage};

/// The window of the format.
const WINDOW: usize = 32 * 1024;

/// Inflates into a ring that is the window, too.
pub(super) struct Flate {
    state: Box<DecompressorOxide>,
    ring: Box<[u8]>,
    at: usize,
    has_ended: bool,
}

impl Flate {
    pub(super) fn new() -> Self {
        Self {
            state: Box::default(),
            ring: vec![0; WINDOW].into_boxed_slice(),
            at: 0,
            has_ended: false,
        }
    }
}

impl Stage for Flate {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Flow, &'static str> {
        if self.has_ended {
            return Ok(Flow::Ended);
        }
        // Readers ignore a wrong checksum.
        let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_IGNORE_ADLER32 | TINFL_FLAG_PARSE_ZLIB_HEADER;
        let (status, taken, written) = decompress(&mut self.state, input, &mut self.ring, self.at, flags);
        *input = input.get(taken..).unwrap_or_default();
        let end = self.at.saturating_add(written);
        out.extend_from_slice(self.ring.get(self.at..end).unwrap_or_default());
        self.at = end % WINDOW;
        match status {
            TINFLStatus::Done => {
                self.has_ended = true;
                Ok(Flow::Ended)
            }
            TINFLStatus::NeedsMoreInput if input.is_empty() => Ok(Flow::More),
            TINFLStatus::HasMoreOutput if taken > 0 || written > 0 => Ok(Flow::Full),
            _ => Err("an object stream is damaged"),
        }
    }

    fn is_complete(&self) -> bool {
        self.has_ended
    }
}
