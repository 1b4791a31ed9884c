//! The names of the supported formats.

use intake_core::MediaType;
use intake_core::notes::Image;

/// A supported format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Avif,
    Bmp,
    Cur,
    Gif,
    Heif,
    Ico,
    Jpeg,
    Jxl,
    Png,
    Svg,
    Tiff,
    Webp,
}

impl Format {
    pub(crate) fn of(media_type: &MediaType) -> Option<Self> {
        Some(match media_type.as_str() {
            "image/avif" | "image/avif-sequence" => Self::Avif,
            "image/bmp" => Self::Bmp,
            "image/gif" => Self::Gif,
            "image/heic" | "image/heic-sequence" | "image/heif" | "image/heif-sequence" => Self::Heif,
            "image/jpeg" => Self::Jpeg,
            "image/jxl" => Self::Jxl,
            "image/apng" | "image/png" => Self::Png,
            "image/svg+xml" => Self::Svg,
            "image/tiff" | "image/x-adobe-dng" => Self::Tiff,
            // The two have one type, and say in their header which they are.
            "image/vnd.microsoft.icon" | "image/x-icon" => Self::Ico,
            "image/webp" => Self::Webp,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Avif => "AVIF",
            Self::Bmp => "BMP",
            Self::Cur => "CUR",
            Self::Gif => "GIF",
            Self::Heif => "HEIF",
            Self::Ico => "ICO",
            Self::Jpeg => "JPEG",
            Self::Jxl => "JXL",
            Self::Png => "PNG",
            Self::Svg => "SVG",
            Self::Tiff => "TIFF",
            Self::Webp => "WEBP",
        }
    }

    /// A note of this format: size and mode, one frame, and nothing else known yet.
    pub(crate) fn note(self, (width, height): (u32, u32), mode: Option<&str>) -> Image {
        Image::default().with(|image| {
            image.format = self.name().to_owned();
            image.width = width;
            image.height = height;
            image.color_mode = mode.map(str::to_owned);
            image.sequence = Some(false);
        })
    }
}
