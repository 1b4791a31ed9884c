//! What an operator who lets archives in can rely on.

mod attacks;
mod budget;
mod contract;
mod cuts;
mod documents;
mod files;
mod formats;
mod harmless;
mod limits;
mod settings;
mod tars;
mod zips;

use intake_core::{Bytes, Coverage, FromSettings, Report, testkit};
use intake_plugin_archive::{Archive, ArchiveNote, Settings};

/// A scanner with some settings.
fn scanner(change: impl FnOnce(&mut Settings)) -> Archive {
    Archive::from_settings(Settings::default().with(change)).expect("settings that make sense")
}

/// Scans a content, in pieces as they come from a network.
async fn scan(scanner: &Archive, content: &[u8]) -> Report {
    testkit::scan(scanner, &Bytes::copy_from_slice(content), 64 * 1024)
        .await
        .expect("a file is never a fault of the server")
}

/// The code and the subject of a refusal.
fn refused(report: &Report) -> Option<(String, Option<String>)> {
    let rejection = report.verdict.clone().rejection()?;
    assert!(rejection.message.starts_with(char::is_lowercase) && !rejection.message.ends_with('.'));
    Some((rejection.code.to_string(), rejection.subject))
}

/// The code of a refusal.
fn code(report: &Report) -> Option<String> {
    refused(report).map(|(code, _)| code)
}

/// The note of a report, if there is one.
fn note(report: &Report) -> Option<ArchiveNote> {
    let note = report.notes.get(ArchiveNote::SUBJECT)?;
    Some(serde_json::from_value(note.clone()).expect("the shape that is documented"))
}

/// Why a report does not cover everything.
fn left_out(report: &Report) -> Option<&str> {
    match &report.coverage {
        Coverage::Partial(why) => Some(why),
        _ => None,
    }
}
