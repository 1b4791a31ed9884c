//! The name of a fetched file: from `Content-Disposition` (RFC 6266, RFC 8187), or the last segment of a path.
//!
//! A name is shown, and rules judge it by its extension: so a name in another encoding than UTF-8, or one that is too long,
//! keeps its extension.

use encoding_rs::WINDOWS_1252;
use intake_core::FileName;
use percent_encoding::percent_decode;

/// The name in a `Content-Disposition`; `filename*` takes precedence over `filename`.
pub(crate) fn of_disposition(value: &[u8]) -> Option<FileName> {
    let text = text(value);
    let (mut plain, mut extended) = (None, None);
    // The first part is the disposition type, which does not matter for the name.
    for (key, value) in parameters(&text).skip(1) {
        match key.to_ascii_lowercase().as_str() {
            "filename" if plain.is_none() => plain = FileName::new(&value),
            "filename*" if extended.is_none() => {
                extended = extended_value(&value).and_then(|name| FileName::new(&name))
            }
            _ => {}
        }
    }
    extended.or(plain)
}

/// The last segment of a URL's path.
pub(crate) fn of_path(path: &str) -> Option<FileName> {
    let (_, last) = path.rsplit_once('/')?;
    FileName::from_bytes(&percent_decode(last.as_bytes()).collect::<Vec<_>>())
}

/// The parameters between semicolons: key and value, without quotes.
fn parameters(text: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end_of_key = text.find([';', '=']).unwrap_or(text.len());
        let key = text[..end_of_key].trim();
        let Some(value) = text[end_of_key..].strip_prefix('=') else {
            rest = text.get(end_of_key + 1..);
            return Some((key, String::new()));
        };
        let (value, behind) = value_of(value.trim_start());
        rest = behind.find(';').map(|at| &behind[at + 1..]);
        Some((key, value))
    })
}

/// A token or a quoted string, and the text behind it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &quoted[at + 1..]),
            // Before other characters a backslash is literal: many servers send a path of Windows here.
            '\\' if matches!(chars.peek(), Some((_, '"' | '\\'))) => value.extend(chars.next().map(|(_, char)| char)),
            char => value.push(char),
        }
    }
    (value, "")
}

/// `charset'language'percent-encoded` (RFC 8187, 3.2).
fn extended_value(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = percent_decode(encoded.as_bytes());
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => Some(bytes.decode_utf8().ok()?.into_owned()),
        "iso-8859-1" => Some(windows_1252(&bytes.collect::<Vec<_>>())),
        _ => None,
    }
}

/// Bytes as UTF-8, or else as Windows-1252, as browsers read the ISO-8859-1 of older versions of HTTP.
fn text(bytes: &[u8]) -> String {
    str::from_utf8(bytes).map_or_else(|_| windows_1252(bytes), str::to_owned)
}

fn windows_1252(bytes: &[u8]) -> String {
    WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_disposition_names_a_file_and_never_a_path() {
        let long = format!("attachment; filename={}", "n".repeat(256));
        let cut = "n".repeat(255);
        for (value, name) in [
            ("attachment; filename=a.png", Some("a.png")),
            ("Attachment ; FileName = a.png ; x=y", Some("a.png")),
            ("inline; filename=\"a b; c=\\\"d\\\".png\"", Some("a b; c=\"d\".png")),
            (
                "attachment; filename=\"plain\"; filename*=UTF-8''na%C3%AFve.txt",
                Some("naïve.txt"),
            ),
            (
                "attachment; filename*=utf-8'en'it's%20on; filename=plain",
                Some("it's on"),
            ),
            ("attachment; filename*=iso-8859-1''na%EFve", Some("naïve")),
            // A parameter that cannot be read is ignored.
            ("attachment; filename*=UTF-8''%FF; filename=plain", Some("plain")),
            ("attachment; filename*=koi8-r''%C1; filename=plain", Some("plain")),
            ("attachment; filename*=plain", None),
            ("attachment; filename=first; filename=second", Some("first")),
            ("attachment; filename=\"never closed", Some("never closed")),
            ("attachment; filename=naïve", Some("naïve")),
            // Paths of all kinds, however they are written.
            ("attachment; filename=\"../../etc/passwd\"", Some("passwd")),
            ("attachment; filename=\"C:\\Users\\me\\a.png\"", Some("a.png")),
            ("attachment; filename*=UTF-8''..%2F..%2Fa", Some("a")),
            ("attachment; filename=\"..\"", None),
            ("attachment; filename=\"a/\"", Some("a")),
            ("attachment; filename*=UTF-8''a%00.png", Some("a\u{FFFD}.png")),
            (
                "attachment; filename*=UTF-8''a%0D%0AX:%20y",
                Some("a\u{FFFD}\u{FFFD}X: y"),
            ),
            (long.as_str(), Some(cut.as_str())),
            ("filename=a.png", None),
            ("attachment", None),
            ("", None),
            (";;=;\"", None),
        ] {
            assert_eq!(of_disposition(value.as_bytes()).as_deref(), name, "{value}");
        }
        assert_eq!(
            of_disposition(b"attachment; filename=na\xefve").as_deref(),
            Some("naïve")
        );
        assert_eq!(
            of_disposition(b"attachment; filename=\x80uro.png").as_deref(),
            Some("€uro.png")
        );
    }

    #[test]
    fn a_path_names_its_last_segment_or_nothing() {
        for (path, name) in [
            ("/2250/2250", Some("2250")),
            ("/a%20b.png", Some("a b.png")),
            ("/na%C3%AFve", Some("naïve")),
            ("/%E4.png", Some("ä.png")),
            ("/%80%20%FF", Some("€ ÿ")),
            ("/a%00b", Some("a\u{FFFD}b")),
            ("/%2e%2e%2f%2e%2e%2fetc%2fpasswd", Some("passwd")),
            ("/", None),
            ("/folder/", None),
            ("/%2e%2e", None),
            ("", None),
        ] {
            assert_eq!(of_path(path).as_deref(), name, "{path}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_name_or_none(value: Vec<u8>, path: String) {
            let named = "attachment; filename=".bytes().chain(value.iter().copied()).collect::<Vec<_>>();
            for name in [of_disposition(&value), of_disposition(&named), of_path(&path)].into_iter().flatten() {
                prop_assert_eq!(FileName::new(&name), Some(name));
            }
        }
    }
}
