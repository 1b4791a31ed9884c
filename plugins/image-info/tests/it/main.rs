//! What an operator who lets images in can rely on.

mod boxes;
mod contract;
mod drawings;
mod exif;
mod heif;
mod icons;
mod jxl;
mod mutations;
mod notes;
mod places;
mod refusals;
mod samples;
mod settings;

use intake_core::notes::Image;
use intake_core::{Bytes, Coverage, Declared, Head, Report, Scanner, UploadInfo, testkit};
use intake_plugin_image_info::ImageInfo;

/// Scans a content, in pieces as they come from a network.
async fn scan(scanner: &ImageInfo, content: &[u8]) -> Report {
    testkit::scan(scanner, &Bytes::copy_from_slice(content), 64 * 1024)
        .await
        .expect("a file is never a fault of the server")
}

/// The same of a content of this type, whatever it looks like.
async fn scan_as(media_type: &str, content: &[u8]) -> Report {
    let (declared, media_type) = (Declared::default(), media_type.parse().expect("a type"));
    let content = Bytes::copy_from_slice(content);
    let head = Head::new(
        UploadInfo::new(&declared),
        &content[..content.len().min(intake_core::HEAD_BYTES)],
        Some(&media_type),
    );
    let mut scan = ImageInfo::default().open(&head).await.expect("opens");
    for piece in content.chunks(64 * 1024) {
        let _verdict = scan.feed(&content.slice_ref(piece)).await.expect("feeds");
    }
    scan.finish().await.expect("a file is never a fault of the server")
}

/// The note of a report, if there is one.
fn note(report: &Report) -> Option<Image> {
    let note = report.notes.get(Image::NOTE)?;
    Some(serde_json::from_value(note.clone()).expect("the shape that adapters expect"))
}

/// Why a report does not cover everything.
fn left_out(report: &Report) -> Option<&str> {
    match &report.coverage {
        Coverage::Partial(why) => Some(why),
        _ => None,
    }
}
