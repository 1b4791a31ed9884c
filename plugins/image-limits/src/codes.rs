//! The codes of this plugin's refusals.

use intake_core::Code;

/// Refused: the image has more pixels than are accepted, in one picture or in all of them; the subject is their number.
pub const IMAGE_TOO_MANY_PIXELS: Code = Code::new("image_too_many_pixels");
/// Refused: a side of the image is longer than is accepted; the subject is `WIDTHxHEIGHT`.
pub const IMAGE_SIDE_TOO_LONG: Code = Code::new("image_side_too_long");
/// Refused: a side of the image is shorter than is accepted; the subject is `WIDTHxHEIGHT`.
pub const IMAGE_TOO_SMALL: Code = Code::new("image_too_small");
/// Refused: the image is too long for its other side; the subject is `WIDTHxHEIGHT`.
pub const IMAGE_ASPECT_RATIO: Code = Code::new("image_aspect_ratio");
/// Refused: the image has more frames or pages than are accepted; the subject is how many were counted.
pub const IMAGE_TOO_MANY_FRAMES: Code = Code::new("image_too_many_frames");
/// Refused: the image is animated, and the settings refuse such images.
pub const IMAGE_ANIMATED: Code = Code::new("image_animated");
/// Refused: the image's colour profile is larger than is accepted; the subject is how many bytes were counted.
pub const IMAGE_PROFILE_TOO_LARGE: Code = Code::new("image_profile_too_large");
/// Refused: the image is in a colour space that is not accepted, or in an unknown one; the subject is its name.
pub const IMAGE_COLOR_SPACE: Code = Code::new("image_color_space");
/// Refused: the content looks like an image, its header cannot be read, and the settings refuse such images.
pub const IMAGE_UNREADABLE: Code = Code::new("image_unreadable");
