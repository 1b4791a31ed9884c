//! What is counted: frames, pages, pixels, and what else is noted.

use image::DynamicImage;
use intake_plugin_image_limits::{ColorSpace, ImageLimits, ImageLimitsNote};

use crate::files::{
    AVIF, BMP, GIF, HEIC, JPEG, JXL, PNG, TIFF, WEBP, apng, big_tiff, bmp, boxed, encoded, encoded_apng, encoded_gif,
    file, frames, gif, heic, heif, ico, ispe, jpeg, jxl, jxl_header, jxlp, meta, page, png, tiff, track, webp, webp_of,
};
use crate::{Answer, answer, note};

fn counted(note: ImageLimitsNote) -> (u64, u64) {
    (note.frames, note.total_pixels)
}

#[tokio::test]
async fn a_still_image_has_one_frame() {
    for kind in [JPEG, PNG, GIF, WEBP, BMP, TIFF] {
        let picture = DynamicImage::new_rgb8(200, 100);
        assert_eq!(counted(note(&encoded(kind, &picture)).await), (1, 20_000), "{kind}");
    }
    for still in [
        jpeg(200, 100, 3),
        png(200, 100, 2),
        bmp(200, -100),
        heic(200, 100),
        frames(200, 100, 1),
    ] {
        assert_eq!(counted(note(&still).await), (1, 20_000), "{still:?}");
    }
    for (name, data) in [
        (b"VP8L", vec![0x2F, 199, 0xC0, 24, 0]),
        (b"VP8 ", vec![0x10, 0, 0, 0x9D, 1, 0x2A, 200, 0, 100, 0]),
    ] {
        assert_eq!(counted(note(&webp_of(&[(name, data)])).await), (1, 20_000), "{name:?}");
    }
    let old = [&b"BM"[..], &[0; 12], &[12, 0, 0, 0, 200, 0, 100, 0, 1, 0, 24, 0]].concat();
    assert_eq!(counted(note(&file(BMP, old)).await), (1, 20_000));
    assert_eq!(
        counted(note(&ico(&[16, 48, 512])).await),
        (1, 512 * 512),
        "of the largest picture"
    );
}

#[tokio::test]
async fn a_frame_counts_as_the_whole_canvas() {
    let avis = heif(
        AVIF,
        &[meta(&[ispe(20, 10)], &[1]), boxed(b"moov", &track(b"pict", 20, 10, 7))],
    );
    let with_alpha = [
        track(b"pict", 20, 10, 4),
        track(b"auxv", 20, 10, 4),
        track(b"soun", 0, 0, 99),
    ]
    .concat();
    for (animation, frames) in [
        (encoded_gif(3), 3),
        (encoded_apng(4), 4),
        (frames(20, 10, 5), 5),
        (gif(20, 10, b"!\xFE\x03abc\0", &[(0, 0, 20, 10), (3, 3, 1, 1)]), 2),
        (webp(20, 10, 6), 6),
        (avis, 7),
        (heif(HEIC, &[boxed(b"mdat", &[0; 40]), boxed(b"moov", &with_alpha)]), 4),
        // The more of what it declares and what it has.
        (apng(20, 10, 9, 2), 9),
        (apng(20, 10, 2, 9), 9),
    ] {
        assert_eq!(
            counted(note(&animation).await),
            (frames, frames * 200),
            "{}",
            animation.media_type
        );
    }
    // Viewers let the canvas grow for a frame.
    assert_eq!(
        counted(note(&gif(20, 10, b"", &[(10, 5, 20, 10), (0, 0, 1, 1)])).await),
        (2, 2 * 30 * 15)
    );
}

#[tokio::test]
async fn pages_are_counted_wherever_they_are() {
    let pages = [page(10, 10, 2), page(20, 10, 2), page(1, 2, 0), page(3, 3, 0)];
    for gap in [0, 10, 2700, 8150, 8190, 50_000] {
        for is_big_endian in [false, true] {
            let counted = counted(note(&tiff(is_big_endian, gap, &pages)).await);
            assert_eq!(counted, (4, 100 + 200 + 2 + 9), "{gap} bytes of pixels");
        }
    }
    assert_eq!(counted(note(&big_tiff(&[(10, 10), (2, 3)])).await), (2, 106));
}

#[tokio::test]
async fn pages_that_passed_by_are_named() {
    // The second page is in front of the first one, and not in the first bytes.
    let mut content = tiff(false, 20_000, &[page(1, 1, 2), page(2, 2, 2)]).content;
    let (first, second) = (8 + 20_000, 8 + 2 * 20_000 + 2 + 3 * 12 + 4);
    content[4..8].copy_from_slice(&u32::try_from(second).expect("fits").to_le_bytes());
    content[second + 38..second + 42].copy_from_slice(&u32::try_from(first).expect("fits").to_le_bytes());
    let Answer::Taken(Some(note), Some(missing)) = answer(&ImageLimits::default(), &file(TIFF, content)).await else {
        panic!("it is taken, in part")
    };
    assert_eq!(counted(note), (1, 4));
    assert_eq!(missing, "not read: some of its pages");
}

#[tokio::test]
async fn a_chain_of_pages_that_leads_back_ends() {
    let mut content = tiff(false, 0, &[page(1, 1, 2), page(2, 2, 2)]).content;
    let end = content.len() - 4;
    content[end..].copy_from_slice(&8_u32.to_le_bytes());
    assert_eq!(counted(note(&file(TIFF, content)).await), (2, 5));
}

#[tokio::test]
async fn the_colour_space_is_noted() {
    use ColorSpace::{Cmyk, Gray, Lab, Rgb};
    let gray = boxed(b"pixi", &[0, 0, 0, 0, 1, 8]);
    for (file, space) in [
        (jpeg(1, 1, 1), Some(Gray)),
        (jpeg(1, 1, 3), Some(Rgb)),
        (jpeg(1, 1, 4), Some(Cmyk)),
        (jpeg(1, 1, 2), None),
        (png(1, 1, 0), Some(Gray)),
        (png(1, 1, 3), Some(Rgb)),
        (png(1, 1, 6), Some(Rgb)),
        (frames(1, 1, 1), Some(Rgb)),
        (webp(1, 1, 1), Some(Rgb)),
        (tiff(false, 0, &[page(1, 1, 1)]), Some(Gray)),
        (tiff(false, 0, &[page(1, 1, 6)]), Some(Rgb)),
        (tiff(false, 0, &[page(1, 1, 5)]), Some(Cmyk)),
        (tiff(false, 0, &[page(1, 1, 8)]), Some(Lab)),
        (tiff(false, 0, &[page(1, 1, 32_803)]), None),
        (heic(1, 1), Some(Rgb)),
        (heif(HEIC, &[meta(&[ispe(1, 1), gray], &[1, 2])]), Some(Gray)),
    ] {
        assert_eq!(note(&file).await.color_space, space, "{file:?}");
    }
}

#[tokio::test]
async fn a_jpeg_xl_is_told_in_every_wrapping() {
    let bare = jxl_header(300, 200, false, false);
    let parts = [
        jxlp(0, &bare[..3]),
        jxlp(1, &bare[3..7]),
        jxlp(2, b""),
        jxlp(0x8000_0003, &bare[7..]),
    ];
    for wrapped in [
        file(JXL, bare.clone()),
        jxl(&[boxed(b"xml ", &[0; 9000]), boxed(b"jxlc", &bare)]),
        jxl(&parts),
    ] {
        let noted = note(&wrapped).await;
        assert_eq!(
            (counted(noted), noted.color_space),
            ((1, 60_000), Some(ColorSpace::Rgb))
        );
    }
    let gray = file(JXL, jxl_header(300, 200, true, false));
    assert_eq!(note(&gray).await.color_space, Some(ColorSpace::Gray));
    let moves = file(JXL, jxl_header(300, 200, false, true));
    let Answer::Taken(Some(noted), Some(missing)) = answer(&ImageLimits::default(), &moves).await else {
        panic!("it is taken, in part")
    };
    assert_eq!(
        (noted.total_pixels, missing.as_str()),
        (60_000, "not read: the number of its frames")
    );
}
