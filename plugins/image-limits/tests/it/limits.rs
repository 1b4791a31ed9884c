//! What is refused.

use intake_plugin_image_limits::{Choice, ColorSpace, Settings};

use crate::files::{
    HEIC, JXL, apng, bmp, boxed, clap, encoded_apng, encoded_gif, file, frames, gif, heic, heif, ico, ispe, jpeg, jxl,
    jxl_header, meta, page, png, tiff, webp,
};
use crate::{Answer, File, answer, refusal, with};

/// Checks what comes of files with one limit: the code, or nothing.
async fn check(change: impl Fn(&mut Settings), code: &str, files: Vec<(File, bool)>) {
    let scanner = with(change);
    for (file, is_refused) in files {
        let expected = is_refused.then(|| code.to_owned());
        assert_eq!(
            refusal(&scanner, &file).await,
            expected,
            "{} for {code}",
            file.media_type
        );
    }
}

#[tokio::test]
async fn pixels_of_a_picture_are_limited() {
    let change = |settings: &mut Settings| settings.max_pixels = Some(200);
    let files = vec![
        (jpeg(20, 10, 3), false),
        (jpeg(21, 10, 3), true),
        (png(10, 20, 2), false),
        (png(67, 3, 2), true),
        (frames(20, 10, 9), false),
        (gif(10, 10, b"", &[(0, 0, 1, 1), (10, 10, 5, 5)]), true),
        (webp(201, 1, 1), true),
        (file(JXL, jxl_header(20, 10, true, false)), false),
        (jxl(&[boxed(b"jxlc", &jxl_header(201, 1, true, false))]), true),
        (bmp(10, -21), true),
        (ico(&[14]), false),
        (ico(&[14, 300]), true),
        (tiff(false, 9000, &[page(1, 1, 2), page(15, 15, 2)]), true),
        // Decoders compose the picture that is shown of larger ones.
        (heif(HEIC, &[meta(&[ispe(10, 10), ispe(15, 15)], &[1])]), true),
        (heif(HEIC, &[meta(&[ispe(15, 15), clap(10, 10)], &[1, 2])]), true),
    ];
    check(change, "image_too_many_pixels", files).await;
}

#[tokio::test]
async fn pixels_of_all_frames_are_limited() {
    let change = |settings: &mut Settings| settings.max_total_pixels = 1000;
    let files = vec![
        (frames(10, 10, 10), false),
        (frames(10, 10, 11), true),
        (webp(10, 10, 10), false),
        (webp(10, 10, 11), true),
        (apng(10, 10, 1, 10), false),
        (apng(10, 10, 1, 11), true),
        (apng(10, 10, 11, 1), true),
        (tiff(true, 10, &vec![page(10, 10, 2); 10]), false),
        (tiff(true, 5000, &vec![page(10, 10, 2); 11]), true),
        (png(40, 25, 2), false),
        (png(40, 26, 2), true),
    ];
    check(change, "image_too_many_pixels", files).await;
}

#[tokio::test]
async fn frames_and_pages_are_limited() {
    let change = |settings: &mut Settings| settings.max_frames = 3;
    let files = vec![
        (encoded_gif(3), false),
        (encoded_gif(4), true),
        (encoded_apng(3), false),
        (encoded_apng(4), true),
        (webp(1, 1, 4), true),
        (tiff(false, 0, &vec![page(1, 1, 2); 3]), false),
        (tiff(false, 0, &vec![page(1, 1, 2); 4]), true),
    ];
    check(change, "image_too_many_frames", files).await;
}

#[tokio::test]
async fn animations_can_be_refused() {
    let change = |settings: &mut Settings| settings.animation = Choice::Refuse;
    let files = vec![
        (encoded_gif(1), false),
        (encoded_gif(2), true),
        (encoded_apng(1), false),
        (encoded_apng(2), true),
        (webp(1, 1, 1), false),
        (webp(1, 1, 2), true),
        // Pages do not move.
        (tiff(false, 0, &vec![page(1, 1, 2); 2]), false),
        (heic(10, 10), false),
        (file(JXL, jxl_header(9, 9, false, false)), false),
        (file(JXL, jxl_header(9, 9, false, true)), true),
    ];
    check(change, "image_animated", files).await;
}

#[tokio::test]
async fn sides_are_limited_whichever_way_the_image_is_turned() {
    let longest = |settings: &mut Settings| settings.max_side = Some(20);
    let files = vec![
        (png(20, 20, 2), false),
        (png(21, 1, 2), true),
        (png(1, 21, 2), true),
        (ico(&[300]), true),
    ];
    check(longest, "image_side_too_long", files).await;

    let shortest = |settings: &mut Settings| settings.min_side = Some(20);
    let files = vec![
        (png(20, 20, 2), false),
        (png(100, 19, 2), true),
        (jpeg(19, 100, 3), true),
        (frames(19, 19, 2), true),
        (ico(&[16, 32]), false),
        (tiff(false, 0, &[page(20, 20, 2), page(1, 1, 2)]), false),
        (heif(HEIC, &[meta(&[ispe(64, 64), clap(40, 19)], &[1, 2])]), true),
        (heif(HEIC, &[meta(&[ispe(64, 64), clap(40, 20)], &[1, 2])]), false),
    ];
    check(shortest, "image_too_small", files).await;
}

#[tokio::test]
async fn the_ratio_of_the_sides_is_limited() {
    let change = |settings: &mut Settings| settings.max_aspect_ratio = Some(2.5);
    let files = vec![
        (png(25, 10, 2), false),
        (png(10, 25, 2), false),
        (png(26, 10, 2), true),
        (jpeg(10, 26, 3), true),
        (webp(26, 10, 3), true),
    ];
    check(change, "image_aspect_ratio", files).await;
}

#[tokio::test]
async fn colour_spaces_can_be_left_out() {
    let change = |settings: &mut Settings| settings.color_spaces = Some(vec![ColorSpace::Rgb, ColorSpace::Gray]);
    let files = vec![
        (jpeg(1, 1, 3), false),
        (png(1, 1, 0), false),
        (jpeg(1, 1, 4), true),
        (tiff(false, 0, &[page(1, 1, 8)]), true),
        // It is not known to be one of these.
        (jpeg(1, 1, 2), true),
    ];
    check(change, "image_color_space", files).await;
}

#[tokio::test]
async fn the_refusal_says_what_was_found() {
    let scanner = with(|settings| {
        settings.max_pixels = Some(100);
        settings.max_frames = 2;
        settings.min_side = Some(5);
        settings.color_spaces = Some(vec![ColorSpace::Rgb]);
    });
    for (file, code, subject) in [
        (png(20, 10, 2), "image_too_many_pixels", "200"),
        (encoded_small(3), "image_too_many_frames", "3"),
        (png(9, 4, 2), "image_too_small", "9x4"),
        (jpeg(9, 9, 4), "image_color_space", "cmyk"),
        (jpeg(9, 9, 2), "image_color_space", "unknown"),
    ] {
        let expected = Answer::Refused(code.to_owned(), subject.to_owned());
        assert_eq!(answer(&scanner, &file).await, expected);
    }
}

fn encoded_small(count: usize) -> File {
    frames(9, 9, count)
}
