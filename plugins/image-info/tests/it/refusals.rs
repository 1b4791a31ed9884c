//! What is refused, and when.

use intake_core::{Bytes, Declared, HEAD_BYTES, Head, Report, Scanner, UploadInfo, Verdict};
use intake_plugin_image_info::{IMAGE_TOO_LARGE, IMAGE_UNREADABLE, ImageInfo};

use crate::samples::{Png, bmp_of, gif_of, heif_of, jpeg_of, old_bmp_of, page, png_of, tiff_of, vp8x, webp_of};
use crate::{left_out, note, scan};

fn png(width: u32, height: u32) -> Vec<u8> {
    png_of((width, height), &Png::default())
}

fn refused(report: Report) -> Option<(String, Option<String>)> {
    let rejection = report.verdict.rejection()?;
    assert!(rejection.code == IMAGE_TOO_LARGE || rejection.code == IMAGE_UNREADABLE);
    Some((rejection.code.to_string(), rejection.subject))
}

#[tokio::test]
async fn a_picture_of_too_many_pixels_is_refused_in_every_format() {
    let tall = page(1, 70_000, 2, 3);
    for (name, content, sides) in [
        ("png", png(100_000, 100_000), "100000x100000"),
        (
            "png, as large as can be",
            png(i32::MAX as u32, i32::MAX as u32),
            "2147483647x2147483647",
        ),
        ("png, a line", png(70_000, 1), "70000x1"),
        ("jpeg", jpeg_of(&[], 0xC0, (65_500, 65_500), 3), "65500x65500"),
        (
            "jpeg, progressive",
            jpeg_of(&[], 0xC2, (65_500, 65_500), 1),
            "65500x65500",
        ),
        ("gif, screen", gif_of((65_535, 65_535), &[(0, 0, 1, 1)]), "65535x65535"),
        ("gif, screen and no more", gif_of((65_535, 65_535), &[]), "65535x65535"),
        (
            "gif, a frame",
            gif_of((1, 1), &[(0, 0, 1, 1), (60_000, 0, 5_000, 65_535)]),
            "65000x65535",
        ),
        (
            "webp",
            webp_of(&[(b"VP8X", &vp8x(0, (1 << 24, 1 << 24)))]),
            "16777216x16777216",
        ),
        ("bmp", bmp_of((100_000, 3), 24, (0, 0), 0), "100000x3"),
        (
            "bmp, top to bottom",
            bmp_of((3, i32::MIN), 24, (0, 0), 0),
            "3x2147483648",
        ),
        ("bmp, old", old_bmp_of((65_535, 65_535)), "65535x65535"),
        ("tiff", tiff_of(false, &[page(70_000, 1, 2, 3)]), "70000x1"),
        (
            "tiff, another page",
            tiff_of(true, &[page(1, 1, 2, 3), tall]),
            "1x70000",
        ),
        (
            "heif",
            heif_of(b"heic", &[], &[(4, 4), (100_000, 100_000)], 0),
            "100000x100000",
        ),
        ("avif", heif_of(b"avif", &[], &[(100_000, 100_000)], 0), "100000x100000"),
    ] {
        let report = scan(&ImageInfo::default(), &content).await;
        assert_eq!(note(&report), None, "{name}");
        let expected = ("image_too_large".to_owned(), Some(sides.to_owned()));
        assert_eq!(refused(report), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn a_picture_of_just_as_many_pixels_as_are_taken_is_taken() {
    for (scanner, width, height, taken) in [
        (ImageInfo::default(), 25_000, 10_000, true),
        (ImageInfo::default(), 25_000, 10_001, false),
        (ImageInfo::default(), 65_535, 1, true),
        (ImageInfo::default(), 65_536, 1, false),
        (ImageInfo::default(), 1, 65_536, false),
        (ImageInfo::default().max_pixels(100), 10, 10, true),
        (ImageInfo::default().max_pixels(100), 10, 11, false),
        (ImageInfo::default().max_side(10), 10, 10, true),
        (ImageInfo::default().max_side(10), 1, 11, false),
        // Sides that make no number together.
        (
            ImageInfo::default().max_pixels(u64::MAX).max_side(u32::MAX),
            i32::MAX as u32,
            i32::MAX as u32,
            true,
        ),
    ] {
        let report = scan(&scanner, &png(width, height)).await;
        assert_eq!(refused(report).is_none(), taken, "{width} by {height} with {scanner:?}");
    }
}

#[tokio::test]
async fn a_checksum_that_is_wrong_hides_no_size() {
    let mut content = png(100_000, 100_000);
    content[30] ^= 1;
    let report = scan(&ImageInfo::default(), &content).await;
    let expected = ("image_too_large".to_owned(), Some("100000x100000".to_owned()));
    assert_eq!(refused(report), Some(expected));
}

#[tokio::test]
async fn a_picture_that_is_too_large_is_refused_with_its_first_bytes() {
    let mut content = png(100_000, 100_000);
    content.resize(HEAD_BYTES, 0);
    let content = Bytes::from(content);
    let scanner = ImageInfo::default();
    let declared = Declared::default();
    let png = "image/png".parse().unwrap();
    let head = Head::new(UploadInfo::new(&declared), &content, Some(&png));
    let mut scan = scanner.open(&head).await.expect("opens");
    let verdict = scan.feed(&content).await.expect("feeds");
    assert!(matches!(verdict, Verdict::Reject(rejection) if rejection.code == IMAGE_TOO_LARGE));
}

/// Contents that look like images and are none, or none that can be looked into.
fn unreadable() -> Vec<(&'static str, Vec<u8>)> {
    let whole = png(3, 3);
    let mut two_sizes = jpeg_of(&[(0xC0, &[8, 0, 9, 0, 9, 1, 1, 0x11, 0])], 0xC0, (3, 3), 3);
    two_sizes.extend([0; 100]);
    let mut twice = page(3, 3, 2, 3);
    twice.extend(page(9, 9, 2, 3));
    vec![
        ("png, just a signature", b"\x89PNG\r\n\x1a\n".to_vec()),
        ("png, something else behind it", [&whole[..8], &[b'x'; 500]].concat()),
        ("png, no pixels", [&whole[..33], &whole[whole.len() - 12..]].concat()),
        ("jpeg, just a signature", b"\xFF\xD8\xFF".to_vec()),
        ("jpeg, ends at once", b"\xFF\xD8\xFF\xD9".to_vec()),
        ("jpeg, no size", b"\xFF\xD8\xFF\xDA\0\x02".to_vec()),
        (
            "jpeg, a segment that ends before it begins",
            b"\xFF\xD8\xFF\xE0\0\x01".to_vec(),
        ),
        ("jpeg, a size that is too short", b"\xFF\xD8\xFF\xC0\0\x04\0\0".to_vec()),
        ("jpeg, never begins", jpeg_of(&[], 0xC0, (3, 3), 3)[..10].to_vec()),
        ("jpeg, two sizes", two_sizes),
        ("jpeg, no pixels", jpeg_of(&[], 0xC0, (0, 3), 3)),
        (
            "gif that is a script",
            b"GIF89a/*\0\0\0\0*/=1;alert(document.cookie)//".to_vec(),
        ),
        (
            "gif that is a page",
            b"GIF89a\x01\0\x01\0<script>alert(1)</script>".to_vec(),
        ),
        ("gif, no frame", gif_of((3, 3), &[])),
        ("gif, no pixels", gif_of((0, 0), &[(0, 0, 0, 0)])),
        ("webp, no header", webp_of(&[(b"JUNK", &[0; 30])])),
        (
            "webp, begins in the middle",
            webp_of(&[(b"VP8 ", &[1, 0, 0, 0x9D, 1, 0x2A, 3, 0, 3, 0])]),
        ),
        ("bmp, cut short", b"BM\xFF\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec()),
        ("bmp, negative width", bmp_of((-3, 3), 24, (0, 0), 0)),
        ("tiff, no directory", b"II*\0\0\0\0\0\0\0\0\0".to_vec()),
        ("tiff, directory elsewhere", b"MM\0*\xFF\xFF\xFF\xFF\0\0\0\0".to_vec()),
        ("tiff, no sides", tiff_of(true, &[vec![]])),
        ("tiff, two sizes", tiff_of(true, &[twice])),
        ("heif, no size", heif_of(b"heic", &[], &[], 0)),
        (
            "photoshop",
            b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x01\0\0\0\x01".to_vec(),
        ),
        ("jpeg xl, breaks off in its header", b"\xFF\x0A\xFA\x7F".to_vec()),
        (
            "jpeg xl, no picture in the container",
            b"\0\0\0\x0CJXL \r\n\x87\n\0\0\0\x08free".to_vec(),
        ),
        ("icon, no picture", b"\0\0\x01\0\0\0".to_vec()),
    ]
}

#[tokio::test]
async fn what_cannot_be_read_is_accepted_or_refused_as_the_operator_says() {
    for (name, content) in unreadable() {
        let report = scan(&ImageInfo::default(), &content).await;
        assert_eq!(note(&report), None, "{name}");
        assert!(left_out(&report).is_some(), "{name}");
        assert_eq!(refused(report), None, "{name}");

        let report = scan(&ImageInfo::default().refuse_unreadable(), &content).await;
        assert_eq!(refused(report), Some(("image_unreadable".to_owned(), None)), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_image_is_not_looked_at() {
    let strict = ImageInfo::default().max_pixels(1).refuse_unreadable();
    for content in [
        &b""[..],
        b"Hello, world!",
        b"\0\x01\x02\x03",
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"<html><img></html>",
    ] {
        let report = scan(&strict, content).await;
        let name = String::from_utf8_lossy(content).into_owned();
        assert_eq!(note(&report), None, "{name}");
        assert_eq!(left_out(&report), None, "{name}");
        assert_eq!(refused(report), None, "{name}");
    }
}

#[tokio::test]
async fn a_drawing_is_drawn_at_any_size_and_never_refused() {
    let strict = ImageInfo::default().max_pixels(1).refuse_unreadable();
    for content in [
        "<svg xmlns='http://www.w3.org/2000/svg' width='1000000' height='1000000'/>",
        "<svg xmlns='http://www.w3.org/2000/svg' width='1e99' height='1ex'",
    ] {
        let report = scan(&strict, content.as_bytes()).await;
        assert_eq!(refused(report), None, "{content}");
    }
}
