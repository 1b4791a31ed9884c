//! What every scanner keeps to.

use image::DynamicImage;
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::testkit::{self, Sample, noise};
use intake_core::{Declared, Error, Incoming, Pipeline, UploadOptions};
use intake_plugin_image_limits::{
    Choice, IMAGE_ANIMATED, IMAGE_PROFILE_TOO_LARGE, IMAGE_TOO_MANY_FRAMES, IMAGE_TOO_MANY_PIXELS, IMAGE_TOO_SMALL,
    IMAGE_UNREADABLE, ImageLimits, ImageLimitsNote,
};

use crate::files::{
    AVIF, BMP, GIF, JPEG, PNG, TIFF, WEBP, apng, encoded, encoded_apng, encoded_gif, frames, heic, heif, ico, ispe,
    meta, page, tiff, webp, with_profile,
};
use crate::with;

fn clean() -> Vec<Sample> {
    let picture = DynamicImage::new_rgb8(200, 100);
    let mut files: Vec<_> = [JPEG, PNG, GIF, WEBP, BMP, TIFF]
        .map(|kind| encoded(kind, &picture))
        .into();
    files.extend([
        encoded_apng(3),
        encoded_gif(3),
        webp(512, 512, 30),
        heic(4032, 3024),
        heif(AVIF, &[meta(&[ispe(64, 64)], &[1])]),
        ico(&[16, 32, 256]),
        tiff(
            true,
            3000,
            &[page(1, 1, 0), page(2, 2, 2), page(3, 3, 2), page(4, 4, 5)],
        ),
        with_profile(JPEG, vec![7; 100_000]),
    ]);
    let mut samples: Vec<_> = files.into_iter().map(|file| Sample::clean(file.content)).collect();
    samples.extend([
        Sample::clean("Hello, world!"),
        Sample::clean(""),
        Sample::clean(noise(5, 4000)),
    ]);
    samples
}

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    let mut samples = clean();
    samples.extend([
        Sample::refused(apng(10, 10, 20_000, 1).content, IMAGE_TOO_MANY_FRAMES),
        Sample::refused(frames(40_000, 40_000, 3).content, IMAGE_TOO_MANY_PIXELS),
        Sample::refused(webp(16_384, 16_384, 20).content, IMAGE_TOO_MANY_PIXELS),
        Sample::refused(
            tiff(false, 9000, &vec![page(60_000, 60_000, 2); 2]).content,
            IMAGE_TOO_MANY_PIXELS,
        ),
        Sample::refused(with_profile(PNG, vec![0; 17 << 20]).content, IMAGE_PROFILE_TOO_LARGE),
    ]);
    testkit::scanner(ImageLimits::default(), &samples).await;
}

#[tokio::test]
async fn it_keeps_to_it_with_every_limit() {
    let strict = with(|settings| {
        settings.animation = Choice::Refuse;
        settings.unreadable = Choice::Refuse;
        settings.min_side = Some(50);
    });
    let picture = |side| DynamicImage::new_rgb8(side, side);
    let samples = [
        Sample::clean(encoded(PNG, &picture(50)).content),
        Sample::clean("Hello, world!"),
        Sample::refused(encoded(PNG, &picture(49)).content, IMAGE_TOO_SMALL),
        Sample::refused(encoded(TIFF, &picture(49)).content, IMAGE_TOO_SMALL),
        Sample::refused(encoded_gif(2).content, IMAGE_ANIMATED),
        Sample::refused(&b"GIF89a\x01\0\x01\0\0\0\0;"[..], IMAGE_UNREADABLE),
        Sample::refused([&b"II*\0\0\0\x10\0"[..], &[0; 30_000]].concat(), IMAGE_UNREADABLE),
        Sample::refused(&b"\xFF\x0A\xFA"[..], IMAGE_UNREADABLE),
    ];
    testkit::scanner(strict, &samples).await;
}

#[tokio::test]
async fn an_upload_has_its_note_in_the_record() {
    let pipeline = Pipeline::builder()
        .scanner("image-limits", ImageLimits::default())
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .build()
        .expect("builds");
    let ingest = async |content: Vec<u8>| {
        let incoming = Incoming::from_bytes(Declared::named("sticker"), content);
        pipeline.ingest(incoming, UploadOptions::default()).await
    };
    let record = ingest(encoded_gif(3).content).await.expect("is taken");
    let note: ImageLimitsNote = record
        .facts
        .expect("facts")
        .note(ImageLimitsNote::SUBJECT)
        .expect("a note");
    assert_eq!((note.frames, note.total_pixels), (3, 600));

    let Err(Error::Rejected { by, rejection }) = ingest(apng(10, 10, 20_000, 1).content).await else {
        panic!("taken")
    };
    assert_eq!((by.as_str(), rejection.code), ("image-limits", IMAGE_TOO_MANY_FRAMES));
}
