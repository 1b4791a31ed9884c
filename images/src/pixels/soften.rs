//! Blur and sharpness.

use fast_image_resize::MulDiv;
use fast_image_resize::PixelType;
use fast_image_resize::images::Image;
use image::imageops::fast_blur;
use image::{ImageBuffer, Luma, Pixel, Rgb, Rgba};

use super::{Kind, Pixels};
use crate::error::ImageError;

/// Moves each pixel towards its neighbourhood, by an amount in percent; a negative one moves it away, which sharpens.
/// The strength is ten times the standard deviation, in pixels.
pub(crate) fn blur(pixels: Pixels, strength: u32, amount: i32) -> Result<Pixels, ImageError> {
    let soft = blurred(pixels.clone(), strength as f32 / 10.0)?;
    if amount == 100 {
        return Ok(soft);
    }
    Ok(mixed(pixels, &soft, amount))
}

/// An unsharp mask with a standard deviation of one pixel; each unit of strength is a tenth of the difference.
pub(crate) fn sharpen(pixels: Pixels, strength: u32) -> Result<Pixels, ImageError> {
    let soft = blurred(pixels.clone(), 1.0)?;
    // In range: the strength is at most 20.
    Ok(mixed(pixels, &soft, -10 * strength as i32))
}

fn mixed(mut pixels: Pixels, soft: &Pixels, percent: i32) -> Pixels {
    for (value, soft) in pixels.data.iter_mut().zip(&soft.data) {
        let (old, soft) = (i32::from(*value), i32::from(*soft));
        // In range after the clamp.
        *value = (old + (soft - old) * percent / 100).clamp(0, 255) as u8;
    }
    pixels
}

fn blurred(pixels: Pixels, sigma: f32) -> Result<Pixels, ImageError> {
    Ok(match pixels.kind {
        Kind::Gray => by::<Luma<u8>>(pixels, sigma),
        Kind::Rgb => by::<Rgb<u8>>(pixels, sigma),
        Kind::Rgba => {
            let premultiplied = alpha(pixels, |image| MulDiv::new().multiply_alpha_inplace(image))?;
            let soft = by::<Rgba<u8>>(premultiplied, sigma);
            alpha(soft, |image| MulDiv::new().divide_alpha_inplace(image))?
        }
    })
}

fn by<P: Pixel<Subpixel = u8>>(pixels: Pixels, sigma: f32) -> Pixels {
    let Pixels {
        width,
        height,
        kind,
        data,
    } = pixels;
    // Always there: the length of the data is that of the size.
    let Some(buffer) = ImageBuffer::<P, Vec<u8>>::from_raw(width, height, data) else {
        return Pixels {
            width,
            height,
            kind,
            data: vec![0; width as usize * height as usize * kind.channels()],
        };
    };
    Pixels {
        width,
        height,
        kind,
        data: fast_blur(&buffer, sigma).into_raw(),
    }
}

fn alpha<E: std::fmt::Display>(
    mut pixels: Pixels,
    change: impl Fn(&mut Image<'_>) -> Result<(), E>,
) -> Result<Pixels, ImageError> {
    let image = Image::from_slice_u8(pixels.width, pixels.height, &mut pixels.data, PixelType::U8x4);
    let mut image = image.map_err(|error| ImageError::damaged(&error))?;
    change(&mut image).map_err(|error| ImageError::damaged(&error))?;
    Ok(pixels)
}
