//! The notes that scanners make and adapters show. They are plain data, so that scanners and adapters do not depend on each other.

use serde::{Deserialize, Serialize};

/// What is known about an image. The fields and values are those of `image_info` (`docs/upload-api.md`, "What is known of a
/// file").
///
/// `None` means unknown, not "no": either the image does not contain the value, or the scanner did not read it. In the second case
/// the coverage of the scan says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Image {
    /// The format's common short name in capitals, such as `JPEG`, `PNG`, `GIF`, `WEBP`, `TIFF`, `HEIF`, `JXL`, `ICO`.
    pub format: String,
    /// The width in pixels, as shown (after the orientation is applied).
    pub width: u32,
    /// The height in pixels, as shown.
    pub height: u32,
    /// The color mode: `RGB`, `RGBA`, `L`, `LA`, `P`, `CMYK`, `YCbCr`, ...
    pub color_mode: Option<String>,
    /// The EXIF orientation, 1 to 8.
    pub orientation: Option<u8>,
    /// Dots per inch, across and down.
    pub dpi: Option<(u32, u32)>,
    /// Where the image was taken.
    pub geo_location: Option<GeoLocation>,
    /// When the image was taken, `YYYY-MM-DDTHH:MM:SS`. It has no time zone, because cameras do not write one.
    pub datetime_original: Option<String>,
    /// Whether the image has more than one frame. `None` if the scanner did not read enough to tell.
    pub sequence: Option<bool>,
}

impl Image {
    /// The subject of this note in [`Facts::notes`](crate::Facts::notes).
    pub const NOTE: &'static str = "image";

    /// Sets some of what is known.
    ///
    /// ```
    /// use intake_core::notes::Image;
    ///
    /// let image = Image::default().with(|image| {
    ///     image.format = "PNG".to_owned();
    ///     (image.width, image.height) = (3, 2);
    /// });
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// A position in degrees (WGS 84); south and west are negative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GeoLocation {
    /// -90 to 90.
    pub latitude: f64,
    /// -180 to 180.
    pub longitude: f64,
}

impl GeoLocation {
    /// The position with this latitude and longitude.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Self {
        Self { latitude, longitude }
    }
}
