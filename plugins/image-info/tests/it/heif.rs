//! Which picture of a HEIF is told of, and how it is shown.

use intake_core::notes::{GeoLocation, Image};
use intake_plugin_image_info::ImageInfo;

use crate::boxes::{Data, Heif, Item, boxed, clap, file, ispe, pixi, versioned};
use crate::notes::{check, plain};
use crate::samples::{ORIENTATION, Value, at, taken, tiff_of};
use crate::{left_out, note, scan, scan_as};

/// A picture with these properties.
fn picture(properties: &[usize]) -> Item {
    Item {
        kind: *b"hvc1",
        properties: properties.to_vec(),
        data: Data::Nowhere,
    }
}

fn exif_item(data: Data) -> Item {
    Item {
        kind: *b"Exif",
        properties: Vec::new(),
        data,
    }
}

/// EXIF data as items have it: behind a word that says how far in it begins.
fn exif(orientation: u16) -> Vec<u8> {
    let tiff = tiff_of(
        true,
        &[vec![
            (ORIENTATION, Value::Short(orientation)),
            taken("2024:02:29 23:59:59"),
            at(["N", "E"], &[(48, 1)], &[(5, 2)]),
        ]],
    );
    [&6_u32.to_be_bytes(), &b"Exif\0\0"[..], &tiff].concat()
}

fn with_exif(orientation: u8, size: (u32, u32)) -> Image {
    plain("HEIF", size, "RGB").with(|image| {
        image.orientation = Some(orientation);
        image.datetime_original = Some("2024-02-29T23:59:59".to_owned());
        image.geo_location = Some(GeoLocation::new(48.0, 2.5));
    })
}

#[tokio::test]
async fn files_of_phones_and_libraries_are_told_as_their_viewers_show_them() {
    let first_of_january = plain("HEIF", (40, 20), "RGB").with(|image| {
        image.orientation = Some(1);
        image.datetime_original = Some("2020-01-02T03:04:05".to_owned());
        image.geo_location = Some(GeoLocation::new(
            48.0 + 51.0 / 60.0 + 29.7 / 3600.0,
            2.0 + 17.0 / 60.0 + 40.2 / 3600.0,
        ));
    });
    let upright = plain("HEIF", (640, 480), "RGB").with(|image| image.orientation = Some(1));
    let file = |name: &str| std::fs::read(format!("tests/files/{name}")).expect("a file of the tests");
    check([
        ("plain", file("plain.heic"), upright.clone()),
        ("cropped", file("odd-size.heic"), plain("HEIF", (641, 481), "RGB")),
        ("another one is turned", file("other-image-is-rotated.heic"), upright),
        ("place and time", file("exif-and-gps.heic"), first_of_january),
    ])
    .await;
}

#[tokio::test]
async fn every_type_that_such_a_file_may_have_is_looked_into() {
    let heif = Heif {
        properties: vec![ispe(4, 3), pixi(&[8, 8, 8])],
        items: vec![picture(&[1, 2])],
        ..Heif::default()
    };
    let content = file(&[], &heif.meta(0), &[]);
    for (media_type, format) in [
        ("image/heic", "HEIF"),
        ("image/heic-sequence", "HEIF"),
        ("image/heif", "HEIF"),
        ("image/heif-sequence", "HEIF"),
        ("image/avif", "AVIF"),
        ("image/avif-sequence", "AVIF"),
    ] {
        let report = scan_as(media_type, &content).await;
        assert_eq!(note(&report), Some(plain(format, (4, 3), "RGB")), "{media_type}");
    }
}

#[tokio::test]
async fn cropping_and_turning_count_in_their_order() {
    let turned = |quarters| boxed(b"irot", &[quarters]);
    let mirrored = boxed(b"imir", &[0]);
    let all = [1, 2, 3];
    for (name, properties, order, size) in [
        ("as it is", vec![], vec![1], (64, 48)),
        ("a quarter", vec![turned(1)], vec![1, 2], (48, 64)),
        ("half", vec![turned(2)], vec![1, 2], (64, 48)),
        ("three quarters", vec![turned(3)], vec![1, 2], (48, 64)),
        ("mirrored", vec![mirrored], vec![1, 2], (64, 48)),
        ("cropped", vec![clap((40, 1), (20, 1))], vec![1, 2], (40, 20)),
        (
            "cropped, then turned",
            vec![clap((40, 1), (20, 1)), turned(1)],
            all.to_vec(),
            (20, 40),
        ),
        (
            "turned, then cropped",
            vec![turned(1), clap((40, 1), (20, 1))],
            all.to_vec(),
            (40, 20),
        ),
        ("rounded down", vec![clap((121, 3), (40, 2))], vec![1, 2], (40, 20)),
        ("rounded up", vec![clap((81, 2), (122, 3))], vec![1, 2], (41, 41)),
        (
            "of another one",
            vec![clap((40, 1), (20, 1)), turned(1)],
            vec![1],
            (64, 48),
        ),
        ("cropped to more", vec![clap((65, 1), (48, 1))], vec![1, 2], (64, 48)),
        ("cropped to nothing", vec![clap((0, 1), (48, 1))], vec![1, 2], (64, 48)),
        ("cropped by nothing", vec![clap((40, 0), (20, 1))], vec![1, 2], (64, 48)),
        ("a property that is not there", vec![], vec![1, 9], (64, 48)),
    ] {
        for is_long in [false, true] {
            let heif = Heif {
                properties: [vec![ispe(64, 48)], properties.clone()].concat(),
                items: vec![picture(&order)],
                is_long,
                ..Heif::default()
            };
            let report = scan(&ImageInfo::default(), &file(&[], &heif.meta(0), &[])).await;
            let size_told = note(&report).map(|note| (note.width, note.height));
            assert_eq!(size_told, Some(size), "{name}, {is_long}");
        }
    }
}

#[tokio::test]
async fn the_picture_that_is_shown_is_told_of_whatever_else_is_there() {
    let heif = Heif {
        properties: vec![ispe(64, 48), ispe(640, 480), boxed(b"irot", &[1]), pixi(&[8, 8, 8])],
        items: vec![picture(&[2, 3, 4]), picture(&[1, 4])],
        ..Heif::default()
    };
    for (primary, size) in [(0, (480, 640)), (1, (64, 48))] {
        check([(
            "two pictures",
            file(&[], &heif.meta(primary), &[]),
            plain("HEIF", size, "RGB"),
        )])
        .await;
    }
    // And if that is not there, nothing is.
    let report = scan(&ImageInfo::default(), &file(&[], &heif.meta(2), &[])).await;
    assert_eq!(note(&report), None);
}

#[tokio::test]
async fn colours_are_those_of_the_picture_and_of_what_belongs_to_it() {
    let auxc = |urn: &str| versioned(b"auxC", 0, 0, urn.as_bytes());
    let alpha = auxc("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0");
    let alpha_of_old = auxc("urn:mpeg:hevc:2015:auxid:1\0");
    let depth = auxc("urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0");
    let (grey, colours) = (pixi(&[8]), pixi(&[10, 10, 10]));
    let hevc = |chroma: u8| boxed(b"hvcC", &[&[1; 16][..], &[0xFC | chroma], &[0; 6]].concat());
    let av1 = |monochrome: u8| boxed(b"av1C", &[0x81, 0, monochrome << 4, 0]);
    for (name, kind, property, other, mode) in [
        ("colours", b"hvc1", Some(colours.clone()), None, Some("RGB")),
        ("grey", b"hvc1", Some(grey.clone()), None, Some("L")),
        ("grey by the decoder", b"hvc1", Some(hevc(0)), None, Some("L")),
        ("colours by the decoder", b"hvc1", Some(hevc(1)), None, Some("RGB")),
        ("grey by another decoder", b"av01", Some(av1(1)), None, Some("L")),
        ("colours by another decoder", b"av01", Some(av1(0)), None, Some("RGB")),
        ("made of tiles", b"grid", None, None, Some("RGB")),
        ("of an unknown codec", b"j2k1", None, None, None),
        ("alpha", b"hvc1", Some(colours.clone()), Some(alpha), Some("RGBA")),
        (
            "alpha of old",
            b"hvc1",
            Some(grey.clone()),
            Some(alpha_of_old),
            Some("RGBA"),
        ),
        ("depth", b"hvc1", Some(grey), Some(depth), Some("L")),
    ] {
        let shown = if property.is_some() { vec![1, 2] } else { vec![1] };
        let heif = Heif {
            properties: [Some(ispe(64, 48)), property, other].into_iter().flatten().collect(),
            items: vec![
                Item {
                    kind: *kind,
                    ..picture(&shown)
                },
                picture(&[1, 3]),
            ],
            references: vec![(*b"auxl", 2, 1)],
            ..Heif::default()
        };
        let told = plain("HEIF", (64, 48), mode);
        check([(name, file(&[], &heif.meta(0), &[]), told)]).await;
    }
}

/// A picture with EXIF data, which lies there.
fn described(data: Data, references: &[([u8; 4], u32, u32)], idat: Vec<u8>, is_long: bool) -> Heif {
    Heif {
        properties: vec![ispe(64, 48), pixi(&[8, 8, 8])],
        items: vec![picture(&[1, 2]), exif_item(data)],
        references: references.to_vec(),
        idat,
        is_long,
    }
}

#[tokio::test]
async fn exif_data_is_told_wherever_behind_the_boxes_it_lies() {
    let data = exif(6);
    let (len, half) = (u32::try_from(data.len()).expect("fits"), 20);
    let pixels = vec![0; 1024 * 1024];
    let describes = [(*b"cdsc", 2, 1)];
    for is_long in [false, true] {
        let meta = |data: Data, idat: &[u8]| described(data, &describes, idat.to_vec(), is_long).meta(0);
        let size = |data| u32::try_from(file(&[], &meta(data, &[]), &[]).len()).expect("fits") + 8;
        let one = size(Data::At(vec![(0, 0)]));
        let far = one + u32::try_from(pixels.len()).expect("fits");
        let two = size(Data::At(vec![(0, 0); 2]));
        let inside = Data::Inside(2, len);
        check([
            (
                "at once",
                file(&[], &meta(Data::At(vec![(one, len)]), &[]), &boxed(b"mdat", &data)),
                with_exif(6, (64, 48)),
            ),
            (
                "behind the pixels",
                file(
                    &[],
                    &meta(Data::At(vec![(far, len)]), &[]),
                    &boxed(b"mdat", &[&pixels, &data[..]].concat()),
                ),
                with_exif(6, (64, 48)),
            ),
            (
                "in pieces",
                file(
                    &[],
                    &meta(Data::At(vec![(two, half), (two + half + 9, len - half)]), &[]),
                    &boxed(b"mdat", &[&data[..20], &[0; 9], &data[20..]].concat()),
                ),
                with_exif(6, (64, 48)),
            ),
            (
                "in the box",
                file(&[], &meta(inside, &[&[0; 2], &data[..]].concat()), &[]),
                with_exif(6, (64, 48)),
            ),
        ])
        .await;
    }
}

#[tokio::test]
async fn exif_data_of_another_picture_is_not_told() {
    let data = exif(6);
    let place = Data::Inside(0, u32::try_from(data.len()).expect("fits"));
    for (name, references, told) in [
        ("of this one", vec![(*b"cdsc", 2, 1)], true),
        ("of none", vec![], true),
        ("of another one", vec![(*b"cdsc", 2, 3)], false),
    ] {
        let heif = described(place.clone(), &references, data.clone(), false);
        let report = scan(&ImageInfo::default(), &file(&[], &heif.meta(0), &[])).await;
        let note = note(&report).expect("a note");
        assert_eq!(note.orientation.is_some(), told, "{name}");
        assert_eq!(left_out(&report), None, "{name}");
    }
}

#[tokio::test]
async fn exif_data_that_passed_by_or_is_too_large_is_named() {
    let data = exif(6);
    let len = u32::try_from(data.len()).expect("fits");
    let describes = [(*b"cdsc", 2, 1)];
    // The first box has 24 bytes.
    let front = boxed(b"mdat", &data);
    let in_front = described(Data::At(vec![(24 + 8, len)]), &describes, Vec::new(), false);
    let large = described(Data::At(vec![(1000, 300_000)]), &describes, Vec::new(), false);
    for (name, content) in [
        ("in front", file(&front, &in_front.meta(0), &[])),
        ("large", file(&[], &large.meta(0), &vec![0; 400_000])),
    ] {
        let report = scan(&ImageInfo::default(), &content).await;
        assert_eq!(note(&report), Some(plain("HEIF", (64, 48), "RGB")), "{name}");
        assert_eq!(left_out(&report), Some("not read: the EXIF data"), "{name}");
    }
    // The upload breaks off in front of it.
    let nowhere = described(Data::At(vec![(5_000, len)]), &describes, Vec::new(), false);
    check([(
        "cut off",
        file(&[], &nowhere.meta(0), &[]),
        plain("HEIF", (64, 48), "RGB"),
    )])
    .await;
}

#[tokio::test]
async fn numbers_that_make_no_sense_end_the_search_and_nothing_else() {
    let heif = described(Data::At(vec![(0, 4)]), &[(*b"cdsc", 2, 1)], Vec::new(), false);
    let sound = heif.meta(0);
    // Every byte of the boxes, as large and as small as can be.
    for at in 0..sound.len() {
        for value in [0, 1, 0x7F, 0x80, 0xFF] {
            let mut meta = sound.clone();
            meta[at] = value;
            let report = scan(&ImageInfo::default(), &file(&[], &meta, &[0; 64])).await;
            let why = left_out(&report).unwrap_or_default();
            assert!(!why.contains("reading it"), "byte {at}, {value}: {why}");
        }
    }
}
