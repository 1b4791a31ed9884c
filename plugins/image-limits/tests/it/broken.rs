//! Files that break off or are damaged.

use image::DynamicImage;
use intake_plugin_image_limits::{Choice, ImageLimits};

use crate::files::{
    BMP, GIF, HEIC, ICO, JPEG, JXL, PNG, TIFF, WEBP, encoded, encoded_apng, encoded_gif, file, heic, ico, jxl,
    jxl_header, jxlp, page, tiff, webp,
};
use crate::{Answer, File, answer, refusal, scan_in, with};

fn files() -> Vec<File> {
    let picture = DynamicImage::new_rgb8(20, 10);
    let mut files: Vec<_> = [JPEG, PNG, GIF, WEBP, BMP, TIFF]
        .map(|kind| encoded(kind, &picture))
        .into();
    files.extend([
        file(JXL, jxl_header(20, 10, false, false)),
        jxl(&[jxlp(0, &jxl_header(20, 10, true, false))]),
        encoded_apng(3),
        encoded_gif(3),
        webp(20, 10, 3),
        heic(20, 10),
        ico(&[16, 300]),
        tiff(true, 20, &vec![page(1, 1, 2); 3]),
    ]);
    files
}

#[tokio::test]
async fn a_file_that_breaks_off_is_no_fault_of_the_server() {
    for whole in files() {
        for length in 0..whole.content.len().min(600) {
            let cut = file(whole.media_type, &whole.content[..length]);
            let answer = answer(&ImageLimits::default(), &cut).await;
            assert!(
                matches!(answer, Answer::Taken(..)),
                "{} of {} bytes",
                length,
                whole.media_type
            );
        }
    }
}

#[tokio::test]
async fn images_whose_size_is_not_known_are_named_or_refused() {
    let strict = with(|settings| settings.unreadable = Choice::Refuse);
    for (media_type, content) in [
        (JPEG, &b"\xFF\xD8\xFF\xD9"[..]),
        (JPEG, b"\xFF\xD8\xFF\xDA\0\x02"),
        (JPEG, b""),
        (PNG, b"\x89PNG\r\n\x1a\n\0\0\0\x01IDAT"),
        (PNG, b"not at all"),
        (GIF, b"GIF89a\x01\0\x01\0\0\0\0;"),
        (WEBP, b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0"),
        (BMP, b"BM"),
        (ICO, b"\0\0\x01\0\0\0"),
        (TIFF, b"II*\0\0\0\0\0"),
        (HEIC, b"\0\0\0\x0Cftypheic"),
        (HEIC, b"\0\0\0\x01meta\0\0\0\0\0\0\0\0"),
        ("image/jxl", b"\xFF\x0A"),
        ("image/vnd.adobe.photoshop", b"8BPS"),
    ] {
        let broken = file(media_type, content);
        let Answer::Taken(None, Some(why)) = answer(&ImageLimits::default(), &broken).await else {
            panic!("{media_type} is taken, in part: {content:?}")
        };
        assert!(why.starts_with("the image cannot be read: "), "{why}");
        assert_eq!(
            refusal(&strict, &broken).await.as_deref(),
            Some("image_unreadable"),
            "{content:?}"
        );
    }
}

#[tokio::test]
async fn no_damage_makes_a_reader_panic() {
    // A few thousand damaged files, the same ones each time.
    let mut state = 1_u64;
    let mut next = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("fits") % below
    };
    for whole in files() {
        for _ in 0..200 {
            let mut damaged = whole.clone();
            for _ in 0..=next(4) {
                let at = next(damaged.content.len());
                damaged.content[at] = [0, 0xFF, 1, 0x7F, 0x80][next(5)];
            }
            let report = scan_in(&ImageLimits::default(), &damaged, 4096).await;
            assert!(
                !format!("{:?}", report.coverage).contains("reading it failed"),
                "{damaged:?}"
            );
        }
    }
}
