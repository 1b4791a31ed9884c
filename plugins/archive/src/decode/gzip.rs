//! Members of gzip files (RFC 1952).

use super::decoder::{Decoded, Decoder};
use super::deflate::Deflate;

const HEADER_CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// What comes next.
#[derive(Clone, Copy)]
enum Part {
    Fixed,
    ExtraLength,
    Extra(usize),
    Name,
    Comment,
    Checksum,
    Body,
    Trailer,
    End,
}

/// Inflates a member of a gzip file. It compares the length in the trailer, and not the checksum.
pub(crate) struct Gzip {
    part: Part,
    held: Vec<u8>,
    flags: u8,
    length: u32,
    body: Deflate,
}

impl Gzip {
    pub(crate) fn new() -> Self {
        Self {
            part: Part::Fixed,
            held: Vec::with_capacity(10),
            flags: 0,
            length: 0,
            body: Deflate::new(),
        }
    }

    /// Takes so many bytes, if they are all there.
    fn take(&mut self, input: &mut &[u8], count: usize) -> Option<Vec<u8>> {
        let missing = count.saturating_sub(self.held.len());
        let (now, rest) = input.split_at_checked(missing).unwrap_or((*input, &[]));
        self.held.extend_from_slice(now);
        *input = rest;
        (self.held.len() == count).then(|| std::mem::take(&mut self.held))
    }

    /// Skips so many bytes.
    fn skip_extra(&mut self, input: &mut &[u8], left: usize) -> Option<Part> {
        let now = left.min(input.len());
        *input = input.get(now..).unwrap_or_default();
        self.part = Part::Extra(left - now);
        (left == now).then_some(Part::Name)
    }

    /// Reads a part of the header or the trailer. Returns `None` if it needs more bytes.
    fn read(&mut self, input: &mut &[u8]) -> Result<Option<Part>, &'static str> {
        let next = match self.part {
            Part::Fixed => {
                let Some(fixed) = self.take(input, 10) else {
                    return Ok(None);
                };
                match fixed.as_slice() {
                    [0x1F, 0x8B, 8, flags, ..] if flags & RESERVED == 0 => self.flags = *flags,
                    _ => return Err("has no valid header"),
                }
                Part::ExtraLength
            }
            Part::ExtraLength if self.flags & EXTRA == 0 => Part::Name,
            Part::ExtraLength => {
                let Some(length) = self.take(input, 2) else {
                    return Ok(None);
                };
                Part::Extra(length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
            }
            Part::Extra(left) => return Ok(self.skip_extra(input, left)),
            Part::Name if self.flags & NAME == 0 => Part::Comment,
            Part::Comment if self.flags & COMMENT == 0 => Part::Checksum,
            Part::Name | Part::Comment => {
                let Some(end) = memchr::memchr(0, input) else {
                    *input = &[];
                    return Ok(None);
                };
                *input = input.get(end.saturating_add(1)..).unwrap_or_default();
                if matches!(self.part, Part::Name) {
                    Part::Comment
                } else {
                    Part::Checksum
                }
            }
            Part::Checksum if self.flags & HEADER_CHECKSUM == 0 => Part::Body,
            Part::Checksum => {
                let Some(_) = self.take(input, 2) else { return Ok(None) };
                Part::Body
            }
            Part::Trailer => {
                let Some(trailer) = self.take(input, 8) else {
                    return Ok(None);
                };
                if trailer.get(4..) != Some(&self.length.to_le_bytes()[..]) {
                    return Err("has another length than it says");
                }
                Part::End
            }
            Part::Body | Part::End => self.part,
        };
        Ok(Some(next))
    }
}

impl Decoder for Gzip {
    fn decode(&mut self, input: &mut &[u8]) -> Result<Decoded<'_>, &'static str> {
        while !matches!(self.part, Part::Body | Part::End) {
            let Some(next) = self.read(input)? else {
                return Ok(Decoded::Hungry);
            };
            self.part = next;
        }
        if matches!(self.part, Part::End) {
            return Ok(Decoded::End);
        }
        let decoded = self.body.decode(input)?;
        match &decoded {
            // The trailer has the length modulo 2^32.
            Decoded::Out(bytes) => self.length = self.length.wrapping_add(u32::try_from(bytes.len()).unwrap_or(0)),
            Decoded::Hungry | Decoded::Starved => {}
            Decoded::End => {
                self.part = Part::Trailer;
                // Nothing was inflated, and there is more to read: asking again reads it.
                return Ok(Decoded::Out(&[]));
            }
        }
        Ok(decoded)
    }

    fn restart(&mut self) -> Result<(), &'static str> {
        self.part = Part::Fixed;
        self.held.clear();
        self.length = 0;
        self.body.restart()
    }
}
