//! What an operator who lets images in can rely on.

mod contract;
mod mutations;
mod notes;
mod refusals;
mod samples;
mod settings;
mod tags;

use intake_core::notes::Image;
use intake_core::{Bytes, Coverage, Report, testkit};
use intake_plugin_image_info::ImageInfo;

/// Scans a content, in pieces as they come from a network.
async fn scan(scanner: &ImageInfo, content: &[u8]) -> Report {
    testkit::scan(scanner, &Bytes::copy_from_slice(content), 64 * 1024)
        .await
        .expect("a file is never a fault of the server")
}

/// The note of a report, if there is one.
fn note(report: &Report) -> Option<Image> {
    let note = report.notes.get(Image::NOTE)?;
    Some(serde_json::from_value(note.clone()).expect("the shape that adapters expect"))
}

/// Why a report does not cover everything.
fn left_out(report: &Report) -> Option<&str> {
    match &report.coverage {
        Coverage::Whole => None,
        Coverage::Partial(why) => Some(why),
    }
}
