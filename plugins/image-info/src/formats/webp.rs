//! WebP: the first chunk, and the EXIF chunk if the first one announces it (RFC 9649).

use crate::exif;
use crate::formats::format::Format;
use crate::probe::Probe;
use crate::source::{Gap, Source};

const ANIMATED: u8 = 0x02;
const HAS_EXIF: u8 = 0x08;
const HAS_ALPHA: u8 = 0x10;

pub(crate) async fn probe(source: &mut Source) -> Probe {
    let Ok(Some(first)) = First::read(source).await else {
        return Probe::failed("it has no WebP header");
    };
    let mode = if first.has_alpha { "RGBA" } else { "RGB" };
    let mut note = Format::Webp.note(first.size, Some(mode));
    note.sequence = Some(first.flags & ANIMATED != 0);
    let mut missing = None;
    if first.flags & HAS_EXIF != 0 {
        match exif_chunk(source, first.end).await {
            Ok(data) => exif::add(&mut note, &data),
            Err(Gap::TooMany) => missing = Some("the EXIF data"),
            // It is announced and missing.
            Err(Gap::Ended | Gap::Passed) => {}
        }
    }
    exif::turn(&mut note);
    Probe::partial(note, missing)
}

/// The values of the first chunk.
struct First {
    size: (u32, u32),
    has_alpha: bool,
    /// The flags of the extended format.
    flags: u8,
    /// Where the next chunk begins.
    end: u64,
}

impl First {
    async fn read(source: &mut Source) -> Result<Option<Self>, Gap> {
        let [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] = source.next().await? else {
            return Ok(None);
        };
        let (name, length) = chunk_header(source).await?;
        let end = source.position() + length.next_multiple_of(2);
        let (size, has_alpha, flags) = match &name {
            b"VP8X" => extended(source.next().await?),
            b"VP8L" => match lossless(source.next().await?) {
                Some((size, has_alpha)) => (size, has_alpha, 0),
                None => return Ok(None),
            },
            b"VP8 " => match lossy(source.next().await?) {
                Some(size) => (size, false, 0),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        source.saw(size);
        Ok(Some(Self {
            size,
            has_alpha,
            flags,
            end,
        }))
    }
}

fn extended([flags, _, _, _, w, wi, width, h, he, height]: [u8; 10]) -> ((u32, u32), bool, u8) {
    let side = |low, middle, high| u32::from_le_bytes([low, middle, high, 0]) + 1;
    let size = (side(w, wi, width), side(h, he, height));
    (size, flags & HAS_ALPHA != 0, flags)
}

fn lossless([signature, bits @ ..]: [u8; 5]) -> Option<((u32, u32), bool)> {
    let bits = u32::from_le_bytes(bits);
    let size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
    (signature == 0x2F).then_some((size, bits >> 28 & 1 != 0))
}

/// A key frame (the lowest bit is not set), its start code, and two sides of which the top two bits are a scale.
fn lossy(frame: [u8; 10]) -> Option<(u32, u32)> {
    let [tag, _, _, 0x9D, 0x01, 0x2A, w, width, h, height] = frame else {
        return None;
    };
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3FFF);
    (tag & 1 == 0).then(|| (side([w, width]), side([h, height])))
}

/// Name of a chunk, and the length of its body.
async fn chunk_header(source: &mut Source) -> Result<([u8; 4], u64), Gap> {
    let name = source.next().await?;
    let length = u32::from_le_bytes(source.next().await?);
    Ok((name, length.into()))
}

/// The body of the EXIF chunk, which is behind the pixels.
async fn exif_chunk(source: &mut Source, mut next: u64) -> Result<Vec<u8>, Gap> {
    loop {
        source.skip_to(next)?;
        let (name, length) = chunk_header(source).await?;
        if &name == b"EXIF" {
            return source.keep(length).await;
        }
        // Chunks begin at even places.
        next = source.position() + length.next_multiple_of(2);
    }
}
