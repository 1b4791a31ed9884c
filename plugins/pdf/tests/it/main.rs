//! What an operator who lets documents in can rely on.

mod contract;
mod damaged;
mod documents;
mod harmless;
mod refused;
mod settings;

use intake_core::{Bytes, Coverage, Report, Verdict, testkit};
use intake_plugin_pdf::{Pdf, PdfNote};

/// Scans a content in pieces of a size.
async fn scan(scanner: &Pdf, content: &[u8], piece: usize) -> Report {
    testkit::scan(scanner, &Bytes::copy_from_slice(content), piece)
        .await
        .expect("a document is never a fault of the server")
}

/// The code of the refusal, if there is one.
fn code(report: &Report) -> Option<&str> {
    match &report.verdict {
        Verdict::Reject(rejection) => Some(rejection.code.as_str()),
        _ => None,
    }
}

fn note(report: &Report) -> PdfNote {
    let note = report.notes.get(PdfNote::SUBJECT).expect("a note");
    serde_json::from_value(note.clone()).expect("the shape that adapters expect")
}

fn is_whole(report: &Report) -> bool {
    report.coverage == Coverage::Whole
}
