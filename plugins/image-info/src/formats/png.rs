//! PNG, by the `png` crate: everything in front of the pixels.

use std::io::{Cursor, ErrorKind};

use png::{ColorType, Decoder, DecodingError, Info, Limits, Unit};

use crate::formats::Format;
use crate::look::Look;
use crate::tags;

/// What the decoder may allocate. No chunk is longer than what is kept, and none is inflated.
const MEMORY: usize = 8 * 1024 * 1024;

pub(crate) fn look(bytes: &[u8]) -> Look {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MEMORY });
    // A checksum that is wrong makes no picture smaller, and there are readers that do not look at it.
    decoder.ignore_checksums(true);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let (size, mode) = match decoder.read_header_info() {
        Ok(info) => (info.size(), mode(info)),
        Err(_) => return Look::nothing("it has no PNG header"),
    };
    let mut note = Format::Png.note(size, mode);
    let reader = match decoder.read_info() {
        Ok(reader) => reader,
        Err(DecodingError::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
            return Look::without(size, note, "what stands in front of the pixels");
        }
        Err(_) => return Look::broken(size, "what stands in front of its pixels is broken"),
    };
    let info = reader.info();
    note.dpi = info
        .pixel_dims
        .filter(|dims| dims.unit == Unit::Meter)
        .and_then(|dims| tags::per_metre(dims.xppu, dims.yppu));
    note.sequence = info.animation_control.is_some_and(|animation| animation.num_frames > 1);
    if let Some(data) = &info.exif_metadata {
        tags::add(&mut note, data);
    }
    Look::settled(size, note)
}

fn mode(info: &Info<'_>) -> Option<&'static str> {
    Some(match info.color_type {
        ColorType::Grayscale => "L",
        ColorType::Rgb => "RGB",
        ColorType::Indexed => "P",
        ColorType::GrayscaleAlpha => "LA",
        ColorType::Rgba => "RGBA",
    })
}
