//! The sources of the table: the same picture in all formats, kinds of colours and orientations.

use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, RgbImage, RgbaImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::scene::{self, Class};

pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) class: Class,
    /// As it is seen.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: &'static str,
}

pub(crate) fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    for (at, (width, height)) in [(96, 64), (97, 61), (61, 97)].into_iter().enumerate() {
        jpegs(&mut sources, width, height);
        if at == 0 {
            continue;
        }
        pngs(&mut sources, width, height);
        animations_and_webps(&mut sources, width, height);
        others(&mut sources, width, height);
    }
    for orientation in 1..=8 {
        turned(&mut sources, orientation);
    }
    sources
}

pub(crate) fn channels(class: Class, width: u32, height: u32, channels: &[usize]) -> Vec<u8> {
    let pixels = scene::pixels(class, width, height);
    let chosen = pixels.iter().flat_map(|pixel| channels.iter().map(|at| pixel[*at]));
    chosen.collect()
}

fn rgb(width: u32, height: u32) -> Vec<u8> {
    channels(Class::Color, width, height, &[0, 1, 2])
}

pub(crate) fn jpeg(
    data: &[u8],
    (width, height): (u32, u32),
    color: ColorType,
    change: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    change(&mut encoder);
    encoder.encode(data, width as u16, height as u16, color).unwrap();
    bytes
}

/// EXIF data that has an orientation and no more.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let mut data = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    data.extend([orientation, 0, 0, 0, 0, 0, 0]);
    data
}

fn jpegs(sources: &mut Vec<Source>, width: u32, height: u32) {
    let mut add = |name: &str, class, bytes| {
        sources.push(Source {
            name: format!("jpeg {name} {width}x{height}"),
            bytes,
            class,
            width,
            height,
            format: "JPEG",
        });
    };
    let size = (width, height);
    let color = rgb(width, height);
    for (name, sampling) in [
        ("4:4:4", SamplingFactor::R_4_4_4),
        ("4:2:2", SamplingFactor::R_4_2_2),
        ("4:4:0", SamplingFactor::R_4_4_0),
        ("4:2:0", SamplingFactor::R_4_2_0),
    ] {
        let baseline = jpeg(&color, size, ColorType::Rgb, |encoder| {
            encoder.set_sampling_factor(sampling)
        });
        add(name, Class::Color, baseline);
        let progressive = jpeg(&color, size, ColorType::Rgb, |encoder| {
            encoder.set_sampling_factor(sampling);
            encoder.set_progressive(true);
        });
        add(&format!("{name} progressive"), Class::Color, progressive);
    }
    // One scan for each colour.
    let apart = jpeg(&color, size, ColorType::Rgb, |encoder| {
        encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        encoder.set_optimized_huffman_tables(true);
    });
    add("4:2:0 in three scans", Class::Color, apart);
    let restarts = jpeg(&color, size, ColorType::Rgb, |encoder| encoder.set_restart_interval(3));
    add("restarts", Class::Color, restarts);
    let gray = channels(Class::Gray, width, height, &[0]);
    add("gray", Class::Gray, jpeg(&gray, size, ColorType::Luma, |_| {}));
    let mut inks: Vec<u8> = Vec::new();
    for rgb in color.chunks_exact(3) {
        inks.extend([255 - rgb[0], 255 - rgb[1], 255 - rgb[2], 0]);
    }
    add("CMYK", Class::Color, jpeg(&inks, size, ColorType::Cmyk, |_| {}));
    add("YCCK", Class::Color, jpeg(&inks, size, ColorType::CmykAsYcck, |_| {}));
}

fn pngs(sources: &mut Vec<Source>, width: u32, height: u32) {
    let mut add = |name: &str, class, bytes| {
        sources.push(Source {
            name: format!("png {name} {width}x{height}"),
            bytes,
            class,
            width,
            height,
            format: "PNG",
        });
    };
    let packed = |samples: &[u8], bits: usize| -> Vec<u8> {
        let rows = samples.chunks_exact(width as usize);
        let row = |row: &[u8]| -> Vec<u8> {
            let bytes = row.chunks(8 / bits);
            let byte = |samples: &[u8]| {
                let places = (0..8).step_by(bits).rev();
                samples
                    .iter()
                    .zip(places)
                    .fold(0, |byte, (sample, at)| byte | sample << at)
            };
            bytes.map(byte).collect()
        };
        rows.flat_map(row).collect()
    };
    let write = |color, depth, data: &[u8], change: &dyn Fn(&mut png::Encoder<'_, &mut Vec<u8>>)| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        change(&mut encoder);
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    };
    use png::BitDepth::{Eight, Four, One, Sixteen, Two};
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let nothing = |_: &mut png::Encoder<'_, &mut Vec<u8>>| {};
    let two = channels(Class::TwoTone, width, height, &[0]);
    for (name, bits, depth) in [("1 bit", 1, One), ("2 bit", 2, Two), ("4 bit", 4, Four)] {
        let samples: Vec<u8> = two.iter().map(|value| value >> (8 - bits)).collect();
        add(
            name,
            Class::TwoTone,
            write(Grayscale, depth, &packed(&samples, bits), &nothing),
        );
        let palette =
            move |encoder: &mut png::Encoder<'_, &mut Vec<u8>>| encoder.set_palette(vec![0, 0, 0, 255, 255, 255]);
        let samples: Vec<u8> = two.iter().map(|value| value & 1).collect();
        let bytes = write(Indexed, depth, &packed(&samples, bits), &palette);
        add(&format!("palette {name}"), Class::TwoTone, bytes);
    }
    let wide = |data: &[u8]| -> Vec<u8> { data.iter().flat_map(|byte| [*byte, byte.wrapping_mul(7)]).collect() };
    for (name, class, color, places) in [
        ("gray", Class::Gray, Grayscale, &[0][..]),
        ("gray and alpha", Class::GrayAlpha, GrayscaleAlpha, &[0, 3]),
        ("rgb", Class::Color, Rgb, &[0, 1, 2]),
        ("rgba", Class::Alpha, Rgba, &[0, 1, 2, 3]),
    ] {
        let data = channels(class, width, height, places);
        add(name, class, write(color, Eight, &data, &nothing));
        add(
            &format!("{name} 16 bit"),
            class,
            write(color, Sixteen, &wide(&data), &nothing),
        );
    }
    let coarse = scene::pixels(Class::Holes, width, height);
    let index = |pixel: &[u8; 4]| pixel[0] / 51 * 36 + pixel[1] / 51 * 6 + pixel[2] / 51;
    let cube: Vec<u8> = (0..216_u8)
        .flat_map(|at| [at / 36 * 51, at / 6 % 6 * 51, at % 6 * 51])
        .collect();
    let indices: Vec<u8> = coarse.iter().map(index).collect();
    let colors = cube.clone();
    let palette = move |encoder: &mut png::Encoder<'_, &mut Vec<u8>>| encoder.set_palette(colors.clone());
    add(
        "palette 8 bit",
        Class::Coarse,
        write(Indexed, Eight, &indices, &palette),
    );
    // One more colour, which is not there.
    let indices: Vec<u8> = coarse
        .iter()
        .map(|pixel| if pixel[3] == 0 { 216 } else { index(pixel) })
        .collect();
    let holes = move |encoder: &mut png::Encoder<'_, &mut Vec<u8>>| {
        encoder.set_palette([&cube[..], &[0, 0, 0]].concat());
        encoder.set_trns([&[255; 216][..], &[0]].concat());
    };
    add(
        "palette with a hole",
        Class::Holes,
        write(Indexed, Eight, &indices, &holes),
    );
}

fn animations_and_webps(sources: &mut Vec<Source>, width: u32, height: u32) {
    let mut add = |name: &str, class, format, bytes| {
        sources.push(Source {
            name: format!("{name} {width}x{height}"),
            bytes,
            class,
            width,
            height,
            format,
        });
    };
    let gif = |frames: u32, class: Class| {
        let mut bytes = Vec::new();
        let mut encoder = gif::Encoder::new(&mut bytes, width as u16, height as u16, &[]).unwrap();
        let cube: Vec<u8> = (0..216_u8)
            .flat_map(|at| [at / 36 * 51, at / 6 % 6 * 51, at % 6 * 51])
            .collect();
        for number in 0..frames {
            let pixels = scene::pixels(class, width, height);
            let index = |pixel: &[u8; 4]| match (number, pixel[3]) {
                (0, 0) => 216,
                (0, _) => pixel[0] / 51 * 36 + pixel[1] / 51 * 6 + pixel[2] / 51,
                _ => 0,
            };
            let mut frame = gif::Frame::default();
            (frame.width, frame.height) = (width as u16, height as u16);
            frame.palette = Some([&cube[..], &[0, 0, 0]].concat());
            frame.transparent = (class == Class::Holes).then_some(216);
            frame.buffer = pixels.iter().map(index).collect::<Vec<_>>().into();
            encoder.write_frame(&frame).unwrap();
        }
        drop(encoder);
        bytes
    };
    add("gif", Class::Coarse, "GIF", gif(1, Class::Coarse));
    add("gif with a hole", Class::Holes, "GIF", gif(1, Class::Holes));
    add("gif that moves", Class::Coarse, "GIF", gif(3, Class::Coarse));
    let color = rgb(width, height);
    let alpha = channels(Class::Alpha, width, height, &[0, 1, 2, 3]);
    let plain = webp::Encoder::from_rgb(&color, width, height);
    let clear = webp::Encoder::from_rgba(&alpha, width, height);
    add("webp", Class::Color, "WEBP", plain.encode(95.0).to_vec());
    add("webp lossless", Class::Color, "WEBP", plain.encode_lossless().to_vec());
    add("webp alpha", Class::Alpha, "WEBP", clear.encode(95.0).to_vec());
    add(
        "webp lossless alpha",
        Class::Alpha,
        "WEBP",
        clear.encode_lossless().to_vec(),
    );
    let config = webp::WebPConfig::new().unwrap();
    let mut moving = webp::AnimEncoder::new(width, height, &config);
    moving.add_frame(webp::AnimFrame::from_rgb(&color, width, height, 0));
    let black = vec![0; color.len()];
    moving.add_frame(webp::AnimFrame::from_rgb(&black, width, height, 100));
    add("webp that moves", Class::Color, "WEBP", moving.encode().to_vec());
}

fn others(sources: &mut Vec<Source>, width: u32, height: u32) {
    let mut add = |name: &str, class, format, bytes| {
        sources.push(Source {
            name: format!("{name} {width}x{height}"),
            bytes,
            class,
            width,
            height,
            format,
        });
    };
    let color = DynamicImage::from(RgbImage::from_raw(width, height, rgb(width, height)).unwrap());
    let alpha = channels(Class::Alpha, width, height, &[0, 1, 2, 3]);
    let alpha = DynamicImage::from(RgbaImage::from_raw(width, height, alpha).unwrap());
    let gray = channels(Class::Gray, width, height, &[0]);
    let gray = DynamicImage::from(image::GrayImage::from_raw(width, height, gray).unwrap());
    let write = |image: &DynamicImage, format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    add("bmp", Class::Color, "BMP", write(&color, ImageFormat::Bmp));
    add("bmp alpha", Class::Alpha, "BMP", write(&alpha, ImageFormat::Bmp));
    add("bmp gray", Class::Gray, "BMP", write(&gray, ImageFormat::Bmp));
    add("tiff", Class::Color, "TIFF", write(&color, ImageFormat::Tiff));
    add("tiff alpha", Class::Alpha, "TIFF", write(&alpha, ImageFormat::Tiff));
    add("tiff gray", Class::Gray, "TIFF", write(&gray, ImageFormat::Tiff));
    let wide = color.into_rgb16().into();
    add("tiff 16 bit", Class::Color, "TIFF", write(&wide, ImageFormat::Tiff));
}

/// How a picture that is seen as the scene is stored with that orientation.
fn stored(orientation: u8, width: u32, height: u32) -> (u32, u32, Vec<u8>) {
    let upright = RgbImage::from_raw(width, height, rgb(width, height)).unwrap();
    let mut image = DynamicImage::from(upright);
    // The inverse of what a reader does: the quarters go the other way.
    let inverse = match orientation {
        6 => 8,
        8 => 6,
        same => same,
    };
    image.apply_orientation(image::metadata::Orientation::from_exif(inverse).unwrap());
    (image.width(), image.height(), image.into_rgb8().into_raw())
}

fn turned(sources: &mut Vec<Source>, orientation: u8) {
    let (width, height) = (90, 60);
    let (across, down, data) = stored(orientation, width, height);
    let mut add = |name: &str, format, bytes| {
        sources.push(Source {
            name: format!("{name} orientation {orientation}"),
            bytes,
            class: Class::Color,
            width,
            height,
            format,
        });
    };
    let exif = exif(orientation);
    let with_exif = jpeg(&data, (across, down), ColorType::Rgb, |encoder| {
        encoder.add_exif_metadata(&exif).unwrap()
    });
    add("jpeg", "JPEG", with_exif);
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_exif_metadata(exif.clone()).unwrap();
    encoder
        .write_image(&data, across, down, ExtendedColorType::Rgb8)
        .unwrap();
    // The same with the data behind the pixels: it is the second chunk, of 12 bytes around its data.
    let (begin, end) = (33, 33 + 12 + exif.len());
    let mut behind = [&png[..begin], &png[end..]].concat();
    let last = behind.len() - 12;
    behind.splice(last..last, png[begin..end].iter().copied());
    add("png", "PNG", png);
    add("png with EXIF data behind the pixels", "PNG", behind);
    let lossless = webp::Encoder::from_rgb(&data, across, down).encode_lossless();
    for (name, prefix) in [("webp", &b""[..]), ("webp with a prefix", b"Exif\0\0")] {
        let exif = [prefix, &exif].concat();
        add(name, "WEBP", extended_webp(&lossless, across, down, &exif));
    }
    let mut tiff = std::io::Cursor::new(Vec::new());
    let encoder = TiffEncoder::new(&mut tiff);
    encoder
        .write_image(&data, across, down, ExtendedColorType::Rgb8)
        .unwrap();
    add("tiff", "TIFF", turned_tiff(tiff.into_inner(), orientation));
}

/// A WebP of one chunk as one of three: the header, the picture, EXIF data.
fn extended_webp(simple: &[u8], width: u32, height: u32, exif: &[u8]) -> Vec<u8> {
    let mut chunks = b"WEBPVP8X\x0A\0\0\0\x08\0\0\0".to_vec();
    chunks.extend(&(width - 1).to_le_bytes()[..3]);
    chunks.extend(&(height - 1).to_le_bytes()[..3]);
    chunks.extend(&simple[12..]);
    chunks.extend(b"EXIF");
    chunks.extend((exif.len() as u32).to_le_bytes());
    chunks.extend(exif);
    chunks.resize(chunks.len().next_multiple_of(2), 0);
    [b"RIFF", &(chunks.len() as u32).to_le_bytes()[..], &chunks].concat()
}

/// With an orientation in place of the tag that is least needed: the unit of the density, 296, becomes 274.
fn turned_tiff(mut tiff: Vec<u8>, orientation: u8) -> Vec<u8> {
    assert_eq!(&tiff[..2], b"II");
    let directory = u32::from_le_bytes(tiff[4..8].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes(tiff[directory..directory + 2].try_into().unwrap()));
    let entries: Vec<[u8; 12]> = tiff[directory + 2..directory + 2 + 12 * count]
        .chunks_exact(12)
        .map(|entry| entry.try_into().unwrap())
        .collect();
    let mut entries: Vec<_> = entries
        .into_iter()
        .filter(|entry| entry[..2] != 296_u16.to_le_bytes())
        .collect();
    entries.push([0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
    assert_eq!(entries.len(), count, "the unit was there");
    tiff[directory + 2..directory + 2 + 12 * count].copy_from_slice(&entries.concat());
    tiff
}
