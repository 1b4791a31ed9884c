//! No answer depends on how the bytes are cut, whatever they are.

use intake_core::{Bytes, Declared, Head, Scanner, UploadInfo, Verdict};
use intake_plugin_svg::Svg;
use proptest::prelude::*;

/// The code of the refusal, and whether all of the content was covered.
async fn answer(content: &[u8], pieces: &[usize]) -> (Option<String>, String) {
    let declared = Declared::default();
    let head = Head::new(UploadInfo::new(&declared), content, None);
    let mut scan = Svg::default().open(&head).await.expect("opens");
    let mut rest = Bytes::copy_from_slice(content);
    for piece in pieces.iter().copied().chain([usize::MAX]) {
        let chunk = rest.split_to(piece.min(rest.len()));
        if let Verdict::Reject(rejection) = scan.feed(&chunk).await.expect("feeds") {
            return (Some(rejection.code.to_string()), String::new());
        }
    }
    let report = scan.finish().await.expect("a file is never a fault of the server");
    let notes = format!("{:?} {:?}", report.coverage, report.notes);
    (
        report.verdict.rejection().map(|rejection| rejection.code.to_string()),
        notes,
    )
}

fn pieces_of_markup() -> impl Strategy<Value = String> {
    let words = [
        "<svg",
        "<g",
        ">",
        "/>",
        "</g>",
        "</svg>",
        " a=",
        "\"",
        "'",
        "href=",
        "style=",
        "onload",
        "url(",
        ")",
        "\\",
        "/*",
        "*/",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?x",
        "?>",
        "&amp;",
        "&",
        ";",
        "<style>",
        "</style>",
        "@import ",
        "javascript:",
        "é",
        "\r\n",
        "<!DOCTYPE svg [",
        "<!ENTITY x 'y'>",
        "]>",
        "&x;",
        "]",
        "-",
        " ",
    ];
    proptest::collection::vec(prop::sample::select(words.to_vec()), 0..30).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn the_answer_is_the_same_for_all_cuts(
        inside in pieces_of_markup(),
        pieces in proptest::collection::vec(1_usize..9, 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let content = format!("<svg width='1' xmlns='http://www.w3.org/2000/svg'>{inside}");
        for content in [content.as_bytes(), inside.as_bytes()] {
            let whole = runtime.block_on(answer(content, &[]));
            prop_assert_eq!(runtime.block_on(answer(content, &pieces)), whole.clone());
            prop_assert_eq!(runtime.block_on(answer(content, &vec![1; content.len()])), whole);
        }
    }
}
