//! In which encodings texts are taken, and what is noted of them.

use intake_plugin_text::{Choice, LineEnding, TextNote};

use crate::{note, refusal, utf_16, utf_32, with};

const GERMAN: &str = "Name;Straße\r\nJürgen;Grüne Gasse\r\n";

#[tokio::test]
async fn the_encoding_is_noted() {
    let marked = |mark: &[u8], content: Vec<u8>| [mark, &content].concat();
    let latin = encoding_rs_of("windows-1252", GERMAN);
    let japanese = "これは日本語の文章です。表の中の文字も読めます。\n名前,住所\n";
    for (content, encoding, is_guess, has_mark) in [
        (b"plain\n".to_vec(), "US-ASCII", false, false),
        (GERMAN.as_bytes().to_vec(), "UTF-8", false, false),
        (
            marked(b"\xEF\xBB\xBF", GERMAN.as_bytes().to_vec()),
            "UTF-8",
            false,
            true,
        ),
        (marked(b"\xFF\xFE", utf_16(GERMAN, false)), "UTF-16LE", false, true),
        (marked(b"\xFE\xFF", utf_16(GERMAN, true)), "UTF-16BE", false, true),
        (marked(b"\xFF\xFE\0\0", utf_32(GERMAN, false)), "UTF-32LE", false, true),
        (marked(b"\0\0\xFE\xFF", utf_32(GERMAN, true)), "UTF-32BE", false, true),
        (latin, "windows-1252", true, false),
        (encoding_rs_of("shift_jis", japanese), "Shift_JIS", true, false),
        (encoding_rs_of("euc-jp", japanese), "EUC-JP", true, false),
        (encoding_rs_of("iso-2022-jp", japanese), "ISO-2022-JP", false, false),
    ] {
        let noted = note("a.txt", &content).await;
        let seen = (noted.encoding.as_str(), noted.is_guess, noted.has_mark);
        assert_eq!(seen, (encoding, is_guess, has_mark), "{content:?}");
    }
}

fn encoding_rs_of(label: &str, text: &str) -> Vec<u8> {
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).expect("an encoding");
    let (bytes, _, has_gaps) = encoding.encode(text);
    assert!(!has_gaps);
    bytes.into_owned()
}

#[tokio::test]
async fn lines_and_their_endings_are_noted() {
    let lines = |note: TextNote| (note.lines, note.line_ending);
    for (content, expected) in [
        ("", (0, None)),
        ("a", (1, None)),
        ("a\n", (1, Some(LineEnding::Lf))),
        ("a\nb", (2, Some(LineEnding::Lf))),
        ("a\r\nb\r\n", (2, Some(LineEnding::Crlf))),
        ("a\rb\r", (2, Some(LineEnding::Cr))),
        ("a\r\rb\n", (3, Some(LineEnding::Mixed))),
        ("\n\n", (2, Some(LineEnding::Lf))),
    ] {
        assert_eq!(lines(note("a.txt", content.as_bytes()).await), expected, "{content:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_valid_in_the_declared_encoding_are_refused() {
    let default = with(|_| {});
    let lenient = with(|settings| settings.malformed = Choice::Accept);
    for (name, content, encoding) in [
        ("a.txt", &b"\xEF\xBB\xBFgr\xFCn"[..], "UTF-8"),
        ("a.txt", b"\xEF\xBB\xBFcut \xE2\x82", "UTF-8"),
        ("a.txt", b"\xFF\xFEa\0\0\xD8b\0", "UTF-16LE"),
        ("a.txt", b"\xFF\xFEa\0b", "UTF-16LE"),
        ("a.txt", b"\0\0\xFE\xFF\0\x11\0\0", "UTF-32BE"),
        ("a.txt", b"\xFF\xFE\0\0a\0\0\0b", "UTF-32LE"),
        ("a.xml", b"<?xml version='1.0' encoding='utf-8'?><a>\xE4</a>", "UTF-8"),
        ("a.html", b"<html><meta charset=utf-8><p>\xE4", "UTF-8"),
        ("a.html", b"<html><meta charset='euc-jp'><p>\xFF", "EUC-JP"),
    ] {
        let expected = Some(("text_malformed".to_owned(), encoding.to_owned()));
        assert_eq!(refusal(&default, name, content).await, expected, "{content:?}");
        assert_eq!(refusal(&lenient, name, content).await, None, "{content:?}");
    }
}

#[tokio::test]
async fn other_encodings_than_those_of_unicode_can_be_refused() {
    let strict = with(|settings| settings.legacy_encodings = Choice::Refuse);
    for (name, content, subject) in [
        ("a.txt", &b"gr\xFCn"[..], ""),
        (
            "a.xml",
            b"<?xml version='1.0' encoding='iso-8859-15'?><a/>",
            "ISO-8859-15",
        ),
        ("a.txt", b"\x1B$B0!\x1B(B", "ISO-2022-JP"),
    ] {
        let expected = Some(("text_encoding".to_owned(), subject.to_owned()));
        assert_eq!(refusal(&strict, name, content).await, expected, "{content:?}");
        assert_eq!(refusal(&with(|_| {}), name, content).await, None, "{content:?}");
    }
    for content in [
        "grün".as_bytes(),
        &[&b"\xFF\xFE"[..], &utf_16("grün\n", false)].concat(),
    ] {
        assert_eq!(refusal(&strict, "a.txt", content).await, None);
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_in_every_encoding() {
    let table = "a;b\n=HYPERLINK(\"x\");2\n";
    for (content, code) in [
        ([&b"\xFF\xFE"[..], &utf_16(table, false)].concat(), "text_formula"),
        // Without a mark, UTF-16 is ASCII with NUL between.
        (utf_16(table, false), "text_control_character"),
        ([&b"\xFE\xFF"[..], &utf_16(table, true)].concat(), "text_formula"),
        ([&b"\0\0\xFE\xFF"[..], &utf_32(table, true)].concat(), "text_formula"),
        ([b"\xE4;", table.as_bytes()].concat(), "text_formula"),
        (
            [&b"\xFF\xFE"[..], &utf_16("a\0", false)].concat(),
            "text_control_character",
        ),
        (b"\xE4\0".to_vec(), "text_control_character"),
    ] {
        let refused = refusal(&with(|_| {}), "a.csv", &content).await;
        assert_eq!(refused.map(|(code, _)| code), Some(code.to_owned()), "{content:?}");
    }
}

#[tokio::test]
async fn no_declared_encoding_hides_what_others_see() {
    let both = with(|settings| settings.control_characters = Choice::Accept);
    for (name, content, code) in [
        // Spreadsheets obey no declaration, and know nothing of escape sequences.
        ("a.csv", &b"x\x1B$B,=SUM(1)\x1B(B"[..], "text_formula"),
        (
            "a.csv",
            b"<?xml encoding='iso-2022-jp'?>\x1B$B,=SUM(1)\x1B(B",
            "text_formula",
        ),
        ("a.csv", b"a\0b\0\n=SUM(1)", "text_formula"),
        ("a.csv", b"a\0\n\0=\0S\0U\0M\0(\0", "text_formula"),
        // Editors show it as UTF-8, with a gap.
        ("a.c", b"// \xFF\n/* \xE2\x80\xAE */", "text_bidi"),
        ("a.c", b"@charset 'windows-1252'; /* \xE2\x80\xAE */", "text_bidi"),
    ] {
        let refused = refusal(&both, name, content).await;
        assert_eq!(refused.map(|(code, _)| code).as_deref(), Some(code), "{content:?}");
    }
}
