//! What an operator who lets images in can rely on.

mod broken;
mod contract;
mod counts;
mod cuts;
mod files;
mod harmless;
mod limits;
mod profiles;
mod settings;

use intake_core::{Bytes, Coverage, Declared, FromSettings, HEAD_BYTES, Head, Report, Scanner, UploadInfo, Verdict};
use intake_plugin_image_limits::{ImageLimits, ImageLimitsNote, Settings};

/// In which pieces contents are tried, in bytes.
const PIECES: [usize; 6] = [1, 2, 3, 7, 4096, 1 << 20];

/// A file, and the media type that its content has.
#[derive(Clone, Debug)]
struct File {
    media_type: &'static str,
    content: Vec<u8>,
}

/// Scans a file in pieces of this size, as the pipeline does.
async fn scan_in(scanner: &ImageLimits, file: &File, piece: usize) -> Report {
    let (declared, found) = (Declared::default(), file.media_type.parse().expect("a type"));
    let content = Bytes::copy_from_slice(&file.content);
    let first = content.slice(..content.len().min(HEAD_BYTES));
    let head = Head::new(UploadInfo::new(&declared), &first, Some(&found));
    let mut scan = scanner.open(&head).await.expect("opens");
    for chunk in content.chunks(piece) {
        if let Verdict::Reject(rejection) = scan.feed(&content.slice_ref(chunk)).await.expect("feeds") {
            return Report::clean().with(|report| report.verdict = Verdict::Reject(rejection));
        }
    }
    scan.finish().await.expect("a file is never a fault of the server")
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    /// Its code and its subject.
    Refused(String, String),
    /// The note if it was read, and what was not read.
    Taken(Option<ImageLimitsNote>, Option<String>),
}

/// The same, whichever way it is cut.
async fn answer(scanner: &ImageLimits, file: &File) -> Answer {
    let mut seen = Vec::new();
    // A file of megabytes need not be cut into bytes.
    for piece in PIECES
        .into_iter()
        .filter(|piece| *piece > 7 || file.content.len() < 100_000)
    {
        let report = scan_in(scanner, file, piece).await;
        let missing = match report.coverage {
            Coverage::Partial(why) => Some(why),
            _ => None,
        };
        let note = report.notes.get(ImageLimitsNote::SUBJECT).cloned();
        seen.push(match report.verdict.rejection() {
            Some(refusal) => Answer::Refused(refusal.code.to_string(), refusal.subject.unwrap_or_default()),
            None => Answer::Taken(
                note.map(|note| serde_json::from_value(note).expect("the promised shape")),
                missing,
            ),
        });
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{} depends on the cuts: {seen:?}", file.media_type);
    seen.remove(0)
}

/// The note of a file of which everything was read.
async fn note(file: &File) -> ImageLimitsNote {
    match answer(&ImageLimits::default(), file).await {
        Answer::Taken(Some(note), None) => note,
        other => panic!("{}: {other:?}", file.media_type),
    }
}

/// The code of the refusal, if it is refused.
async fn refusal(scanner: &ImageLimits, file: &File) -> Option<String> {
    match answer(scanner, file).await {
        Answer::Refused(code, _) => Some(code),
        Answer::Taken(..) => None,
    }
}

fn with(change: impl FnOnce(&mut Settings)) -> ImageLimits {
    ImageLimits::from_settings(Settings::default().with(change)).expect("these settings make sense")
}
