//! HEIF and AVIF: the size, by `imagesize`. What colours they have, only a decoder could tell.

use crate::formats::Format;
use crate::look::Look;

/// Brands of image sequences (ISO/IEC 23008-12, and the AV1 image file format).
const SEQUENCES: [&[u8]; 4] = [b"avis", b"hevc", b"hevx", b"msf1"];

pub(crate) fn look(format: Format, bytes: &[u8]) -> Look {
    let size = imagesize::blob_size(bytes).ok().and_then(|size| {
        // Sides have 32 bits in the file. They are turned already, as the container says how to.
        Some((size.width.try_into().ok()?, size.height.try_into().ok()?))
    });
    let Some(size) = size else {
        return Look::nothing("its size was not found");
    };
    let mut note = format.note(size, None);
    note.sequence = bytes.get(8..12).is_some_and(|brand| SEQUENCES.contains(&brand));
    if has_whole_meta(bytes) {
        Look::settled(size, note)
    } else {
        Look::without(size, note, "some of the sizes in it")
    }
}

/// Whether the box that all sizes are in was seen whole.
fn has_whole_meta(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((header, _)) = rest.split_at_checked(8) {
        let (size, name) = header.split_at(4);
        let size = size.try_into().map(u32::from_be_bytes).unwrap_or_default();
        // Smaller ones mean that the size stands elsewhere, which `imagesize` does not read either.
        let Some((_, next)) = usize::try_from(size)
            .ok()
            .filter(|size| *size >= 8)
            .and_then(|size| rest.split_at_checked(size))
        else {
            return false;
        };
        if name == b"meta" {
            return true;
        }
        rest = next;
    }
    false
}
