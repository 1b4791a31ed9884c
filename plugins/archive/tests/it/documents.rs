//! Macros, and relations to other places.

use intake_plugin_archive::Choice::Refuse;

use crate::files::text;
use crate::zips::{Descriptor, Member, packed, stored, zip};
use crate::{code, left_out, note, refused, scan, scanner};

fn relations(kind: &str, mode: &str) -> Member {
    let kind = format!("http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}");
    let relation = format!("<Relationship Id=\"r1\" Type=\"{kind}\" Target=\"https://example.org/a>b\"{mode}/>");
    let rest = "<Relationship Id=\"r\" Type=\"http://x/hyperlink\" Target=\"x\"/>".repeat(3000);
    packed(
        "word/_rels/settings.xml.rels",
        format!("<?xml version=\"1.0\"?><Relationships>{rest}{relation}</Relationships>").as_bytes(),
    )
}

#[tokio::test]
async fn macros_are_noted_and_refused_if_the_operator_says_so() {
    let manifest = || [packed("content.xml", b"<x/>"), packed("META-INF/manifest.xml", b"<x/>")];
    let [content, listed] = manifest();
    for (name, members, has_macros) in [
        ("Word", vec![packed("word/vbaProject.bin", &text(50))], true),
        (
            "Word, another case",
            vec![packed("word/VBAPROJECT.BIN", &text(50))],
            true,
        ),
        ("Excel 4", vec![packed("xl/macrosheets/sheet1.xml", b"<x/>")], true),
        ("another name", vec![relations("vbaProject", "")], true),
        (
            "OpenDocument",
            vec![
                stored("Basic/Standard/Module1.xml", b"<x/>"),
                content.clone(),
                listed.clone(),
            ],
            true,
        ),
        (
            "OpenDocument, Python",
            vec![content, listed, stored("Scripts/python/a.py", b"x")],
            true,
        ),
        (
            "no document",
            vec![stored("Basic/Standard/Module1.xml", b"<x/>")],
            false,
        ),
        ("none", manifest().to_vec(), false),
    ] {
        let content = zip(&members);
        let report = scan(&scanner(|_| ()), &content).await;
        assert_eq!(code(&report), None, "{name}");
        assert_eq!(note(&report).expect("a note").macros, has_macros, "{name}");
        let report = scan(&scanner(|settings| settings.macros = Refuse), &content).await;
        assert_eq!(code(&report), has_macros.then(|| "archive_macros".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn templates_from_elsewhere_are_noted_and_refused_and_links_are_not() {
    let external = " TargetMode=\"External\"";
    for (kind, mode, counts) in [
        ("attachedTemplate", external, true),
        ("oleObject", external, true),
        ("frame", external, true),
        ("attachedTemplate", " TargetMode='&#x45;xternal'", true),
        ("attachedTemplate", " TargetMode=\"Internal\"", false),
        ("attachedTemplate", "", false),
        ("hyperlink", external, false),
        ("image", external, false),
    ] {
        for member in [
            relations(kind, mode),
            relations(kind, mode).described(Descriptor::Signed),
        ] {
            let content = zip(&[member]);
            let report = scan(&scanner(|_| ()), &content).await;
            assert_eq!((code(&report), left_out(&report)), (None, None), "{kind}{mode}");
            assert_eq!(
                note(&report).expect("a note").external_relations,
                counts,
                "{kind}{mode}"
            );
            let report = scan(&scanner(|settings| settings.external_relations = Refuse), &content).await;
            let subject = "word/_rels/settings.xml.rels".to_owned();
            let expected = counts.then(|| ("archive_external".to_owned(), Some(subject)));
            assert_eq!(refused(&report), expected, "{kind}{mode}");
        }
    }
}

#[tokio::test]
async fn a_relation_in_utf_16_counts_and_one_in_a_comment_does_not() {
    let relation = "<Relationship Type=\"x/frame\" TargetMode=\"External\" Target=\"x\"/>";
    let wide: Vec<u8> = relation.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let comment = format!("<!-- {relation} -->");
    for (content, counts) in [
        (&[b"\xFF\xFE", &wide[..]].concat()[..], true),
        (comment.as_bytes(), false),
    ] {
        let report = scan(&scanner(|_| ()), &zip(&[stored("_rels/.rels", content)])).await;
        assert_eq!(note(&report).expect("a note").external_relations, counts);
    }
}
