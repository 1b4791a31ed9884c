//! Files that were damaged, by accident or on purpose.

use image::ImageFormat;
use intake_core::testkit::noise;
use intake_plugin_image_info::ImageInfo;

use crate::boxes::{Data, Heif, Item, boxed, clap, file, ispe, pixi, versioned};
use crate::icons::{bitmap, icon};
use crate::jxl::{container, header, part};
use crate::places::scattered;
use crate::samples::{
    HEIGHT, ORIENTATION, Png, Value, WIDTH, at, encoded, gif, heif_of, page, png_of, rgb, taken, tiff_of, vp8x,
    webp_of, with_exif,
};
use crate::{left_out, note, scan};

/// One file at least of every format, with everything in it that is read.
fn files() -> Vec<Vec<u8>> {
    let said = vec![
        (ORIENTATION, Value::Byte(6)),
        taken("2024:02:29 23:59:59"),
        at(["S", "W"], &[(1, 2), (3, 4), (5, 6)], &[(7, 8)]),
    ];
    let exif = tiff_of(true, std::slice::from_ref(&said));
    let tiff: Vec<_> = page(WIDTH, HEIGHT, 2, 3).into_iter().chain(said).collect();
    let animated = Png {
        frames: 3,
        per_metre: Some((1, 1)),
        ..Png::default()
    };
    vec![
        with_exif(ImageFormat::Jpeg, exif.clone()),
        with_exif(ImageFormat::Png, exif.clone()),
        with_exif(ImageFormat::WebP, exif.clone()),
        png_of((WIDTH, HEIGHT), &animated),
        webp_of(&[(b"VP8X", &vp8x(0x0A, (WIDTH, HEIGHT))), (b"EXIF", &exif)]),
        gif(3, None),
        encoded(&rgb(), ImageFormat::Bmp),
        encoded(&rgb(), ImageFormat::Tiff),
        tiff_of(false, &[tiff, page(7, 7, 1, 1)]),
        scattered(&[
            (9_000, page(WIDTH, HEIGHT, 2, 3), 14_000, b""),
            (14_000, page(7, 7, 1, 1), 0, b""),
        ]),
        heif_of(b"heic", &[], &[(WIDTH, HEIGHT), (3, 3)], 1),
        heif_of(b"avif", &[], &[(WIDTH, HEIGHT)], 0),
        described(&exif, false),
        described(&exif, true),
        header((WIDTH, HEIGHT), 6, true),
        container(&[
            part(0, &header((WIDTH, HEIGHT), 1, false)[..5]),
            boxed(b"Exif", &[&[0; 4], &exif[..]].concat()),
            part(1, &header((WIDTH, HEIGHT), 1, false)[5..]),
        ]),
        icon(
            1,
            &[
                ((20, 10), bitmap((20, 10))),
                ((16, 9), png_of((16, 9), &Png::default())),
            ],
        ),
    ]
}

/// A HEIF with EXIF data, in which everything is that is read.
fn described(exif: &[u8], is_long: bool) -> Vec<u8> {
    let item = |kind: &[u8; 4], properties: &[usize], data| Item {
        kind: *kind,
        properties: properties.to_vec(),
        data,
    };
    let data = [&[0; 4], exif].concat();
    let place = Data::Inside(0, u32::try_from(data.len()).expect("fits"));
    let heif = Heif {
        properties: vec![
            ispe(64, 48),
            clap((WIDTH, 1), (HEIGHT, 1)),
            pixi(&[8, 8, 8]),
            boxed(b"irot", &[0]),
            versioned(b"auxC", 0, 0, b"urn:mpeg:hevc:2015:auxid:1\0"),
        ],
        items: vec![
            item(b"hvc1", &[1, 2, 3, 4], Data::At(vec![(8, 9), (30, 5)])),
            item(b"hvc1", &[1, 5], Data::Nowhere),
            item(b"Exif", &[], place),
        ],
        references: vec![(*b"auxl", 2, 1), (*b"cdsc", 3, 1)],
        idat: data,
        is_long,
    };
    file(&[], &heif.meta(0), &boxed(b"mdat", &[0; 50]))
}

#[tokio::test]
async fn a_file_that_breaks_off_is_noted_right_or_not_at_all() {
    let scanner = ImageInfo::default();
    for (n, file) in files().into_iter().enumerate() {
        for len in 0..file.len() {
            let report = scan(&scanner, &file[..len]).await;
            if let Some(note) = note(&report) {
                let (long, short) = (note.width.max(note.height), note.width.min(note.height));
                assert_eq!((long, short), (WIDTH, HEIGHT), "file {n}, {len} bytes");
            }
            assert_eq!(report.verdict.rejection(), None, "file {n}, {len} bytes");
        }
    }
}

/// A longer run of the same: `INTAKE_MUTATIONS=100000 cargo test -p intake-plugin-image-info damaged`.
#[tokio::test]
async fn a_file_that_was_damaged_anywhere_makes_no_parser_panic() {
    let rounds = std::env::var("INTAKE_MUTATIONS").map_or(3_000, |rounds| rounds.parse().expect("a number"));
    let scanner = ImageInfo::default();
    let files = files();
    let chance = noise(20, rounds * 64);
    for (round, chance) in chance.chunks_exact(64).enumerate() {
        let mut file = files[round % files.len()].clone();
        let (count, places) = chance.split_first().expect("64 bytes");
        for place in places.chunks_exact(5).take(1 + usize::from(count % 8)) {
            let at = u32::from_le_bytes([place[0], place[1], place[2], 0]) as usize % file.len();
            match place[3] % 4 {
                0 => file[at] = place[4],
                1 => file[at] ^= 1 << (place[4] % 8),
                2 => file[at] = [0, 0xFF, 0x7F, 0x80][usize::from(place[4] % 4)],
                _ => file.truncate(at.max(4)),
            }
        }
        let report = scan(&scanner, &file).await;
        let why = left_out(&report).unwrap_or_default();
        assert!(!why.contains("reading it failed"), "round {round} panics: {file:?}");
        assert!(!why.contains("too long"), "round {round} does not end: {file:?}");
    }
}
