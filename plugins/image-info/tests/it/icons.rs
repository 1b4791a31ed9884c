//! What is noted of icons and cursors.

use intake_core::notes::Image;

use crate::notes::plain;
use crate::samples::{Png, png_of};
use crate::{left_out, note, scan_as};

/// A picture as icons have it: of 32 bits, with twice the rows.
pub(crate) fn bitmap((width, height): (i32, i32)) -> Vec<u8> {
    let mut picture = 40_u32.to_le_bytes().to_vec();
    picture.extend([width, 2 * height].into_iter().flat_map(i32::to_le_bytes));
    picture.extend([1, 32].into_iter().flat_map(u16::to_le_bytes));
    picture.resize(40 + 16, 0);
    picture
}

/// An icon, or a cursor, of pictures and the sides that are listed for them.
pub(crate) fn icon(kind: u8, pictures: &[((u8, u8), Vec<u8>)]) -> Vec<u8> {
    let count = u8::try_from(pictures.len()).expect("a few");
    let mut list = vec![0, 0, kind, 0, count, 0];
    let mut place = 6 + 16 * pictures.len();
    for ((width, height), picture) in pictures {
        list.extend([*width, *height, 0, 0, 1, 0, 32, 0]);
        list.extend(
            [picture.len(), place]
                .into_iter()
                .flat_map(|number| (number as u32).to_le_bytes()),
        );
        place += picture.len();
    }
    list.extend(pictures.iter().flat_map(|(_, picture)| picture.clone()));
    list
}

async fn told(media_type: &str, content: &[u8]) -> Option<Image> {
    let report = scan_as(media_type, content).await;
    note(&report)
}

#[tokio::test]
async fn the_largest_picture_is_told_of() {
    let png = |size| png_of(size, &Png::default());
    let small = || ((16, 16), bitmap((16, 16)));
    for (name, content, expected) in [
        (
            "an icon",
            icon(1, &[small(), ((48, 32), bitmap((48, 32)))]),
            plain("ICO", (48, 32), "RGBA"),
        ),
        (
            "the largest in front",
            icon(1, &[((48, 32), bitmap((48, 32))), small()]),
            plain("ICO", (48, 32), "RGBA"),
        ),
        (
            "a PNG inside",
            icon(1, &[small(), ((0, 0), png((256, 256)))]),
            plain("ICO", (256, 256), "RGB"),
        ),
        (
            "a PNG larger than any list can say",
            icon(1, &[((0, 0), png((512, 384))), small()]),
            plain("ICO", (512, 384), "RGB"),
        ),
        ("a cursor", icon(2, &[small()]), plain("CUR", (16, 16), "RGBA")),
        (
            "a picture that is not there",
            icon(1, &[((0, 0), Vec::new())]),
            plain("ICO", (256, 256), None),
        ),
    ] {
        for media_type in ["image/x-icon", "image/vnd.microsoft.icon"] {
            assert_eq!(told(media_type, &content).await, Some(expected.clone()), "{name}");
        }
    }
}

#[tokio::test]
async fn what_is_no_icon_or_has_no_picture_is_not_told() {
    let mut half = bitmap((16, 0));
    half[8] = 1;
    for (name, content) in [
        ("no picture", icon(1, &[])),
        ("of another kind", icon(3, &[((16, 16), bitmap((16, 16)))])),
        (
            "a list that breaks off",
            icon(1, &[((16, 16), bitmap((16, 16)))])[..20].to_vec(),
        ),
        ("no pixels", icon(1, &[((16, 16), bitmap((0, 0)))])),
        ("half a row", icon(1, &[((16, 16), half)])),
    ] {
        assert_eq!(told("image/x-icon", &content).await, None, "{name}");
    }
}

#[tokio::test]
async fn a_picture_inside_is_judged_by_its_own_size() {
    let bomb = icon(
        1,
        &[
            ((16, 16), bitmap((16, 16))),
            ((16, 16), png_of((100_000, 100_000), &Png::default())),
        ],
    );
    let report = scan_as("image/x-icon", &bomb).await;
    assert_eq!(
        report.verdict.rejection().map(|no| no.subject.clone()),
        Some(Some("100000x100000".to_owned()))
    );
}

#[tokio::test]
async fn more_pictures_than_are_looked_at_are_named() {
    let mut many = icon(1, &[((16, 16), bitmap((16, 16)))]);
    many[4..6].copy_from_slice(&300_u16.to_le_bytes());
    many.resize(20_000, 1);
    let report = scan_as("image/x-icon", &many).await;
    assert_eq!(left_out(&report), Some("not read: some of the pictures in it"));
}
