//! A buffer around those libraries that write into one, and the lease of the memory that they take.

use super::decoder::{Decoded, Decoder};
use crate::budget::Lease;

const BUFFER: usize = 32 * 1024;

/// What a library says after one call.
#[derive(Clone, Copy, Debug)]
pub(super) enum After {
    Running,
    /// It goes on when it may hold so much memory in all. Nothing was written.
    Needs(u64),
    Ended,
    Failed(&'static str),
}

/// One call of a library.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) taken: usize,
    pub(super) written: usize,
    pub(super) after: After,
}

impl Turn {
    /// Only some input was taken.
    pub(super) fn quiet(taken: usize, after: After) -> Self {
        let written = 0;
        Self { taken, written, after }
    }
}

/// A library that inflates from one slice into another.
pub(super) trait Engine: Send {
    /// Inflates some of the input, and holds no more memory than `may_hold` bytes and what is small.
    fn turn(&mut self, input: &[u8], out: &mut [u8], may_hold: u64) -> Turn;

    /// Begins another stream. What is held may be kept for it.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    fn restart(&mut self) -> Result<(), &'static str>;
}

/// A decoder out of a library.
pub(super) struct Buffered<E> {
    engine: E,
    out: Box<[u8]>,
    after: After,
    /// The last call filled the buffer, so there may be more without more input.
    is_full: bool,
    /// Behind the engine, as it is given back when the engine is gone.
    lease: Lease,
}

impl<E: Engine> Buffered<E> {
    pub(super) fn new(engine: E, lease: Lease) -> Self {
        Self {
            engine,
            out: vec![0; BUFFER].into_boxed_slice(),
            after: After::Running,
            is_full: false,
            lease,
        }
    }
}

impl<E: Engine> Decoder for Buffered<E> {
    fn decode(&mut self, input: &mut &[u8]) -> Result<Decoded<'_>, &'static str> {
        let mut written = 0;
        if matches!(self.after, After::Running) && (self.is_full || !input.is_empty()) {
            let turn = self.engine.turn(input, &mut self.out, self.lease.bytes());
            *input = input.get(turn.taken..).unwrap_or_default();
            if let After::Needs(bytes) = turn.after {
                let is_there = self.lease.hold(bytes);
                // Nothing was written, and asking again goes on.
                return Ok(if is_there { Decoded::Out(&[]) } else { Decoded::Starved });
            }
            written = turn.written;
            self.is_full = written == self.out.len();
            self.after = turn.after;
            let is_stuck = turn.taken == 0 && written == 0 && !input.is_empty();
            if is_stuck && matches!(self.after, After::Running) {
                self.after = After::Failed("cannot be inflated further");
            }
        }
        match (written, self.after) {
            (0, After::Ended) => Ok(Decoded::End),
            (0, After::Failed(why)) => Err(why),
            (0, After::Running) if input.is_empty() => Ok(Decoded::Hungry),
            // Input was taken and nothing written, with more input to take: asking again takes it.
            _ => Ok(Decoded::Out(self.out.get(..written).unwrap_or_default())),
        }
    }

    fn restart(&mut self) -> Result<(), &'static str> {
        self.after = After::Running;
        self.is_full = false;
        self.engine.restart()
    }
}
