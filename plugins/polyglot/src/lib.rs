//! Refuses files that are two things at once, such as an image that is also an archive, a script or a web page.
//!
//! It reads each file once while it arrives, and keeps a few bytes of it. Where a format says how long its parts are, it follows
//! them to the end of the file, rather than to search for signatures that may be anywhere by chance.
//!
//! ```
//! use intake_core::FromSettings;
//! use intake_plugin_polyglot::{Choice, Polyglot, Settings};
//!
//! let settings = Settings::default().with(|settings| settings.self_extracting = Choice::Refuse);
//! let strict = Polyglot::from_settings(settings)?;
//! # let _ = strict;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```

mod codes;
mod detector;
mod finding;
mod host;
mod scan;
mod script;
mod settings;
mod signatures;
mod tail;
mod walk;

use async_trait::async_trait;
use intake_core::{ConfigError, Fault, FromSettings, Head, Plugin, Scan, Scanner};

use crate::detector::Detector;
use crate::scan::PolyglotScan;

pub use crate::codes::{
    POLYGLOT_ARCHIVE, POLYGLOT_DISGUISE, POLYGLOT_MARKUP, POLYGLOT_PDF, POLYGLOT_PROGRAM, POLYGLOT_SCRIPT,
    POLYGLOT_SELF_EXTRACTING, POLYGLOT_TRAILING_DATA,
};
pub use crate::settings::{Choice, Settings};

intake_core::inventory::submit! {
    Plugin::scanner::<Polyglot>("polyglot", "refuses files that are two things at once")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A scanner that refuses files that are two things at once.
///
/// The default has the default [`Settings`].
#[derive(Clone, Debug, Default)]
pub struct Polyglot {
    settings: Settings,
}

#[async_trait]
impl Scanner for Polyglot {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        Ok(Box::new(PolyglotScan::new(Detector::new(self.settings, head))))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl FromSettings for Polyglot {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        Ok(Self { settings })
    }
}
