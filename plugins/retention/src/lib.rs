//! Decides how long uploads are kept.
//!
//! ```
//! use std::time::Duration;
//!
//! use intake_plugin_retention::Retain;
//!
//! const DAY: Duration = Duration::from_secs(24 * 60 * 60);
//! let a_day_unless_kept = Retain::new(DAY).temporary_by_default();
//! # let _ = a_day_unless_kept;
//! ```

use std::time::{Duration, SystemTime};

use intake_core::{ConfigError, Expirer, Facts, FromSettings, Lifetime, Plugin, Retention};
use serde::Deserialize;

intake_core::inventory::submit! {
    Plugin::expirer::<Retain>("retention", "keeps uploads permanently or for a period")
        .version(env!("CARGO_PKG_VERSION"))
}

/// The default period of a temporary upload, as in the Upload API.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An expirer with one period for uploads that are temporary and one for those that are kept.
///
/// By default temporary ones expire after a day and kept ones never, and an upload without a wish is kept.
#[derive(Clone, Debug)]
pub struct Retain {
    temporary: Duration,
    /// `None`: permanently.
    kept: Option<Duration>,
    default: Wish,
}

/// What happens to an upload whose sender has no wish.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    #[default]
    Keep,
    Temporary,
}

impl Retain {
    /// Temporary uploads expire after this period, kept ones never.
    #[must_use]
    pub fn new(temporary: Duration) -> Self {
        Self {
            temporary,
            kept: None,
            default: Wish::Keep,
        }
    }

    /// Kept uploads expire too, after this period.
    #[must_use]
    pub fn kept_for(mut self, kept: Duration) -> Self {
        self.kept = Some(kept);
        self
    }

    /// Uploads whose sender has no wish are temporary.
    #[must_use]
    pub fn temporary_by_default(mut self) -> Self {
        self.default = Wish::Temporary;
        self
    }
}

impl Default for Retain {
    fn default() -> Self {
        Self::new(DAY)
    }
}

impl Expirer for Retain {
    fn lifetime(&self, _facts: &Facts, retention: Retention, now: SystemTime) -> Lifetime {
        let kept = match retention {
            Retention::Keep => true,
            Retention::Temporary => false,
            Retention::Default => matches!(self.default, Wish::Keep),
        };
        let period = if kept { self.kept } else { Some(self.temporary) };
        Lifetime {
            kept,
            // An end beyond the range of the clock is never reached.
            expires: period.and_then(|period| now.checked_add(period)),
        }
    }
}

/// The settings of `use = "retention"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default, with = "humantime_serde")]
    temporary: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    kept: Option<Duration>,
    #[serde(default)]
    default: Wish,
}

impl FromSettings for Retain {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        let Settings {
            temporary,
            kept,
            default,
        } = settings;
        for (key, period) in [("temporary", temporary), ("kept", kept)] {
            // An upload that expires at once could not even be read by its sender.
            if period.is_some_and(|period| period.is_zero()) {
                return Err(ConfigError::at(key, "must be greater than zero"));
            }
        }
        Ok(Self {
            temporary: temporary.unwrap_or(DAY),
            kept,
            default,
        })
    }
}
