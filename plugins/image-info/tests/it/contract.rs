//! What every scanner keeps to.

use std::sync::Arc;

use image::ImageFormat;
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::notes::Image;
use intake_core::testkit::{self, Sample, noise};
use intake_core::{Declared, Error, Incoming, Pipeline, UploadOptions};
use intake_plugin_image_info::{IMAGE_TOO_LARGE, IMAGE_UNREADABLE, ImageInfo};

use crate::samples::{
    ORIENTATION, Png, Value, encoded, gif, gif_of, heif_of, jpeg_of, page, png_of, rgb, tiff_of, with_exif,
};

fn samples() -> Vec<Sample> {
    let exif = tiff_of(true, &[vec![(ORIENTATION, Value::Short(6))]]);
    let mut long = encoded(&rgb(), ImageFormat::Png);
    long.extend(noise(1, 600 * 1024));
    let mut clean: Vec<_> = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP]
        .map(|format| with_exif(format, exif.clone()))
        .into();
    clean.extend([
        gif(2, None),
        encoded(&rgb(), ImageFormat::Bmp),
        encoded(&rgb(), ImageFormat::Tiff),
        heif_of(b"heic", &[], &[(3, 3)], 0),
        long,
        b"Hello, world!".to_vec(),
        Vec::new(),
    ]);
    let bombs = [
        png_of((100_000, 100_000), &Png::default()),
        jpeg_of(&[(0xE2, &[0; 65_000]), (0xE2, &[0; 65_000])], 0xC0, (65_500, 65_500), 3),
        gif_of((1, 1), &[(0, 0, 1, 1), (0, 0, 65_535, 65_535)]),
        tiff_of(false, &[page(1, 1, 2, 3), page(100_000, 100_000, 2, 3)]),
        heif_of(b"avif", &[], &[(1, 1), (20_000, 0), (100_000, 100_000)], 0),
    ];
    clean
        .into_iter()
        .map(Sample::clean)
        .chain(bombs.into_iter().map(|bomb| Sample::refused(bomb, IMAGE_TOO_LARGE)))
        .collect()
}

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    testkit::scanner(ImageInfo::default(), &samples()).await;
}

#[tokio::test]
async fn it_keeps_to_it_when_it_refuses_what_it_cannot_read() {
    let mut samples = samples();
    samples.extend([
        Sample::refused(&b"GIF89a\x01\0\x01\0\0\0\0;"[..], IMAGE_UNREADABLE),
        Sample::refused(&b"\xFF\x0A\xFA"[..], IMAGE_UNREADABLE),
        Sample::refused([b"II*\0\0\0\x10\0\0\0", &[0; 300_000][..]].concat(), IMAGE_UNREADABLE),
    ]);
    testkit::scanner(ImageInfo::default().refuse_unreadable(), &samples).await;
}

#[tokio::test]
async fn an_upload_has_its_note_in_the_record() {
    let pipeline = Pipeline::builder()
        .scanner("image-info", ImageInfo::default())
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .build()
        .expect("builds");
    let ingest = async |content: Vec<u8>| {
        let incoming = Incoming::from_bytes(Declared::named("holiday.jpg"), content);
        pipeline.ingest(incoming, UploadOptions::default()).await
    };
    let record = ingest(encoded(&rgb(), ImageFormat::Png)).await.expect("is taken");
    let image: Image = record.facts.expect("facts").note(Image::NOTE).expect("a note");
    assert_eq!(image.format, "PNG");

    let refused = ingest(png_of((100_000, 100_000), &Png::default())).await;
    let Err(Error::Rejected { by, rejection }) = refused else {
        panic!("taken")
    };
    assert_eq!((by.as_str(), rejection.code), ("image-info", IMAGE_TOO_LARGE));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_uploads_are_looked_at_at_the_same_time() {
    let scanner = Arc::new(ImageInfo::default());
    let content = Arc::new(encoded(&rgb(), ImageFormat::Png));
    let scans: Vec<_> = (0..200)
        .map(|_| {
            let (scanner, content) = (Arc::clone(&scanner), Arc::clone(&content));
            tokio::spawn(async move { crate::note(&crate::scan(&scanner, &content).await) })
        })
        .collect();
    for scan in scans {
        assert!(scan.await.expect("does not panic").is_some());
    }
}
