//! What an operator who refuses files with two uses can rely on.

mod chance;
mod contract;
mod corpus;
mod cuts;
mod files;
mod honest;
mod polyglots;
mod settings;

use intake_core::testkit;
use intake_core::{Bytes, Declared, HEAD_BYTES, Head, MediaType, Report, Scanner, UploadInfo, Verdict};
use intake_plugin_polyglot::Polyglot;

/// In which pieces contents are tried, in bytes.
const PIECES: [usize; 7] = [1, 2, 3, 7, 64, 4096, 1 << 20];

/// The report of a scan of a content without a name, as the pipeline scans it.
async fn scan_in(scanner: &dyn Scanner, content: &[u8], piece: usize) -> Report {
    testkit::scan(scanner, &Bytes::copy_from_slice(content), piece)
        .await
        .expect("a file is never a fault of the server")
}

/// The code of the refusal, if it is refused, whichever way it is cut.
async fn refusal(scanner: &dyn Scanner, content: &[u8]) -> Option<String> {
    let mut seen = Vec::new();
    // Single bytes take long.
    for piece in PIECES.into_iter().filter(|piece| content.len() / piece < 100_000) {
        let report = scan_in(scanner, content, piece).await;
        seen.push((report.verdict.rejection(), report.coverage));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "it depends on the cuts: {seen:?}");
    let (refusal, _) = seen.pop()?;
    refusal.map(|refusal| refusal.code.to_string())
}

/// The code of the refusal of a content that is called something.
async fn refusal_of(name: &str, declared: &str, found: &str, content: &[u8]) -> Option<String> {
    let claims = Declared::named(name).with(|claims| claims.media_type = declared.parse().ok());
    let found: Option<MediaType> = found.parse().ok();
    let first = &content[..content.len().min(HEAD_BYTES)];
    let head = Head::new(UploadInfo::new(&claims), first, found.as_ref());
    let mut scan = Polyglot::default().open(&head).await.expect("opens");
    let fed = scan.feed(&Bytes::copy_from_slice(content)).await.expect("feeds");
    let verdict = match fed {
        Verdict::Accept => scan.finish().await.expect("finishes").verdict,
        refused => refused,
    };
    verdict.rejection().map(|refusal| refusal.code.to_string())
}
