//! No answer depends on how the bytes are cut, whatever they are.

use intake_core::{Bytes, Declared, FromSettings, HEAD_BYTES, Head, MediaType, Scanner, UploadInfo, Verdict};
use intake_plugin_polyglot::{Choice, Polyglot, Settings};
use proptest::prelude::*;

use crate::files::{elf, gif, jpeg, mp4_with, pdf_with, png, program, rar, seven_zip, webp_with, zip};

/// The refusal in full, and how much of the content was covered.
async fn answer(found: &str, content: &[u8], pieces: &[usize]) -> String {
    let settings = Settings::default().with(|settings| {
        settings.self_extracting = Choice::Refuse;
        settings.trailing_data_jpeg = Choice::Refuse;
    });
    let scanner = Polyglot::from_settings(settings).expect("settings that make sense");
    let found: Option<MediaType> = found.parse().ok();
    let declared = Declared::default();
    let first = &content[..content.len().min(HEAD_BYTES)];
    let head = Head::new(UploadInfo::new(&declared), first, found.as_ref());
    let mut scan = scanner.open(&head).await.expect("opens");
    let mut rest = Bytes::copy_from_slice(content);
    for piece in pieces.iter().copied().chain([usize::MAX]) {
        let chunk = rest.split_to(piece.min(rest.len()));
        if let Verdict::Reject(rejection) = scan.feed(&chunk).await.expect("feeds") {
            return format!("{rejection} {:?}", rejection.subject);
        }
    }
    let report = scan.finish().await.expect("a file is never a fault of the server");
    match report.verdict.rejection() {
        Some(rejection) => format!("{rejection} {:?}", rejection.subject),
        None => format!("{:?}", report.coverage),
    }
}

/// Something that may be in a file, or behind it.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<Vec<u8>> = vec![
        jpeg(),
        png(),
        gif(),
        webp_with(b""),
        mp4_with(b"data"),
        pdf_with(b"text"),
        zip(),
        rar(),
        seven_zip(),
        program(),
        elf(),
        b"<script>".to_vec(),
        b"<sc".to_vec(),
        b"*/=1;alert('hello')".to_vec(),
        b"\n=1;alert('hello world')".to_vec(),
        b"%PDF-1.4".to_vec(),
        b"%%EOF\n".to_vec(),
        b"PK\x03\x04".to_vec(),
        b"\xFF\xD9".to_vec(),
        b"\xFF\xD8\xFF".to_vec(),
        b"SEFT".to_vec(),
        vec![0; 70],
        b"text ".repeat(9),
    ];
    prop_oneof![
        prop::sample::select(parts),
        proptest::collection::vec(any::<u8>(), 0..90)
    ]
}

fn host() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let comment = [b"GIF89a/*", &gif()[8..]].concat();
    let line = [b"GIF89a//", &gif()[8..]].concat();
    prop::sample::select(vec![
        ("image/jpeg", jpeg()),
        ("image/png", png()),
        ("image/gif", gif()),
        ("image/gif", comment),
        ("image/gif", line),
        ("image/webp", webp_with(b"")),
        ("video/mp4", mp4_with(b"data")),
        ("application/pdf", pdf_with(b"text")),
        ("application/x-executable", elf()),
        ("text/plain", b"Some text. %PDF-1.4".to_vec()),
        ("image/bmp", b"BM/*".to_vec()),
        ("", Vec::new()),
    ])
}

proptest! {
    #[test]
    fn the_answer_is_the_same_for_all_cuts(
        (found, host) in host(),
        parts in proptest::collection::vec(part(), 0..4),
        cut in 0_usize..8,
        pieces in proptest::collection::vec(1_usize..99, 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let end = host.len().saturating_sub(cut);
        let content = [&host[..end], &parts.concat()].concat();
        let whole = runtime.block_on(answer(found, &content, &[]));
        prop_assert_eq!(&runtime.block_on(answer(found, &content, &pieces)), &whole);
        for piece in [1, 2, 3, 7] {
            let pieces = vec![piece; content.len() / piece];
            prop_assert_eq!(&runtime.block_on(answer(found, &content, &pieces)), &whole);
        }
    }
}
