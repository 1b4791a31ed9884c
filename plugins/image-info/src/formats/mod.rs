//! The formats that are looked into, each in its own file.

mod bmp;
mod gif;
mod heif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use intake_core::MediaType;
use intake_core::notes::Image;

pub(crate) use self::jpeg::Jpeg;
use crate::look::Look;

/// The formats that are looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Avif,
    Bmp,
    Gif,
    Heif,
    Jpeg,
    Png,
    Tiff,
    Webp,
}

impl Format {
    pub(crate) fn of(media_type: &MediaType) -> Option<Self> {
        Some(match media_type.as_str() {
            "image/avif" => Self::Avif,
            "image/bmp" => Self::Bmp,
            "image/gif" => Self::Gif,
            "image/heic" | "image/heic-sequence" | "image/heif" | "image/heif-sequence" => Self::Heif,
            "image/jpeg" => Self::Jpeg,
            "image/png" => Self::Png,
            "image/tiff" | "image/x-adobe-dng" => Self::Tiff,
            "image/webp" => Self::Webp,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Avif => "AVIF",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
            Self::Heif => "HEIF",
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Tiff => "TIFF",
            Self::Webp => "WEBP",
        }
    }

    /// A note of this format: size and mode, and nothing else known yet.
    pub(crate) fn note(self, (width, height): (u32, u32), mode: Option<&str>) -> Image {
        Image {
            format: self.name().to_owned(),
            width,
            height,
            color_mode: mode.map(str::to_owned),
            ..Image::default()
        }
    }
}

/// What the first bytes of a content tell.
pub(crate) fn look(format: Format, bytes: &[u8]) -> Look {
    match format {
        Format::Avif | Format::Heif => heif::look(format, bytes),
        Format::Bmp => bmp::look(bytes),
        Format::Gif => gif::look(bytes),
        Format::Jpeg => {
            let mut jpeg = Jpeg::default();
            jpeg.push(bytes);
            jpeg.look()
        }
        Format::Png => png::look(bytes),
        Format::Tiff => tiff::look(bytes),
        Format::Webp => webp::look(bytes),
    }
}
