//! What an operator who lets text in can rely on.

mod contract;
mod cuts;
mod encodings;
mod formulas;
mod harmless;
mod refused;
mod settings;

use intake_core::{Bytes, Declared, HEAD_BYTES, Head, Report, Scanner, UploadInfo, Verdict};
use intake_plugin_text::{Settings, Text, TextNote};

/// In which pieces contents are tried, in bytes.
const PIECES: [usize; 6] = [1, 2, 3, 7, 4096, 1 << 20];

/// Scans a file of this name in pieces of this size, as the pipeline does.
async fn scan_in(scanner: &dyn Scanner, name: &str, content: &[u8], piece: usize) -> Report {
    let declared = Declared::named(name);
    let content = Bytes::copy_from_slice(content);
    let first = content.slice(..content.len().min(HEAD_BYTES));
    let head = Head::new(UploadInfo::new(&declared), &first, None);
    let mut scan = scanner.open(&head).await.expect("opens");
    for chunk in content.chunks(piece) {
        if let Verdict::Reject(rejection) = scan.feed(&content.slice_ref(chunk)).await.expect("feeds") {
            return Report::clean().with(|report| report.verdict = Verdict::Reject(rejection));
        }
    }
    scan.finish().await.expect("a file is never a fault of the server")
}

/// The code and the subject of the refusal, or the note, whichever way it is cut.
async fn answer(scanner: &dyn Scanner, name: &str, content: &[u8]) -> Result<Option<TextNote>, (String, String)> {
    let mut seen = Vec::new();
    for piece in PIECES {
        let report = scan_in(scanner, name, content, piece).await;
        let note = report.notes.get(TextNote::SUBJECT).cloned();
        let note = note.map(|note| serde_json::from_value(note).expect("the shape that is promised"));
        seen.push(match report.verdict.rejection() {
            Some(refusal) => Err((refusal.code.to_string(), refusal.subject.unwrap_or_default())),
            None => Ok(note),
        });
    }
    seen.dedup();
    let text = String::from_utf8_lossy(content);
    assert_eq!(seen.len(), 1, "{name} depends on the cuts: {seen:?}, {text}");
    seen.remove(0)
}

async fn note(name: &str, content: &[u8]) -> TextNote {
    let answer = answer(&Text::default(), name, content).await;
    answer.expect("is taken").expect("is text")
}

/// The code and the subject of the refusal, if it is refused.
async fn refusal(scanner: &Text, name: &str, content: &[u8]) -> Option<(String, String)> {
    answer(scanner, name, content).await.err()
}

fn with(change: impl FnOnce(&mut Settings)) -> Text {
    use intake_core::FromSettings;
    Text::from_settings(Settings::default().with(change)).expect("these settings make sense")
}

fn utf_16(content: &str, is_big: bool) -> Vec<u8> {
    let units = content.encode_utf16();
    let bytes = units.flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() });
    bytes.collect()
}

fn utf_32(content: &str, is_big: bool) -> Vec<u8> {
    let units = content.chars().map(u32::from);
    let bytes = units.flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() });
    bytes.collect()
}
