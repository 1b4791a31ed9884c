//! Reads what files of video and sound say of themselves, while they are uploaded.
//!
//! No frame is decoded: containers and headers say how long a file plays, how large it is shown and how it is coded. The content
//! passes by once, and only headers are kept.
//!
//! ```
//! use std::time::Duration;
//!
//! use intake_plugin_media_info::MediaInfo;
//!
//! let short_clips = MediaInfo::default().max_duration(Duration::from_secs(60)).refuse_unreadable();
//! # let _ = short_clips;
//! ```

mod codes;
mod facts;
mod formats;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod policy;
mod scan;
mod source;

use std::time::Duration;

use async_trait::async_trait;
use bytesize::ByteSize;
use intake_core::{ConfigError, Fault, FromSettings, Head, Plugin, Scan, Scanner};
use serde::Deserialize;

use crate::policy::{Policy, Unreadable};
use crate::scan::MediaScan;

pub use crate::codes::{VIDEO_TOO_LARGE, VIDEO_TOO_LONG, VIDEO_UNREADABLE};

intake_core::inventory::submit! {
    Plugin::scanner::<MediaInfo>("media-info", "notes duration, size, codecs and rates of video and sound")
        .version(env!("CARGO_PKG_VERSION"))
}

/// Descriptions of tracks have a few kilobytes, with their parameter sets.
const MAX_HEADER: usize = 4 * 1024 * 1024;
const LEAST_HEADER: usize = 4 * 1024;
/// It may be held in memory for every running upload.
const MOST_HEADER: usize = 16 * 1024 * 1024;

/// A scanner that notes the properties of video and sound, under [`Video::NOTE`](intake_core::notes::Video::NOTE).
///
/// The default refuses nothing, and keeps as much as [`MediaInfo::max_header`] says.
#[derive(Clone, Copy, Debug)]
pub struct MediaInfo {
    policy: Policy,
    max_header: usize,
}

impl MediaInfo {
    /// Keeps no more of one description of tracks in memory, in bytes. From 4 KiB to 16 MiB, otherwise the nearest of the two;
    /// 4 MiB unless set.
    #[must_use]
    pub fn max_header(mut self, bytes: usize) -> Self {
        self.max_header = bytes.clamp(LEAST_HEADER, MOST_HEADER);
        self
    }

    /// Refuses files that play for longer.
    #[must_use]
    pub fn max_duration(mut self, most: Duration) -> Self {
        self.policy.max_duration = Some(u64::try_from(most.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Refuses video with more pixels on a side, as stored or as shown.
    #[must_use]
    pub fn max_side(mut self, pixels: u32) -> Self {
        self.policy.max_side = Some(pixels);
        self
    }

    /// Refuses content that looks like video or sound and cannot be read as such.
    #[must_use]
    pub fn refuse_unreadable(mut self) -> Self {
        self.policy.unreadable = Unreadable::Refuse;
        self
    }
}

impl Default for MediaInfo {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            max_header: MAX_HEADER,
        }
    }
}

#[async_trait]
impl Scanner for MediaInfo {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        Ok(Box::new(MediaScan::new(head.media_type, self.policy, self.max_header)))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// The settings of `use = "media-info"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    max_header: Option<ByteSize>,
    #[serde(default)]
    unreadable: Unreadable,
    #[serde(default, with = "humantime_serde::option")]
    max_duration: Option<Duration>,
    max_side: Option<u32>,
}

impl FromSettings for MediaInfo {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        let mut scanner = Self::default();
        scanner.policy.unreadable = settings.unreadable;
        if let Some(bytes) = settings.max_header {
            scanner.max_header = usize::try_from(bytes.as_u64())
                .ok()
                .filter(|bytes| (LEAST_HEADER..=MOST_HEADER).contains(bytes))
                .ok_or_else(|| ConfigError::at("max_header", "must be from 4 KiB to 16 MiB"))?;
        }
        // A limit of zero would refuse every file; that is what the plugin `media-type` is for.
        if settings.max_duration.is_some_and(|most| most.as_millis() == 0) {
            return Err(ConfigError::at("max_duration", "must be at least a millisecond"));
        }
        if settings.max_side == Some(0) {
            return Err(ConfigError::at("max_side", "must be greater than zero"));
        }
        if let Some(most) = settings.max_duration {
            scanner = scanner.max_duration(most);
        }
        scanner.policy.max_side = settings.max_side;
        Ok(scanner)
    }
}
