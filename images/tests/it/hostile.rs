//! Images that are damaged or made to cost much: a clean error, before much was done.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use intake_images::{Accept, ImageError, Limits, Operations, Rendered, describe, run};
use jpeg_encoder::ColorType;

use crate::sources;

fn preview(bytes: &[u8], path: &str, limits: &Limits) -> Result<Rendered, ImageError> {
    run(
        &mut Cursor::new(bytes),
        &Operations::parse(path).unwrap(),
        Accept::default(),
        limits,
    )
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::new(width, height).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG of one colour, whose header claims another size.
fn claiming(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = sources::jpeg(&[0; 192], (8, 8), ColorType::Rgb, |_| {});
    let frame = bytes.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn sizes_are_held_against_limits_before_pixels_are_decoded() {
    let mut png = picture(1, 1, ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0xC3, 0x50, 0, 0, 0xC3, 0x50]);
    let mut bmp = picture(1, 1, ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0x50, 0xC3, 0, 0, 0x50, 0xC3, 0, 0]);
    let mut gif = picture(1, 1, ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0x50, 0xC3, 0x50, 0xC3]);
    for (name, bytes) in [
        ("JPEG", claiming(50_000, 50_000)),
        ("PNG", png),
        ("BMP", bmp),
        ("GIF", gif),
    ] {
        let error = preview(&bytes, "-/preview/10x10/", &Limits::default()).unwrap_err();
        // A checksum of the header may be wrong as well.
        let known = ["image_input_too_large", "image_damaged"].contains(&error.code());
        assert!(known, "{name}: {error}");
    }
    let error = preview(&claiming(50_000, 50_000), "-/preview/10x10/", &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "image_input_too_large", "{error}");
    assert!(
        error.to_string().contains("2500000000 pixels, and may have 75000000"),
        "{error}"
    );
}

#[test]
fn each_limit_holds() {
    let jpeg = sources::jpeg(&[9; 30_000], (100, 100), ColorType::Rgb, |_| {});
    let progressive = sources::jpeg(&[9; 30_000], (100, 100), ColorType::Rgb, |encoder| {
        encoder.set_progressive(true)
    });
    let limits = Limits::default();
    for (bytes, limits, code) in [
        (
            &jpeg,
            limits.with(|limits| limits.input_bytes = 100),
            "image_input_too_large",
        ),
        (
            &jpeg,
            limits.with(|limits| limits.input_pixels = 9_999),
            "image_input_too_large",
        ),
        (
            &jpeg,
            limits.with(|limits| limits.memory = 10_000),
            "image_input_too_large",
        ),
        (
            &progressive,
            limits.with(|limits| limits.scans = 3),
            "image_input_too_large",
        ),
        (
            &jpeg,
            limits.with(|limits| limits.output_side = 99),
            "image_output_too_large",
        ),
    ] {
        let error = preview(bytes, "-/preview/", &limits).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(preview(bytes, "-/preview/", &Limits::default()).is_ok());
    }
}

#[test]
fn results_have_at_most_3000_pixels_on_a_side_and_5000_where_jpeg_is_asked_for() {
    let png = picture(10, 1, ImageFormat::Png);
    let limits = Limits::default();
    assert!(preview(&png, "-/resize/3000x/-/format/png/", &limits).is_ok());
    assert!(preview(&png, "-/resize/5000x/-/format/jpeg/", &limits).is_ok());
    for path in [
        "-/resize/3001x/",
        "-/resize/x5000/",
        "-/resize/10x3001/-/format/png/",
        "-/crop/5001x1/-/preview/",
    ] {
        let error = preview(&png, path, &limits).unwrap_err();
        assert_eq!(error.code(), "image_output_too_large", "{path}: {error}");
    }
}

#[test]
fn damaged_images_give_a_result_or_a_clean_error_wherever_they_are_cut_off() {
    for source in sources::all().iter().step_by(3) {
        for share in 0..20 {
            let cut = &source.bytes[..source.bytes.len() * share / 20];
            for path in ["-/preview/10x10/-/format/png/", "-/preview/-/format/png/"] {
                if let Err(error) = preview(cut, path, &Limits::default()) {
                    let known = ["image_damaged", "image_unknown"].contains(&error.code());
                    assert!(known, "{} to {share}/20: {error}", source.name);
                }
            }
        }
    }
}

#[test]
fn changed_bytes_give_a_result_or_a_clean_error() {
    for (number, source) in sources::all().iter().enumerate().step_by(5) {
        for round in 0..20 {
            let mut bytes = source.bytes.clone();
            for change in 0..4 {
                let at = (number * 7919 + round * 104_729 + change * 1_299_709) % bytes.len();
                bytes[at] = bytes[at].wrapping_mul(31).wrapping_add(17);
            }
            let _ = preview(&bytes, "-/preview/10x10/", &Limits::default());
            let _ = describe(&mut Cursor::new(&bytes), &Limits::default());
        }
    }
}

#[test]
fn a_colour_profile_that_cannot_be_used_changes_nothing() {
    let color = [200, 100, 50].repeat(64);
    let plain = sources::jpeg(&color, (8, 8), ColorType::Rgb, |_| {});
    let expected = preview(&plain, "-/preview/-/format/png/", &Limits::default()).unwrap();
    let header = [&[0; 36][..], b"acsp", &[0xFF; 400]].concat();
    for profile in [b"no profile".to_vec(), header, vec![7; 100_000]] {
        let with_it = sources::jpeg(&color, (8, 8), ColorType::Rgb, |encoder| {
            encoder.add_icc_profile(&profile).unwrap();
        });
        let found = preview(&with_it, "-/preview/-/format/png/", &Limits::default()).unwrap();
        assert_eq!(found, expected);
    }
}

#[test]
fn colours_are_turned_into_srgb() {
    let color = [200, 100, 50].repeat(64);
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let source = sources::jpeg(&color, (8, 8), ColorType::Rgb, |encoder| {
        encoder.set_quality(100);
        encoder.add_icc_profile(&profile).unwrap();
    });
    let found = preview(&source, "-/preview/-/format/png/", &Limits::default()).unwrap();
    let found = image::load_from_memory(&found.bytes).unwrap().to_rgb8();
    // By the matrices of SMPTE EG 432-1 and IEC 61966-2-1.
    let expected = [215, 93, 31];
    let pixel = found.get_pixel(4, 4).0;
    let near = pixel
        .iter()
        .zip(expected)
        .all(|(found, expected)| found.abs_diff(expected) <= 2);
    assert!(near, "{pixel:?}");
}

#[test]
fn what_cannot_be_decoded_here_is_named() {
    let limits = Limits::default();
    for (bytes, code, words) in [
        (
            &b"\0\0\0\x18ftypheic\0\0\0\0"[..],
            "image_undecodable",
            "HEIC images cannot be decoded here",
        ),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "image_undecodable", "HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "image_undecodable", "AVIF"),
        (b"\xFF\x0A\0\0", "image_undecodable", "JPEG XL"),
        (
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "image_undecodable",
            "SVG",
        ),
        (
            b"\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<svg/>",
            "image_undecodable",
            "SVG",
        ),
        (b"%PDF-1.7", "image_unknown", "Not an image"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "image_unknown", "Not an image"),
        (b"BM", "image_unknown", "Not an image"),
        (b"", "image_unknown", "Not an image"),
    ] {
        let error = preview(bytes, "-/preview/", &limits).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        let error = describe(&mut Cursor::new(bytes), &limits).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}
