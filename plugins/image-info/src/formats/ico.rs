//! ICO and CUR: the list of pictures, and the header of each.

use crate::formats::format::Format;
use crate::formats::png;
use crate::probe::Probe;
use crate::source::{Gap, Source};

/// The most pictures that are read. Editors write a dozen.
const MOST_PICTURES: u16 = 256;
/// The bytes in front of the data of a PNG's header chunk: signature, length and name.
const PNG: [u8; 16] = *b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A picture in the list.
#[derive(Clone, Copy, Debug)]
struct Picture {
    /// From the list, unless the picture has a header of its own.
    size: (u32, u32),
    mode: Option<&'static str>,
    at: u64,
}

pub(crate) async fn probe(source: &mut Source) -> Probe {
    let Ok((format, mut pictures, missing)) = list(source).await else {
        return Probe::failed("it has no list of pictures");
    };
    pictures.sort_by_key(|picture| picture.at);
    for picture in &mut pictures {
        // The list decides on a picture that cannot be found at its offset.
        if let Ok(Some((size, mode))) = inside(source, picture.at).await {
            (picture.size, picture.mode) = (size, mode);
        }
        source.saw(picture.size);
    }
    let area = |picture: &&Picture| u64::from(picture.size.0) * u64::from(picture.size.1);
    match pictures.iter().max_by_key(area) {
        Some(largest) => Probe::partial(format.note(largest.size, largest.mode), missing),
        None => Probe::failed("it has no picture"),
    }
}

async fn list(source: &mut Source) -> Result<(Format, Vec<Picture>, Option<&'static str>), Gap> {
    let [0, 0, kind, 0, count @ ..] = source.next::<6>().await? else {
        return Err(Gap::Ended);
    };
    let format = match kind {
        1 => Format::Ico,
        2 => Format::Cur,
        _ => return Err(Gap::Ended),
    };
    let count = u16::from_le_bytes(count);
    let mut pictures = Vec::new();
    for _ in 0..count.min(MOST_PICTURES) {
        let [width, height, .., a, b, c, d] = source.next::<16>().await?;
        // 0 stands for 256, which does not fit into a byte.
        let side = |byte| if byte == 0 { 256 } else { u32::from(byte) };
        pictures.push(Picture {
            size: (side(width), side(height)),
            mode: None,
            at: u32::from_le_bytes([a, b, c, d]).into(),
        });
    }
    let missing = (count > MOST_PICTURES).then_some("some of the pictures in it");
    Ok((format, pictures, missing))
}

/// Size and mode from the picture's own header. `None` if it has none.
async fn inside(source: &mut Source, at: u64) -> Result<Option<((u32, u32), Option<&'static str>)>, Gap> {
    source.skip_to(at)?;
    let start: [u8; 16] = source.next().await?;
    if start == PNG {
        return Ok(Some(png::image_header(source.next().await?)));
    }
    let [40, 0, 0, 0, a, b, c, d, e, f, g, h, ..] = start else {
        return Ok(None);
    };
    let side = |bytes| i32::from_le_bytes(bytes).unsigned_abs();
    // Half of the rows are the transparency mask.
    let size = (side([a, b, c, d]), side([e, f, g, h]) / 2);
    Ok(Some((size, Some("RGBA"))))
}
