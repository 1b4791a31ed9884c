//! `Content-Disposition` (RFC 6266, RFC 8187): shown or saved, and under which name.

use axum::http::HeaderValue;
use intake_core::FileName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the characters that RFC 8187 lets stand for themselves (`attr-char`).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The value for a file with this name, if it has one.
pub(crate) fn value(inline: bool, name: Option<&FileName>) -> HeaderValue {
    const SAVED: HeaderValue = HeaderValue::from_static("attachment");
    let kind = if inline { "inline" } else { "attachment" };
    let plain = || HeaderValue::from_static(kind);
    let Some(name) = name.and_then(|name| FileName::new(&without_directions(name))) else {
        return plain();
    };
    let fallback = fallback(&name);
    let value = match fallback == name.as_str() {
        true => format!("{kind}; filename=\"{fallback}\""),
        // The plain one first: some old clients take the first that they can read.
        false => {
            let extended = utf8_percent_encode(&name, ESCAPED);
            format!("{kind}; filename=\"{fallback}\"; filename*=UTF-8''{extended}")
        }
    };
    HeaderValue::try_from(value).unwrap_or(SAVED)
}

/// A name without characters that set the direction of others, or cannot be seen: they hide how a name ends.
fn without_directions(name: &str) -> String {
    let hides = |c: &char| matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    name.chars().filter(|c| !hides(c)).collect()
}

/// The name for clients that read ASCII only. Characters that some of them read in another way (RFC 6266, appendix D) become
/// underscores.
fn fallback(name: &str) -> String {
    let safe = |c: char| {
        matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%' | '/' | ':' | '*' | '?' | '<' | '>' | '|' | ';')
    };
    name.chars().map(|c| if safe(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> String {
        let name = FileName::new(name);
        value(true, name.as_ref()).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_name_arrives_as_it_is_and_does_no_harm_on_the_way() {
        for (name, expected) in [
            ("cat.jpg", r#"inline; filename="cat.jpg""#),
            ("holiday (1).JPG", r#"inline; filename="holiday (1).JPG""#),
            ("it's.txt", r#"inline; filename="it's.txt""#),
            ("a\"b.txt", r#"inline; filename="a_b.txt"; filename*=UTF-8''a%22b.txt"#),
            (
                "100%.txt",
                r#"inline; filename="100_.txt"; filename*=UTF-8''100%25.txt"#,
            ),
            (
                "%2e%2e.txt",
                r#"inline; filename="_2e_2e.txt"; filename*=UTF-8''%252e%252e.txt"#,
            ),
            (
                "a;b=c.txt",
                r#"inline; filename="a_b=c.txt"; filename*=UTF-8''a%3Bb%3Dc.txt"#,
            ),
            (
                "a'b*c.txt",
                r#"inline; filename="a'b_c.txt"; filename*=UTF-8''a%27b%2Ac.txt"#,
            ),
            (
                "größe.pdf",
                r#"inline; filename="gr__e.pdf"; filename*=UTF-8''gr%C3%B6%C3%9Fe.pdf"#,
            ),
            (
                "文件.zip",
                r#"inline; filename="__.zip"; filename*=UTF-8''%E6%96%87%E4%BB%B6.zip"#,
            ),
            ("🦀.rs", r#"inline; filename="_.rs"; filename*=UTF-8''%F0%9F%A6%80.rs"#),
            ("a\u{202E}gpj.exe", r#"inline; filename="agpj.exe""#),
            ("a\u{200B}\u{2066}b.txt", r#"inline; filename="ab.txt""#),
            ("\u{202E}\u{202D}", "inline"),
            ("\u{202E}..", "inline"),
            (
                "a\r\nSet-Cookie: b",
                r#"inline; filename="a__Set-Cookie_ b"; filename*=UTF-8''a%EF%BF%BD%EF%BF%BDSet-Cookie%3A%20b"#,
            ),
            ("../../etc/passwd", r#"inline; filename="passwd""#),
            (r"C:\fake\x.exe", r#"inline; filename="x.exe""#),
            (
                "x:y|z.txt",
                r#"inline; filename="x_y_z.txt"; filename*=UTF-8''x%3Ay|z.txt"#,
            ),
            ("", "inline"),
        ] {
            assert_eq!(shown(name), expected, "{name:?}");
        }
        assert_eq!(value(false, None), "attachment");
        assert_eq!(
            value(false, FileName::new("x.html").as_ref()),
            r#"attachment; filename="x.html""#
        );
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let value = shown(&format!("{}.pdf", "ä".repeat(300)));
        assert!(value.ends_with(".pdf"), "{value}");
        let extended = value.split("UTF-8''").nth(1).unwrap();
        assert!(percent_encoding::percent_decode_str(extended).count() <= FileName::MAX_BYTES);
    }
}
