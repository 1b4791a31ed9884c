//! What the fuzz targets share.

use std::sync::LazyLock;

use bytes::Bytes;
use intake_core::fuzz::media_type;
use intake_core::{Coverage, Declared, HEAD_BYTES, Head, Rejection, Report, Scanner, UploadInfo, Verdict};
use tokio::runtime::{Builder, Runtime};

/// The longest message or subject of a refusal, in bytes: whatever the content says, it is cut.
const LONGEST_SHOWN: usize = 600;

/// Scans a content, whole and in pieces, and checks what is promised of every scanner: it answers, and the answer does not depend
/// on how the content is cut; a refusal has a message that can be shown, and a partial answer a reason.
///
/// A scanner that catches a panic hides none: `libfuzzer-sys` aborts before.
///
/// # Panics
///
/// If a promise is broken.
pub fn check(scanner: &dyn Scanner, declared: &Declared, content: &[u8]) {
    let whole = scan(scanner, declared, content, &[content]);
    let pieces = scan(scanner, declared, content, &cut(content));
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!(pieces.coverage, whole.coverage);
            assert_eq!(pieces.notes, whole.notes);
            assert_eq!(pieces.bytes, whole.bytes);
            if let Coverage::Partial(why) = whole.coverage {
                check_shown(&why);
            }
        }
        (whole, pieces) => {
            let (whole, pieces) = (whole.err(), pieces.err());
            assert_eq!(pieces, whole);
            if let Some(rejection) = whole {
                check_shown(&rejection.message);
                if let Some(subject) = &rejection.subject {
                    check_shown(subject);
                }
            }
        }
    }
}

/// Checks that a text can be shown.
///
/// # Panics
///
/// If it cannot.
pub fn check_shown(text: &str) {
    assert!(!text.trim().is_empty() && text.len() <= LONGEST_SHOWN, "{text:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
}

fn scan(scanner: &dyn Scanner, declared: &Declared, content: &[u8], pieces: &[&[u8]]) -> Result<Report, Rejection> {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));
    let head = content.get(..HEAD_BYTES).unwrap_or(content);
    let found = media_type(head, std::iter::empty());
    let head = Head::new(UploadInfo::new(declared), head, found.as_ref());
    RUNTIME.block_on(async {
        let mut scan = scanner.open(&head).await.expect("it opens");
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            let fed = scan.feed(&Bytes::copy_from_slice(piece)).await;
            if let Verdict::Reject(rejection) = fed.expect("it takes bytes") {
                return Err(rejection);
            }
        }
        let report = scan.finish().await.expect("it ends");
        match report.verdict {
            Verdict::Reject(rejection) => Err(rejection),
            _ => Ok(report),
        }
    })
}

/// Cuts an input into pieces of 1 byte to some thousand bytes, as a network might.
///
/// The sizes follow from the content, not from bytes set aside for it: a file is a seed as it is, and each input is always cut
/// in the same way.
#[must_use]
pub fn cut(data: &[u8]) -> Vec<&[u8]> {
    // FNV-1a, and then xorshift64: any numbers do that change with each byte.
    let mut state = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    }) | 1;
    let mut pieces = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let most = [1, 7, 64, 4096][(state >> 8) as usize % 4];
        let size = 1 + (state >> 16) as usize % most;
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}
