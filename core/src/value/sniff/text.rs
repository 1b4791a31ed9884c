//! Plain text, and formats that consist of text.

use super::units::is_space;

pub(super) const TEXT: &str = "text/plain";

/// Formats that may consist of text bytes only, by signatures with which no plain text begins by chance.
const FORMATS: [(&[u8], &str); 12] = [
    (b"\xFF\xD8\xFF", "image/jpeg"),
    (b"\xFF\x0A", "image/jxl"),
    (b"%PDF-", "application/pdf"),
    (b"%!PS", "application/postscript"),
    (b"{\\rtf", "application/rtf"),
    (b"#!AMR\n", "audio/amr"),
    (b"#!AMR-WB\n", "audio/amr-wb"),
    (b"BZh91AY&SY", "application/x-bzip2"),
    (b"SIMPLE  =                    T", "application/fits"),
    (b"!<arch>\ndebian-binary", "application/vnd.debian.binary-package"),
    (b"!<arch>\n", "application/x-archive"),
    (b"d8:announce", "application/x-bittorrent"),
];

/// Shells whose scripts are not plain text.
const SHELLS: [&[u8]; 7] = [b"sh", b"ash", b"bash", b"csh", b"dash", b"ksh", b"zsh"];

/// The type of bytes that are text so far, or that have a signature of letters only.
pub(super) fn look(head: &[u8]) -> Option<&'static str> {
    let named = FORMATS.into_iter().find(|(signature, _)| head.starts_with(signature));
    match named {
        Some((_, name)) => Some(name),
        // PDF readers accept bytes before the header. Real writers put a mark and white space there.
        None if trimmed(head).starts_with(b"%PDF-") => Some("application/pdf"),
        None if is_wide_text(head) => Some(TEXT),
        None if !is_text(head) => None,
        None if is_shell_script(head) => Some("text/x-shellscript"),
        None => Some(TEXT),
    }
}

fn trimmed(head: &[u8]) -> &[u8] {
    let rest = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let from = rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len());
    &rest[from..]
}

/// Whether there is no "binary data byte" (WHATWG MIME Sniffing, section 3).
fn is_text(head: &[u8]) -> bool {
    !head.is_empty() && !head.iter().any(|byte| is_binary(*byte))
}

fn is_binary(byte: u8) -> bool {
    matches!(byte, 0x00..=0x08 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F)
}

/// Whether the bytes are UTF-16 with a mark and have text characters only.
fn is_wide_text(head: &[u8]) -> bool {
    let big = match head {
        [0xFE, 0xFF, ..] => true,
        [0xFF, 0xFE, ..] => false,
        _ => return false,
    };
    let unit = |pair: &[u8; 2]| {
        if big {
            u16::from_be_bytes(*pair)
        } else {
            u16::from_le_bytes(*pair)
        }
    };
    let (pairs, _half_of_one) = head[2..].as_chunks();
    !pairs
        .iter()
        .map(unit)
        .any(|unit| u8::try_from(unit).is_ok_and(is_binary) || matches!(unit, 0xFFFE | 0xFFFF))
}

/// A first line that names a shell, with a path or through `env`.
fn is_shell_script(head: &[u8]) -> bool {
    let Some(line) = head.strip_prefix(b"#!") else {
        return false;
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|byte| is_space(*byte)).filter(|word| !word.is_empty());
    // The last step of a path.
    let mut program = || words.next()?.rsplit(|byte| *byte == b'/').next();
    match program() {
        Some(b"env") => program().is_some_and(|name| SHELLS.contains(&name)),
        Some(name) => SHELLS.contains(&name),
        None => false,
    }
}
