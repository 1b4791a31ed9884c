//! WebP: the first chunk, and the EXIF chunk if it is said to be there (RFC 9649).

use crate::formats::Format;
use crate::look::Look;
use crate::tags;

const ANIMATED: u8 = 0x02;
const HAS_EXIF: u8 = 0x08;
const HAS_ALPHA: u8 = 0x10;

pub(crate) fn look(bytes: &[u8]) -> Look {
    let Some((size, has_alpha, flags)) = first_chunk(bytes) else {
        return Look::nothing("it has no WebP header");
    };
    let mode = if has_alpha { "RGBA" } else { "RGB" };
    let mut note = Format::Webp.note(size, Some(mode));
    note.sequence = flags & ANIMATED != 0;
    if flags & HAS_EXIF == 0 {
        return Look::settled(size, note);
    }
    match exif_chunk(bytes) {
        Some(data) => {
            tags::add(&mut note, data);
            Look::settled(size, note)
        }
        None => Look::without(size, note, "the EXIF data"),
    }
}

/// Size, whether it has alpha, and the flags of the extended format.
fn first_chunk(bytes: &[u8]) -> Option<((u32, u32), bool, u8)> {
    let [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', chunk @ ..] = bytes else {
        return None;
    };
    let (name, body) = (chunk.get(..4)?, chunk.get(8..)?);
    match (name, body) {
        (b"VP8X", &[flags, _, _, _, w, wi, width, h, he, height, ..]) => {
            let size = (
                u32::from_le_bytes([w, wi, width, 0]) + 1,
                u32::from_le_bytes([h, he, height, 0]) + 1,
            );
            Some((size, flags & HAS_ALPHA != 0, flags))
        }
        (b"VP8L", &[0x2F, a, b, c, d, ..]) => {
            let bits = u32::from_le_bytes([a, b, c, d]);
            let size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
            Some((size, bits >> 28 & 1 != 0, 0))
        }
        // A key frame (the lowest bit is not set), its start code, and two sides of which the top two bits are a scale.
        (b"VP8 ", &[tag, _, _, 0x9D, 0x01, 0x2A, w, width, h, height, ..]) if tag & 1 == 0 => {
            let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3FFF);
            Some(((side([w, width]), side([h, height])), false, 0))
        }
        _ => None,
    }
}

/// The body of the EXIF chunk, if all of it was seen.
fn exif_chunk(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(12..)?;
    loop {
        let (header, body) = rest.split_at_checked(8)?;
        let (name, size) = header.split_at(4);
        let size = usize::try_from(u32::from_le_bytes(size.try_into().ok()?)).ok()?;
        let chunk = body.get(..size)?;
        if name == b"EXIF" {
            return Some(chunk);
        }
        // Chunks begin at even places.
        rest = body.get(size.checked_next_multiple_of(2)?..)?;
    }
}
