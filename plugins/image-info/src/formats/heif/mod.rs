//! HEIF and AVIF: the boxes that define which picture is shown, and how (ISO/IEC 14496-12, ISO/IEC 23008-12).

mod items;

use std::borrow::Cow;

use self::items::{Items, Place};
use crate::exif;
use crate::formats::boxes::{Header, exif_in};
use crate::formats::format::Format;
use crate::probe::Probe;
use crate::source::{Gap, Source};

/// Brands of image sequences (ISO/IEC 23008-12, and the AV1 image file format).
const SEQUENCES: [&[u8]; 4] = [b"avis", b"hevc", b"hevx", b"msf1"];
/// A list of brands has a dozen at most.
const MOST_BRANDS: u64 = 1024;

pub(crate) async fn probe(format: Format, source: &mut Source) -> Probe {
    let Ok(found) = Found::read(source).await else {
        return Probe::failed("the box with its size was not found, or is larger than max_header");
    };
    let items = Items::of(&found.meta);
    // All of them, as decoders compose one picture from others.
    for size in items.sizes() {
        source.saw(size);
    }
    let Some(picture) = items.primary() else {
        return Probe::failed("its size was not found");
    };
    let mut note = format.note(picture.size, picture.mode);
    note.sequence = Some(found.is_sequence);
    let mut missing = None;
    match exif(source, &items).await {
        // The boxes decide on the orientation, so EXIF data turns nothing here.
        Ok(Some(data)) => exif::add(&mut note, exif_in(&data)),
        Err(Gap::Passed | Gap::TooMany) => missing = Some("the EXIF data"),
        Ok(None) | Err(Gap::Ended) => {}
    }
    Probe::partial(note, missing)
}

/// The boxes at the top.
struct Found {
    is_sequence: bool,
    meta: Vec<u8>,
}

impl Found {
    async fn read(source: &mut Source) -> Result<Self, Gap> {
        let mut is_sequence = false;
        loop {
            let header = Header::read(source).await?;
            match &header.name {
                b"ftyp" => {
                    let brands = source.keep(header.length().min(MOST_BRANDS)).await?;
                    // The second word is no brand.
                    is_sequence = brands
                        .chunks_exact(4)
                        .enumerate()
                        .any(|(n, brand)| n != 1 && SEQUENCES.contains(&brand));
                }
                b"meta" => {
                    let meta = source.keep(header.length()).await?;
                    return Ok(Self { is_sequence, meta });
                }
                _ => {}
            }
            source.skip_to(header.end)?;
        }
    }
}

/// The EXIF data of the picture that is shown: `None` if it has none.
async fn exif<'a>(source: &mut Source, items: &Items<'a>) -> Result<Option<Cow<'a, [u8]>>, Gap> {
    let extents = match items.exif() {
        Some(Place::Elsewhere(extents)) => extents,
        Some(Place::Inside(data)) => return Ok(Some(data.into())),
        None => return Ok(None),
    };
    let mut data = Vec::new();
    for (at, len) in extents {
        source.skip_to(at)?;
        let more = source.keep(len).await?;
        if data.is_empty() {
            data = more;
        } else {
            data.extend(more);
        }
    }
    Ok(Some(data.into()))
}
