//! Which images are refused.

use serde::Deserialize;

/// Which images are refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) max_pixels: u64,
    pub(crate) max_side: u32,
    pub(crate) unreadable: Unreadable,
}

impl Policy {
    /// Whether a picture of this width and height is too large.
    pub(crate) fn refuses(&self, (width, height): (u32, u32)) -> bool {
        width.max(height) > self.max_side || u64::from(width) * u64::from(height) > self.max_pixels
    }
}

/// The verdict on images that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unreadable {
    /// Accepted; the coverage in the record says that their size is unknown.
    #[default]
    Accept,
    Refuse,
}
