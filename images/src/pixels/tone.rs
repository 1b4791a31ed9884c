//! Brightness, colours and their like.

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
        Tone::Vibrance => by_color(pixels, |rgb| more_vibrant(rgb, share)),
        Tone::Warmth => by_color(pixels.into_color(), |[r, g, b]| [r + 0.2 * share, g, b - 0.2 * share]),
        Tone::Enhance => enhance(pixels, share),
    }
}

/// Stretches the picture from black to white, except for the darkest and the lightest half percent of its pixels, and makes its
/// colours a little stronger; all of it by this share.
fn enhance(pixels: Pixels, share: f32) -> Pixels {
    const LEFT_OUT: f32 = 0.005;
    /// What has fewer steps between its darkest and its lightest pixels is flat on purpose.
    const FEWEST_STEPS: u8 = 16;

    let Some((dark, light)) = range_of(&pixels, LEFT_OUT).filter(|(dark, light)| light - dark >= FEWEST_STEPS) else {
        return pixels;
    };
    let (dark, light) = (f32::from(dark) / 255.0, f32::from(light) / 255.0);
    let stretched = by_channel(pixels, |v| v + share * ((v - dark) / (light - dark) - v));
    by_color(stretched, |rgb| more_vibrant(rgb, 0.2 * share))
}

/// How dark and how light the pixels are, but for this share of them at either end. `None` if nothing of them can be seen.
fn range_of(pixels: &Pixels, left_out: f32) -> Option<(u8, u8)> {
    let mut counts = [0_u32; 256];
    for pixel in pixels.data.chunks_exact(pixels.kind.channels()) {
        let light = match *pixel {
            [gray] => gray,
            [_, _, _, 0] => continue,
            [r, g, b, ..] => byte(luma([r, g, b].map(|value| f32::from(value) / 255.0))),
            _ => continue,
        };
        counts[usize::from(light)] += 1;
    }
    let all: u32 = counts.iter().sum();
    let skipped = (all as f32 * left_out) as u32;
    let dark = first_behind(skipped, 0..=255, &counts)?;
    Some((dark, first_behind(skipped, (0..=255).rev(), &counts)?))
}

/// The first step by which more pixels than these were counted.
fn first_behind(skipped: u32, mut steps: impl Iterator<Item = u8>, counts: &[u32; 256]) -> Option<u8> {
    let mut seen = 0;
    steps.find(|step| {
        seen += counts[usize::from(*step)];
        seen > skipped
    })
}

/// By the weights of ITU-R BT.601, as Pillow has it.
fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

fn away_from_gray(rgb: [f32; 3], factor: f32) -> [f32; 3] {
    let gray = luma(rgb);
    rgb.map(|value| gray + (value - gray) * factor)
}

/// What is colourful already changes less.
fn more_vibrant(rgb: [f32; 3], share: f32) -> [f32; 3] {
    let most = rgb.iter().copied().fold(0.0, f32::max);
    let least = rgb.iter().copied().fold(1.0, f32::min);
    away_from_gray(rgb, 1.0 + share * (1.0 - (most - least)))
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
    fn a_dull_picture_is_stretched_from_black_to_white_and_a_flat_one_stays() {
        let gray = |data: &[u8]| Pixels {
            width: data.len() as u32,
            height: 1,
            kind: Kind::Gray,
            data: data.to_vec(),
        };
        let dull = gray(&[100, 125, 150]);
        assert_eq!(tone(dull.clone(), Tone::Enhance, 100).data, [0, 127, 255]);
        assert_eq!(tone(dull.clone(), Tone::Enhance, 50).data, [50, 126, 203]);
        assert_eq!(tone(dull.clone(), Tone::Enhance, 0), dull);
        let flat = gray(&[100, 110, 115]);
        assert_eq!(tone(flat.clone(), Tone::Enhance, 100), flat);
        // One white pixel of a thousand does not keep the others dull.
        let mut many = [100, 150].repeat(500);
        many[7] = 255;
        assert_eq!(tone(gray(&many), Tone::Enhance, 100).data[..2], [0, 255]);
        // What cannot be seen does not count.
        let clear = Pixels {
            kind: Kind::Rgba,
            data: vec![100, 100, 100, 255, 150, 150, 150, 255, 0, 0, 0, 0],
            ..dull
        };
        assert_eq!(
            tone(clear, Tone::Enhance, 100).data[..8],
            [0, 0, 0, 255, 255, 255, 255, 255]
        );
    }

    #[test]
    fn black_and_white_pictures_get_colours_only_by_warmth() {
        let gray = one(Kind::Gray, &[100]);
        assert_eq!(tone(gray.clone(), Tone::Saturation, 500), gray);
        assert_eq!(tone(gray, Tone::Warmth, 100).data, [151, 100, 49]);
    }
}
