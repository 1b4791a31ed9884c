//! The bounds of what is kept.

use std::time::Duration;

/// How much of what is [derived](crate::Derived) from files is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DerivedSettings {
    /// The most bytes. Beyond them, what was not used for longest is removed. Of several nodes that share a store, each but one
    /// may write an eighth more before it sees what the others wrote. 10 GiB by default, at least 1 MiB.
    pub max_size: u64,
    /// The most entries, in the same way. A million by default.
    pub max_count: u64,
    /// The longest time that anything is kept; what is not used for half of it is removed then. 30 days by default, at least an
    /// hour.
    pub max_age: Duration,
}

impl Default for DerivedSettings {
    fn default() -> Self {
        Self {
            max_size: 10 << 30,
            max_count: 1_000_000,
            max_age: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

impl DerivedSettings {
    /// Sets some of the settings.
    ///
    /// ```
    /// use intake_core::DerivedSettings;
    ///
    /// let settings = DerivedSettings::default().with(|settings| settings.max_size = 1 << 30);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The oldest that an entry may be that is read, or whose time of use is noted.
    pub(super) fn idle(&self) -> Duration {
        self.max_age / 2
    }
}
