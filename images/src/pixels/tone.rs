//! Brightness, colours and their like: each pixel by itself.

use super::{Kind, Pixels};
use crate::operations::Tone;

/// Applies a tone by its value, in the range of its operation.
pub(crate) fn tone(pixels: Pixels, tone: Tone, value: i32) -> Pixels {
    let share = f32::from(value as i16) / 100.0;
    match tone {
        // Half of the range at most, in each direction.
        Tone::Brightness => by_channel(pixels, |v| v + 0.5 * share),
        // In stops: 100 is one.
        Tone::Exposure => by_channel(pixels, |v| v * share.exp2()),
        Tone::Gamma => by_channel(pixels, |v| if share > 0.0 { v.powf(share.recip()) } else { v.floor() }),
        Tone::Contrast => by_channel(pixels, |v| (v - 0.5) * (1.0 + share) + 0.5),
        Tone::Saturation => by_color(pixels, |[r, g, b]| away_from_gray([r, g, b], 1.0 + share)),
        Tone::Vibrance => by_color(pixels, |rgb| {
            // What is colourful already changes less.
            let most = rgb.iter().copied().fold(0.0, f32::max);
            let least = rgb.iter().copied().fold(1.0, f32::min);
            away_from_gray(rgb, 1.0 + share * (1.0 - (most - least)))
        }),
        Tone::Warmth => by_color(pixels.into_color(), |[r, g, b]| [r + 0.2 * share, g, b - 0.2 * share]),
    }
}

/// By the weights of ITU-R BT.601, as Pillow has it.
fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

fn away_from_gray(rgb: [f32; 3], factor: f32) -> [f32; 3] {
    let gray = luma(rgb);
    rgb.map(|value| gray + (value - gray) * factor)
}

fn byte(value: f32) -> u8 {
    // Casts of floating point numbers saturate.
    (value * 255.0).round() as u8
}

/// The same for all colour channels; alpha stays.
fn by_channel(mut pixels: Pixels, change: impl Fn(f32) -> f32) -> Pixels {
    let mut table = [0; 256];
    for (new, old) in table.iter_mut().zip(0_u8..=255) {
        *new = byte(change(f32::from(old) / 255.0));
    }
    let colors = pixels.kind.channels().min(3);
    for pixel in pixels.data.chunks_exact_mut(pixels.kind.channels()) {
        for value in &mut pixel[..colors] {
            *value = table[usize::from(*value)];
        }
    }
    pixels
}

/// From the colours of each pixel together; a picture without colours stays.
fn by_color(mut pixels: Pixels, change: impl Fn([f32; 3]) -> [f32; 3]) -> Pixels {
    if pixels.kind == Kind::Gray {
        return pixels;
    }
    for pixel in pixels.data.chunks_exact_mut(pixels.kind.channels()) {
        let old = [pixel[0], pixel[1], pixel[2]].map(|value| f32::from(value) / 255.0);
        pixel[..3].copy_from_slice(&change(old).map(byte));
    }
    pixels
}

pub(crate) fn invert(pixels: Pixels) -> Pixels {
    by_channel(pixels, |value| 1.0 - value)
}

/// One channel, or three that are equal beside alpha.
pub(crate) fn grayscale(pixels: Pixels) -> Pixels {
    let gray = |pixel: &[u8]| {
        byte(luma(
            [pixel[0], pixel[1], pixel[2]].map(|value| f32::from(value) / 255.0),
        ))
    };
    match pixels.kind {
        Kind::Gray => pixels,
        Kind::Rgb => pixels.map(Kind::Gray, |pixel, data| data.push(gray(pixel))),
        Kind::Rgba => pixels.map(Kind::Rgba, |pixel, data| {
            let value = gray(pixel);
            data.extend([value, value, value, pixel[3]]);
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(kind: Kind, data: &[u8]) -> Pixels {
        Pixels {
            width: 1,
            height: 1,
            kind,
            data: data.to_vec(),
        }
    }

    #[test]
    fn tones_change_pixels_in_the_direction_of_their_names() {
        let table: &[(Tone, i32, [u8; 3])] = &[
            (Tone::Brightness, 100, [228, 255, 178]),
            (Tone::Brightness, -100, [0, 72, 0]),
            (Tone::Exposure, 100, [200, 255, 100]),
            (Tone::Exposure, -100, [50, 100, 25]),
            (Tone::Gamma, 200, [160, 226, 113]),
            (Tone::Gamma, 0, [0, 0, 0]),
            (Tone::Contrast, -100, [128, 128, 128]),
            (Tone::Contrast, 100, [73, 255, 0]),
            (Tone::Saturation, -100, [153, 153, 153]),
            (Tone::Saturation, 500, [0, 255, 0]),
            (Tone::Vibrance, -100, [122, 181, 92]),
            (Tone::Warmth, 100, [151, 200, 0]),
            (Tone::Warmth, -100, [49, 200, 101]),
        ];
        for (name, value, expected) in table {
            let found = tone(one(Kind::Rgb, &[100, 200, 50]), *name, *value);
            let near = found
                .data
                .iter()
                .zip(expected)
                .all(|(found, expected)| found.abs_diff(*expected) <= 1);
            assert!(near, "{name:?} {value}: {:?} for {expected:?}", found.data);
            let found = tone(one(Kind::Rgba, &[100, 200, 50, 77]), *name, *value);
            assert_eq!(found.data[3], 77, "{name:?} {value} changes no alpha");
        }
    }

    #[test]
    fn black_and_white_pictures_get_colours_only_by_warmth() {
        let gray = one(Kind::Gray, &[100]);
        assert_eq!(tone(gray.clone(), Tone::Saturation, 500), gray);
        assert_eq!(tone(gray, Tone::Warmth, 100).data, [151, 100, 49]);
    }
}
