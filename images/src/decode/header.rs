//! What the headers of an image say.

use super::exif::Exif;
use crate::error::ImageError;
use crate::pixels::Turn;

/// The formats that are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Gif,
    Webp,
    Bmp,
    Tiff,
}

impl Format {
    /// As Pillow calls it, and so the service.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::Webp => "WEBP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        }
    }
}

/// What the frame of a JPEG says about how its pixels are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) progressive: bool,
    /// 1, 3 or 4.
    pub(crate) components: u8,
}

/// What the headers of an image say.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) format: Format,
    /// As it is stored, in pixels.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// As Pillow calls it, and so the service.
    pub(crate) color_mode: &'static str,
    /// Whether there are several frames; none if that is not known.
    pub(crate) sequence: Option<bool>,
    /// Dots per inch, of the format's own header.
    pub(crate) dpi: Option<(u32, u32)>,
    /// EXIF data, beginning with a TIFF header.
    pub(crate) exif: Option<Vec<u8>>,
    /// The orientation, where it is not in EXIF data.
    pub(crate) orientation: Option<u8>,
    pub(crate) icc: Option<Vec<u8>>,
    /// Of JPEG only.
    pub(crate) jpeg: Option<Frame>,
}

impl Header {
    /// From 1 to 8.
    pub(crate) fn orientation(&self) -> Option<u8> {
        let from_exif = || self.exif.as_deref().and_then(|data| Exif::read(data).orientation);
        self.orientation.or_else(from_exif)
    }

    pub(crate) fn turn(&self) -> Turn {
        self.orientation().map(Turn::from_exif).unwrap_or_default()
    }
}

/// The format that the first bytes are of.
pub(crate) fn recognise(start: &[u8]) -> Result<Format, ImageError> {
    let undecodable = |format| Err(ImageError::Undecodable { format });
    match start {
        [0xFF, 0xD8, 0xFF, ..] => Ok(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(Format::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Format::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Format::Webp),
        [b'B', b'M', ..] if start.len() > 26 => Ok(Format::Bmp),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(Format::Tiff),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => undecodable("AVIF"),
        [
            _,
            _,
            _,
            _,
            b'f',
            b't',
            b'y',
            b'p',
            b'h' | b'm',
            b'e' | b'i',
            b'i' | b'v' | b'f',
            ..,
        ] => undecodable("HEIC"),
        [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => undecodable("JPEG XL"),
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] => undecodable("JPEG 2000"),
        [0, 0, 1 | 2, 0, ..] => undecodable("ICO"),
        _ if is_svg(start) => undecodable("SVG"),
        _ => Err(ImageError::NotAnImage),
    }
}

fn is_svg(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    text.starts_with(b"<svg") || (text.starts_with(b"<") && has(b"<svg"))
}
