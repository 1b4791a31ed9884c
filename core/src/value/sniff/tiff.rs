//! Types of formats that are based on TIFF.

use super::bytes::Bytes;

/// Marks of other formats, in the place of TIFF's number 42.
const MARKS: [(&[u8], &str); 5] = [
    (b"IIRO", "image/x-olympus-orf"),
    (b"IIRS", "image/x-olympus-orf"),
    (b"MMOR", "image/x-olympus-orf"),
    (b"IIU\0", "image/x-panasonic-rw2"),
    (b"II\xBC", "image/jxr"),
];

/// DNG specification, `DNGVersion`: every DNG has it in its first directory.
const DNG_VERSION: u16 = 50706;
/// Bytes of an entry of a directory.
const ENTRY: usize = 12;

/// The type of bytes that may be a TIFF.
pub(super) fn look(head: &[u8]) -> Option<&'static str> {
    if let Some((_, name)) = MARKS.iter().find(|(mark, _)| head.starts_with(mark)) {
        return Some(name);
    }
    let little = match head.first_chunk()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        b"II+\0" | b"MM\0+" => return Some("image/tiff"),
        _ => return None,
    };
    let tiff = Bytes(head);
    Some(if tiff.has(8, b"CR\x02") {
        "image/x-canon-cr2"
    } else if has(tiff, little, DNG_VERSION) {
        "image/x-adobe-dng"
    } else {
        "image/tiff"
    })
}

/// Whether the first directory has an entry, as far as it lies within the head.
fn has(tiff: Bytes<'_>, little: bool, tag: u16) -> bool {
    let at = if little { tiff.le32(4) } else { tiff.be32(4) };
    let directory = tiff.from(at.unwrap_or(usize::MAX));
    let number = |at| {
        let bytes = Bytes(directory).array(at)?;
        Some(if little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    (0..usize::from(number(0).unwrap_or(0)))
        .map_while(|entry| number(2 + entry * ENTRY))
        .any(|found| found == tag)
}
