//! Reads SVG documents while they arrive, and refuses active ones.
//!
//! ```
//! use intake_core::FromSettings;
//! use intake_plugin_svg::{Choice, Settings, Svg};
//!
//! let settings = Settings::default().with(|settings| settings.unreadable = Choice::Refuse);
//! let strict = Svg::from_settings(settings)?;
//! # let _ = strict;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```

mod codes;
mod css;
mod doctype;
mod elements;
mod entities;
mod event;
mod finding;
mod input;
mod judge;
mod link;
mod markup;
mod namespaces;
mod note;
mod scan;
mod settings;

use async_trait::async_trait;
use intake_core::{ConfigError, Fault, FromSettings, Head, OnPartial, Plugin, Scan, Scanner, Workers};

use crate::scan::SvgScan;

pub use crate::codes::{
    SVG_ENTITIES, SVG_EXTERNAL, SVG_FOREIGN_CONTENT, SVG_HANDLER, SVG_SCRIPT, SVG_TOO_COMPLEX, SVG_UNREADABLE,
};
pub use crate::note::SvgNote;
pub use crate::settings::{Choice, Settings};

intake_core::inventory::submit! {
    Plugin::scanner::<Svg>("svg", "refuses SVG documents that run scripts or load something from elsewhere")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A scanner that refuses active SVG documents, and notes the size of the others under [`SvgNote::SUBJECT`].
///
/// The default has the default [`Settings`].
#[derive(Clone, Debug, Default)]
pub struct Svg {
    settings: Settings,
    workers: Workers,
}

#[async_trait]
impl Scanner for Svg {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        Ok(Box::new(SvgScan::new(self.settings, self.workers.clone())))
    }

    // A part that was not read may be active.
    fn on_partial(&self) -> OnPartial {
        OnPartial::Refuse
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl FromSettings for Svg {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        Ok(Self {
            settings,
            ..Self::default()
        })
    }
}
