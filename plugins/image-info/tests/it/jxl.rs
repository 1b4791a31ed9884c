//! What is noted of a JPEG XL.

use intake_core::notes::GeoLocation;
use intake_plugin_image_info::ImageInfo;

use crate::boxes::boxed;
use crate::notes::{check, plain};
use crate::samples::{ORIENTATION, Value, taken, tiff_of};
use crate::{left_out, note, scan};

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/files/{name}")).expect("a file of the tests")
}

/// A picture of 64 by 40 pixels, as it is without a container.
fn bare() -> Vec<u8> {
    file("shown-by-chromium.jxl")
}

/// Numbers in so many bits each, the lowest first, as the format has them.
fn bits(numbers: &[(u32, u32)]) -> Vec<u8> {
    let all = numbers
        .iter()
        .flat_map(|(number, count)| (0..*count).map(move |n| number >> n & 1));
    let all: Vec<u32> = all.collect();
    all.chunks(8)
        .map(|byte| byte.iter().zip(0..).fold(0, |sum, (bit, n)| sum | (*bit as u8) << n))
        .collect()
}

/// A header of a picture of these sides, with this orientation, which moves or does not.
pub(crate) fn header((width, height): (u32, u32), orientation: u32, moves: bool) -> Vec<u8> {
    let mut numbers = vec![(0xFF, 8), (0x0A, 8)];
    // Sides at length, in 18 bits: no ratio between them.
    numbers.extend([(0, 1), (2, 2), (height - 1, 18), (0, 3), (2, 2), (width - 1, 18)]);
    // Not all as usual, and more than usual: orientation, no other sizes.
    numbers.extend([(0, 1), (1, 1), (orientation - 1, 3), (0, 1), (0, 1)]);
    numbers.push((u32::from(moves), 1));
    if moves {
        // A hundred ticks a second, once, without time codes.
        numbers.extend([(0, 2), (0, 2), (0, 2), (0, 1)]);
    }
    // Eight bits, no further channels, colours and all that follows as usual.
    numbers.extend([(0, 1), (0, 2), (1, 1), (0, 2), (1, 1), (1, 1), (1, 1), (0, 2), (1, 1)]);
    [bits(&numbers), vec![0; 8]].concat()
}

pub(crate) fn container(boxes: &[Vec<u8>]) -> Vec<u8> {
    let head = [boxed(b"JXL ", b"\r\n\x87\n"), boxed(b"ftyp", b"jxl \0\0\0\0jxl ")];
    [head.concat(), boxes.concat()].concat()
}

pub(crate) fn part(number: u32, bytes: &[u8]) -> Vec<u8> {
    boxed(b"jxlp", &[&number.to_be_bytes(), bytes].concat())
}

#[tokio::test]
async fn size_and_colours_are_told_in_every_wrapping() {
    let bare = bare();
    let told = || plain("JXL", (64, 40), "RGB");
    let long = vec![0; 300_000];
    check([
        ("as Chromium shows it", bare.clone(), told()),
        ("in a container", container(&[boxed(b"jxlc", &bare)]), told()),
        (
            "far behind another box",
            container(&[boxed(b"xml ", &long), boxed(b"jxlc", &bare)]),
            told(),
        ),
        (
            "in parts",
            container(&[part(0, &bare[..3]), part(1, &bare[3..7]), part(0x8000_0002, &bare[7..])]),
            told(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_header_turns_the_sides_and_says_whether_it_moves() {
    for orientation in 1..=8 {
        let size = if orientation < 5 { (300, 200) } else { (200, 300) };
        let told = plain("JXL", size, "RGB").with(|image| {
            // Upright is what all are that say nothing.
            image.orientation = Some(orientation as u8).filter(|value| *value > 1);
            image.sequence = Some(orientation == 3);
        });
        check([("turned", header((300, 200), orientation, orientation == 3), told)]).await;
    }
}

#[tokio::test]
async fn exif_data_in_a_box_is_told_and_turns_nothing() {
    let exif = tiff_of(
        true,
        &[vec![(ORIENTATION, Value::Short(6)), taken("2024:02:29 23:59:59")]],
    );
    let told = plain("JXL", (64, 40), "RGB").with(|image| {
        image.orientation = Some(6);
        image.datetime_original = Some("2024-02-29T23:59:59".to_owned());
    });
    let pixels = [bare(), vec![0; 300_000]].concat();
    let data = [&[0; 4], &exif[..]].concat();
    let of_a_library = told.clone().with(|image| {
        image.datetime_original = Some("2020-01-02T03:04:05".to_owned());
        image.geo_location = Some(GeoLocation::new(
            48.0 + 51.0 / 60.0 + 29.7 / 3600.0,
            -(2.0 + 17.0 / 60.0 + 40.2 / 3600.0),
        ));
    });
    check([
        (
            "in front",
            container(&[boxed(b"Exif", &data), boxed(b"jxlc", &pixels)]),
            told.clone(),
        ),
        (
            "behind",
            container(&[boxed(b"jxlc", &pixels), boxed(b"Exif", &data)]),
            told.clone(),
        ),
        (
            "without the word in front of it",
            container(&[boxed(b"jxlc", &pixels), boxed(b"Exif", &exif)]),
            told,
        ),
        ("between the parts", file("exif-between-parts.jxl"), of_a_library),
    ])
    .await;
}

#[tokio::test]
async fn exif_data_that_is_packed_or_too_large_is_named() {
    for (exif, why) in [
        (
            boxed(b"brob", b"Exif\x1B\x01"),
            "not read: the EXIF data, which is packed",
        ),
        (boxed(b"Exif", &vec![0; 300_000]), "not read: the EXIF data"),
    ] {
        let content = container(&[exif, boxed(b"brob", b"xml \x1B"), boxed(b"jxlc", &bare())]);
        let report = scan(&ImageInfo::default(), &content).await;
        assert_eq!(note(&report), Some(plain("JXL", (64, 40), "RGB")));
        assert_eq!(left_out(&report), Some(why));
    }
}
