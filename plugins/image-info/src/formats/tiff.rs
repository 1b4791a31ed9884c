//! TIFF: the directories, which are those of EXIF data too (TIFF 6.0).
//!
//! They may be anywhere, and are mostly behind the pixels. So the directories are read again whenever a part of the upload
//! arrived that was asked for, and parts are asked for in the order of their offsets.

use crate::exif;
use crate::formats::format::Format;
use crate::ifd::{Ifd, Tiff};
use crate::pieces::Pieces;
use crate::probe::Probe;
use crate::source::Source;

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

pub(crate) async fn probe(source: &mut Source) -> Probe {
    let mut pieces = Pieces::begin(source).await;
    loop {
        let probe = probe_pieces(&pieces, source);
        if !pieces.fetch(source).await {
            let lacks = pieces.lacks() || probe.note.as_ref().is_ok_and(|note| note.sequence.is_none());
            let missing = lacks.then_some("some of its directories, or values in them");
            return Probe { missing, ..probe };
        }
    }
}

fn probe_pieces(pieces: &Pieces<'_>, source: &mut Source) -> Probe {
    let Some(tiff) = Tiff::new(pieces) else {
        return Probe::failed("it has no TIFF header");
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
        return Probe::failed("its first directory, or a size in it, was not found");
    };
    // Decoders do not agree on which one to use.
    if pages.iter().any(|page| page.count(WIDTH) > 1 || page.count(HEIGHT) > 1) {
        return Probe::failed("it has two sizes");
    }
    let mut note = Format::Tiff.note(shown, mode(first));
    note.sequence = match pages.len() {
        1 if !chain.is_whole => None,
        count => Some(count > 1),
    };
    exif::add_from(&mut note, first);
    exif::turn(&mut note);
    Probe::complete(note)
}

fn size(page: &Ifd<'_>) -> Option<(u32, u32)> {
    let side = |tag| u32::try_from(page.uint(tag)?).ok();
    Some((side(WIDTH)?, side(HEIGHT)?))
}

/// By photometric interpretation, samples per pixel, and the meaning of the last sample.
fn mode(page: &Ifd<'_>) -> Option<&'static str> {
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
        // Decoders of JPEG return RGB, whatever is stored.
        (6, 3) if page.uint(COMPRESSION) == Some(JPEG) => "RGB",
        (6, 3) => "YCbCr",
        (8, 3) => "LAB",
        _ => return None,
    })
}
