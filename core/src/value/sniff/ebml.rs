//! Types of EBML files: Matroska or WebM, with video or with audio only (RFC 8794, RFC 9559).

pub(super) const MARK: &[u8] = b"\x1A\x45\xDF\xA3";

const HEADER: u64 = 0x1A45_DFA3;
const DOC_TYPE: u64 = 0x4282;
const SEGMENT: u64 = 0x1853_8067;
const TRACKS: u64 = 0x1654_AE6B;
const ENTRY: u64 = 0xAE;
const KIND: u64 = 0x83;

const PICTURE: &[u8] = &[1];
const SOUND: &[u8] = &[2];

/// The type of bytes that begin like EBML.
pub(super) fn look(head: &[u8]) -> Option<&'static str> {
    let mut elements = Elements(head);
    let header = elements.find(|element| element.id == HEADER)?;
    let document = Elements(header.content).find(|element| element.id == DOC_TYPE)?;
    let (film, sound) = match document.content {
        b"webm" => ("video/webm", "audio/webm"),
        b"matroska" => ("video/matroska", "audio/matroska"),
        _ => return None,
    };
    let segment = elements.find(|element| element.id == SEGMENT);
    Some(match segment {
        Some(segment) if has_only_sound(segment.content) => sound,
        _ => film,
    })
}

/// Whether all tracks are within the head, none of them is video and one is audio.
fn has_only_sound(segment: &[u8]) -> bool {
    let tracks = Elements(segment).find(|element| element.id == TRACKS);
    tracks.filter(|tracks| tracks.is_whole).is_some_and(|tracks| {
        let has = |kind: &[u8]| {
            Elements(tracks.content)
                .filter(|element| element.id == ENTRY)
                .any(|entry| Elements(entry.content).any(|field| field.id == KIND && field.content == kind))
        };
        has(SOUND) && !has(PICTURE)
    })
}

/// One element, as far as it lies within the head.
struct Element<'a> {
    id: u64,
    content: &'a [u8],
    is_whole: bool,
}

/// The elements that follow each other.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (id, rest) = number(self.0, 4, false)?;
        let (size, rest) = number(rest, 8, true)?;
        let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
        let end = size.min(rest.len());
        self.0 = &rest[end..];
        Some(Element {
            id: id?,
            content: &rest[..end],
            is_whole: end == size,
        })
    }
}

/// A number of variable length, and the bytes after it. A size whose bits are all ones is unknown; an id keeps its length marker.
fn number(bytes: &[u8], most: usize, is_size: bool) -> Option<(Option<u64>, &[u8])> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    if length > most {
        return None;
    }
    let (digits, rest) = bytes.split_at_checked(length)?;
    let value = digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit));
    let mark = 1 << (7 * length);
    Some(match is_size {
        false => (Some(value), rest),
        true if value == mark | (mark - 1) => (None, rest),
        true => (Some(value & !mark), rest),
    })
}
