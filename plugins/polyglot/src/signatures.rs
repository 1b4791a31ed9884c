//! What other formats look like in the midst of a file.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memchr2};

use crate::finding::Other;

/// A signature that is searched for.
pub(crate) type Needle = LazyLock<Finder<'static>>;

/// The record at the end of a ZIP (PKWARE APPNOTE 6.3.10, 4.3.16).
pub(crate) static ZIP_END: Needle = Needle::new(|| Finder::new(b"PK\x05\x06"));
/// RAR 1.5 to 7.
pub(crate) static RAR: Needle = Needle::new(|| Finder::new(b"Rar!\x1A\x07"));
/// 7-Zip: the signature, and the major version, which is 0.
pub(crate) static SEVEN_ZIP: Needle = Needle::new(|| Finder::new(b"7z\xBC\xAF\x27\x1C\0"));
/// The end of a PDF, or of one of its revisions (ISO 32000-1, 7.5.5).
pub(crate) static PDF_END: Needle = Needle::new(|| Finder::new(b"%%EOF"));
/// The kind of the first box of a film (ISO/IEC 14496-12, 4.3).
pub(crate) static FILM: Needle = Needle::new(|| Finder::new(b"ftyp"));
static PDF: Needle = Needle::new(|| Finder::new(b"%PDF-"));

/// Readers look for the header of a PDF in so many bytes (ISO 32000-1, annex H.3, note 13).
const PDF_HEADER_WITHIN: usize = 1024;

/// Signatures that count where nothing else is expected, and what they are.
const BEHIND: [(&[u8], Other); 10] = [
    (b"PK\x03\x04", Other::Archive("ZIP")),
    (b"PK\x05\x06", Other::Archive("ZIP")),
    (b"Rar!\x1A\x07", Other::Archive("RAR")),
    (b"7z\xBC\xAF\x27\x1C", Other::Archive("7z")),
    (b"\x1F\x8B\x08", Other::Archive("gzip")),
    (b"\xFD7zXZ\0", Other::Archive("xz")),
    (b"MSCF\0\0\0\0", Other::Archive("CAB")),
    (b"\x28\xB5\x2F\xFD", Other::Archive("zstd")),
    (b"\x7FELF", Other::Program),
    (b"%PDF-", Other::Pdf),
];

/// Tags that make a page of what they are in, or run something: in lower case, without the angle bracket.
const TAGS: [&str; 9] = [
    "script",
    "html",
    "body",
    "iframe",
    "svg",
    "object",
    "embed",
    "!doctype html",
    "?php",
];

/// The positions below `count` at which a signature begins.
pub(crate) fn positions<'a>(
    needle: &'a Finder<'_>,
    window: &'a [u8],
    count: usize,
) -> impl Iterator<Item = usize> + 'a {
    let end = (count + needle.needle().len() - 1).min(window.len());
    needle.find_iter(&window[..end])
}

/// What begins here, where nothing of the file is expected any more.
pub(crate) fn behind(ahead: &[u8]) -> Option<Other> {
    let known = BEHIND.iter().find(|(signature, _)| ahead.starts_with(signature));
    known
        .map(|(_, other)| *other)
        .or_else(|| is_windows_program(ahead).then_some(Other::Program))
        .or_else(|| tag(ahead).map(Other::Markup))
}

/// Two letters are no signature: the new header must be where the old one says, within the first 64 KiB ([MS-PE], 3.1).
fn is_windows_program(ahead: &[u8]) -> bool {
    let new_header = ahead
        .get(60..64)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes);
    ahead.starts_with(b"MZ") && new_header.is_some_and(|at| (64..1 << 16).contains(&at))
}

/// The first tag from `from` to `count` that no image has, and its position.
pub(crate) fn first_tag(window: &[u8], mut from: usize, count: usize) -> Option<(usize, &'static str)> {
    while let Some(at) = memchr(b'<', &window[from..count]).map(|at| from + at) {
        if let Some(tag) = tag(&window[at..]) {
            return Some((at, tag));
        }
        from = at + 1;
    }
    None
}

/// The tag that begins here, if it is one that no image has. Its name must end: four letters may be there by chance.
fn tag(ahead: &[u8]) -> Option<&'static str> {
    let rest = ahead.strip_prefix(b"<")?;
    TAGS.into_iter().find(|tag| {
        let (Some(name), Some(end)) = (rest.get(..tag.len()), rest.get(tag.len())) else {
            return false;
        };
        name.eq_ignore_ascii_case(tag.as_bytes()) && matches!(end, b'\t' | b'\n' | b'\x0C' | b'\r' | b' ' | b'/' | b'>')
    })
}

/// Whether the end of a ZIP with entries begins here, and the position behind its comment. `at` is its own position.
///
/// Its numbers must agree: a file of more than one part, or without entries, is none that a program opens.
pub(crate) fn zip_end(ahead: &[u8], at: u64) -> Option<u64> {
    let le16 = |from: usize| Some(u16::from_le_bytes(ahead.get(from..from + 2)?.try_into().ok()?));
    let size = u32::from_le_bytes(ahead.get(12..16)?.try_into().ok()?);
    let (part, first_part, here, entries) = (le16(4)?, le16(6)?, le16(8)?, le16(10)?);
    // In a ZIP of more than 4 GiB or 65,535 entries, the real numbers are elsewhere.
    let is_large = size == u32::MAX || entries == u16::MAX;
    let list = 46 * u64::from(entries);
    let fits = is_large || (u64::from(size) >= list && u64::from(size) <= at);
    let is_one = part == first_part && here == entries && entries > 0 && fits;
    is_one.then_some(at + 22 + u64::from(le16(20)?))
}

/// Where the header of a PDF begins that readers would take, behind other bytes.
pub(crate) fn pdf_header(head: &[u8]) -> Option<usize> {
    let window = &head[..head.len().min(PDF_HEADER_WITHIN + 6)];
    let mut found = PDF.find_iter(window).filter(|at| *at > 0 && *at < PDF_HEADER_WITHIN);
    found.find(|at| head.get(at + 5).is_some_and(u8::is_ascii_digit))
}

/// The first byte that no text has (WHATWG MIME Sniffing, 3).
pub(crate) fn first_binary(bytes: &[u8]) -> Option<usize> {
    bytes
        .iter()
        .position(|byte| matches!(byte, 0x00..=0x08 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F))
}

/// Whether a byte only fills: zeros and white space.
pub(crate) fn fills(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' ')
}

/// Where the first of two bytes is, below `count`, that ends a comment or a line of a script.
pub(crate) fn first_of(bytes: [u8; 2], window: &[u8]) -> Option<usize> {
    memchr2(bytes[0], bytes[1], window)
}
