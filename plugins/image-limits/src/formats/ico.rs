//! ICO and CUR: the list of pictures, and the header of each.

use crate::judge::{Judge, Size};
use crate::settings::ColorSpace;
use crate::walk::{Broken, Next, Reader, read, skip, u16_le, u32_be, u32_le};

/// The most pictures that are read. Editors write a dozen.
const MOST_PICTURES: u16 = 256;
const ENTRY: usize = 16;
/// What is read of a picture: the signature and the header chunk of a PNG up to its height, or a header of BMP.
const PICTURE: usize = 24;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Header,
    List,
    Picture,
}

/// The reader of this format.
#[derive(Debug, Default)]
pub(crate) struct Ico {
    state: State,
    /// Where the pictures lie, the last one first.
    places: Vec<u64>,
    largest: Size,
}

impl Reader for Ico {
    fn first(&self) -> usize {
        6
    }

    fn take(&mut self, bytes: &[u8], at: u64, judge: &mut Judge) -> Result<Next, Broken> {
        match self.state {
            State::Header => {
                let count = u16_le(bytes, 4);
                if !matches!(bytes, [0, 0, 1 | 2, 0, ..]) || count == 0 {
                    return Err(Broken("it has no list of pictures"));
                }
                if count > MOST_PICTURES {
                    judge.miss("some of the pictures in it");
                }
                self.state = State::List;
                Ok(read(usize::from(count.min(MOST_PICTURES)) * ENTRY))
            }
            State::List => {
                for entry in bytes.chunks(ENTRY) {
                    // 0 stands for 256, which does not fit into a byte.
                    let side = |at| {
                        entry
                            .get(at)
                            .map_or(0, |side| if *side == 0 { 256 } else { u32::from(*side) })
                    };
                    self.saw((side(0), side(1)), judge);
                    self.places.push(u32_le(entry, 12).into());
                }
                self.places.sort_unstable_by(|one, other| other.cmp(one));
                judge.color_space(Some(ColorSpace::Rgb));
                self.state = State::Picture;
                Ok(self.next(at + bytes.len() as u64))
            }
            State::Picture => {
                if bytes.starts_with(PNG) {
                    self.saw((u32_be(bytes, 16), u32_be(bytes, 20)), judge);
                } else if bytes.starts_with(&[40, 0, 0, 0]) {
                    let side = |at| u32_le(bytes, at).cast_signed().unsigned_abs();
                    // Half of the rows are the transparency mask.
                    self.saw((side(4), side(8) / 2), judge);
                }
                Ok(self.next(at + bytes.len() as u64))
            }
        }
    }

    fn end(&mut self, _rest: &[u8], _judge: &mut Judge) -> Result<(), Broken> {
        match self.state {
            State::Picture => Ok(()),
            State::Header | State::List => Err(Broken("it has no list of pictures")),
        }
    }
}

impl Ico {
    /// The next picture behind this place.
    fn next(&mut self, position: u64) -> Next {
        while let Some(place) = self.places.pop() {
            if let Some(gap) = place.checked_sub(position) {
                return skip(gap, PICTURE);
            }
        }
        Next::Over
    }

    fn saw(&mut self, size: Size, judge: &mut Judge) {
        let area = |(width, height): Size| u64::from(width) * u64::from(height);
        judge.picture(size);
        if area(size) > area(self.largest) {
            self.largest = size;
            judge.canvas(size);
        }
    }
}
