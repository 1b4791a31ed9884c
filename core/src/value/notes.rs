//! The vocabulary of notes that scanners leave and adapters tell: plain data, so that neither knows the other.

use serde::{Deserialize, Serialize};

/// What is known about a picture. Fields and values follow wire facts section 2.2 (`image_info`). `None` is not "no": either
/// the picture does not say it, or it was not seen, and then the coverage of the scan names it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// The format's common short name in capitals, such as `JPEG`, `PNG`, `GIF`, `WEBP`, `TIFF`, `HEIF`, `JXL`, `ICO`.
    pub format: String,
    /// Pixels across, as shown (after the orientation was applied).
    pub width: u32,
    /// Pixels down, as shown.
    pub height: u32,
    /// `RGB`, `RGBA`, `L`, `LA`, `P`, `CMYK`, `YCbCr`, ...; `None` if not known.
    pub color_mode: Option<String>,
    /// EXIF orientation, 1 to 8.
    pub orientation: Option<u8>,
    /// Dots per inch, across and down.
    pub dpi: Option<(u32, u32)>,
    /// Where it was taken.
    pub geo_location: Option<GeoLocation>,
    /// When it was taken, `YYYY-MM-DDTHH:MM:SS`, without a zone because cameras do not say.
    pub datetime_original: Option<String>,
    /// Whether it has more than one frame; `None` if not all was seen that would say so.
    pub sequence: Option<bool>,
}

impl Image {
    /// The subject of this note in [`Facts::notes`](crate::Facts::notes).
    pub const NOTE: &'static str = "image";
}

/// A position in degrees (WGS 84); south and west are negative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeoLocation {
    /// -90 to 90.
    pub latitude: f64,
    /// -180 to 180.
    pub longitude: f64,
}
