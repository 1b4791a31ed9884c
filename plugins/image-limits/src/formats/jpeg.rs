//! JPEG: the segments in front of the pixels (ITU-T T.81, annex B; ICC.1, annex B.4).

use crate::judge::Judge;
use crate::settings::ColorSpace;
use crate::walk::{Broken, Next, Reader, read, skip, u16_be};

const APP2: u8 = 0xE2;
const SOS: u8 = 0xDA;
const EOI: u8 = 0xD9;
/// How a segment with a part of a profile begins; the number of the part and of all parts follow.
const PROFILE: &[u8] = b"ICC_PROFILE\0";
const PROFILE_HEADER: u16 = 14;

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Bytes up to a marker.
    #[default]
    Search,
    Code,
    Length(u8),
    /// The header of a frame, in a segment with so many more bytes.
    Frame(u16),
    Profile(u16),
}

/// The reader of this format.
#[derive(Debug, Default)]
pub(crate) struct Jpeg {
    state: State,
    has_frame: bool,
    profile: u64,
}

impl Reader for Jpeg {
    fn first(&self) -> usize {
        1
    }

    fn take(&mut self, bytes: &[u8], _at: u64, judge: &mut Judge) -> Result<Next, Broken> {
        let first = bytes.first().copied().unwrap_or_default();
        match self.state {
            // Bytes other than a marker are skipped here, as decoders do.
            State::Search if first != 0xFF => {}
            State::Search => self.state = State::Code,
            State::Code => return self.code(first),
            State::Length(code) => return self.length(code, u16_be(bytes, 0)),
            State::Frame(behind) => {
                self.frame(bytes, judge)?;
                return Ok(self.search_behind(behind));
            }
            State::Profile(behind) => {
                if bytes.starts_with(PROFILE) {
                    self.profile += u64::from(behind);
                    judge.profile(self.profile);
                }
                return Ok(self.search_behind(behind));
            }
        }
        Ok(read(1))
    }

    fn end(&mut self, _rest: &[u8], _judge: &mut Judge) -> Result<(), Broken> {
        Err(Broken("it breaks off before its pixels"))
    }
}

impl Jpeg {
    fn code(&mut self, code: u8) -> Result<Next, Broken> {
        match code {
            SOS if self.has_frame => return Ok(Next::Over),
            SOS => return Err(Broken("it has pixels and no size")),
            EOI => return Err(Broken("it ends before its pixels")),
            // Any number of these may precede a marker's code.
            0xFF => {}
            // No marker at all, or one that has no segment.
            0x00 | 0x01 | 0xD0..=0xD8 => self.state = State::Search,
            code => {
                self.state = State::Length(code);
                return Ok(read(2));
            }
        }
        Ok(read(1))
    }

    fn length(&mut self, code: u8, length: u16) -> Result<Next, Broken> {
        let length = length.checked_sub(2).ok_or(Broken("a segment has no length"))?;
        match code {
            // Three markers in the middle of the range mean something else.
            0xC0..=0xCF if !matches!(code, 0xC4 | 0xC8 | 0xCC) => {
                let behind = length.checked_sub(6).ok_or(Broken("its size is broken"))?;
                self.state = State::Frame(behind);
                Ok(read(6))
            }
            APP2 if length >= PROFILE_HEADER => {
                self.state = State::Profile(length - PROFILE_HEADER);
                Ok(read(PROFILE_HEADER.into()))
            }
            _ => Ok(self.search_behind(length)),
        }
    }

    fn search_behind(&mut self, length: u16) -> Next {
        self.state = State::Search;
        skip(length.into(), 1)
    }

    fn frame(&mut self, bytes: &[u8], judge: &mut Judge) -> Result<(), Broken> {
        if std::mem::replace(&mut self.has_frame, true) {
            // Decoders do not agree on which one to use.
            return Err(Broken("it has two sizes"));
        }
        judge.canvas((u16_be(bytes, 3).into(), u16_be(bytes, 1).into()));
        judge.color_space(match bytes.get(5) {
            Some(1) => Some(ColorSpace::Gray),
            Some(3) => Some(ColorSpace::Rgb),
            Some(4) => Some(ColorSpace::Cmyk),
            _ => None,
        });
        Ok(())
    }
}
