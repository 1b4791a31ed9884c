//! The size at which a drawing is shown that nothing around it gives a size (SVG 2, 8.12; CSS Images 3, 5.3).

use super::length::number;

/// What is shown where a drawing has no size (CSS Images 3, 5.1).
const DEFAULT: (f64, f64) = (300.0, 150.0);
/// Browsers draw nothing larger: Chromium counts in 64ths of a pixel, in 31 bits.
const LARGEST: f64 = 33_554_428.0;

/// What the root says of the size.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Natural {
    /// In pixels.
    pub(super) width: Option<f64>,
    pub(super) height: Option<f64>,
    pub(super) shape: Option<Shape>,
    pub(super) is_stretched: bool,
}

/// The shape of the part of the plane that is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    width: f64,
    height: f64,
}

impl Shape {
    /// From the four numbers of a `viewBox` (SVG 2, 8.6). `None` if they are something else, or nothing is between them.
    pub(super) fn of(text: &str) -> Option<Self> {
        let is_space = |character: char| matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0C');
        let mut rest = text.trim_matches(is_space);
        let mut numbers = [0.0; 4];
        for (at, place) in numbers.iter_mut().enumerate() {
            if at > 0 {
                rest = rest.trim_start_matches(is_space);
                rest = rest.strip_prefix(',').unwrap_or(rest).trim_start_matches(is_space);
            }
            (*place, rest) = number(rest)?;
        }
        let [_, _, width, height] = numbers;
        let is_shape =
            rest.is_empty() && numbers.iter().all(|number| number.is_finite()) && width > 0.0 && height > 0.0;
        is_shape.then_some(Self { width, height })
    }
}

/// Whether a `preserveAspectRatio` lets the drawing be stretched, so that it has no shape.
pub(super) fn is_stretched(text: &str) -> bool {
    text.split_ascii_whitespace().next() == Some("none")
}

impl Natural {
    /// In whole pixels.
    ///
    /// # Errors
    ///
    /// Why there is no such size.
    pub(super) fn size(self) -> Result<(u32, u32), &'static str> {
        let whole = |pixels: f64| {
            let pixels = pixels.round();
            match pixels {
                _ if pixels < 1.0 => Err("it is smaller than a pixel"),
                _ if pixels > LARGEST => Err("it is larger than browsers draw"),
                // Lossless: it is a whole number in the range of the type.
                _ => Ok(pixels as u32),
            }
        };
        let (width, height) = self.in_pixels();
        Ok((whole(width)?, whole(height)?))
    }

    fn in_pixels(self) -> (f64, f64) {
        match (self.width, self.height, self.shape) {
            (Some(width), Some(height), _) => (width, height),
            // As browsers have it, one side alone does not count then.
            _ if self.is_stretched => DEFAULT,
            (Some(width), None, Some(shape)) => (width, width * shape.height / shape.width),
            (None, Some(height), Some(shape)) => (height * shape.width / shape.height, height),
            (None, None, Some(shape)) => {
                let scale = (DEFAULT.0 / shape.width).min(DEFAULT.1 / shape.height);
                (shape.width * scale, shape.height * scale)
            }
            (width, height, None) => (width.unwrap_or(DEFAULT.0), height.unwrap_or(DEFAULT.1)),
        }
    }
}
