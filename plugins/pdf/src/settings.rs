//! What an operator decides: which documents are refused.

use intake_core::{ConfigError, byte_count};
use serde::Deserialize;

pub use intake_core::Choice;

const MIB: u64 = 1024 * 1024;

/// The settings of `use = "pdf"`. Those that are not set have the values of the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Documents with scripts. Refused by default.
    pub javascript: Choice,
    /// Documents that start a program, send a form, or import data. Refused by default.
    pub launch: Choice,
    /// Documents that open another document. Accepted by default.
    pub remote: Choice,
    /// Documents with files inside. Accepted by default.
    pub embedded_files: Choice,
    /// Encrypted documents, whose coverage is partial. Accepted by default.
    pub encrypted: Choice,
    /// Documents with an XFA form. Accepted by default.
    pub xfa: Choice,
    /// Documents that cannot be looked into. Accepted by default.
    pub unreadable: Choice,
    /// The most objects of which the scanner reads the syntax; from 1 to 100,000,000. 2,000,000 by default.
    pub max_objects: u64,
    /// How deep arrays and dictionaries may be nested; from 8 to 1,000. 100 by default.
    pub max_depth: u32,
    /// The most bytes of one object stream, inflated; at least 1. 16 MiB by default.
    #[serde(deserialize_with = "byte_count::deserialize")]
    pub max_object_stream: u64,
    /// The most bytes of all object streams together, inflated, where each filter's output counts; at least 1. 256 MiB by default.
    #[serde(deserialize_with = "byte_count::deserialize")]
    pub max_inflated: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            javascript: Choice::Refuse,
            launch: Choice::Refuse,
            remote: Choice::Accept,
            embedded_files: Choice::Accept,
            encrypted: Choice::Accept,
            xfa: Choice::Accept,
            unreadable: Choice::Accept,
            max_objects: 2_000_000,
            max_depth: 100,
            max_object_stream: 16 * MIB,
            max_inflated: 256 * MIB,
        }
    }
}

impl Settings {
    /// Sets some of the settings.
    ///
    /// ```
    /// use intake_plugin_pdf::{Choice, Settings};
    ///
    /// let strict = Settings::default().with(|settings| settings.xfa = Choice::Refuse);
    /// # let _ = strict;
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Checks that the settings make sense.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let bounds = [
            (
                "max_objects",
                self.max_objects,
                1,
                100_000_000,
                "must be from 1 to 100,000,000",
            ),
            (
                "max_depth",
                u64::from(self.max_depth),
                8,
                1_000,
                "must be from 8 to 1,000",
            ),
            (
                "max_object_stream",
                self.max_object_stream,
                1,
                u64::MAX,
                "must be greater than zero",
            ),
            (
                "max_inflated",
                self.max_inflated,
                1,
                u64::MAX,
                "must be greater than zero",
            ),
        ];
        for (setting, value, least, most, why) in bounds {
            if !(least..=most).contains(&value) {
                return Err(ConfigError::at(setting, why));
            }
        }
        Ok(())
    }
}
