//! JPEG XL: the header by `jxl-image`, in front of the pixels or in boxes (ISO/IEC 18181).

use jxl_bitstream::Bitstream;
use jxl_image::{ExtraChannelType, ImageHeader};
use jxl_oxide_common::Bundle;

use crate::judge::Judge;
use crate::settings::ColorSpace;
use crate::walk::{Broken, Next, Reader, read, skip, u32_be};

/// How a bare codestream begins, and a container.
const PIXELS: &[u8] = b"\xFF\x0A";
const CONTAINER: &[u8] = b"\0\0\0\x0CJXL \r\n\x87\n";
/// How many bytes are added to the header at a time, until it can be read, and how many at most: names of channels may be long.
const STEP: u64 = 64;
const HEADER: usize = 8 * 1024;
const HEAD: usize = 8;
const BROKEN: Broken = Broken("its header was not found, or is broken");

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Begin,
    Box,
    /// A length of eight bytes.
    Long([u8; 4]),
    /// The number of a part of the image, in front of so many bytes of it.
    Number(u64),
    /// A part of the image with so many bytes to come.
    Part(u64),
}

/// The reader of this format.
#[derive(Debug, Default)]
pub(crate) struct Jxl {
    state: State,
    /// The first bytes of the image, which may be cut at any place and lie in many boxes.
    header: Vec<u8>,
}

impl Reader for Jxl {
    fn first(&self) -> usize {
        CONTAINER.len()
    }

    fn take(&mut self, bytes: &[u8], _at: u64, judge: &mut Judge) -> Result<Next, Broken> {
        match self.state {
            State::Begin if bytes == CONTAINER => Ok(self.behind(0)),
            State::Begin if bytes.starts_with(PIXELS) => self.part(bytes, u64::MAX, judge),
            State::Begin => Err(Broken("it has no JPEG XL signature")),
            State::Box => {
                let name = bytes.last_chunk::<4>().copied().unwrap_or_default();
                match u32_be(bytes, 0) {
                    // The last one.
                    0 => self.open(name, u64::MAX),
                    1 => {
                        self.state = State::Long(name);
                        Ok(read(8))
                    }
                    length => self.open(name, u64::from(length).checked_sub(8).ok_or(BROKEN)?),
                }
            }
            State::Long(name) => {
                let length = u64::from(u32_be(bytes, 0)) << 32 | u64::from(u32_be(bytes, 4));
                self.open(name, length.checked_sub(16).ok_or(BROKEN)?)
            }
            State::Number(left) => Ok(self.read_part(left)),
            State::Part(left) => self.part(bytes, left - bytes.len() as u64, judge),
        }
    }

    fn end(&mut self, rest: &[u8], judge: &mut Judge) -> Result<(), Broken> {
        match self.state {
            State::Begin if !rest.starts_with(PIXELS) => Err(Broken("it has no JPEG XL signature")),
            State::Begin | State::Part(_) => match self.part(rest, 0, judge)? {
                Next::Over => Ok(()),
                Next::Read { .. } => Err(BROKEN),
            },
            _ => Err(BROKEN),
        }
    }
}

impl Jxl {
    fn open(&mut self, name: [u8; 4], body: u64) -> Result<Next, Broken> {
        Ok(match &name {
            b"jxlc" => self.read_part(body),
            // A part of the image, behind its number.
            b"jxlp" if body >= 4 => {
                self.state = State::Number(body - 4);
                read(4)
            }
            _ => self.behind(body),
        })
    }

    fn behind(&mut self, length: u64) -> Next {
        self.state = State::Box;
        skip(length, HEAD)
    }

    fn read_part(&mut self, left: u64) -> Next {
        if left == 0 {
            return self.behind(0);
        }
        self.state = State::Part(left);
        // It is a few dozen bytes.
        read(left.min(STEP) as usize)
    }

    /// Adds bytes to the header, behind which so many of the same part follow.
    fn part(&mut self, bytes: &[u8], left: u64, judge: &mut Judge) -> Result<Next, Broken> {
        self.header.extend_from_slice(bytes);
        if let Ok(header) = ImageHeader::parse(&mut Bitstream::new(&self.header), ()) {
            found(&header, judge);
            return Ok(Next::Over);
        }
        if self.header.len() >= HEADER {
            return Err(BROKEN);
        }
        Ok(self.read_part(left))
    }
}

fn found(header: &ImageHeader, judge: &mut Judge) {
    judge.canvas((header.width_with_orientation(), header.height_with_orientation()));
    let metadata = &header.metadata;
    let mut extra = metadata.ec_info.iter();
    let has_black = extra.any(|channel| matches!(channel.ty, ExtraChannelType::Black));
    judge.color_space(Some(match (has_black, metadata.grayscale()) {
        (true, _) => ColorSpace::Cmyk,
        (false, true) => ColorSpace::Gray,
        (false, false) => ColorSpace::Rgb,
    }));
    if metadata.animation.is_some() {
        judge.animated();
        judge.miss("the number of its frames");
    }
    if metadata.colour_encoding.want_icc() {
        judge.miss("its colour profile");
    }
}
