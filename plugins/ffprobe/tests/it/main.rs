//! What an operator who has ffprobe describe video and sound can rely on.

mod bounds;
mod contract;
mod facts;
mod settings;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use intake_core::notes::Video;
use intake_core::{Bytes, Coverage, FromSettings, Report, testkit};
use intake_plugin_ffprobe::{Ffprobe, Settings};
use tempfile::TempDir;

/// The scanner with these settings.
fn with(change: impl FnOnce(&mut Settings)) -> Ffprobe {
    Ffprobe::from_settings(Settings::default().with(change)).expect("settings that make sense")
}

/// A program with this text for a shell, in a folder of its own.
fn fake(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("fake");
    // Renamed into place: a program that is being written cannot be started.
    let draft = folder.path().join("draft");
    std::fs::write(&draft, format!("#!/bin/sh\n{text}\n")).expect("a file");
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o755)).expect("rights");
    let copied = std::process::Command::new("cp")
        .arg("-p")
        .arg(&draft)
        .arg(&program)
        .status();
    assert!(copied.expect("cp runs").success());
    (folder, program)
}

/// A file of those of media-info.
fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../media-info/tests/files");
    std::fs::read(folder.join(name)).expect(name)
}

async fn scan(scanner: &Ffprobe, content: &[u8]) -> Report {
    testkit::scan(scanner, &Bytes::copy_from_slice(content), 64 * 1024)
        .await
        .expect("a file is never a fault of the server")
}

fn note(report: &Report) -> Option<Video> {
    let note = report.notes.get(Video::NOTE)?;
    Some(serde_json::from_value(note.clone()).expect("the shape that adapters expect"))
}

/// Why a report does not cover everything.
fn left_out(report: &Report) -> &str {
    match &report.coverage {
        Coverage::Partial(why) => why,
        _ => "",
    }
}
