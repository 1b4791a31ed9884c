//! The codes of this plugin's refusals.

use intake_core::Code;

/// The image has more pixels than are accepted.
pub const IMAGE_TOO_LARGE: Code = Code::new("image_too_large");
/// The content looks like an image, and its header cannot be read.
pub const IMAGE_UNREADABLE: Code = Code::new("image_unreadable");
