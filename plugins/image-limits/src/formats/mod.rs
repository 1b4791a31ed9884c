//! The readers of formats, each in its own file.

mod bmp;
mod gif;
mod heif;
mod ico;
mod jpeg;
mod jxl;
mod png;
mod properties;
mod tiff;
mod webp;

use intake_core::MediaType;

use crate::walk::Reader;

/// The reader of a type, if there is one.
pub(crate) fn reader(media_type: &MediaType) -> Option<Box<dyn Reader>> {
    Some(match media_type.as_str() {
        "image/avif"
        | "image/avif-sequence"
        | "image/heic"
        | "image/heic-sequence"
        | "image/heif"
        | "image/heif-sequence" => Box::new(heif::Heif::default()),
        "image/bmp" => Box::new(bmp::Bmp),
        "image/gif" => Box::new(gif::Gif::default()),
        "image/jpeg" => Box::new(jpeg::Jpeg::default()),
        "image/jxl" => Box::new(jxl::Jxl::default()),
        "image/apng" | "image/png" => Box::new(png::Png::default()),
        "image/tiff" | "image/x-adobe-dng" => Box::new(tiff::Tiff::default()),
        "image/vnd.microsoft.icon" | "image/x-icon" => Box::new(ico::Ico::default()),
        "image/webp" => Box::new(webp::Webp::default()),
        _ => return None,
    })
}
