//! WebP: the chunks (RFC 9649).

use crate::judge::{Judge, Size};
use crate::settings::ColorSpace;
use crate::walk::{Broken, Next, Reader, read, skip, u16_le, u32_le};

const HEAD: usize = 8;
const ANIMATED: u8 = 0x02;
const HAS_PROFILE: u8 = 0x20;

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Riff,
    Chunk,
    /// The body of the first chunk, with so many bytes behind what is read.
    First([u8; 4], u64),
}

/// The reader of this format.
#[derive(Debug, Default)]
pub(crate) struct Webp {
    state: State,
    has_size: bool,
    flags: u8,
    frames: u64,
}

impl Reader for Webp {
    fn first(&self) -> usize {
        12
    }

    fn take(&mut self, bytes: &[u8], _at: u64, judge: &mut Judge) -> Result<Next, Broken> {
        match self.state {
            State::Riff if bytes.starts_with(b"RIFF") && bytes.ends_with(b"WEBP") => Ok(self.behind(0)),
            State::Riff => Err(Broken("it has no WebP header")),
            State::Chunk => {
                let name = bytes.first_chunk::<4>().copied().unwrap_or_default();
                self.chunk(name, u32_le(bytes, 4).into(), judge)
            }
            State::First(name, behind) => {
                let size = match &name {
                    b"VP8X" => Some(extended(bytes)),
                    b"VP8L" => lossless(bytes),
                    _ => lossy(bytes),
                };
                judge.canvas(size.ok_or(Broken("its size is broken"))?);
                judge.color_space(Some(ColorSpace::Rgb));
                self.has_size = true;
                if &name == b"VP8X" {
                    self.flags = bytes.first().copied().unwrap_or_default();
                }
                if self.flags & (ANIMATED | HAS_PROFILE) == 0 {
                    return Ok(Next::Over);
                }
                Ok(self.behind(behind))
            }
        }
    }

    fn end(&mut self, _rest: &[u8], _judge: &mut Judge) -> Result<(), Broken> {
        if self.has_size {
            Ok(())
        } else {
            Err(Broken("it has no WebP header"))
        }
    }
}

impl Webp {
    fn chunk(&mut self, name: [u8; 4], length: u64, judge: &mut Judge) -> Result<Next, Broken> {
        // Chunks begin at even places.
        let whole = length.next_multiple_of(2);
        if !self.has_size {
            let len = match &name {
                b"VP8X" | b"VP8 " => 10,
                b"VP8L" => 5,
                _ => return Err(Broken("it has no WebP header")),
            };
            let behind = whole.checked_sub(len as u64).ok_or(Broken("its size is broken"))?;
            self.state = State::First(name, behind);
            return Ok(read(len));
        }
        match &name {
            b"ANMF" => {
                self.frames += 1;
                judge.frames(self.frames);
            }
            b"ICCP" => judge.profile(length),
            // The profile stands in front of the pixels.
            b"VP8 " | b"VP8L" | b"ALPH" if self.flags & ANIMATED == 0 => return Ok(Next::Over),
            _ => {}
        }
        Ok(self.behind(whole))
    }

    fn behind(&mut self, length: u64) -> Next {
        self.state = State::Chunk;
        skip(length, HEAD)
    }
}

fn extended(bytes: &[u8]) -> Size {
    // Three bytes each, less one.
    let side = |at| (u32_le(bytes, at) >> 8) + 1;
    (side(3), side(6))
}

fn lossless(bytes: &[u8]) -> Option<Size> {
    let bits = u32_le(bytes, 1);
    bytes
        .starts_with(&[0x2F])
        .then_some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
}

/// A key frame (the lowest bit is not set), its start code, and two sides of which the top two bits are a scale.
fn lossy(bytes: &[u8]) -> Option<Size> {
    let is_key = bytes.first().is_some_and(|tag| tag & 1 == 0) && bytes.get(3..6) == Some(&[0x9D, 0x01, 0x2A]);
    let side = |at| u32::from(u16_le(bytes, at) & 0x3FFF);
    is_key.then(|| (side(6), side(8)))
}
