//! The bytes of a member, up to its end.

use super::headers::{Entry, STORED};
use super::hunt::{Found, Hunt};
use crate::decode::{self, Decoded, Decoder, Deflate};
use crate::reader::{Packed, Step, split};
use crate::tally::{CHEAP, DEAR, Tally};

/// The size that stands for one in another field.
const ELSEWHERE: u64 = 0xFFFF_FFFF;

/// The bytes of a member.
pub(super) enum Body {
    Stored {
        left: u64,
    },
    /// Of no use, as they are encrypted, damaged, or packed by an unknown method.
    Closed {
        left: u64,
    },
    Hunted(Hunt),
    Packed {
        decoder: Box<dyn Decoder>,
        packed: Packed,
        /// `None` if the stream itself has to say where it ends.
        left: Option<u64>,
    },
}

/// How a body ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// All declared bytes were taken.
    Whole,
    /// The packed stream has ended, after so many bytes; some of the declared bytes may be left.
    Inflated { taken: u64, left: u64 },
    /// The descriptor was found, and names this length.
    Found { packed: u64, length: u64 },
    /// It cannot be inflated; so many of the declared bytes are left.
    Failed { why: &'static str, left: Option<u64> },
}

impl Body {
    /// The bytes of a member, or why they cannot be read.
    pub(super) fn of(entry: &Entry, tally: &mut Tally) -> Result<Self, &'static str> {
        let max_window = tally.settings.max_window;
        let left = declared(entry);
        if entry.is_encrypted {
            return Ok(Self::closed(entry));
        }
        let is_empty = left == Some(0) && entry.length == 0;
        let decoder: Box<dyn Decoder> = match entry.method {
            STORED => {
                let hunted = || Self::Hunted(Hunt::new(true));
                return Ok(left.map_or_else(hunted, |left| Self::Stored { left }));
            }
            // Deflate needs two bytes for nothing; some programs write none.
            _ if is_empty => return Ok(Self::Stored { left: 0 }),
            8 => Box::new(Deflate::new()),
            12 => decode::bzip2(tally.account.lease()),
            20 | 93 => decode::zstd(max_window, tally.account.lease()),
            95 => decode::xz(max_window, tally.account.lease())?,
            _ => return Err("is packed by a method that is not supported"),
        };
        tally.start(if matches!(entry.method, 12 | 95) { DEAR } else { CHEAP })?;
        Ok(Self::Packed {
            decoder,
            packed: Packed::default(),
            left,
        })
    }

    /// The bytes of a member that nothing can be done with.
    pub(super) fn closed(entry: &Entry) -> Self {
        let hunted = || Self::Hunted(Hunt::new(false));
        declared(entry).map_or_else(hunted, |left| Self::Closed { left })
    }

    /// Takes bytes from the front of `input`. The second value is there when the body has ended.
    pub(super) fn step<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> (Step<'a>, Option<Outcome>) {
        match self {
            Self::Stored { left } | Self::Closed { left } if *left == 0 => (Step::Again, Some(Outcome::Whole)),
            Self::Stored { left } => {
                let data = advance(input, left);
                let step = if data.is_empty() {
                    Step::Hungry
                } else {
                    Step::Data(data)
                };
                (step, None)
            }
            Self::Closed { left } => {
                let skipped = advance(input, left);
                let step = if skipped.is_empty() { Step::Hungry } else { Step::Again };
                (step, None)
            }
            Self::Hunted(hunt) => hunted(hunt, input),
            Self::Packed { decoder, packed, left } => inflate(decoder.as_mut(), packed, left, input),
        }
    }

    /// How many of the next bytes it returns as they are, or skips.
    pub(super) fn passes(&self) -> u64 {
        match self {
            Self::Stored { left } | Self::Closed { left } => *left,
            Self::Hunted(_) | Self::Packed { .. } => 0,
        }
    }
}

/// The packed size, if it is known before the member.
pub(super) fn declared(entry: &Entry) -> Option<u64> {
    let is_folder = entry.name.ends_with(b"/");
    let is_said = !entry.has_descriptor
        || (entry.method == STORED && entry.packed != ELSEWHERE && (entry.packed > 0 || is_folder));
    is_said.then_some(entry.packed)
}

/// Whether a header says nothing of sizes that are behind the member, or the truth.
pub(super) fn agrees(entry: &Entry, packed: u64, length: u64) -> bool {
    let may_be = |said: u64, is: u64| said == is || (entry.has_descriptor && matches!(said, 0 | ELSEWHERE));
    may_be(entry.packed, packed) && may_be(entry.length, length)
}

fn advance<'a>(input: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let (now, rest) = split(input, *left);
    *left -= now.len() as u64;
    *input = rest;
    now
}

fn hunted<'a, 'i: 'a>(hunt: &'a mut Hunt, input: &mut &'i [u8]) -> (Step<'a>, Option<Outcome>) {
    if let Some((packed, length)) = hunt.found() {
        return (Step::Again, Some(Outcome::Found { packed, length }));
    }
    match hunt.step(input) {
        Found::Hungry => (Step::Hungry, None),
        Found::End => (Step::Again, None),
        Found::Data(data) => (Step::Data(data), None),
    }
}

fn inflate<'a>(
    decoder: &'a mut dyn Decoder,
    packed: &mut Packed,
    left: &mut Option<u64>,
    input: &mut &[u8],
) -> (Step<'a>, Option<Outcome>) {
    let (mut now, _) = split(input, left.unwrap_or_else(|| packed.to_next_mark()));
    let before = now.len();
    let decoded = decoder.decode(&mut now);
    let used = before - now.len();
    packed.taken += used as u64;
    *left = left.map(|left| left - used as u64);
    *input = input.get(used..).unwrap_or_default();
    match decoded {
        Ok(Decoded::Out([])) => (Step::Again, None),
        Ok(Decoded::Out(data)) => (Step::Data(data), None),
        Ok(Decoded::Starved) => (Step::Starved, None),
        Ok(Decoded::Hungry) if *left == Some(0) => {
            let why = "is damaged";
            (Step::Again, Some(Outcome::Failed { why, left: *left }))
        }
        Ok(Decoded::Hungry) => match packed.mark() {
            Some(taken) if left.is_none() => (Step::Mark(taken), None),
            _ if input.is_empty() => (Step::Hungry, None),
            _ => (Step::Again, None),
        },
        Ok(Decoded::End) => {
            let (taken, left) = (packed.taken, left.unwrap_or(0));
            (Step::Again, Some(Outcome::Inflated { taken, left }))
        }
        Err(why) => (Step::Again, Some(Outcome::Failed { why, left: *left })),
    }
}
