//! BMP: the header.

use crate::judge::Judge;
use crate::settings::ColorSpace;
use crate::walk::{Broken, Next, Reader, u16_le, u32_le};

/// The length of the file header, and of what is read of the image header.
const HEADERS: usize = 14 + 12;
/// The length of the image header of OS/2, which has shorter sides.
const OLD: u32 = 12;

/// The reader of this format.
#[derive(Debug)]
pub(crate) struct Bmp;

impl Reader for Bmp {
    fn first(&self) -> usize {
        HEADERS
    }

    fn take(&mut self, bytes: &[u8], _at: u64, judge: &mut Judge) -> Result<Next, Broken> {
        if !bytes.starts_with(b"BM") {
            return Err(Broken("it has no BMP header"));
        }
        let size = if u32_le(bytes, 14) == OLD {
            (u16_le(bytes, 18).into(), u16_le(bytes, 20).into())
        } else {
            // A negative height means that the rows come from top to bottom.
            let height = u32_le(bytes, 22).cast_signed().unsigned_abs();
            (u32_le(bytes, 18), height)
        };
        judge.canvas(size);
        judge.color_space(Some(ColorSpace::Rgb));
        Ok(Next::Over)
    }
}
