//! What an operator may set.

use std::path::PathBuf;
use std::time::Duration;

use intake_core::ConfigError;
use serde::Deserialize;

use crate::spool::UNIT;

const MIB: u64 = 1024 * 1024;
/// A scan holds the content in memory, and offsets in rules are signed numbers.
const LARGEST: u64 = 2048 * MIB;

/// The settings of `use = "yara"`.
///
/// ```
/// use intake_plugin_yara::Settings;
///
/// let settings = Settings::default().with(|settings| settings.rules = vec!["/etc/intake/rules".into()]);
/// # let _ = settings;
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Files with rules, and folders: of these, all files that end in `.yar` or `.yara`, in folders below too.
    pub rules: Vec<PathBuf>,
    /// Rules with one of these tags refuse nothing, and are only noted.
    pub note_tags: Vec<String>,
    /// Modules that rules may import although this program does not have them. The rules that use them are left out.
    pub ignore_modules: Vec<String>,
    /// The most bytes of a content that are scanned.
    #[serde(with = "intake_core::byte_count")]
    pub max_scan_size: u64,
    /// How many contents are scanned at a time. Each of them is in memory for so long.
    pub at_a_time: usize,
    /// How long one scan may take. Counted in whole seconds, of which the last one may be longer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// How long a content waits for its turn, and for room in the folder.
    #[serde(with = "humantime_serde")]
    pub wait: Duration,
    /// The most matches of one string of a rule. A content with more of them is partly covered, because rules may count them.
    pub max_matches: usize,
    /// Where contents of more than 128 KiB are kept until their last byte has come; the folder of the system for temporary files
    /// if not set.
    pub spool_folder: Option<PathBuf>,
    /// The most bytes of all contents in that folder.
    #[serde(with = "intake_core::byte_count")]
    pub spool_size: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            note_tags: vec!["info".to_owned()],
            ignore_modules: Vec::new(),
            max_scan_size: 64 * MIB,
            at_a_time: 4,
            timeout: Duration::from_secs(30),
            wait: Duration::from_secs(60),
            max_matches: 1_000_000,
            spool_folder: None,
            spool_size: 4096 * MIB,
        }
    }
}

impl Settings {
    /// Sets some of them.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// # Errors
    ///
    /// Names the first setting that makes no sense.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        const HOUR: Duration = Duration::from_secs(3600);
        if self.rules.is_empty() {
            return Err(ConfigError::at(
                "rules",
                "names no file or folder, so nothing would be found",
            ));
        }
        let numbers = [
            ("max_scan_size", self.max_scan_size, 1, LARGEST),
            ("at_a_time", self.at_a_time as u64, 1, 256),
            ("max_matches", self.max_matches as u64, 1, 10_000_000),
        ];
        for (name, value, least, most) in numbers {
            if value < least || value > most {
                return Err(ConfigError::at(name, format!("must be from {least} to {most}")));
            }
        }
        if self.timeout < Duration::from_secs(1) || self.timeout > HOUR {
            return Err(ConfigError::at("timeout", "must be from one second to one hour"));
        }
        if self.wait > HOUR {
            return Err(ConfigError::at("wait", "must be at most one hour"));
        }
        if self.spool_size < self.max_scan_size.saturating_add(UNIT) {
            let message = "must be larger than `max_scan_size`, so that there is room for one content";
            return Err(ConfigError::at("spool_size", message));
        }
        Ok(())
    }
}
