//! Finds out what is known about images, and refuses pixel bombs.
//!
//! No pixel is decoded: what a picture says of itself stands in its header, and a header is small. So an upload costs a
//! bounded piece of memory here, whatever it turns out to be, and everything that is not an image costs nothing.
//!
//! ```
//! use intake_plugin_image_info::ImageInfo;
//!
//! let posters_too = ImageInfo::default().max_pixels(1_000_000_000).refuse_unreadable();
//! # let _ = posters_too;
//! ```

mod aside;
mod directory;
mod formats;
mod look;
mod pieces;
mod scan;
mod source;
mod tags;

use std::sync::Arc;

use async_trait::async_trait;
use bytesize::ByteSize;
use intake_core::{Code, ConfigError, Fault, FromSettings, Head, Plugin, Scan, Scanner};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::aside::SEATS;
use crate::scan::ImageScan;

intake_core::inventory::submit! {
    Plugin::scanner::<ImageInfo>("image-info", "notes what is known about images, and refuses pixel bombs")
}

/// The image has more pixels than are taken.
pub const IMAGE_TOO_LARGE: Code = Code::new("image_too_large");
/// The content looks like an image, and what it says of itself cannot be read.
pub const IMAGE_UNREADABLE: Code = Code::new("image_unreadable");

/// More than any camera makes (200 megapixels today), and 1 GB once decoded to four bytes a pixel.
const MAX_PIXELS: u64 = 250_000_000;
/// What JPEG can have. Much software counts sides in 16 bits.
const MAX_SIDE: u32 = 65_535;
/// Headers have a few hundred bytes, and EXIF data, with its thumbnail, less than 64 KiB.
const MAX_HEADER: usize = 256 * 1024;
/// A head's worth: less would not hold what is to be found.
const LEAST_HEADER: usize = intake_core::HEAD_BYTES;
/// It may be held for every upload that comes in at the time.
const MOST_HEADER: usize = 4 * 1024 * 1024;

/// A scanner that notes what images say of themselves, under [`Image::NOTE`](intake_core::notes::Image::NOTE).
///
/// The default takes what [`ImageInfo::max_pixels`], [`ImageInfo::max_side`] and [`ImageInfo::max_header`] name, and accepts
/// images that cannot be read.
#[derive(Clone, Debug)]
pub struct ImageInfo {
    policy: Policy,
    max_header: usize,
    seats: Arc<Semaphore>,
}

/// What is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) max_pixels: u64,
    pub(crate) max_side: u32,
    pub(crate) unreadable: Unreadable,
}

impl Policy {
    /// Whether a picture of this width and height is too large.
    fn refuses(&self, (width, height): (u32, u32)) -> bool {
        width.max(height) > self.max_side || u64::from(width) * u64::from(height) > self.max_pixels
    }
}

/// What becomes of images that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unreadable {
    /// Their coverage says that nobody knows how large they are.
    #[default]
    Accept,
    Refuse,
}

impl ImageInfo {
    /// Refuses images that have more pixels, or any page or frame that has. 250 million unless set.
    #[must_use]
    pub fn max_pixels(mut self, pixels: u64) -> Self {
        self.policy.max_pixels = pixels;
        self
    }

    /// Refuses images with a side of more pixels. 65,535 unless set.
    #[must_use]
    pub fn max_side(mut self, pixels: u32) -> Self {
        self.policy.max_side = pixels;
        self
    }

    /// Keeps no more of an image in memory, in bytes: all that it says of itself must fit, wherever in the file it stands.
    /// From 8 KiB to 4 MiB, otherwise the nearest of the two; 256 KiB unless set.
    #[must_use]
    pub fn max_header(mut self, bytes: usize) -> Self {
        self.max_header = bytes.clamp(LEAST_HEADER, MOST_HEADER);
        self
    }

    /// Refuses content that looks like an image and cannot be read as one: whose size nobody knows then.
    #[must_use]
    pub fn refuse_unreadable(mut self) -> Self {
        self.policy.unreadable = Unreadable::Refuse;
        self
    }
}

impl Default for ImageInfo {
    fn default() -> Self {
        Self {
            policy: Policy {
                max_pixels: MAX_PIXELS,
                max_side: MAX_SIDE,
                unreadable: Unreadable::default(),
            },
            max_header: MAX_HEADER,
            seats: Arc::new(Semaphore::new(SEATS)),
        }
    }
}

#[async_trait]
impl Scanner for ImageInfo {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let scan = ImageScan::new(head.media_type, self.policy, self.max_header, Arc::clone(&self.seats));
        Ok(Box::new(scan))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// The settings of `use = "image-info"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    max_pixels: Option<u64>,
    max_side: Option<u32>,
    max_header: Option<ByteSize>,
    #[serde(default)]
    unreadable: Unreadable,
}

impl FromSettings for ImageInfo {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        let mut scanner = Self::default();
        scanner.policy.unreadable = settings.unreadable;
        if let Some(pixels) = settings.max_pixels {
            scanner.policy.max_pixels = pixels;
        }
        if let Some(pixels) = settings.max_side {
            scanner.policy.max_side = pixels;
        }
        if let Some(bytes) = settings.max_header {
            scanner.max_header = usize::try_from(bytes.as_u64())
                .ok()
                .filter(|bytes| (LEAST_HEADER..=MOST_HEADER).contains(bytes))
                .ok_or_else(|| ConfigError::at("max_header", "must be from 8 KiB to 4 MiB"))?;
        }
        // With nothing allowed, every image would be refused; `media-type` says that better.
        if scanner.policy.max_pixels == 0 {
            return Err(ConfigError::at("max_pixels", "must be more than nothing"));
        }
        if scanner.policy.max_side == 0 {
            return Err(ConfigError::at("max_side", "must be more than nothing"));
        }
        Ok(scanner)
    }
}
