//! Walks archives while they arrive, and refuses dangerous ones.
//!
//! Nothing is written to disk, and no member is kept: packed members are inflated into a small buffer, archives in archives are
//! walked in turn, and everything is counted.
//!
//! ```
//! use intake_core::FromSettings;
//! use intake_plugin_archive::{Archive, Choice, Settings};
//!
//! let settings = Settings::default().with(|settings| settings.unreadable = Choice::Refuse);
//! let strict = Archive::from_settings(settings)?;
//! # let _ = strict;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```

mod budget;
mod codes;
mod decode;
mod format;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod layer;
mod member_name;
mod note;
mod packed;
mod reader;
mod relations;
mod scan;
mod settings;
#[cfg(test)]
mod starving;
mod tags;
mod tally;
mod tar;
mod walk;
mod zip;

use async_trait::async_trait;
use intake_core::{ConfigError, Fault, FromSettings, Head, Plugin, Scan, Scanner};

use crate::budget::Budget;
use crate::scan::ArchiveScan;
use intake_core::Workers;

pub use crate::codes::{
    ARCHIVE_BUSY, ARCHIVE_ENCRYPTED, ARCHIVE_EXTERNAL, ARCHIVE_INCONSISTENT, ARCHIVE_LINK, ARCHIVE_MACROS,
    ARCHIVE_PATH, ARCHIVE_RATIO, ARCHIVE_TOO_DEEP, ARCHIVE_TOO_LARGE, ARCHIVE_TOO_MANY_MEMBERS, ARCHIVE_UNREADABLE,
};
pub use crate::note::ArchiveNote;
pub use crate::settings::{Choice, Settings};

intake_core::inventory::submit! {
    Plugin::scanner::<Archive>("archive", "notes what is in archives, and refuses dangerous ones")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A scanner that walks archives, and notes what it saw under [`ArchiveNote::SUBJECT`].
///
/// The default has the default [`Settings`].
///
/// Clones share their memory.
#[derive(Clone, Debug)]
pub struct Archive {
    settings: Settings,
    workers: Workers,
    budget: Budget,
}

impl Archive {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            workers: Workers::default(),
            budget: Budget::new(settings.memory, settings.deepest()),
        }
    }

    /// How many bytes of [`Settings::memory`] all uploads hold now.
    ///
    /// ```
    /// let archive = intake_plugin_archive::Archive::default();
    /// assert_eq!(archive.memory_held(), 0);
    /// ```
    #[must_use]
    pub fn memory_held(&self) -> u64 {
        self.budget.held()
    }
}

impl Default for Archive {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

#[async_trait]
impl Scanner for Archive {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let scan = ArchiveScan::new(self.settings, self.workers.clone(), self.budget.open(), head.bytes);
        Ok(Box::new(scan))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl FromSettings for Archive {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        Ok(Self::new(settings))
    }
}
