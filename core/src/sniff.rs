//! What the first bytes look like: by signatures (`infer`), then by two looks that it does not take.

use crate::MediaType;

const TEXT: &str = "text/plain";
const SVG: &str = "image/svg+xml";
const XML: &str = "text/xml";

/// The media type that the bytes look like, or `None` if nothing is known of them.
///
/// Signatures come first. Then, because a browser would run what is inside: SVG, which `infer` takes for XML or for nothing.
/// Last, whatever has no byte that text does not have is plain text.
#[must_use]
pub(crate) fn sniff(head: &[u8]) -> Option<MediaType> {
    let by_signature = infer::get(head).map(|kind| kind.mime_type());
    let name = match by_signature {
        None | Some(XML | TEXT | "text/html") if is_svg(head) => SVG,
        Some(name) => name,
        None if is_text(head) => TEXT,
        None => return None,
    };
    // All names above are well-formed; if `infer` ever gave one that is not, the content is simply not known.
    name.parse().ok()
}

/// Whether an `svg` element opens within the head. Text in UTF-16 counts too: browsers read it.
fn is_svg(head: &[u8]) -> bool {
    let narrow: Vec<u8> = match head {
        [0xFF, 0xFE, rest @ ..] => rest.iter().step_by(2).copied().collect(),
        [0xFE, 0xFF, rest @ ..] => rest.iter().skip(1).step_by(2).copied().collect(),
        _ => head.to_vec(),
    };
    let mut rest = narrow
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(&narrow)
        .trim_ascii_start();
    // Only what may stand before a root element may stand before this one; else a page that shows an SVG would be one.
    loop {
        let end: &[u8] = if rest.starts_with(b"<?") {
            b"?>"
        } else if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<!") {
            doctype_end(rest)
        } else {
            break;
        };
        let Some(at) = find(rest, end) else { return false };
        rest = rest[at + end.len()..].trim_ascii_start();
    }
    let Some(name) = rest.strip_prefix(b"<") else {
        return false;
    };
    let name = name
        .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
        .next()
        .unwrap_or_default();
    // `<svg`, or `<s:svg` with a namespace prefix.
    name.rsplit(|byte| *byte == b':')
        .next()
        .is_some_and(|local| local.eq_ignore_ascii_case(b"svg"))
}

/// A DOCTYPE with an internal subset ends behind its bracket.
fn doctype_end(doctype: &[u8]) -> &'static [u8] {
    let bracket = doctype.iter().position(|byte| *byte == b'[');
    let close = doctype.iter().position(|byte| *byte == b'>');
    match (bracket, close) {
        (Some(bracket), Some(close)) if bracket < close => b"]>",
        _ => b">",
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The "binary data bytes" of the WHATWG MIME Sniffing standard, section 3, are those that text does not have.
fn is_text(head: &[u8]) -> bool {
    !head.is_empty()
        && !head
            .iter()
            .any(|byte| matches!(byte, 0x00..=0x08 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_says_its_type() {
        let utf16: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain("<svg onload='x'>".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let table: &[(&[u8], Option<&str>)] = &[
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some("image/png")),
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF", Some("image/jpeg")),
            (b"%PDF-1.7\n", Some("application/pdf")),
            (b"MZ\x90\0\x03", Some("application/vnd.microsoft.portable-executable")),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Some(SVG)),
            (
                b"\xEF\xBB\xBF \n<?xml version='1.0'?>\n<!-- <b> -->\n<!DOCTYPE svg [ <!ENTITY a 'b'> ]>\n<svg>",
                Some(SVG),
            ),
            (
                b"<?xml version='1.0'?><s:svg xmlns:s='http://www.w3.org/2000/svg'>",
                Some(SVG),
            ),
            (&utf16, Some(SVG)),
            (b"<?xml version='1.0'?><feed/>", Some(XML)),
            (b"<html><svg></svg>", Some("text/html")),
            (b"svg is a format", Some(TEXT)),
            ("Übergröße\n".as_bytes(), Some(TEXT)),
            (b"\0\x01\x02\x03", None),
            (b"", None),
        ];
        for (bytes, expected) in table {
            let found = sniff(bytes);
            assert_eq!(
                found.as_ref().map(MediaType::as_str),
                *expected,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
