//! Deflate (RFC 1951).

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::decoder::{Decoded, Decoder};

/// The window of the format.
const WINDOW: usize = 32 * 1024;

const CORRUPT: &str = "is damaged";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Running,
    Ended,
    Failed,
}

/// Inflates into a ring that is the window, too, so no byte is copied.
pub(crate) struct Deflate {
    state: Box<DecompressorOxide>,
    ring: Box<[u8]>,
    at: usize,
    status: Status,
}

impl Deflate {
    pub(crate) fn new() -> Self {
        Self {
            state: Box::default(),
            ring: vec![0; WINDOW].into_boxed_slice(),
            at: 0,
            status: Status::Running,
        }
    }
}

impl Decoder for Deflate {
    fn decode(&mut self, input: &mut &[u8]) -> Result<Decoded<'_>, &'static str> {
        let mut written = 0;
        let start = self.at;
        if self.status == Status::Running {
            let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_IGNORE_ADLER32;
            let (status, taken, bytes) = decompress(&mut self.state, input, &mut self.ring, start, flags);
            *input = input.get(taken..).unwrap_or_default();
            written = bytes;
            self.at = start.saturating_add(written) % WINDOW;
            self.status = match status {
                TINFLStatus::Done => Status::Ended,
                TINFLStatus::NeedsMoreInput if input.is_empty() => Status::Running,
                TINFLStatus::HasMoreOutput if taken > 0 || written > 0 => Status::Running,
                _ => Status::Failed,
            };
        }
        match (written, self.status) {
            (0, Status::Running) => Ok(Decoded::Hungry),
            (0, Status::Ended) => Ok(Decoded::End),
            (0, Status::Failed) => Err(CORRUPT),
            _ => Ok(Decoded::Out(
                self.ring.get(start..start.saturating_add(written)).ok_or(CORRUPT)?,
            )),
        }
    }

    fn restart(&mut self) -> Result<(), &'static str> {
        self.state.init();
        self.at = 0;
        self.status = Status::Running;
        Ok(())
    }
}
