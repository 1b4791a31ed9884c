//! Where in a file something may stand and be told, and what is said where it was not seen.

use image::ImageFormat;
use intake_core::notes::Image;
use intake_plugin_image_info::ImageInfo;

use crate::boxes::boxed;
use crate::notes::{check, plain, usual};
use crate::samples::{
    EXIF, Entries, HEIGHT, ORIENTATION, Png, RESOLUTION_UNIT, Value, WIDTH, X_RESOLUTION, Y_RESOLUTION, encoded,
    gif_of, heif_of, page, png_of, rgb, taken, tiff_of, vp8x, webp_of,
};
use crate::{left_out, note, scan, scan_as};

const SIZE: (u32, u32) = (WIDTH, HEIGHT);
const FAR: usize = 360_000;

fn turned(format: &str) -> Image {
    plain(format, (HEIGHT, WIDTH), "RGB").with(|image| image.orientation = Some(6))
}

/// A directory of a TIFF: its place, what it has, the place of the next one, and what stands in front of it.
type Placed<'a> = (usize, Entries, usize, &'a [u8]);

/// A TIFF of directories in big endian, each at its place.
pub(crate) fn scattered(directories: &[Placed<'_>]) -> Vec<u8> {
    let mut file = b"MM\0*".to_vec();
    file.extend(u32::try_from(directories[0].0).expect("fits").to_be_bytes());
    for (place, entries, next, front) in directories {
        // A directory without values elsewhere is the same wherever it stands.
        let mut directory = tiff_of(true, std::slice::from_ref(entries)).split_off(8);
        let link = 2 + 12 * entries.len();
        directory[link..link + 4].copy_from_slice(&u32::try_from(*next).expect("fits").to_be_bytes());
        let whole = file.len().max(place + directory.len());
        file.resize(whole, 0);
        file[place - front.len()..*place].copy_from_slice(front);
        file[*place..place + directory.len()].copy_from_slice(&directory);
    }
    file
}

#[tokio::test]
async fn what_stands_behind_the_pixels_is_told_however_far_in_that_is() {
    let long = vec![0; FAR];
    let exif = tiff_of(true, &[vec![(ORIENTATION, Value::Short(6))]]);
    let mut behind = png_of(
        SIZE,
        &Png {
            chunks: &[(*b"juNk", &long)],
            ..Png::default()
        },
    );
    let end = behind.len() - 12;
    let chunk = [
        &u32::try_from(exif.len()).expect("fits").to_be_bytes(),
        &b"eXIf"[..],
        &exif,
        &[0; 4],
    ]
    .concat();
    behind.splice(end..end, chunk);
    let mut frame = gif_of((20, 10), &[(0, 0, 20, 10)]);
    let pixels: Vec<u8> = std::iter::repeat_n([&[255][..], &[0; 255]].concat(), FAR / 256)
        .flatten()
        .collect();
    let at = frame.len() - 4;
    frame.splice(at..at + 2, pixels);
    let other = gif_of((20, 10), &[(0, 0, 20, 10)]);
    let two = [&frame[..frame.len() - 1], &other[19..]].concat();
    let moving = |format, mode| usual(format, mode).with(|image| image.sequence = Some(true));
    let free = boxed(b"free", &long);
    check([
        (
            "webp",
            webp_of(&[(b"VP8X", &vp8x(0x08, SIZE)), (b"VP8L", &long), (b"EXIF", &exif)]),
            turned("WEBP"),
        ),
        ("png", behind, turned("PNG")),
        ("gif, one frame", frame, usual("GIF", "P")),
        ("gif, two frames", two, moving("GIF", "P")),
        (
            "gif, very many frames",
            gif_of((20, 10), &vec![(0, 0, 20, 10); 30_000]),
            moving("GIF", "P"),
        ),
        ("heif", heif_of(b"heic", &free, &[SIZE], 0), usual("HEIF", "RGB")),
        (
            "tiff",
            scattered(&[(FAR, page(WIDTH, HEIGHT, 2, 3), 0, b"")]),
            usual("TIFF", "RGB"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_tiff_may_have_its_directories_anywhere_in_their_order() {
    let one = || page(WIDTH, HEIGHT, 2, 3);
    // As FFmpeg writes it: the fractions stand in front of the directory.
    let fraction = [300_u32, 1].map(u32::to_be_bytes).concat();
    let mut dense = one();
    dense.extend([
        (X_RESOLUTION, Value::Long(0)),
        (Y_RESOLUTION, Value::Long(0)),
        (RESOLUTION_UNIT, Value::Short(2)),
    ]);
    let mut dense = scattered(&[(FAR, dense, 0, &fraction)]);
    for entry in [4, 5].map(|n| FAR + 2 + 12 * n) {
        // Fractions are of the kind 5, and these stand eight bytes in front.
        dense[entry + 3] = 5;
        dense[entry + 8..entry + 12].copy_from_slice(&u32::try_from(FAR - 8).expect("fits").to_be_bytes());
    }
    let pages = |count: usize, step: usize| {
        let directories: Vec<_> = (1..=count)
            .map(|n| (n * step, one(), if n == count { 0 } else { (n + 1) * step }, &b""[..]))
            .collect();
        scattered(&directories)
    };
    let moving = || usual("TIFF", "RGB").with(|image| image.sequence = Some(true));
    check([
        (
            "values in front",
            dense,
            usual("TIFF", "RGB").with(|image| image.dpi = Some((300, 300))),
        ),
        ("two pages", pages(2, FAR), moving()),
        ("pages far from each other", pages(30, 70_000), moving()),
        (
            "just beyond what comes first",
            scattered(&[(8190, one(), 0, b"")]),
            usual("TIFF", "RGB"),
        ),
        (
            "a next page that is its own",
            scattered(&[(FAR, one(), FAR, b"")]),
            usual("TIFF", "RGB"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_page_far_in_is_judged_too() {
    let bomb = page(100_000, 100_000, 2, 3);
    let second = scattered(&[(FAR, page(1, 1, 2, 3), 2 * FAR, b""), (2 * FAR, bomb.clone(), 0, b"")]);
    // A camera's file shows a small picture, and says elsewhere where the large one is.
    let mut first = page(1, 1, 2, 3);
    first.push((0x014A, Value::Long(u32::try_from(2 * FAR).expect("fits"))));
    let inside = scattered(&[(FAR, first, 0, b""), (2 * FAR, bomb, 0, b"")]);
    for content in [second, inside] {
        let report = scan(&ImageInfo::default(), &content).await;
        let code = report.verdict.rejection().map(|no| no.code.to_string());
        assert_eq!(code.as_deref(), Some("image_too_large"));
    }
}

#[tokio::test]
async fn the_larger_kind_of_tiff_is_told_too() {
    for is_little in [false, true] {
        let number = |number: u64, bytes: usize| {
            let mut number = number.to_be_bytes()[8 - bytes..].to_vec();
            if is_little {
                number.reverse();
            }
            number
        };
        let mut file = if is_little {
            b"II+\0".to_vec()
        } else {
            b"MM\0+".to_vec()
        };
        file.extend([number(8, 2), number(0, 2), number(FAR as u64, 8)].concat());
        file.resize(FAR, 0);
        file.extend(number(4, 8));
        for (tag, kind, value) in [(0x0100, 16, 20), (0x0101, 4, 10), (0x0106, 3, 2), (0x0115, 3, 3)] {
            let width = match kind {
                3 => 2,
                4 => 4,
                _ => 8,
            };
            let mut value = number(value, width);
            value.resize(8, 0);
            file.extend([number(tag, 2), number(kind, 2), number(1, 8), value].concat());
        }
        file.extend(number(0, 8));
        let report = scan_as("image/tiff", &file).await;
        assert_eq!(note(&report), Some(usual("TIFF", "RGB")), "{is_little}");
    }
}

#[tokio::test]
async fn what_was_not_seen_is_not_known_and_is_named() {
    let exif = tiff_of(true, &[vec![taken("2024:02:29 23:59:59")]]);
    let large = [exif, vec![0; 300_000]].concat();
    // The first directory stands behind the second, or behind the one with the date.
    let one = || page(WIDTH, HEIGHT, 2, 3);
    let mut dated = one();
    dated.push((EXIF, Value::Long(20_000)));
    let unknown = usual("TIFF", "RGB").with(|image| image.sequence = None);
    let directories = "not read: some of its directories, or values in them";
    for (name, content, told, why) in [
        (
            "tiff of pages",
            scattered(&[(FAR, one(), 20_000, b"")]),
            unknown,
            directories,
        ),
        (
            "tiff with a date",
            scattered(&[(FAR, dated, 0, b"")]),
            usual("TIFF", "RGB"),
            directories,
        ),
        (
            "webp",
            webp_of(&[(b"VP8X", &vp8x(0x08, SIZE)), (b"EXIF", &large)]),
            usual("WEBP", "RGB"),
            "not read: the EXIF data",
        ),
        (
            "png",
            png_of(
                SIZE,
                &Png {
                    chunks: &[(*b"eXIf", &large)],
                    ..Png::default()
                },
            ),
            usual("PNG", "RGB"),
            "not read: the EXIF data",
        ),
    ] {
        let report = scan(&ImageInfo::default(), &content).await;
        assert_eq!(note(&report), Some(told), "{name}");
        assert_eq!(left_out(&report), Some(why), "{name}");
    }
}

#[tokio::test]
async fn who_is_willing_to_keep_more_sees_more() {
    let exif = tiff_of(true, &[vec![(ORIENTATION, Value::Short(6))]]);
    let large = [exif, vec![0; 300_000]].concat();
    let png = png_of(
        SIZE,
        &Png {
            chunks: &[(*b"eXIf", &large)],
            ..Png::default()
        },
    );
    let webp = webp_of(&[(b"VP8X", &vp8x(0x08, SIZE)), (b"EXIF", &large)]);
    let heif = heif_of(b"heic", &[], &[(300_000, 0), SIZE], 0);
    for (content, told) in [
        (png, turned("PNG")),
        (webp, turned("WEBP")),
        (heif, usual("HEIF", "RGB")),
    ] {
        let report = scan(&ImageInfo::default(), &content).await;
        assert!(left_out(&report).is_some(), "{}", told.format);
        let report = scan(&ImageInfo::default().max_header(1024 * 1024), &content).await;
        assert_eq!(note(&report), Some(told));
    }
}

#[tokio::test]
async fn a_png_as_xcode_writes_it_is_told_and_a_size_in_a_wrong_place_is_not() {
    let xcode = std::fs::read("tests/files/cgbi.png").expect("a file of the tests");
    check([("as Xcode writes it", xcode, plain("PNG", (40, 20), "RGB"))]).await;
    for (name, behind) in [(b"juNk", 8), (b"CgBI", 8 + 25)] {
        // What stands in front of the header, and what stands where the header should.
        let mut other = encoded(&rgb(), ImageFormat::Png);
        let chunk = [&4_u32.to_be_bytes(), &name[..], &[0; 8]].concat();
        other.splice(8..behind, chunk);
        assert_eq!(note(&scan(&ImageInfo::default(), &other).await), None);
    }
}

#[tokio::test]
async fn a_webp_that_says_which_way_up_it_is_is_told_as_it_is_shown() {
    let webp = std::fs::read("tests/files/orientation-6.webp").expect("a file of the tests");
    let told = plain("WEBP", (40, 64), "RGB").with(|image| image.orientation = Some(6));
    check([("webp", webp, told)]).await;
}
