//! Follows the structure of an image to its end.

use memchr::memchr;

/// How far a walker looks ahead, in bytes. No header of a part is longer.
pub(crate) const AHEAD: usize = 64;

/// A format whose parts say how long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Gif,
    Jpeg,
    Riff,
    Boxes,
}

/// What a part of a structure says of what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The next part begins behind so many bytes.
    Skip(u64),
    /// Compressed pixels of a JPEG begin behind so many bytes: they end at the next marker.
    Pixels(u64),
    /// The structure ends behind so many bytes.
    End(u64),
    /// This is no part of the structure.
    Lost,
}

/// How a walk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    /// It takes all bytes so far.
    Goes,
    /// The structure ended.
    Ended,
    /// The bytes here are no part of the structure.
    Lost,
}

/// A walk through a structure. It keeps no bytes.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    format: Format,
    /// Bytes until the next part, or until the end.
    skip: u64,
    is_ending: bool,
    is_in_pixels: bool,
    gif: Gif,
}

/// What comes next in a GIF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gif {
    Start,
    Block,
    /// Pieces of at most 255 bytes, up to an empty one.
    Pieces,
}

impl Walk {
    pub(crate) fn new(format: Format) -> Self {
        // The signature of a JPEG and of a PNG has been seen, and says nothing.
        let skip = match format {
            Format::Png => 8,
            Format::Jpeg => 2,
            Format::Gif | Format::Riff | Format::Boxes => 0,
        };
        Self {
            format,
            skip,
            is_ending: false,
            is_in_pixels: false,
            gif: Gif::Start,
        }
    }

    /// Walks on through the first `count` bytes. Behind them are [`AHEAD`] more, unless the file ends before. Returns how many bytes
    /// belong to the structure, and how the walk stands behind them.
    pub(crate) fn push(&mut self, window: &[u8], count: usize) -> (usize, Walked) {
        let mut at = 0;
        loop {
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(count - at);
            at += skipped;
            self.skip -= skipped as u64;
            if self.skip == 0 && self.is_ending {
                return (at, Walked::Ended);
            }
            if at == count {
                return (at, Walked::Goes);
            }
            if self.is_in_pixels {
                self.skip = self.pixels(&window[at..], count - at);
                continue;
            }
            match self.step(&window[at..]) {
                Step::Skip(bytes) => self.skip = bytes,
                Step::Pixels(bytes) => (self.skip, self.is_in_pixels) = (bytes, true),
                Step::End(bytes) => (self.skip, self.is_ending) = (bytes, true),
                Step::Lost => return (at, Walked::Lost),
            }
        }
    }

    /// How many bytes belong to the compressed pixels, up to the next marker or to the end of what is there.
    fn pixels(&mut self, window: &[u8], count: usize) -> u64 {
        let Some(at) = memchr(0xFF, &window[..count]) else {
            return count as u64;
        };
        match window.get(at + 1) {
            // A byte 0xFF of the pixels, or a mark between parts of them.
            Some(0x00 | 0xD0..=0xD7) => at as u64 + 2,
            // A byte that only fills.
            Some(0xFF) => at as u64 + 1,
            Some(_) => {
                self.is_in_pixels = false;
                at as u64
            }
            None => count as u64,
        }
    }

    fn step(&mut self, ahead: &[u8]) -> Step {
        let step = match self.format {
            Format::Png => png(ahead),
            Format::Gif => self.gif(ahead),
            Format::Jpeg => jpeg(ahead),
            Format::Riff => riff(ahead),
            Format::Boxes => boxes(ahead),
        };
        // The file ends in the header of a part.
        step.unwrap_or(Step::Skip(ahead.len() as u64))
    }

    /// GIF89a, chapters 15 to 27.
    fn gif(&mut self, ahead: &[u8]) -> Option<Step> {
        let colors = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
        let (next, step) = match (self.gif, *ahead.first()?) {
            (Gif::Start, _) => (Gif::Block, Step::Skip(13 + colors(*ahead.get(10)?))),
            // The descriptor, its colors, and the size of the codes.
            (Gif::Block, b',') => (Gif::Pieces, Step::Skip(10 + colors(*ahead.get(9)?) + 1)),
            (Gif::Block, b'!') => (Gif::Pieces, Step::Skip(2)),
            (Gif::Block, b';') => (Gif::Block, Step::End(1)),
            // Some programs write a zero too many behind the pieces.
            (Gif::Block, 0) => (Gif::Block, Step::Skip(1)),
            (Gif::Block, _) => (Gif::Block, Step::Lost),
            (Gif::Pieces, 0) => (Gif::Block, Step::Skip(1)),
            (Gif::Pieces, size) => (Gif::Pieces, Step::Skip(1 + u64::from(size))),
        };
        self.gif = next;
        Some(step)
    }
}

/// PNG 3, 5.3: the length, the type, the data and a checksum.
fn png(ahead: &[u8]) -> Option<Step> {
    let (length, kind) = (be32(ahead, 0)?, ahead.get(4..8)?);
    let whole = u64::from(length) + 12;
    Some(match kind {
        b"IEND" => Step::End(whole),
        _ if kind.iter().all(u8::is_ascii_alphabetic) => Step::Skip(whole),
        _ => Step::Lost,
    })
}

/// ISO/IEC 10918-1, B.1.
fn jpeg(ahead: &[u8]) -> Option<Step> {
    let (first, marker) = (*ahead.first()?, *ahead.get(1)?);
    if first != 0xFF {
        return Some(Step::Lost);
    }
    Some(match marker {
        0xFF => Step::Skip(1),
        0x01 | 0xD0..=0xD8 => Step::Skip(2),
        0xD9 => Step::End(2),
        0x00 => Step::Lost,
        _ => match u64::from(u16::from_be_bytes([*ahead.get(2)?, *ahead.get(3)?])) {
            0 | 1 => Step::Lost,
            length if marker == 0xDA => Step::Pixels(2 + length),
            length => Step::Skip(2 + length),
        },
    })
}

/// The size in the header covers all other parts (RFC 9649, 2.3 and 2.4).
fn riff(ahead: &[u8]) -> Option<Step> {
    let size = u64::from(u32::from_le_bytes(ahead.get(4..8)?.try_into().ok()?));
    Some(if size < 4 {
        Step::Lost
    } else {
        Step::End(8 + size + size % 2)
    })
}

/// ISO/IEC 14496-12, 4.2. What does not begin like a box is behind the end.
fn boxes(ahead: &[u8]) -> Option<Step> {
    let (size, kind) = (be32(ahead, 0)?, ahead.get(4..8)?);
    let is_kind = kind.iter().all(|byte| matches!(byte, 0x20..=0x7E | 0xA9));
    Some(match size {
        _ if !is_kind => Step::End(0),
        0 => Step::End(u64::MAX),
        1 => match u64::from_be_bytes(ahead.get(8..16)?.try_into().ok()?) {
            size if size < 16 => Step::End(0),
            size => Step::Skip(size),
        },
        2..8 => Step::End(0),
        size => Step::Skip(u64::from(size)),
    })
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
