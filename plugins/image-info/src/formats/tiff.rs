//! TIFF: the directories, which are those of EXIF data too (TIFF 6.0).

use crate::directory::{Directory, Tiff};
use crate::formats::Format;
use crate::look::Look;
use crate::tags;

const WIDTH: u16 = 0x0100;
const HEIGHT: u16 = 0x0101;
const COMPRESSION: u16 = 0x0103;
const PHOTOMETRIC: u16 = 0x0106;
const SAMPLES: u16 = 0x0115;
const EXTRA_SAMPLES: u16 = 0x0152;

pub(crate) fn look(bytes: &[u8]) -> Look {
    let Some(tiff) = Tiff::new(bytes) else {
        return Look::nothing("it has no TIFF header");
    };
    let pages = tiff.directories();
    let sizes: Vec<_> = pages.iter().filter_map(size).collect();
    let (Some(first), Some(shown)) = (pages.first(), pages.first().and_then(size)) else {
        return Look::nothing("its first directory, or a size in it, was not found");
    };
    // Decoders do not agree on which one counts.
    if pages.iter().any(|page| page.count(WIDTH) > 1 || page.count(HEIGHT) > 1) {
        return Look::broken(shown, "it has two sizes");
    }
    let mut note = Format::Tiff.note(shown, mode(first));
    note.sequence = pages.len() > 1;
    tags::add_from(&mut note, first);
    let look = if tiff.is_cut() {
        Look::without(shown, note, "some of its directories, or values in them")
    } else {
        Look::settled(shown, note)
    };
    Look { sizes, ..look }
}

fn size(page: &Directory<'_>) -> Option<(u32, u32)> {
    Some((page.uint(WIDTH)?, page.uint(HEIGHT)?))
}

/// By photometric interpretation, samples per pixel, and what the last sample is.
fn mode(page: &Directory<'_>) -> Option<&'static str> {
    const JPEG: u32 = 7;
    const UNSPECIFIED: u32 = 0;
    let samples = page.uint(SAMPLES).unwrap_or(1);
    Some(match (page.uint(PHOTOMETRIC)?, samples) {
        (0 | 1, 1) => "L",
        (0 | 1, 2) => "LA",
        (2, 3) => "RGB",
        (2, 4) if page.uint(EXTRA_SAMPLES) == Some(UNSPECIFIED) => "RGBX",
        (2, 4) => "RGBA",
        (3, 1) => "P",
        (3, 2) => "PA",
        (5, 4) => "CMYK",
        // Decoders of JPEG hand out RGB, whatever is stored.
        (6, 3) if page.uint(COMPRESSION) == Some(JPEG) => "RGB",
        (6, 3) => "YCbCr",
        (8, 3) => "LAB",
        _ => return None,
    })
}
