//! How a result is written.

/// How a result is written: format, quality, and what is kept beside the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The format.
    pub format: OutputFormat,
    /// The quality of formats that have one: JPEG and WebP.
    pub quality: Quality,
    /// Whether a JPEG comes in passes, from coarse to fine.
    pub progressive: bool,
    /// What is kept of the data about the picture.
    pub metadata: Metadata,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            format: OutputFormat::Auto,
            quality: Quality::Normal,
            progressive: false,
            metadata: Metadata::StripAll,
        }
    }
}

/// The format of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputFormat {
    /// By what the client accepts and the picture is.
    Auto,
    /// JPEG and PNG stay; others become PNG if they have transparency or are drawings, else JPEG.
    Preserve,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, lossy.
    Webp,
}

/// The quality of a result, by the names of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quality {
    /// The default.
    Normal,
    /// Larger, and better.
    Better,
    /// As good as the format allows within reason: JPEG keeps its colours at full resolution.
    Best,
    /// Smaller than normal.
    Lighter,
    /// For previews.
    Lightest,
    /// For pictures of which one pixel is one of the screen.
    Smart,
    /// For pictures that are shown at half their size on dense screens.
    SmartRetina,
}

impl Quality {
    /// For JPEG, from 1 to 100 as libjpeg counts.
    pub(crate) fn jpeg(self) -> u8 {
        match self {
            Self::Lightest => 50,
            Self::SmartRetina => 60,
            Self::Lighter => 70,
            Self::Smart => 76,
            Self::Normal => 82,
            Self::Better => 90,
            Self::Best => 96,
        }
    }

    /// For WebP, from 0 to 100 as libwebp counts.
    pub(crate) fn webp(self) -> f32 {
        match self {
            Self::Lightest => 45.0,
            Self::SmartRetina => 55.0,
            Self::Lighter => 65.0,
            Self::Smart => 74.0,
            Self::Normal => 80.0,
            Self::Better => 88.0,
            Self::Best => 95.0,
        }
    }
}

/// What is kept of the data about the picture. Colour profiles are not kept: the colours are turned into sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metadata {
    /// Nothing is kept.
    StripAll,
    /// Nothing is kept either: what is sensitive is not told apart from the rest.
    StripSensitive,
    /// EXIF data is kept in JPEG and PNG, with the orientation set to normal.
    Keep,
}
