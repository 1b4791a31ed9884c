//! Decoded pixels: eight bits a channel, without padding.

mod color;
mod corners;
mod resize;
mod soften;
mod tone;
mod turn;

pub(crate) use self::color::{Profile, from_cmyk};
pub(crate) use self::corners::round_corners;
pub(crate) use self::resize::resize;
pub(crate) use self::soften::{blur, sharpen};
pub(crate) use self::tone::{grayscale, invert, tone};
pub(crate) use self::turn::Turn;

use crate::layout::{Part, Size};
use crate::operations::Color;

/// The channels of a pixel. Alpha is not premultiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Gray,
    Rgb,
    Rgba,
}

impl Kind {
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// Decoded pixels, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) kind: Kind,
    pub(crate) data: Vec<u8>,
}

impl Pixels {
    pub(crate) fn size(&self) -> Size {
        (self.width, self.height)
    }

    fn map(self, kind: Kind, pixel: impl Fn(&[u8], &mut Vec<u8>)) -> Self {
        let channels = self.kind.channels();
        let mut data = Vec::with_capacity(self.data.len() / channels * kind.channels());
        for old in self.data.chunks_exact(channels) {
            pixel(old, &mut data);
        }
        Self { kind, data, ..self }
    }

    /// With red, green and blue, and alpha if there is some.
    pub(crate) fn into_color(self) -> Self {
        match self.kind {
            Kind::Gray => self.map(Kind::Rgb, |gray, data| data.extend([gray[0]; 3])),
            _ => self,
        }
    }

    pub(crate) fn into_rgba(self) -> Self {
        match self.kind {
            Kind::Gray => self.map(Kind::Rgba, |gray, data| data.extend([gray[0], gray[0], gray[0], 255])),
            Kind::Rgb => self.map(Kind::Rgba, |rgb, data| data.extend([rgb[0], rgb[1], rgb[2], 255])),
            Kind::Rgba => self,
        }
    }

    /// Without an alpha channel that says nothing.
    pub(crate) fn without_empty_alpha(self) -> Self {
        if self.kind == Kind::Rgba && self.data.chunks_exact(4).all(|pixel| pixel[3] == 255) {
            return self.map(Kind::Rgb, |pixel, data| data.extend_from_slice(&pixel[..3]));
        }
        self
    }

    /// On a background of one colour, without alpha.
    pub(crate) fn flattened(self, [red, green, blue, _]: Color) -> Self {
        if self.kind != Kind::Rgba {
            return self;
        }
        self.map(Kind::Rgb, |pixel, data| {
            let alpha = u32::from(pixel[3]);
            let over = |above: u8, below: u8| {
                let sum = u32::from(above) * alpha + u32::from(below) * (255 - alpha);
                // In range: a weighted mean of two bytes.
                ((sum + 127) / 255) as u8
            };
            data.extend([over(pixel[0], red), over(pixel[1], green), over(pixel[2], blue)]);
        })
    }

    /// The part of that size; what is beyond the picture has the colour.
    pub(crate) fn part(self, part: Part, fill: Color) -> Self {
        let picture = match (part.is_inside(self.size()), fill[3]) {
            (true, _) => self,
            (false, 255) if self.kind != Kind::Rgba => self.into_color(),
            (false, _) => self.into_rgba(),
        };
        let channels = picture.kind.channels();
        let (width, height) = part.size;
        let row_length = width as usize * channels;
        let background = fill[..channels.min(4)].repeat(width as usize);
        let mut data = Vec::with_capacity(row_length * height as usize);
        // Columns of the picture that are in the part, and where they are in it.
        let first = part.x.clamp(0, picture.width.into()) as usize;
        let behind = (part.x + i64::from(width)).clamp(0, picture.width.into()) as usize;
        let offset = (-part.x).clamp(0, width.into()) as usize * channels;
        for y in part.y..part.y + i64::from(height) {
            let start = data.len();
            data.extend_from_slice(&background);
            if y < 0 || y >= i64::from(picture.height) || behind <= first {
                continue;
            }
            let row = y as usize * picture.width as usize;
            let from = &picture.data[(row + first) * channels..(row + behind) * channels];
            data[start + offset..start + offset + from.len()].copy_from_slice(from);
        }
        Self {
            width,
            height,
            kind: picture.kind,
            data,
        }
    }
}
