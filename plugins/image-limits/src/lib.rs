//! Limits images while they arrive: their sizes, their frames and pages, their colour profiles and colour spaces.
//!
//! No pixel is decoded. An image takes a bounded amount of memory here, and other uploads take none.
//!
//! ```
//! use intake_core::FromSettings;
//! use intake_plugin_image_limits::{ImageLimits, Settings};
//!
//! let settings = Settings::default().with(|settings| settings.max_frames = 500);
//! let stickers = ImageLimits::from_settings(settings)?;
//! # let _ = stickers;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```

mod codes;
mod formats;
mod judge;
mod note;
mod scan;
mod settings;
mod walk;

use async_trait::async_trait;
use intake_core::{
    Bytes, ConfigError, Fault, FromSettings, Head, MediaType, Plugin, Report, Scan, Scanner, Verdict, Workers,
};

use crate::scan::ImageScan;

pub use crate::codes::{
    IMAGE_ANIMATED, IMAGE_ASPECT_RATIO, IMAGE_COLOR_SPACE, IMAGE_PROFILE_TOO_LARGE, IMAGE_SIDE_TOO_LONG,
    IMAGE_TOO_MANY_FRAMES, IMAGE_TOO_MANY_PIXELS, IMAGE_TOO_SMALL, IMAGE_UNREADABLE,
};
pub use crate::note::ImageLimitsNote;
pub use crate::settings::{Choice, ColorSpace, Settings};

intake_core::inventory::submit! {
    Plugin::scanner::<ImageLimits>("image-limits", "limits sizes, frames, pages and colour profiles of images")
        .version(env!("CARGO_PKG_VERSION"))
}

/// Vector formats have no pixels to count: they are drawn at any size.
const DRAWN: [&str; 1] = ["image/svg+xml"];

/// A scanner that refuses images above or below limits, and notes what it counted under [`ImageLimitsNote::SUBJECT`].
///
/// The default has the default [`Settings`].
#[derive(Clone, Debug, Default)]
pub struct ImageLimits {
    settings: Settings,
    workers: Workers,
}

#[async_trait]
impl Scanner for ImageLimits {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let is_image = |found: &&MediaType| found.main() == "image" && !DRAWN.contains(&found.as_str());
        let Some(found) = head.media_type.filter(is_image) else {
            return Ok(Box::new(Known(Report::clean())));
        };
        Ok(match formats::reader(found) {
            Some(reader) => Box::new(ImageScan::new(self.settings.clone(), reader, self.workers.clone())),
            None => {
                let why = "its format is not supported";
                Box::new(Known(scan::unreadable(self.settings.unreadable, why)))
            }
        })
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl FromSettings for ImageLimits {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        Ok(Self {
            settings,
            ..Self::default()
        })
    }
}

/// The scan of an upload whose report is known before its first byte.
struct Known(Report);

#[async_trait]
impl Scan for Known {
    async fn feed(&mut self, _chunk: &Bytes) -> Result<Verdict, Fault> {
        Ok(self.0.verdict.clone())
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        Ok(self.0)
    }
}
