//! Documents that are refused. No script in them does anything.

use intake_plugin_pdf::Pdf;
use proptest::prelude::*;

use crate::documents::{SCRIPT, document, filtered, packed, stream, with};
use crate::{code, scan};

fn objects() -> Vec<(&'static str, &'static str)> {
    vec![
        (SCRIPT, "pdf_javascript"),
        ("<</JS(app.alert('hello'))>>", "pdf_javascript"),
        ("<</S /JavaScript /JS 5 0 R>>", "pdf_javascript"),
        ("<</S/J#61vaScript>>", "pdf_javascript"),
        ("<</S/#4a#61#76#61#53#63#72#69#70#74>>", "pdf_javascript"),
        ("<</S/#4A#61v#61Script>>", "pdf_javascript"),
        ("<</#53/JavaScript>>", "pdf_javascript"),
        ("<</J#53(app.alert('hello'))>>", "pdf_javascript"),
        ("<</#4aS<00>>>", "pdf_javascript"),
        ("<</S%comment\n/JavaScript>>", "pdf_javascript"),
        ("<</S\0/JavaScript>>", "pdf_javascript"),
        ("<</S\x0C/JavaScript\x0C>>", "pdf_javascript"),
        ("<<\r/S\r/JavaScript\r>>", "pdf_javascript"),
        ("<</A(\\))/S/JavaScript>>", "pdf_javascript"),
        ("<</A(a(b)c)/S/JavaScript>>", "pdf_javascript"),
        ("<</A(\\\\)/S/JavaScript>>", "pdf_javascript"),
        ("<</A<</B[1 2<</S/JavaScript>>]>>>>", "pdf_javascript"),
        ("<</OpenAction<</S/JavaScript>>>>", "pdf_javascript"),
        ("<</AA<</O<</S/JavaScript>>>>>>", "pdf_javascript"),
        ("<</Names<</JavaScript 5 0 R>>>>", "pdf_javascript"),
        ("<</S/Rendition/JS(app.alert('hello'))>>", "pdf_javascript"),
        ("<</A/JS/JS(app.alert('hello'))>>", "pdf_javascript"),
        ("<</A 5 0 R/JS 6 0 R>>", "pdf_javascript"),
        ("/JavaScript", "pdf_javascript"),
        ("<</Font<</A<</S/JavaScript>>>>>>", "pdf_javascript"),
        ("(\n9 0 obj<</S/JavaScript>>endobj\n)", "pdf_javascript"),
        ("% 9 0 obj<</S/JavaScript>>endobj\n", "pdf_javascript"),
        ("<</A[>>endobj 9 0 obj<</S/JavaScript>>", "pdf_javascript"),
        ("(never closed endobj 9 0 obj<</S/JavaScript>>", "pdf_javascript"),
        (
            "<</Length 999>>stream\nabc\nendstream endobj 9 0 obj<</S/JavaScript>>",
            "pdf_javascript",
        ),
        (
            "<</Length 3>>stream\nabc\nendobj 9 0 obj<</S/JavaScript>>",
            "pdf_javascript",
        ),
        ("<</Length 0>>stream\nendobj 9 0 obj<</S/JavaScript>>", "pdf_javascript"),
        (
            "<</Length 8 0 R>>stream\nabc\nendstream endobj 9 0 obj<</S/JavaScript>>",
            "pdf_javascript",
        ),
        (
            "<</Length 99>>stream\n9 0 obj<</S/JavaScript>>endobj\nendstream",
            "pdf_javascript",
        ),
        ("null endobj 9\t0\r\nobj<</S/JavaScript>>", "pdf_javascript"),
        ("null endobj 1 9 0 obj<</S/JavaScript>>", "pdf_javascript"),
        ("<</S/Launch/F(a)>>", "pdf_launch"),
        ("<</S/L#61unch/F(a)>>", "pdf_launch"),
        ("<</S/SubmitForm/F(a)>>", "pdf_launch"),
        ("<</S/ImportData/F(a)>>", "pdf_launch"),
        ("/Launch", "pdf_launch"),
        ("<</A[<</S/Launch>>]>>", "pdf_launch"),
    ]
}

#[tokio::test]
async fn dangerous_documents_are_refused_however_they_are_written_and_cut() {
    for (object, expected) in objects() {
        for piece in [usize::MAX, 64, 7, 1] {
            let report = scan(&Pdf::default(), &with(object), piece).await;
            assert_eq!(code(&report), Some(expected), "{object} in pieces of {piece}");
        }
    }
}

#[tokio::test]
async fn scripts_in_object_streams_are_refused_with_every_filter() {
    for (name, file) in filtered(&["<</Title(a)>>", SCRIPT]) {
        for piece in [usize::MAX, 64, 1] {
            let report = scan(&Pdf::default(), &file, piece).await;
            assert_eq!(code(&report), Some("pdf_javascript"), "{name} in pieces of {piece}");
        }
    }
}

#[tokio::test]
async fn an_object_in_an_object_stream_begins_where_its_place_is() {
    let inner = "5 0 10 1 ";
    let bytes = format!("{inner}({SCRIPT})");
    let entries = format!("/Type/ObjStm/N 2/First {}", inner.len());
    let report = scan(&Pdf::default(), &document(&[&stream(&entries, bytes.as_bytes())]), 4).await;
    assert_eq!(code(&report), Some("pdf_javascript"));
}

#[tokio::test]
async fn an_object_stream_needs_no_type() {
    let (entries, bytes) = packed(&[SCRIPT]);
    let entries = entries.replace("/Type/ObjStm", "");
    let report = scan(&Pdf::default(), &document(&[&stream(&entries, &bytes)]), 4).await;
    assert_eq!(code(&report), Some("pdf_javascript"));
}

#[tokio::test]
async fn rubbish_and_later_updates_hide_nothing() {
    let script = with(SCRIPT);
    let rubbish = [&[b'x'; 1_000][..], &script, &[b'y'; 1_000]].concat();
    let replaced = [
        &script[..],
        b"4 0 obj null endobj\ntrailer<</Size 5>>\nstartxref\n9\n%%EOF\n",
    ]
    .concat();
    let added = [
        &with("null")[..],
        b"4 0 obj",
        SCRIPT.as_bytes(),
        b"endobj\ntrailer<<>>\n%%EOF\n",
    ]
    .concat();
    let parenthesis = [b"%PDF-1.4 ((( <<<< % ", &script[8..]].concat();
    for file in [rubbish, replaced, added, parenthesis] {
        let report = scan(&Pdf::default(), &file, 50).await;
        assert_eq!(code(&report), Some("pdf_javascript"));
    }
}

#[tokio::test]
async fn the_refusal_names_the_key_and_the_object() {
    let report = scan(&Pdf::default(), &with("<</S/JavaScript>>"), 50).await;
    let subject = report
        .verdict
        .rejection()
        .and_then(|rejection| rejection.subject.clone());
    assert_eq!(subject.as_deref(), Some("/JavaScript in object 4"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_verdict_does_not_depend_on_the_cuts(which in 0usize..12, piece in 1usize..300) {
        let (name, file) = filtered(&["[1]", SCRIPT]).swap_remove(which);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let report = runtime.block_on(scan(&Pdf::default(), &file, piece));
        prop_assert_eq!(code(&report), Some("pdf_javascript"), "{}", name);
    }
}
