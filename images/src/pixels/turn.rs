//! The eight ways in which a picture can lie.

use super::Pixels;
use crate::layout::{Rect, Size};

/// What is done to a picture so that it lies as it should: rows and columns are exchanged, or not; then it is mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    transpose: bool,
    /// Left and right are exchanged.
    mirror: bool,
    /// Top and bottom are exchanged.
    flip: bool,
}

impl Turn {
    /// From the value of the EXIF tag Orientation (CIPA DC-008, 4.6.5.1.6); others than 1 to 8 turn nothing.
    pub(crate) fn from_exif(orientation: u8) -> Self {
        let (transpose, mirror, flip) = match orientation {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Self {
            transpose,
            mirror,
            flip,
        }
    }

    pub(crate) fn then_mirror(self) -> Self {
        Self {
            mirror: !self.mirror,
            ..self
        }
    }

    pub(crate) fn then_flip(self) -> Self {
        Self {
            flip: !self.flip,
            ..self
        }
    }

    /// By a quarter, counter-clockwise.
    pub(crate) fn then_quarter(self) -> Self {
        // Exchanging rows and columns exchanges the mirrors; then it is flipped.
        Self {
            transpose: !self.transpose,
            mirror: self.flip,
            flip: !self.mirror,
        }
    }

    /// The size of a picture of this size once it is turned; and the other way round.
    pub(crate) fn size(self, (width, height): Size) -> Size {
        if self.transpose {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Where a part of the turned picture is in the picture that is not turned. All are shares of the sides.
    pub(crate) fn before(self, part: Rect) -> Rect {
        let x = if self.mirror { 1.0 - part.x - part.width } else { part.x };
        let y = if self.flip { 1.0 - part.y - part.height } else { part.y };
        if self.transpose {
            Rect {
                x: y,
                y: x,
                width: part.height,
                height: part.width,
            }
        } else {
            Rect { x, y, ..part }
        }
    }

    pub(crate) fn apply(self, pixels: Pixels) -> Pixels {
        if self == Self::default() {
            return pixels;
        }
        match pixels.kind.channels() {
            1 => self.turn::<1>(pixels),
            3 => self.turn::<3>(pixels),
            _ => self.turn::<4>(pixels),
        }
    }

    fn turn<const N: usize>(self, pixels: Pixels) -> Pixels {
        let (width, height) = self.size(pixels.size());
        let old: &[[u8; N]] = pixels.data.as_chunks().0;
        let stride = pixels.width as usize;
        let mut data = Vec::with_capacity(pixels.data.len());
        for y in 0..height {
            let y = if self.flip { height - 1 - y } else { y } as usize;
            for x in 0..width {
                let x = if self.mirror { width - 1 - x } else { x } as usize;
                let at = if self.transpose { x * stride + y } else { y * stride + x };
                data.extend_from_slice(&old[at]);
            }
        }
        Pixels {
            width,
            height,
            kind: pixels.kind,
            data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn letters(width: u32, height: u32, data: &[u8]) -> Pixels {
        Pixels {
            width,
            height,
            kind: Kind::Gray,
            data: data.to_vec(),
        }
    }

    #[test]
    fn all_orientations_show_the_same_picture() {
        let upright = letters(3, 2, b"abcdef");
        // How each orientation stores it.
        let stored: [(u8, u32, u32, &[u8]); 8] = [
            (1, 3, 2, b"abcdef"),
            (2, 3, 2, b"cbafed"),
            (3, 3, 2, b"fedcba"),
            (4, 3, 2, b"defabc"),
            (5, 2, 3, b"adbecf"),
            (6, 2, 3, b"cfbead"),
            (7, 2, 3, b"fcebda"),
            (8, 2, 3, b"daebfc"),
        ];
        for (orientation, width, height, data) in stored {
            let turned = Turn::from_exif(orientation).apply(letters(width, height, data));
            assert_eq!(turned, upright, "orientation {orientation}");
        }
    }

    #[test]
    fn turns_one_after_the_other_are_one_turn() {
        for orientation in 1..=8 {
            let first = Turn::from_exif(orientation);
            let picture = letters(3, 2, b"abcdef");
            let turned = first.apply(picture.clone());
            for step in [Turn::then_mirror, Turn::then_flip, Turn::then_quarter] {
                let apart = step(Turn::default()).apply(turned.clone());
                assert_eq!(step(first).apply(picture.clone()), apart, "{orientation}");
            }
        }
        // Counter-clockwise: what was at the right is at the top.
        let turned = Turn::default().then_quarter().apply(letters(3, 2, b"abcdef"));
        assert_eq!(turned, letters(2, 3, b"cfbead"));
    }
}
