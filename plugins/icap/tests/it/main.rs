//! What a user can rely on, against a server that misbehaves on command and against a real one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says no by panicking")]

mod answers;
mod bounds;
mod c_icap;
mod fake;
mod health;
mod preview;
mod real;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use intake_core::{Coverage, Declared, Fault, FromSettings, Head, Report, Scan, Scanner, UploadInfo, Verdict, testkit};
use intake_plugin_icap::{Icap, Settings};

use crate::fake::FakeIcap;

const SMALL: usize = 2000;
/// More than sockets swallow when the other end does not read.
const LARGE: usize = 32 << 20;

/// How a scan ended: `clean`, `partly: ` and what was not looked at, or the code of a refusal or a fault and its message.
fn told(report: Result<Report, Fault>) -> String {
    match report {
        Err(fault) => format!("{}: {}", fault.code, fault.report()),
        Ok(report) => match (report.verdict, report.coverage) {
            (Verdict::Accept, Coverage::Whole) => "clean".to_owned(),
            (Verdict::Accept, Coverage::Partial(why)) => format!("partly: {why}"),
            (verdict, _) => {
                let rejection = verdict.rejection().expect("nothing else is a verdict");
                format!("{}: {}", rejection.code, rejection.message)
            }
        },
    }
}

/// Panics with the name of the case unless what was told begins so.
#[track_caller]
fn assert_told(report: Result<Report, Fault>, expected: &str, case: &str) {
    let is_whole = expected == "clean";
    let told = told(report);
    assert!(
        told.starts_with(expected) && (!is_whole || told == expected),
        "{case}: {expected}, but: {told}"
    );
}

fn settings(server: &FakeIcap) -> Settings {
    Settings::at(server.url()).with(|settings| settings.max_scan_size = LARGE as u64)
}

fn scanner(server: &FakeIcap) -> Icap {
    built(settings(server))
}

fn built(settings: Settings) -> Icap {
    Icap::from_settings(settings).expect("these settings make sense")
}

/// Waits for nothing long.
fn hasty(settings: &mut Settings) {
    let brief = Duration::from_millis(100);
    (settings.io_timeout, settings.scan_timeout) = (brief, brief);
}

async fn open(scanner: &Icap) -> Result<Box<dyn Scan>, Fault> {
    let declared = Declared::default();
    let head = Head::new(UploadInfo::new(&declared), &[], None);
    scanner.open(&head).await
}

async fn scan(scanner: &Icap, content: &Bytes) -> Result<Report, Fault> {
    testkit::scan(scanner, content, 256 * 1024).await
}

/// A content of zeros, for when there is to be a lot of it.
fn zeros(len: usize) -> Bytes {
    vec![0; len].into()
}

/// A content with something at a place in it.
fn with(len: usize, at: usize, what: &[u8]) -> Bytes {
    let mut content = testkit::noise(1, len).to_vec();
    content[at..at + what.len()].copy_from_slice(what);
    content.into()
}
