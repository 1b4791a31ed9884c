//! BMP: the header.

use intake_core::notes::Image;

use crate::exif;
use crate::formats::format::Format;
use crate::probe::Probe;
use crate::source::Source;

/// The least length of the newer header, which has the sides at other offsets than the older one.
const INFO_HEADER: u32 = 40;
/// The length of the file header and of the longest image header that is read.
const HEADERS: usize = 14 + 108;

pub(crate) async fn probe(source: &mut Source) -> Probe {
    let bytes = source.keep_up_to(HEADERS).await;
    let note = header(&bytes);
    if let Some(note) = &note {
        source.saw((note.width, note.height));
    }
    note.map_or(Probe::failed("it has no BMP header"), Probe::complete)
}

fn header(bytes: &[u8]) -> Option<Image> {
    if !bytes.starts_with(b"BM") {
        return None;
    }
    let length = u32_at(bytes, 14)?;
    if length == 12 {
        let size = (u16_at(bytes, 18)?.into(), u16_at(bytes, 20)?.into());
        return Some(Format::Bmp.note(size, mode(u16_at(bytes, 24)?, false)));
    }
    if length < INFO_HEADER {
        return None;
    }
    // A negative height means that the rows come from top to bottom.
    let height = i32::from_le_bytes(bytes.get(22..26)?.try_into().ok()?).unsigned_abs();
    let width = u32::try_from(i32::from_le_bytes(bytes.get(18..22)?.try_into().ok()?)).ok()?;
    let bits = u16_at(bytes, 28)?;
    let dpi = exif::per_metre(u32_at(bytes, 38)?, u32_at(bytes, 42)?);
    // Longer headers may have a mask that says which bits are alpha.
    let has_alpha = length >= 56 && u32_at(bytes, 66)? != 0;
    let mut note = Format::Bmp.note((width, height), mode(bits, has_alpha));
    note.dpi = dpi;
    Some(note)
}

fn mode(bits: u16, has_alpha: bool) -> Option<&'static str> {
    match bits {
        1..=8 => Some("P"),
        32 if has_alpha => Some("RGBA"),
        16 | 24 | 32 => Some("RGB"),
        _ => None,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
