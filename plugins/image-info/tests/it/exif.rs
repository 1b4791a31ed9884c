//! What EXIF data, and what says the same elsewhere, becomes in a note.

use image::ImageFormat;
use image::codecs::jpeg::{PixelDensity, PixelDensityUnit};
use intake_core::notes::{GeoLocation, Image};
use intake_plugin_image_info::ImageInfo;

use crate::notes::{check, plain, usual};
use crate::samples::{
    HEIGHT, ORIENTATION, Png, RESOLUTION_UNIT, Value, WIDTH, X_RESOLUTION, Y_RESOLUTION, at, bmp_of, endless_exif,
    jpeg_of, jpeg_of_density, page, png_of, taken, tiff_of, vp8x, webp_of, with_exif,
};
use crate::{note, scan};

#[tokio::test]
async fn the_orientation_turns_the_sides() {
    for orientation in 0..=9_u16 {
        let entry = (ORIENTATION, Value::Short(orientation));
        let turned = (5..=8).contains(&orientation);
        let size = if turned { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) };
        let expected = |format, mode| {
            plain(format, size, mode)
                .with(|image| image.orientation = u8::try_from(orientation).ok().filter(|o| (1..=8).contains(o)))
        };
        for big_endian in [false, true] {
            let exif = tiff_of(big_endian, &[vec![entry.clone()]]);
            let mut entries = page(WIDTH, HEIGHT, 2, 3);
            entries.push(entry.clone());
            check([
                (
                    "jpeg",
                    with_exif(ImageFormat::Jpeg, exif.clone()),
                    expected("JPEG", "RGB"),
                ),
                ("png", with_exif(ImageFormat::Png, exif.clone()), expected("PNG", "RGB")),
                ("webp", with_exif(ImageFormat::WebP, exif), expected("WEBP", "RGB")),
                ("tiff", tiff_of(big_endian, &[entries]), expected("TIFF", "RGB")),
            ])
            .await;
        }
    }
}

#[tokio::test]
async fn density_is_told_in_dots_per_inch() {
    let size = (WIDTH, HEIGHT);
    let with = |dpi, note: Image| note.with(|image| image.dpi = dpi);
    let jpeg = |x, y, unit| jpeg_of_density(PixelDensity { density: (x, y), unit });
    let png = |per_metre| {
        let png = Png {
            per_metre: Some(per_metre),
            ..Png::default()
        };
        png_of(size, &png)
    };
    let exif = |x: (u32, u32), y: (u32, u32), unit: Option<u16>| {
        let mut entries = vec![
            (X_RESOLUTION, Value::Fractions(vec![x])),
            (Y_RESOLUTION, Value::Fractions(vec![y])),
        ];
        entries.extend(unit.map(|unit| (RESOLUTION_UNIT, Value::Short(unit))));
        entries
    };
    let in_jpeg = |entries| {
        jpeg_of(
            &[(0xE1, &[b"Exif\0\0", &tiff_of(true, &[entries])[..]].concat())],
            0xC0,
            (20, 10),
            3,
        )
    };
    let (inches, centimetres) = (PixelDensityUnit::Inches, PixelDensityUnit::Centimeters);
    let of_jpeg = |dpi| with(dpi, usual("JPEG", "RGB"));
    let of_png = |dpi| with(dpi, usual("PNG", "RGB"));
    let jfif = b"JFIF\0\x01\x02\x01\0\x60\0\x60\0\0";
    let other = [&b"Exif\0\0"[..], &tiff_of(false, &[exif((72, 1), (72, 1), Some(2))])].concat();
    let both = jpeg_of(&[(0xE0, jfif), (0xE1, &other)], 0xC0, (20, 10), 3);
    let mut tiff = page(WIDTH, HEIGHT, 2, 3);
    tiff.extend(exif((600, 2), (150, 1), Some(2)));
    check([
        ("jfif, inches", jpeg(96, 72, inches), of_jpeg(Some((96, 72)))),
        (
            "jfif, centimetres",
            jpeg(100, 118, centimetres),
            of_jpeg(Some((254, 300))),
        ),
        (
            "jfif, no unit",
            jpeg(4, 3, PixelDensityUnit::PixelAspectRatio),
            of_jpeg(None),
        ),
        ("jfif, nothing", jpeg(0, 0, inches), of_jpeg(None)),
        (
            "exif, inches",
            in_jpeg(exif((72, 1), (3001, 10), Some(2))),
            of_jpeg(Some((72, 300))),
        ),
        (
            "exif, centimetres",
            in_jpeg(exif((100, 1), (100, 1), Some(3))),
            of_jpeg(Some((254, 254))),
        ),
        (
            "exif, unit not said",
            in_jpeg(exif((72, 1), (72, 1), None)),
            of_jpeg(Some((72, 72))),
        ),
        ("exif, no unit", in_jpeg(exif((72, 1), (72, 1), Some(1))), of_jpeg(None)),
        (
            "exif, nothing of nothing",
            in_jpeg(exif((0, 0), (72, 1), Some(2))),
            of_jpeg(None),
        ),
        (
            "exif, without end",
            in_jpeg(exif((1, 0), (72, 1), Some(2))),
            of_jpeg(None),
        ),
        ("jfif before exif", both, of_jpeg(Some((96, 96)))),
        ("png", png((3780, 2835)), of_png(Some((96, 72)))),
        ("png, nothing", png((0, 0)), of_png(None)),
        (
            "tiff",
            tiff_of(false, &[tiff]),
            with(Some((300, 150)), usual("TIFF", "RGB")),
        ),
        (
            "bmp",
            bmp_of((20, 10), 24, (11_811, 2_835), 0),
            with(Some((300, 72)), usual("BMP", "RGB")),
        ),
    ])
    .await;
}

#[tokio::test]
async fn place_and_time_are_told_if_there_is_such_a_place_and_time() {
    let exif = |entries: Vec<(u16, Value)>| with_exif(ImageFormat::Jpeg, tiff_of(true, &[entries]));
    let place = |latitude, longitude| {
        usual("JPEG", "RGB").with(|image| image.geo_location = Some(GeoLocation::new(latitude, longitude)))
    };
    let time = |when: &str| usual("JPEG", "RGB").with(|image| image.datetime_original = Some(when.to_owned()));
    let none = || usual("JPEG", "RGB");
    let degrees = |degrees| [(degrees, 1), (30, 1), (3600, 100)];
    check([
        (
            "north east",
            exif(vec![at(["N", "E"], &degrees(52), &degrees(13))]),
            place(52.51, 13.51),
        ),
        (
            "south west",
            exif(vec![at(["S", "W"], &degrees(33), &degrees(70))]),
            place(-33.51, -70.51),
        ),
        (
            "in small letters, without minutes",
            exif(vec![at(["s", "e"], &[(5, 2)], &[(0, 1)])]),
            place(-2.5, 0.0),
        ),
        (
            "the ends of the earth",
            exif(vec![at(["S", "W"], &[(90, 1)], &[(180, 1)])]),
            place(-90.0, -180.0),
        ),
        (
            "too far north",
            exif(vec![at(["N", "E"], &[(91, 1)], &[(0, 1)])]),
            none(),
        ),
        (
            "too far west",
            exif(vec![at(["N", "W"], &[(0, 1)], &[(181, 1)])]),
            none(),
        ),
        ("nowhere", exif(vec![at(["N", "E"], &[(0, 0)], &[(0, 0)])]), none()),
        (
            "without an end",
            exif(vec![at(["N", "E"], &[(1, 0)], &[(1, 1)])]),
            none(),
        ),
        ("no side", exif(vec![at(["", "E"], &degrees(1), &degrees(1))]), none()),
        (
            "another side",
            exif(vec![at(["E", "N"], &degrees(1), &degrees(1))]),
            none(),
        ),
        (
            "a time",
            exif(vec![taken("2024:02:29 23:59:59")]),
            time("2024-02-29T23:59:59"),
        ),
        ("no leap year", exif(vec![taken("2023:02:29 12:00:00")]), none()),
        ("nor that one", exif(vec![taken("1900:02:29 12:00:00")]), none()),
        ("the 13th month", exif(vec![taken("2024:13:01 12:00:00")]), none()),
        ("the 31st of April", exif(vec![taken("2024:04:31 12:00:00")]), none()),
        ("24 o'clock", exif(vec![taken("2024:01:01 24:00:00")]), none()),
        ("no date", exif(vec![taken("0000:00:00 00:00:00")]), none()),
        ("blank", exif(vec![taken("    :  :     :  :  ")]), none()),
        ("too short", exif(vec![taken("2024:01:01")]), none()),
        ("signs", exif(vec![taken("2024:+1:-1 12:00:00")]), none()),
        ("another writing", exif(vec![taken("2024-01-01T12:00:00")]), none()),
    ])
    .await;
}

#[tokio::test]
async fn broken_exif_data_is_left_out_and_the_rest_is_told() {
    let exif = tiff_of(
        true,
        &[vec![taken("2024:02:29 23:59:59"), (ORIENTATION, Value::Short(1))]],
    );
    let with = |data: Vec<u8>| jpeg_of(&[(0xE1, &[b"Exif\0\0", &data[..]].concat())], 0xC0, (20, 10), 3);
    for len in 0..exif.len() - 1 {
        let report = scan(&ImageInfo::default(), &with(exif[..len].to_vec())).await;
        let note = note(&report).expect("a note");
        assert_eq!((note.width, note.height), (WIDTH, HEIGHT), "{len}");
        assert_eq!(note.datetime_original, None, "{len}");
    }
    let mut round = exif.clone();
    // The second directory is the first one again.
    let link = 8 + 2 + 2 * 12;
    round[link..link + 4].copy_from_slice(&8_u32.to_be_bytes());
    let mut elsewhere = exif.clone();
    // The second directory is said to be where nothing is.
    elsewhere[link..link + 4].copy_from_slice(&60_000_u32.to_be_bytes());
    let told = usual("JPEG", "RGB").with(|image| {
        image.datetime_original = Some("2024-02-29T23:59:59".to_owned());
        image.orientation = Some(1);
    });
    check([
        ("not at all", with(b"what is this?".to_vec()), usual("JPEG", "RGB")),
        (
            "announced and not there",
            webp_of(&[(b"VP8X", &vp8x(0x08, (WIDTH, HEIGHT)))]),
            usual("WEBP", "RGB"),
        ),
        ("in a circle", with(round), told.clone()),
        (
            "with a second directory that is not there",
            with(elsewhere),
            told.clone(),
        ),
        ("without an end", with(endless_exif()), usual("JPEG", "RGB")),
        (
            "after another segment of its sort",
            jpeg_of(
                &[
                    (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
                    (0xE1, &[b"Exif\0\0", &exif[..]].concat()),
                    (0xE1, b"Exif\0\0and again"),
                ],
                0xC0,
                (20, 10),
                3,
            ),
            told.clone(),
        ),
        (
            "with a name in front that belongs to JPEG",
            with_exif(ImageFormat::Png, [b"Exif\0\0", &exif[..]].concat()),
            told.with(|image| image.format = "PNG".to_owned()),
        ),
    ])
    .await;
}
