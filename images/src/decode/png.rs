//! The chunks of a PNG: what the decoder does not tell, also behind the pixels.

use std::io::Read;

use super::Reader;
use super::exif::dots;

const MAX_CHUNKS: u32 = 100_000;
const MAX_EXIF: u32 = 1 << 20;
const METRE_PER_INCH: f64 = 0.0254;

/// What chunks say about the picture.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    pub(super) color_type: u8,
    pub(super) sequence: bool,
    pub(super) dpi: Option<(u32, u32)>,
    pub(super) exif: Option<Vec<u8>>,
}

/// Reads the chunks from the beginning, as far as they are whole.
pub(super) fn chunks(reader: &mut Reader<'_>) -> Chunks {
    let mut found = Chunks::default();
    if reader.seek_relative(8).is_err() {
        return found;
    }
    for _ in 0..MAX_CHUNKS {
        if chunk(reader, &mut found).is_none() {
            break;
        }
    }
    found
}

/// Takes one chunk; none at the end.
fn chunk(reader: &mut Reader<'_>, found: &mut Chunks) -> Option<()> {
    let mut start = [0; 8];
    reader.read_exact(&mut start).ok()?;
    let [l1, l2, l3, l4, kind @ ..] = start;
    let length = u32::from_be_bytes([l1, l2, l3, l4]);
    let wanted = match &kind {
        b"IHDR" | b"acTL" | b"pHYs" => length <= 64,
        b"eXIf" => length <= MAX_EXIF,
        b"IEND" => return None,
        _ => false,
    };
    if !wanted {
        return reader.seek_relative(i64::from(length) + 4).ok();
    }
    let mut data = vec![0; length as usize];
    reader.read_exact(&mut data).ok()?;
    match (&kind, &*data) {
        (b"IHDR", [_, _, _, _, _, _, _, _, _, color_type, ..]) => found.color_type = *color_type,
        (b"acTL", [f1, f2, f3, f4, ..]) => found.sequence = u32::from_be_bytes([*f1, *f2, *f3, *f4]) > 1,
        (b"pHYs", [x1, x2, x3, x4, y1, y2, y3, y4, 1]) => {
            let dots_of = |bytes| f64::from(u32::from_be_bytes(bytes)) * METRE_PER_INCH;
            found.dpi = dots(dots_of([*x1, *x2, *x3, *x4]), dots_of([*y1, *y2, *y3, *y4]));
        }
        (b"eXIf", _) => found.exif = Some(data),
        _ => {}
    }
    reader.seek_relative(4).ok()
}
