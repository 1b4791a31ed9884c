//! Which files are refused.

use intake_core::Rejection;
use serde::Deserialize;

use crate::codes::{VIDEO_TOO_LARGE, VIDEO_TOO_LONG};

/// Which files are refused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policy {
    /// In milliseconds.
    pub(crate) max_duration: Option<u64>,
    /// In pixels.
    pub(crate) max_side: Option<u32>,
    pub(crate) unreadable: Unreadable,
}

impl Policy {
    /// The refusal of a file that plays for so many milliseconds, if it is too long.
    pub(crate) fn too_long(&self, millis: u64) -> Option<Rejection> {
        let most = self.max_duration.filter(|most| millis > *most)?;
        let seconds = |millis: u64| format!("{}.{:03}", millis / 1000, millis % 1000);
        let message = format!(
            "the file plays for {} seconds; at most {} are accepted",
            seconds(millis),
            seconds(most)
        );
        Some(Rejection::new(VIDEO_TOO_LONG, message).with_subject(seconds(millis)))
    }

    /// The refusal of a video of this width and height, if it is too large.
    pub(crate) fn too_large(&self, (width, height): (u32, u32)) -> Option<Rejection> {
        let most = self.max_side.filter(|most| width.max(height) > *most)?;
        let message = format!("the video has {width} by {height} pixels; at most {most} on a side are accepted");
        Some(Rejection::new(VIDEO_TOO_LARGE, message).with_subject(format!("{width}x{height}")))
    }
}

/// The verdict on files that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unreadable {
    /// Accepted; the coverage in the record says that nothing is known of them.
    #[default]
    Accept,
    Refuse,
}
