//! Reads the headers of images, and refuses pixel bombs.
//!
//! No pixel is decoded: size, colours and EXIF data are in the header, and a header is small. So an image takes a bounded
//! amount of memory here, and other uploads take none.
//!
//! ```
//! use intake_plugin_image_info::ImageInfo;
//!
//! let posters_too = ImageInfo::default().max_pixels(1_000_000_000).refuse_unreadable();
//! # let _ = posters_too;
//! ```

mod codes;
mod exif;
mod formats;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod ifd;
mod pieces;
mod policy;
mod probe;
mod scan;
mod source;

use async_trait::async_trait;
use bytesize::ByteSize;
use intake_core::{ConfigError, Fault, FromSettings, Head, Plugin, Scan, Scanner, Workers};
use serde::Deserialize;

use crate::policy::{Policy, Unreadable};
use crate::scan::ImageScan;

pub use crate::codes::{IMAGE_TOO_LARGE, IMAGE_UNREADABLE};

intake_core::inventory::submit! {
    Plugin::scanner::<ImageInfo>("image-info", "notes size, colours and EXIF data of images, and refuses pixel bombs")
        .version(env!("CARGO_PKG_VERSION"))
}

/// More pixels than any camera has (200 million today); 1 GB once decoded to four bytes a pixel.
const MAX_PIXELS: u64 = 250_000_000;
/// The most that JPEG supports. Much software counts sides in 16 bits.
const MAX_SIDE: u32 = 65_535;
/// Headers have a few hundred bytes, and EXIF data, with its thumbnail, less than 64 KiB.
const MAX_HEADER: usize = 256 * 1024;
/// The length of an upload's head; headers do not fit into less.
const LEAST_HEADER: usize = intake_core::HEAD_BYTES;
/// It may be held in memory for every running upload.
const MOST_HEADER: usize = 4 * 1024 * 1024;

/// A scanner that notes the properties of images, under [`Image::NOTE`](intake_core::notes::Image::NOTE).
///
/// The default has the limits that [`ImageInfo::max_pixels`], [`ImageInfo::max_side`] and [`ImageInfo::max_header`] name, and
/// accepts images that cannot be read.
#[derive(Clone, Debug)]
pub struct ImageInfo {
    policy: Policy,
    max_header: usize,
    workers: Workers,
}

impl ImageInfo {
    /// Refuses images with more pixels, in any page or frame. 250 million unless set.
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

    /// Keeps no more of an image in memory, in bytes: its headers must fit, wherever in the file they are.
    /// From 8 KiB to 4 MiB, otherwise the nearest of the two; 256 KiB unless set.
    #[must_use]
    pub fn max_header(mut self, bytes: usize) -> Self {
        self.max_header = bytes.clamp(LEAST_HEADER, MOST_HEADER);
        self
    }

    /// Refuses content that looks like an image and cannot be read as one, so that its size is unknown.
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
            workers: Workers::default(),
        }
    }
}

#[async_trait]
impl Scanner for ImageInfo {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let scan = ImageScan::new(head, self.policy, self.max_header, self.workers.clone());
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
        // A limit of zero would refuse every image; that is what the plugin `media-type` is for.
        if scanner.policy.max_pixels == 0 {
            return Err(ConfigError::at("max_pixels", "must be greater than zero"));
        }
        if scanner.policy.max_side == 0 {
            return Err(ConfigError::at("max_side", "must be greater than zero"));
        }
        Ok(scanner)
    }
}
