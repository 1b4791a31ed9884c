//! bzip2.

use bzip2::{Decompress, Status};

use super::buffered::{After, Buffered, Engine, Turn};
use super::decoder::Decoder;
use crate::budget::Lease;

/// Where the size of blocks stands, behind `BZh`.
const LEVEL_AT: u64 = 3;
/// What a block takes for each level, of which there are nine.
const BYTES_OF_LEVEL: u64 = 400_000;
/// What there is beside the block.
const TABLES: u64 = 64 * 1024;
/// The most memory that a decoder takes.
pub(super) const MOST: u64 = TABLES + 9 * BYTES_OF_LEVEL;

struct Bzip2(Decompress);

/// A decoder of bzip2. It takes [`MOST`] at most.
pub(crate) fn bzip2(lease: Lease) -> Box<dyn Decoder> {
    Box::new(Buffered::new(Bzip2(Decompress::new(false)), lease))
}

impl Engine for Bzip2 {
    fn turn(&mut self, input: &[u8], out: &mut [u8], may_hold: u64) -> Turn {
        let (taken, written) = (self.0.total_in(), self.0.total_out());
        let mut input = input;
        if taken < LEVEL_AT {
            input = input
                .get(..usize::try_from(LEVEL_AT - taken).unwrap_or(1))
                .unwrap_or(input);
        } else if let (LEVEL_AT, Some(level @ b'1'..=b'9')) = (taken, input.first()) {
            let needs = TABLES + BYTES_OF_LEVEL * u64::from(level - b'0');
            if needs > may_hold {
                return Turn::quiet(0, After::Needs(needs));
            }
        }
        let status = self.0.decompress(input, out);
        Turn {
            taken: usize::try_from(self.0.total_in().saturating_sub(taken)).unwrap_or(usize::MAX),
            written: usize::try_from(self.0.total_out().saturating_sub(written)).unwrap_or(0),
            after: match status {
                Ok(Status::StreamEnd) => After::Ended,
                Ok(_) => After::Running,
                Err(_) => After::Failed("is damaged"),
            },
        }
    }

    fn restart(&mut self) -> Result<(), &'static str> {
        self.0 = Decompress::new(false);
        Ok(())
    }
}
