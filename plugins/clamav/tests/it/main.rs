//! What a user can rely on, against a daemon that misbehaves on command and against a real one.
#![allow(clippy::unwrap_used, reason = "a test says no by panicking")]

mod answers;
mod archives;
mod bounds;
mod client;
mod fake;
mod health;
mod limits;
mod real;

use bytes::Bytes;
use intake_core::codes::SCAN_INCOMPLETE;
use intake_core::{
    Code, Coverage, Declared, Fault, Head, OnPartial, Report, Scan, Scanner, UploadInfo, Verdict, testkit,
};
use intake_plugin_clamav::ClamAv;

/// How a scan ended, as far as the tables below care.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    Clean,
    /// Accepted, with this said about what was not looked at.
    Partly(&'static str),
    Refused(Code),
    Fault(Code),
}

impl Ending {
    /// Panics with the name of the case if it ended in any other way.
    #[track_caller]
    fn assert(&self, report: Result<Report, Fault>, case: &str) {
        match (self, report) {
            (Self::Fault(code), Err(fault)) => {
                assert_eq!(*code, fault.code, "{case}: {}", fault.report());
                assert!(fault.retryable, "{case}: the daemon may be back soon");
            }
            (Self::Refused(code), Ok(Report { verdict, .. })) if verdict != Verdict::Accept => {
                assert_eq!(Some(code), verdict.rejection().map(|no| no.code).as_ref(), "{case}");
            }
            (Self::Partly(part), Ok(report)) => {
                assert_eq!(report.verdict, Verdict::Accept, "{case}");
                let Coverage::Partial(why) = report.coverage else {
                    panic!("{case}: called whole")
                };
                assert!(why.contains(part), "{case}: {why}");
            }
            (Self::Clean, Ok(report)) => {
                assert_eq!(report.verdict, Verdict::Accept, "{case}");
                assert_eq!(report.coverage, Coverage::Whole, "{case}");
            }
            (expected, ended) => panic!("{case}: {expected:?} was expected, but {ended:?}"),
        }
    }
}

async fn open(scanner: &ClamAv) -> Result<Box<dyn Scan>, Fault> {
    let declared = Declared::default();
    let head = Head::new(UploadInfo::new(&declared), &[], None);
    scanner.open(&head).await
}

/// As the pump does it.
async fn scan(scanner: &ClamAv, content: &Bytes) -> Result<Report, Fault> {
    let report = testkit::scan(scanner, content, 256 * 1024).await?;
    Ok(match report.coverage {
        Coverage::Partial(ref gap)
            if scanner.on_partial() == OnPartial::Refuse && report.verdict == Verdict::Accept =>
        {
            let refused = Verdict::reject(SCAN_INCOMPLETE, gap.clone());
            report.with(|report| report.verdict = refused)
        }
        _ => report,
    })
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
