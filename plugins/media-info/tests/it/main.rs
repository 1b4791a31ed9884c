//! What an operator who lets video and sound in can rely on.

mod browsers;
mod contract;
mod damaged;
mod files;
mod layouts;
mod limits;
mod settings;
mod writers;

use intake_core::notes::Video;
use intake_core::{Bytes, Coverage, Report, testkit};
use intake_plugin_media_info::MediaInfo;

/// Scans a content, in pieces as they come from a network.
async fn scan(content: &[u8]) -> Report {
    scan_by(MediaInfo::default(), content, 64 * 1024).await
}

/// The same with a scanner of these settings, in pieces of this size.
async fn scan_by(scanner: MediaInfo, content: &[u8], piece: usize) -> Report {
    testkit::scan(&scanner, &Bytes::copy_from_slice(content), piece)
        .await
        .expect("a file is never a fault of the server")
}

/// The note of a report, if there is one.
fn note(report: &Report) -> Option<Video> {
    let note = report.notes.get(Video::NOTE)?;
    Some(serde_json::from_value(note.clone()).expect("the shape that adapters expect"))
}

/// Why a report does not cover everything.
fn left_out(report: &Report) -> Option<&str> {
    match &report.coverage {
        Coverage::Partial(why) => Some(why),
        _ => None,
    }
}
