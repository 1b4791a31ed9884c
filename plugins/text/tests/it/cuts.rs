//! No answer depends on how the bytes are cut, whatever they are.

use intake_core::{Bytes, Declared, Head, Scanner, UploadInfo, Verdict};
use intake_plugin_text::{Choice, Text};
use proptest::prelude::*;

use crate::with;

/// The refusal, or the note.
async fn answer(scanner: &Text, name: &str, content: &[u8], pieces: &[usize]) -> String {
    let declared = Declared::named(name);
    let head = Head::new(UploadInfo::new(&declared), content, None);
    let mut scan = scanner.open(&head).await.expect("opens");
    let mut rest = Bytes::copy_from_slice(content);
    for piece in pieces.iter().copied().chain([usize::MAX]) {
        let chunk = rest.split_to(piece.min(rest.len()));
        if let Verdict::Reject(rejection) = scan.feed(&chunk).await.expect("feeds") {
            return format!("{rejection:?}");
        }
    }
    let report = scan.finish().await.expect("a file is never a fault of the server");
    match report.verdict.rejection() {
        Some(rejection) => format!("{rejection:?}"),
        None => format!("{:?} {:?}", report.coverage, report.notes),
    }
}

fn pieces_of_text() -> impl Strategy<Value = Vec<u8>> {
    let words: [&[u8]; 34] = [
        b"=",
        b"+",
        b"-",
        b"@",
        b"\"",
        b"'",
        b",",
        b";",
        b"\t",
        b"\r",
        b"\n",
        b"\r\n",
        b" ",
        b"SUM",
        b"cmd",
        b"|",
        b"!",
        b"(",
        b")",
        b"12",
        b"sep=",
        b"\x1B",
        b"[31m",
        b"\x1A",
        b"\x01",
        b"\xC3\xA9",
        b"\xE9",
        b"\xE2\x80\xAE",
        b"\xE2\x81\xA9",
        b"\xEF\xBB\xBF",
        b"\xEF\xBC\x9D",
        b"\xC2\xA0",
        b"[",
        b"]",
    ];
    proptest::collection::vec(prop::sample::select(words.to_vec()), 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn the_answer_is_the_same_for_all_cuts(
        content in pieces_of_text(),
        mark in prop::sample::select(vec![&b""[..], b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF", b"\0\0\xFE\xFF", b"\x1B$B0!\x1B(B"]),
        pieces in proptest::collection::vec(1_usize..9, 0..60),
        name in prop::sample::select(vec!["a.csv", "a.tsv", "a.rs", "a.txt"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let content = [mark, &content].concat();
        let lenient = with(|settings| {
            (settings.formulas, settings.control_characters, settings.malformed) = (Choice::Accept, Choice::Accept, Choice::Accept);
        });
        for scanner in [Text::default(), lenient] {
            let answer = |pieces: &[usize]| runtime.block_on(answer(&scanner, name, &content, pieces));
            let whole = answer(&[]);
            prop_assert_eq!(answer(&pieces), whole.clone());
            prop_assert_eq!(answer(&vec![1; content.len()]), whole);
        }
    }
}

#[tokio::test]
async fn the_first_of_two_findings_counts_whatever_the_cuts_are() {
    for (content, code) in [
        (&b"a,=SUM(1)\n\x01"[..], "text_formula"),
        (b"\x01a,=SUM(1)\n", "text_control_character"),
        (b"a;b\n1;\"=cmd|' /C x'!A0\"\nx,@SUM(1)", "text_formula"),
    ] {
        let refused = crate::refusal(&Text::default(), "a.csv", content)
            .await
            .expect("is refused");
        assert_eq!(refused.0, code);
    }
}
