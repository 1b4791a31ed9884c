//! What is noted of an image.

use serde::{Deserialize, Serialize};

use crate::settings::ColorSpace;

/// What was counted in an image. Size, format and EXIF data are in the note of `image-info`.
///
/// ```
/// use intake_plugin_image_limits::ImageLimitsNote;
///
/// let note = ImageLimitsNote::default();
/// assert_eq!(note.frames, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImageLimitsNote {
    /// The number of frames or pages.
    pub frames: u64,
    /// The pixels of all of them together, where a frame counts as the whole canvas.
    pub total_pixels: u64,
    /// The bytes of the embedded colour profile, once it is unpacked. `None` if there is none.
    pub profile: Option<u64>,
    /// The colour space of the pixels. `None` if it is unknown.
    pub color_space: Option<ColorSpace>,
}

impl ImageLimitsNote {
    /// The subject of this note in [`Facts::notes`](intake_core::Facts::notes).
    pub const SUBJECT: &'static str = "image_limits";
}
