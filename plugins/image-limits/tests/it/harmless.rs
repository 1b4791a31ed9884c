//! What is taken with the default settings: images as cameras, editors and people make them.

use intake_plugin_image_limits::ImageLimits;

use crate::files::{
    AVIF, JPEG, PNG, WEBP, apng, bmp, boxed, frames, heic, heif, ico, ispe, jpeg, meta, page, png, tiff, track, webp,
    with_profile,
};
use crate::{Answer, File, answer};

fn harmless() -> Vec<(&'static str, File)> {
    let avis = |width, height, count| {
        heif(
            AVIF,
            &[
                meta(&[ispe(width, height)], &[1]),
                boxed(b"moov", &track(b"pict", width, height, count)),
            ],
        )
    };
    vec![
        ("a phone's photo", jpeg(4032, 3024, 3)),
        ("a photo on its side", jpeg(3024, 4032, 3)),
        ("a camera of 200 megapixels", jpeg(16_320, 12_240, 3)),
        ("a panorama", jpeg(30_000, 3000, 3)),
        ("a narrow panorama", jpeg(65_000, 800, 3)),
        ("a photo for print", jpeg(6000, 4000, 4)),
        ("a scan in grey", jpeg(2480, 3508, 1)),
        (
            "a photo with a printer's profile",
            with_profile(JPEG, vec![9; 3_000_000]),
        ),
        ("a phone's HEIC", heic(4032, 3024)),
        ("a HEIC of 48 megapixels", heic(8064, 6048)),
        ("a HEIC panorama", heic(16_000, 3800)),
        ("an AVIF", heif(AVIF, &[meta(&[ispe(1920, 1080)], &[1])])),
        ("an animated AVIF", avis(800, 600, 240)),
        ("an icon", png(16, 16, 3)),
        ("one pixel", png(1, 1, 4)),
        ("a line", png(2000, 1, 2)),
        ("a favicon", ico(&[16, 32, 48, 256])),
        ("a screenshot", png(5120, 2880, 6)),
        ("a long screenshot", png(1170, 30_000, 6)),
        ("a long comic", png(800, 60_000, 2)),
        ("a long comic in WebP", webp(800, 16_383, 0)),
        ("a map", png(20_000, 20_000, 3)),
        ("a PNG with a profile", with_profile(PNG, vec![1; 500_000])),
        ("a WebP with a profile", with_profile(WEBP, vec![1; 3144])),
        ("a sticker in WebP", webp(512, 512, 90)),
        ("a sticker in APNG", apng(512, 512, 60, 60)),
        ("an emoji", frames(128, 128, 50)),
        ("a short film", frames(640, 360, 900)),
        ("a recorded screen", frames(1920, 1080, 600)),
        ("an animated banner", frames(728, 90, 40)),
        ("a bitmap", bmp(1024, -768)),
        ("a fax", tiff(false, 30_000, &vec![page(1728, 2200, 0); 60])),
        ("a scanned book", tiff(true, 5000, &vec![page(4960, 7016, 2); 100])),
        ("a page for print", tiff(false, 100, &[page(9921, 14_031, 5)])),
        (
            "a slice of a microscope",
            tiff(false, 100, &vec![page(2048, 2048, 1); 500]),
        ),
    ]
}

#[tokio::test]
async fn harmless_images_are_taken_and_read_to_their_end() {
    for (name, file) in harmless() {
        let answer = answer(&ImageLimits::default(), &file).await;
        assert!(matches!(answer, Answer::Taken(Some(_), None)), "{name}: {answer:?}");
    }
}
