//! The codes of this plugin's refusals.

use intake_core::Code;

/// The content looks like video or sound, and its description cannot be read.
pub const VIDEO_UNREADABLE: Code = Code::new("video_unreadable");
/// The content plays for longer than is accepted.
pub const VIDEO_TOO_LONG: Code = Code::new("video_too_long");
/// A video track has more pixels on a side than are accepted.
pub const VIDEO_TOO_LARGE: Code = Code::new("video_too_large");
