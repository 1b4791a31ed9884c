//! Types of the ISO base media file format: MP4, QuickTime, HEIF and others (ISO/IEC 14496-12).

use super::bytes::Bytes;

/// The type by the beginning of the first brand. If a brand allows several kinds of media, the tracks decide.
const FIRST: [(&[u8], &str); 27] = [
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"heim", "image/heic"),
    (b"heis", "image/heic"),
    (b"hevc", "image/heic-sequence"),
    (b"hevx", "image/heic-sequence"),
    (b"hevm", "image/heic-sequence"),
    (b"hevs", "image/heic-sequence"),
    (b"avci", "image/avci"),
    (b"avcs", "image/avcs"),
    (b"crx ", "image/x-canon-cr3"),
    (b"jxl ", "image/jxl"),
    (b"qt  ", "video/quicktime"),
    (b"M4A", "audio/mp4"),
    (b"M4B", "audio/mp4"),
    (b"M4P", "audio/mp4"),
    (b"F4A", "audio/mp4"),
    (b"F4B", "audio/mp4"),
    (b"3g2", "video/3gpp2"),
    (b"3gp", "video/3gpp"),
    (b"3gr", "video/3gpp"),
    (b"3gs", "video/3gpp"),
    (b"3ge", "video/3gpp"),
    (b"3gg", "video/3gpp"),
    (b"3gh", "video/3gpp"),
];

/// The type by the other brands if the first one is that of the container, in their order of precedence.
const AMONG: [(&[u8], &str); 18] = [
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"hevc", "image/heic-sequence"),
    (b"hevx", "image/heic-sequence"),
    (b"avci", "image/avci"),
    (b"mif1", "image/heif"),
    (b"mif2", "image/heif"),
    (b"msf1", "image/heif-sequence"),
    (b"mp4", "video/mp4"),
    (b"iso", "video/mp4"),
    (b"avc1", "video/mp4"),
    (b"M4V", "video/mp4"),
    (b"f4v", "video/mp4"),
    (b"dash", "video/mp4"),
    (b"MSNV", "video/mp4"),
    (b"cmf", "video/mp4"),
];

/// The first boxes of old QuickTime files, which have no brands.
const OLD: [&[u8]; 6] = [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];

/// The type of a video file, and its type if it has sound only.
const SOUND: [(&str, &str); 3] = [
    ("video/mp4", "audio/mp4"),
    ("video/3gpp", "audio/3gpp"),
    ("video/3gpp2", "audio/3gpp2"),
];

/// The most boxes that are read: far more than any file has within the head.
const MOST_BOXES: usize = 256;

/// The type of bytes that may begin with a box.
pub(super) fn look(head: &[u8]) -> Option<&'static str> {
    let first = Boxes::of(head).next()?;
    if first.kind != b"ftyp" && first.kind != b"styp" {
        return is_old(head).then_some("video/quicktime");
    }
    let name = of_brands(first.content)?;
    let sound = SOUND.iter().find(|(film, _)| *film == name);
    Some(match sound {
        Some((_, sound)) if has_only_sound(head) => sound,
        _ => name,
    })
}

fn of_brands(content: &[u8]) -> Option<&'static str> {
    let (brands, _rest) = content.as_chunks::<4>();
    let (major, others) = (brands.first()?, brands.get(2..).unwrap_or_default());
    let first = FIRST.iter().find(|(brand, _)| major.starts_with(brand));
    let among = || {
        AMONG
            .iter()
            .find(|(brand, _)| major.starts_with(brand) || others.iter().any(|other| other.starts_with(brand)))
    };
    first.or_else(among).map(|(_, name)| *name)
}

/// Whether the first two boxes have kinds with which QuickTime files begin, or the first one if there is no second.
fn is_old(head: &[u8]) -> bool {
    let mut boxes = Boxes::of(head);
    let is_known = |kind: &[u8]| OLD.contains(&kind);
    boxes.next().is_some_and(|first| {
        is_known(first.kind) && (!first.is_whole || boxes.next().is_none_or(|second| is_known(second.kind)))
    })
}

/// Whether every track is known, none has a picture and one has sound.
fn has_only_sound(head: &[u8]) -> bool {
    let Some(movie) = Boxes::of(head).find(|each| each.kind == b"moov") else {
        return false;
    };
    let mut single = false;
    let (mut sound, mut picture) = (false, false);
    for each in Boxes::of(movie.content) {
        match each.kind {
            b"mvhd" => single = next_track(each.content) == Some(2),
            b"trak" => match handler(each.content) {
                Some(b"soun") => sound = true,
                Some(b"vide") => picture = true,
                _ => {}
            },
            _ => {}
        }
    }
    // If the next track would have the number 2, there is only one, even if its description continues beyond the head.
    sound && !picture && (movie.is_whole || single)
}

/// The number that the next track would have: the last field of the movie's header, whose times may be long.
fn next_track(header: &[u8]) -> Option<usize> {
    let at = if header.first() == Some(&1) { 108 } else { 96 };
    Bytes(header).be32(at)
}

/// The handler of a track: `soun`, `vide` or another.
fn handler(track: &[u8]) -> Option<&[u8]> {
    let media = Boxes::of(track).find(|each| each.kind == b"mdia")?;
    let handler = Boxes::of(media.content).find(|each| each.kind == b"hdlr")?;
    handler.content.get(8..12)
}

/// One box, as far as it lies within the head.
struct Box<'a> {
    kind: &'a [u8],
    content: &'a [u8],
    is_whole: bool,
}

/// The boxes that follow each other.
struct Boxes<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Boxes<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            left: MOST_BOXES,
        }
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Box<'a>;

    fn next(&mut self) -> Option<Box<'a>> {
        self.left = self.left.checked_sub(1)?;
        let bytes = Bytes(self.rest);
        let kind = self.rest.get(4..8)?;
        // If the size is 1, the real size follows the kind, in eight bytes. If it is 0, the box extends to the end of the file.
        let (header, size) = match bytes.be32(0)? {
            0 => (8, usize::MAX),
            1 => (
                16,
                usize::try_from(u64::from_be_bytes(bytes.array(8)?)).unwrap_or(usize::MAX),
            ),
            size => (8, size),
        };
        if size < header {
            return None;
        }
        let end = size.min(self.rest.len());
        let content = self.rest.get(header..end)?;
        self.rest = &self.rest[end..];
        Some(Box {
            kind,
            content,
            is_whole: end == size,
        })
    }
}
