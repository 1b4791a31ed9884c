//! What is noted of an image.

use image::ImageFormat;
use image::codecs::gif::Repeat;
use intake_core::notes::Image;
use intake_plugin_image_info::ImageInfo;
use png::{BitDepth, ColorType};

use crate::samples::{
    HEIGHT, Png, Value, WIDTH, bmp_of, encoded, gif, grey, heif_of, jpeg_of, old_bmp_of, page, png_of, rgb, rgba,
    tiff_of, vp8, vp8x, webp_of,
};
use crate::{left_out, note, scan};

pub(crate) fn plain(format: &str, (width, height): (u32, u32), mode: impl Into<Option<&'static str>>) -> Image {
    Image::default().with(|image| {
        image.format = format.to_owned();
        image.width = width;
        image.height = height;
        image.color_mode = mode.into().map(str::to_owned);
        image.sequence = Some(false);
    })
}

/// Of the usual size.
pub(crate) fn usual(format: &str, mode: &'static str) -> Image {
    plain(format, (WIDTH, HEIGHT), mode)
}

pub(crate) async fn check(table: impl IntoIterator<Item = (&'static str, Vec<u8>, Image)>) {
    for (name, content, expected) in table {
        let report = scan(&ImageInfo::default(), &content).await;
        assert_eq!(note(&report), Some(expected), "{name}: {:?}", report.coverage);
        assert_eq!(left_out(&report), None, "{name}");
    }
}

#[tokio::test]
async fn every_format_says_its_size_and_colours() {
    let png = |color, depth| {
        let png = Png {
            color: Some(color),
            depth: Some(depth),
            ..Png::default()
        };
        png_of((WIDTH, HEIGHT), &png)
    };
    let tiff = |photometric, samples, more: &[(u16, Value)]| {
        let mut entries = page(WIDTH, HEIGHT, photometric, samples);
        entries.extend_from_slice(more);
        tiff_of(false, &[entries])
    };
    let size = (WIDTH, HEIGHT);
    let sides = (20, 10);
    check([
        ("jpeg", encoded(&rgb(), ImageFormat::Jpeg), usual("JPEG", "RGB")),
        ("jpeg, grey", encoded(&grey(), ImageFormat::Jpeg), usual("JPEG", "L")),
        ("jpeg, progressive", jpeg_of(&[], 0xC2, sides, 3), usual("JPEG", "RGB")),
        ("jpeg, arithmetic", jpeg_of(&[], 0xC9, sides, 3), usual("JPEG", "RGB")),
        ("jpeg, four inks", jpeg_of(&[], 0xC0, sides, 4), usual("JPEG", "CMYK")),
        (
            "jpeg, two colours",
            jpeg_of(&[], 0xC0, sides, 2),
            plain("JPEG", size, None),
        ),
        ("png", encoded(&rgb(), ImageFormat::Png), usual("PNG", "RGB")),
        ("png, alpha", encoded(&rgba(), ImageFormat::Png), usual("PNG", "RGBA")),
        ("png, grey", encoded(&grey(), ImageFormat::Png), usual("PNG", "L")),
        (
            "png, palette",
            png(ColorType::Indexed, BitDepth::One),
            usual("PNG", "P"),
        ),
        (
            "png, black and white",
            png(ColorType::Grayscale, BitDepth::One),
            usual("PNG", "L"),
        ),
        (
            "png, 16 bits",
            png(ColorType::Grayscale, BitDepth::Sixteen),
            usual("PNG", "L"),
        ),
        (
            "png, grey and alpha",
            png(ColorType::GrayscaleAlpha, BitDepth::Eight),
            usual("PNG", "LA"),
        ),
        ("gif", encoded(&rgba(), ImageFormat::Gif), usual("GIF", "P")),
        (
            "webp, lossless",
            encoded(&rgb(), ImageFormat::WebP),
            usual("WEBP", "RGB"),
        ),
        (
            "webp, alpha",
            encoded(&rgba(), ImageFormat::WebP),
            usual("WEBP", "RGBA"),
        ),
        (
            "webp, lossy",
            webp_of(&[(b"VP8 ", &vp8((20, 10)))]),
            usual("WEBP", "RGB"),
        ),
        (
            // The top two bits of a side say how to scale it.
            "webp, scaled",
            webp_of(&[(b"VP8 ", &vp8((20 | 0xC000, 10 | 0x4000)))]),
            usual("WEBP", "RGB"),
        ),
        (
            "webp, extended",
            webp_of(&[(b"VP8X", &vp8x(0x10, size)), (b"VP8 ", &vp8((20, 10)))]),
            usual("WEBP", "RGBA"),
        ),
        ("bmp", bmp_of((20, 10), 24, (0, 0), 0), usual("BMP", "RGB")),
        ("bmp, encoded", encoded(&rgb(), ImageFormat::Bmp), usual("BMP", "RGB")),
        (
            "bmp, top to bottom",
            bmp_of((20, -10), 24, (0, 0), 0),
            usual("BMP", "RGB"),
        ),
        ("bmp, palette", bmp_of((20, 10), 4, (0, 0), 0), usual("BMP", "P")),
        (
            "bmp, alpha",
            bmp_of((20, 10), 32, (0, 0), 0xFF00_0000),
            usual("BMP", "RGBA"),
        ),
        ("bmp, old", old_bmp_of((20, 10)), usual("BMP", "RGB")),
        ("tiff", encoded(&rgb(), ImageFormat::Tiff), usual("TIFF", "RGB")),
        ("tiff, grey", encoded(&grey(), ImageFormat::Tiff), usual("TIFF", "L")),
        ("tiff, white is zero", tiff(0, 1, &[]), usual("TIFF", "L")),
        ("tiff, grey and alpha", tiff(1, 2, &[]), usual("TIFF", "LA")),
        (
            "tiff, alpha",
            tiff(2, 4, &[(0x0152, Value::Short(2))]),
            usual("TIFF", "RGBA"),
        ),
        (
            "tiff, something more",
            tiff(2, 4, &[(0x0152, Value::Short(0))]),
            usual("TIFF", "RGBX"),
        ),
        ("tiff, palette", tiff(3, 1, &[]), usual("TIFF", "P")),
        ("tiff, four inks", tiff(5, 4, &[]), usual("TIFF", "CMYK")),
        ("tiff, as in video", tiff(6, 3, &[]), usual("TIFF", "YCbCr")),
        (
            "tiff, a JPEG inside",
            tiff(6, 3, &[(0x0103, Value::Short(7))]),
            usual("TIFF", "RGB"),
        ),
        ("tiff, as the eye sees", tiff(8, 3, &[]), usual("TIFF", "LAB")),
        ("tiff, unheard of", tiff(99, 3, &[]), plain("TIFF", size, None)),
        (
            "tiff, big endian, sides in two bytes",
            tiff_of(
                true,
                &[vec![
                    (0x0100, Value::Short(20)),
                    (0x0101, Value::Short(10)),
                    (0x0106, Value::Short(1)),
                ]],
            ),
            usual("TIFF", "L"),
        ),
        ("heif", heif_of(b"heic", &[], &[size], 0), plain("HEIF", size, "RGB")),
        (
            "heif of tiles, with a small picture",
            heif_of(b"heic", &[], &[(5, 5), size, (8, 4)], 0),
            plain("HEIF", size, "RGB"),
        ),
        (
            "heif, turned",
            heif_of(b"heic", &[], &[size], 1),
            plain("HEIF", (HEIGHT, WIDTH), "RGB"),
        ),
        ("avif", heif_of(b"avif", &[], &[size], 0), plain("AVIF", size, "RGB")),
    ])
    .await;
}

#[tokio::test]
async fn pictures_that_move_are_sequences() {
    let moving = |format, mode| usual(format, mode).with(|image| image.sequence = Some(true));
    let size = (WIDTH, HEIGHT);
    let png = |frames| {
        png_of(
            size,
            &Png {
                frames,
                ..Png::default()
            },
        )
    };
    let pages = [page(WIDTH, HEIGHT, 1, 1), page(7, 7, 1, 1)];
    let mut again = tiff_of(false, &pages[..1]);
    let link = again.len() - 4;
    again[link..].copy_from_slice(&8_u32.to_le_bytes());
    check([
        ("gif, two frames", gif(2, None), moving("GIF", "P")),
        ("gif, repeating", gif(3, Some(Repeat::Infinite)), moving("GIF", "P")),
        (
            "gif, one frame that would repeat",
            gif(1, Some(Repeat::Infinite)),
            usual("GIF", "P"),
        ),
        ("png, one frame", png(1), usual("PNG", "RGB")),
        ("png, two frames", png(2), moving("PNG", "RGB")),
        ("webp", webp_of(&[(b"VP8X", &vp8x(0x02, size))]), moving("WEBP", "RGB")),
        ("tiff, one page", tiff_of(false, &pages[..1]), usual("TIFF", "L")),
        ("tiff, two pages", tiff_of(false, &pages), moving("TIFF", "L")),
        ("tiff, one page again and again", again, usual("TIFF", "L")),
        (
            "avif",
            heif_of(b"avis", &[], &[size], 0),
            plain("AVIF", size, "RGB").with(|image| image.sequence = Some(true)),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_jpeg_may_have_whatever_it_likes_in_front_of_its_size() {
    // As large as colour profiles for print are.
    let profile = vec![0xFF; 65_533];
    let mut segments: Vec<(u8, &[u8])> = vec![(0xE2, &profile); 10];
    segments.push((0xFE, b"a remark"));
    // A table of codes, whose marker stands among those of sizes; and a small picture of its own in the EXIF data.
    segments.push((0xC4, &[0; 20]));
    let small = [b"Exif\0\0", &jpeg_of(&[], 0xC0, (3, 3), 3)[..]].concat();
    segments.push((0xE1, &small));
    let mut odd = jpeg_of(&segments, 0xC0, (20, 10), 4);
    // Behind the first segment: bytes outside of any segment, and markers with fill bytes.
    let behind = 2 + 4 + profile.len();
    odd.splice(behind..behind, [0, 1, 2, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0x01]);
    check([("jpeg", odd, usual("JPEG", "CMYK"))]).await;
}
