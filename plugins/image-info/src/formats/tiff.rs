//! TIFF: the directories, which are those of EXIF data too (TIFF 6.0).
//!
//! They may stand anywhere, and mostly stand behind the pixels. So the upload is looked at again whenever a part of it has
//! come that was asked for, and its parts are asked for in the order of their places.

use crate::directory::{Directory, Tiff};
use crate::formats::Format;
use crate::look::Look;
use crate::pieces::Pieces;
use crate::source::Source;
use crate::tags;

const WIDTH: u16 = 0x0100;
const HEIGHT: u16 = 0x0101;
const COMPRESSION: u16 = 0x0103;
const PHOTOMETRIC: u16 = 0x0106;
const SAMPLES: u16 = 0x0115;
/// Directories of other pictures, which are larger in cameras' files, and smaller in others.
const SUB_DIRECTORIES: u16 = 0x014A;
const EXTRA_SAMPLES: u16 = 0x0152;
/// The most of those that are judged.
const MAX_SUB_DIRECTORIES: u64 = 16;

pub(crate) async fn look(source: &mut Source) -> Look {
    let mut pieces = Pieces::begin(source).await;
    loop {
        let look = look_at(&pieces, source);
        if !pieces.fetch(source).await {
            let lacks = pieces.lacks() || look.note.as_ref().is_ok_and(|note| note.sequence.is_none());
            let missing = lacks.then_some("some of its directories, or values in them");
            return Look { missing, ..look };
        }
    }
}

fn look_at(pieces: &Pieces<'_>, source: &mut Source) -> Look {
    let Some(tiff) = Tiff::new(pieces) else {
        return Look::nothing("it has no TIFF header");
    };
    let chain = tiff.chain();
    let pages = &chain.directories;
    let others = pages
        .first()
        .into_iter()
        .flat_map(|page| page.children(SUB_DIRECTORIES, MAX_SUB_DIRECTORIES));
    for size in others.chain(pages.iter().copied()).filter_map(|page| size(&page)) {
        source.saw(size);
    }
    let (Some(first), Some(shown)) = (pages.first(), pages.first().and_then(size)) else {
        return Look::nothing("its first directory, or a size in it, was not found");
    };
    // Decoders do not agree on which one counts.
    if pages.iter().any(|page| page.count(WIDTH) > 1 || page.count(HEIGHT) > 1) {
        return Look::nothing("it has two sizes");
    }
    let mut note = Format::Tiff.note(shown, mode(first));
    note.sequence = match pages.len() {
        1 if !chain.is_whole => None,
        count => Some(count > 1),
    };
    tags::add_from(&mut note, first);
    tags::turn(&mut note);
    Look::whole(note)
}

fn size(page: &Directory<'_>) -> Option<(u32, u32)> {
    let side = |tag| u32::try_from(page.uint(tag)?).ok();
    Some((side(WIDTH)?, side(HEIGHT)?))
}

/// By photometric interpretation, samples per pixel, and what the last sample is.
fn mode(page: &Directory<'_>) -> Option<&'static str> {
    const JPEG: u64 = 7;
    const UNSPECIFIED: u64 = 0;
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
