//! Resampling.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{Kind, Pixels};
use crate::error::ImageError;
use crate::layout::{Rect, Size};

/// A part of a picture in another size, by Lanczos with three lobes; alpha is premultiplied meanwhile.
pub(crate) fn resize(pixels: &Pixels, part: Rect, (width, height): Size) -> Result<Pixels, ImageError> {
    let kind = match pixels.kind {
        Kind::Gray => PixelType::U8,
        Kind::Rgb => PixelType::U8x3,
        Kind::Rgba => PixelType::U8x4,
    };
    // Rounding must not make the part reach beyond the picture.
    let x = part.x.clamp(0.0, f64::from(pixels.width));
    let y = part.y.clamp(0.0, f64::from(pixels.height));
    let across = part.width.min(f64::from(pixels.width) - x);
    let down = part.height.min(f64::from(pixels.height) - y);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(x, y, across, down)
        .use_alpha(pixels.kind == Kind::Rgba);
    let source = ImageRef::new(pixels.width, pixels.height, &pixels.data, kind);
    let source = source.map_err(|error| ImageError::damaged(&error))?;
    let mut target = Image::new(width, height, kind);
    let done = Resizer::new().resize(&source, &mut target, &options);
    done.map_err(|error| ImageError::damaged(&error))?;
    Ok(Pixels {
        width,
        height,
        kind: pixels.kind,
        data: target.into_vec(),
    })
}
