//! Beside `jpeg-decoder`, which decodes the same files.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::decode;

/// Waves and edges, in three channels.
fn picture(width: u16, height: u16) -> Vec<u8> {
    let points = (0..height).flat_map(|y| (0..width).map(move |x| (f32::from(x), f32::from(y))));
    let color = |(x, y): (f32, f32)| {
        let wave = 127.0 + 100.0 * (x / 17.0).sin() * (y / 23.0).cos();
        let edge = if (x / 40.0) as u32 % 2 == (y / 30.0) as u32 % 2 {
            40.0
        } else {
            0.0
        };
        [wave as u8, (255.0 - wave + edge) as u8, (x / 2.0 + edge) as u8]
    };
    points.flat_map(color).collect()
}

fn jpeg(data: &[u8], width: u16, height: u16, color: ColorType, sampling: SamplingFactor, restart: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(sampling);
    encoder.set_restart_interval(restart);
    encoder.encode(data, width, height, color).unwrap();
    bytes
}

/// The mean of what channels differ by from the one of each square of the source.
fn distance(found: &[u8], source: &[u8], (width, height): (usize, usize), channels: usize, reduction: usize) -> f64 {
    let (columns, rows) = (width / reduction, height / reduction);
    let stride = width.div_ceil(reduction);
    let mut sum = 0.0;
    for (x, y, channel) in (0..columns).flat_map(|x| (0..rows).flat_map(move |y| (0..channels).map(move |c| (x, y, c))))
    {
        let square =
            (0..reduction * reduction).map(|at| (x * reduction + at % reduction, y * reduction + at / reduction));
        let total: u32 = square
            .map(|(x, y)| u32::from(source[(y * width + x) * channels + channel]))
            .sum();
        let mean = f64::from(total) / (reduction * reduction) as f64;
        sum += (f64::from(found[(y * stride + x) * channels + channel]) - mean).abs();
    }
    sum / (columns * rows * channels) as f64
}

#[test]
fn each_pixel_is_about_the_mean_of_its_square_and_as_near_to_it_as_elsewhere() {
    for (width, height) in [(320_u16, 240_u16), (333, 251)] {
        let data = picture(width, height);
        let gray: Vec<u8> = data.chunks_exact(3).map(|pixel| pixel[0]).collect();
        for (color, sampling) in [
            (ColorType::Rgb, SamplingFactor::R_4_4_4),
            (ColorType::Rgb, SamplingFactor::R_4_2_2),
            (ColorType::Rgb, SamplingFactor::R_4_4_0),
            (ColorType::Rgb, SamplingFactor::R_4_2_0),
            (ColorType::Luma, SamplingFactor::R_4_4_4),
        ] {
            let (source, channels) = if color == ColorType::Luma {
                (&gray, 1)
            } else {
                (&data, 3)
            };
            for (restart, reduction) in [(0, 2), (0, 4), (0, 8), (7, 2), (1, 8)] {
                let name = format!("{width}x{height} {color:?} {sampling:?} restart {restart} reduction {reduction}");
                let file = jpeg(source, width, height, color, sampling, restart);
                let found = decode(&file, reduction).unwrap_or_else(|| panic!("{name}"));
                let mut other = jpeg_decoder::Decoder::new(&*file);
                let by = |side: u16| side.div_ceil(reduction as u16);
                other.scale(by(width), by(height)).unwrap();
                let expected = other.decode().unwrap();
                assert_eq!(found.data.len(), expected.len(), "{name}");
                let size = (width.into(), height.into());
                let ours = distance(&found.data, source, size, channels, reduction as usize);
                let theirs = distance(&expected, source, size, channels, reduction as usize);
                assert!(ours < 3.0 && ours < theirs + 0.3, "{name}: {ours} beside {theirs}");
            }
        }
    }
}

#[test]
fn what_is_cut_off_or_of_another_kind_is_left_to_others() {
    let data = picture(320, 240);
    let file = jpeg(&data, 320, 240, ColorType::Rgb, SamplingFactor::R_4_2_0, 5);
    for length in (0..file.len() - 4).step_by(37) {
        assert!(decode(&file[..length], 8).is_none(), "{length}");
    }
    for change in (0..file.len()).step_by(11) {
        let mut changed = file.clone();
        changed[change] ^= 0x55;
        let _ = decode(&changed, 4);
    }
    let inks = data.repeat(2)[..320 * 240 * 4].to_vec();
    assert!(decode(&jpeg(&inks, 320, 240, ColorType::Cmyk, SamplingFactor::R_4_4_4, 0), 8).is_none());
}
