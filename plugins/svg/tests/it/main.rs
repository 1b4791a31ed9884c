//! What an operator who lets SVG in can rely on.

mod active;
mod contract;
mod cuts;
mod harmless;
mod settings;

use std::io::Write;

use intake_core::{Bytes, Report, Scanner, testkit};
use intake_plugin_svg::{Svg, SvgNote};

/// In which pieces contents are tried, in bytes.
const PIECES: [usize; 5] = [1, 3, 64, 4096, 1 << 20];

async fn scan_in(scanner: &dyn Scanner, content: &[u8], piece: usize) -> Report {
    testkit::scan(scanner, &Bytes::copy_from_slice(content), piece)
        .await
        .expect("a file is never a fault of the server")
}

/// The code and the subject of the refusal, if it is refused, whichever way it is cut.
async fn refusal(scanner: &dyn Scanner, content: &[u8]) -> Option<(String, String)> {
    let mut seen = Vec::new();
    for piece in PIECES {
        let report = scan_in(scanner, content, piece).await;
        let refusal = report.verdict.rejection();
        seen.push(refusal.map(|refusal| (refusal.code.to_string(), refusal.subject.unwrap_or_default())));
    }
    seen.dedup();
    assert_eq!(
        seen.len(),
        1,
        "it depends on the cuts: {seen:?}, {}",
        String::from_utf8_lossy(content)
    );
    seen.pop().flatten()
}

async fn note(content: &str) -> Option<SvgNote> {
    let report = scan_in(&Svg::default(), content.as_bytes(), 4096).await;
    let note = report.notes.get(SvgNote::SUBJECT)?;
    Some(serde_json::from_value(note.clone()).expect("the shape that is promised"))
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

fn utf_16(content: &str, is_big: bool) -> Vec<u8> {
    let units = content.encode_utf16();
    let bytes = units.flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() });
    bytes.collect()
}

/// A document with this in it.
fn svg(inside: &str) -> String {
    format!(r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{inside}</svg>"#)
}
