//! xz.

use liblzma::stream::{Action, Error, Status, Stream};

use super::buffered::{After, Buffered, Engine, Turn};
use super::decoder::Decoder;
use crate::budget::Lease;

/// The most that liblzma needs beside the window.
const OVERHEAD: u64 = 1024 * 1024;
/// What it needs beside the window, unless filters need more.
const USUAL_OVERHEAD: u64 = 128 * 1024;
/// The smallest window.
const LEAST_WINDOW: u64 = 4096;

struct Xz {
    stream: Stream,
    max_memory: u64,
    /// What the block that comes next needs, as far as is known.
    needs: u64,
}

/// The most memory that a decoder with such a window takes.
pub(super) fn most(max_window: u64) -> u64 {
    max_window.saturating_add(OVERHEAD)
}

/// A decoder of xz whose window has at most so many bytes.
///
/// # Errors
///
/// If there is no memory for it.
pub(crate) fn xz(max_window: u64, lease: Lease) -> Result<Box<dyn Decoder>, &'static str> {
    let engine = Xz {
        stream: stream()?,
        max_memory: most(max_window),
        needs: 0,
    };
    Ok(Box::new(Buffered::new(engine, lease)))
}

/// A stream that stops at its first block, as no memory is allowed yet.
fn stream() -> Result<Stream, &'static str> {
    Stream::new_stream_decoder(1, 0).map_err(|_| "cannot be inflated now")
}

impl Xz {
    /// What the block needs that was refused. It allows as much.
    ///
    /// The library says only whether a limit is enough, so all sizes that windows may have are tried.
    fn ask(&mut self) -> Option<u64> {
        let powers = std::iter::successors(Some(LEAST_WINDOW), |window| window.checked_mul(2));
        let windows = powers.flat_map(|window| [window, window.saturating_add(window / 2)]);
        let sizes = windows.map(|window| window.saturating_add(USUAL_OVERHEAD));
        let mut sizes = sizes
            .take_while(|size| *size < self.max_memory)
            .chain([self.max_memory]);
        sizes.find(|size| self.stream.set_memlimit(*size).is_ok())
    }
}

impl Engine for Xz {
    fn turn(&mut self, input: &[u8], out: &mut [u8], may_hold: u64) -> Turn {
        if self.needs > may_hold {
            return Turn::quiet(0, After::Needs(self.needs));
        }
        let (taken, written) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.process(input, out, Action::Run);
        let written = usize::try_from(self.stream.total_out().saturating_sub(written)).unwrap_or(0);
        Turn {
            taken: usize::try_from(self.stream.total_in().saturating_sub(taken)).unwrap_or(usize::MAX),
            written,
            after: match status {
                Ok(Status::StreamEnd) => After::Ended,
                Ok(_) => After::Running,
                Err(Error::MemLimit) => match self.ask() {
                    Some(needs) => {
                        self.needs = needs;
                        if written == 0 {
                            After::Needs(needs)
                        } else {
                            After::Running
                        }
                    }
                    None => After::Failed("needs a larger window than is allowed"),
                },
                Err(_) => After::Failed("is damaged"),
            },
        }
    }

    fn restart(&mut self) -> Result<(), &'static str> {
        self.stream = stream()?;
        self.needs = 0;
        Ok(())
    }
}
