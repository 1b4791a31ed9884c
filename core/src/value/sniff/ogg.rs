//! Types of Ogg files (RFC 3533, RFC 5334).

use super::bytes::Bytes;

pub(super) const MARK: &[u8] = b"OggS";

/// Bytes of a page before its table of segments.
const HEADER: usize = 27;
/// The flag of pages that begin a stream. These pages come before all others.
const BEGINS: u8 = 2;

const SOUND: [&[u8]; 4] = [b"\x01vorbis", b"OpusHead", b"Speex   ", b"\x7FFLAC"];
const PICTURE: [&[u8]; 4] = [b"\x80theora", b"BBCD\0", b"\x01video\0\0\0", b"\x80daala"];

/// The type of bytes that begin like Ogg.
pub(super) fn look(head: &[u8]) -> &'static str {
    let mut rest = head;
    let (mut sound, mut picture) = (false, false);
    while let Some((flags, packets)) = page(&mut rest) {
        if flags & BEGINS == 0 {
            break;
        }
        let is = |known: [&[u8]; 4]| known.iter().any(|begin| packets.starts_with(begin));
        sound |= is(SOUND);
        picture |= is(PICTURE);
    }
    match (picture, sound) {
        (true, _) => "video/ogg",
        (false, true) => "audio/ogg",
        (false, false) => "application/ogg",
    }
}

/// The flags and the content of the next page.
fn page<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let bytes = Bytes(rest);
    if !bytes.has(0, MARK) {
        return None;
    }
    let (flags, segments) = (bytes.byte(5)?, usize::from(bytes.byte(26)?));
    let table = rest.get(HEADER..HEADER + segments)?;
    let length: usize = table.iter().copied().map(usize::from).sum();
    let content = bytes.from(HEADER + segments);
    let end = length.min(content.len());
    *rest = &content[end..];
    Some((flags, &content[..end]))
}
