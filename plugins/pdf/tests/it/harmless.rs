//! Documents that are accepted.

use intake_plugin_pdf::Pdf;

use crate::documents::{document, filtered, flate, stream, with};
use crate::{code, is_whole, note, scan};

fn objects() -> Vec<&'static str> {
    vec![
        "<</Title(How to use /JavaScript and /JS)>>",
        "<</Title(<</S/JavaScript/JS(1\\)>>)>>",
        "<</Title<2f4a532f4a617661536372697074>>>",
        "<</Title(a \\( b (c) /S /Launch)>>",
        "% /S/JavaScript /JS (x)\n<</A 1>>",
        "<</Type/Annot/Subtype/Link/A<</S/URI/URI(https://example.com/)>>>>",
        "<</Title(Chapter)/A<</S/GoTo/D[3 0 R/Fit]>>>>",
        "<</Title(Chapter)/Dest[3 0 R/XYZ 0 0 0]>>",
        "<</S/GoToR/F(other.pdf)/D[0/Fit]>>",
        "<</S/GoToE/T<</R/C/N(a)>>>>",
        "<</S/Named/N/NextPage>>",
        "<</S/ResetForm>>",
        "<</S/Hide/T(a)>>",
        "<</AcroForm<</Fields[]/DA(/Helv 0 Tf)>>>>",
        "<</FT/Tx/T(name)/V(/JS)>>",
        "<</FT/Btn/T(box)/AS/Off/MK<</CA(8)>>>>",
        "<</FT/Sig/V<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 1 2 3]/Contents<00>>>>>",
        "<</Type/Filespec/F(factur-x.xml)/EF<</F 9 0 R>>/AFRelationship/Alternative>>",
        "<</Names<</EmbeddedFiles<</Names[(factur-x.xml)5 0 R]>>>>/AF[5 0 R]>>",
        "<</Type/StructTreeRoot/RoleMap<</JS/P/JavaScript/Span>>>>",
        "<</Type/StructElem/S/P/K 1>>",
        "<</Font<</JS 5 0 R/JavaScript 6 0 R>>>>",
        "<</XObject<</JS 5 0 R>>>>",
        "<</Type/OCG/Name(Layer)/Usage<</Print<</PrintState/ON>>>>>>",
        "<</OCProperties<</D<</Order[]>>>>>>",
        "<</PageLabels<</Nums[0<</S/D/St 1>>]>>>>",
        "<</Linearized 1/L 9/H[0 1]/O 3/E 5/N 1/T 8>>",
        "<</Version/2.0>>",
        "<</Type/Font/Subtype/Type1/BaseFont/JavaScript>>",
        "<</A/JS/B/JavaScript/C/Launch>>",
        "[/JS/JavaScript/Launch]",
        "<</A null/B true/C -1.5/D 6 0 R/E[1 0 R 2 0 R]>>",
        "<</JSX 1/JavaScripts 2/J 3>>",
        "<</#4aS#20 1>>",
        "<</XFA[(template)5 0 R]>>",
        "<</Metadata 5 0 R/Lang(en)/MarkInfo<</Marked true>>>>",
        "<</Type/ViewerPreferences/HideMenubar true>>",
        "<</Subtype/RichMedia>>",
        "()",
        "null",
        "<</S/Thread/D 0>>",
        "<</S/Trans/Trans<</S/Dissolve>>>>",
    ]
}

#[tokio::test]
async fn harmless_documents_are_accepted_and_read_to_their_end() {
    for object in objects() {
        for piece in [usize::MAX, 7, 1] {
            let report = scan(&Pdf::default(), &with(object), piece).await;
            assert_eq!(code(&report), None, "{object}");
            assert!(is_whole(&report), "{object}: {:?}", report.coverage);
        }
    }
}

#[tokio::test]
async fn what_is_in_a_stream_is_no_syntax() {
    let text = b"BT (/JS) Tj ET <</S/JavaScript/JS(app.alert('hello'))>>";
    let packed = flate(text);
    let streams = [
        stream("", text),
        stream("/Type/Metadata/Subtype/XML", b"<x>/JavaScript</x>"),
        stream("/Subtype/Image/Filter/DCTDecode", b"\xFF\xD8(((<<\xFF\xD9"),
        stream("/Filter/FlateDecode", &packed),
        [&b"<</Length 5 0 R>>stream\n"[..], text, b"\nendstream"].concat(),
    ];
    for object in streams {
        let report = scan(&Pdf::default(), &document(&[&object, b"<</A 1>>"]), 3).await;
        assert_eq!((code(&report), is_whole(&report)), (None, true), "{object:?}");
    }
}

#[tokio::test]
async fn harmless_object_streams_are_read_with_every_filter() {
    let objects = ["<</Title(/JS)>>", "<</S/URI/URI(a)>>", "[1 2(/JavaScript)]"];
    for (name, file) in filtered(&objects) {
        for piece in [usize::MAX, 100, 1] {
            let report = scan(&Pdf::default(), &file, piece).await;
            assert_eq!(code(&report), None, "{name}");
            assert!(is_whole(&report), "{name}: {:?}", report.coverage);
        }
    }
}

#[tokio::test]
async fn the_note_says_what_is_in_the_document() {
    let linearized = "<</Linearized 1/AcroForm 5 0 R/EF 6 0 R>>";
    let report = scan(&Pdf::default(), &with(linearized), 11).await;
    let note = note(&report);
    assert_eq!((note.version.as_deref(), note.pages), (Some("1.7"), Some(1)));
    let said = [
        note.linearized,
        note.forms,
        note.embedded_files,
        note.javascript,
        note.encrypted,
    ];
    assert_eq!(said, [true, true, true, false, false]);
}

#[tokio::test]
async fn an_encrypted_document_is_accepted_and_partly_covered() {
    let file = String::from_utf8_lossy(&with("<<>>")).replace("/Root", "/Encrypt 4 0 R/Root");
    let report = scan(&Pdf::default(), file.as_bytes(), 64).await;
    assert_eq!((code(&report), is_whole(&report)), (None, false));
    assert!(note(&report).encrypted);
}

#[tokio::test]
async fn a_content_that_is_no_document_is_not_looked_at() {
    let report = scan(&Pdf::default(), b"1 0 obj <</S/JavaScript>> endobj", 5).await;
    assert_eq!((code(&report), is_whole(&report)), (None, true));
}
