//! What an operator decides: which archives are refused.

use std::time::Duration;

use intake_core::{ConfigError, byte_count};
use serde::Deserialize;

use crate::decode::most_memory;

pub use intake_core::Choice;

const MIB: u64 = 1024 * 1024;
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// What a member takes in the list of a ZIP at most: 40 bytes, three times while the list becomes twice as long.
const BYTES_OF_MEMBER: u64 = 3 * 40;

/// The settings of `use = "archive"`. Those that are not set have the values of the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The most members, in all archives of an upload together; from 1 to 1,000,000. 10,000 by default.
    pub max_members: u64,
    /// How deep archives may be nested, from 1 to 16. A `.tar.gz` needs 2. 4 by default.
    pub max_depth: u32,
    /// The most bytes of all members together, inflated. 1 GiB by default.
    #[serde(deserialize_with = "byte_count::deserialize")]
    pub max_inflated: u64,
    /// The most bytes of one member, inflated. 1 GiB by default.
    #[serde(deserialize_with = "byte_count::deserialize")]
    pub max_member: u64,
    /// The most inflated bytes for each packed byte. It does not count for the first 10 MiB. 200 by default.
    pub max_ratio: u64,
    /// The largest window of a decoder in bytes, from 1 MiB to 128 MiB, for each level of nesting. 16 MiB by default.
    #[serde(deserialize_with = "byte_count::deserialize")]
    pub max_window: u64,
    /// The most memory in bytes for large decoders and lists of all uploads together; at least what one upload may need. 256 MiB by
    /// default.
    #[serde(deserialize_with = "byte_count::deserialize")]
    pub memory: u64,
    /// How long an upload waits for memory, before its scan fails; at most an hour. 10 seconds by default.
    #[serde(with = "humantime_serde")]
    pub wait: Duration,
    /// Members that are encrypted. Refused by default.
    pub encrypted: Choice,
    /// Symbolic and hard links. Refused by default.
    pub links: Choice,
    /// Names that lead out of the folder into which the archive is unpacked, or might do so. Refused by default.
    pub paths: Choice,
    /// Archives that contradict themselves, so that programs unpack different members. Refused by default.
    pub overlaps: Choice,
    /// Documents with macros. Accepted by default.
    pub macros: Choice,
    /// Documents that load templates, objects or frames from elsewhere. Accepted by default.
    pub external_relations: Choice,
    /// Archives that cannot be looked into. Accepted by default.
    pub unreadable: Choice,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_members: 10_000,
            max_depth: 4,
            max_inflated: 1024 * MIB,
            max_member: 1024 * MIB,
            max_ratio: 200,
            max_window: 16 * MIB,
            memory: 256 * MIB,
            wait: Duration::from_secs(10),
            encrypted: Choice::Refuse,
            links: Choice::Refuse,
            paths: Choice::Refuse,
            overlaps: Choice::Refuse,
            macros: Choice::Accept,
            external_relations: Choice::Accept,
            unreadable: Choice::Accept,
        }
    }
}

impl Settings {
    /// Sets some of the settings.
    ///
    /// ```
    /// use intake_plugin_archive::{Choice, Settings};
    ///
    /// let strict = Settings::default().with(|settings| settings.macros = Choice::Refuse);
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
                "max_members",
                self.max_members,
                1,
                1_000_000,
                "must be from 1 to 1,000,000",
            ),
            ("max_depth", u64::from(self.max_depth), 1, 16, "must be from 1 to 16"),
            (
                "max_inflated",
                self.max_inflated,
                1,
                u64::MAX,
                "must be greater than zero",
            ),
            ("max_member", self.max_member, 1, u64::MAX, "must be greater than zero"),
            ("max_ratio", self.max_ratio, 1, u64::MAX, "must be greater than zero"),
            (
                "max_window",
                self.max_window,
                MIB,
                128 * MIB,
                "must be from 1 MiB to 128 MiB",
            ),
        ];
        for (setting, value, least, most, why) in bounds {
            if !(least..=most).contains(&value) {
                return Err(ConfigError::at(setting, why));
            }
        }
        let least = self.deepest().div_ceil(MIB);
        if self.memory < self.deepest() {
            let why = format!("must be at least {least} MiB, so that there is enough for one upload with these limits");
            return Err(ConfigError::at("memory", why));
        }
        if self.wait > LONGEST_WAIT {
            return Err(ConfigError::at("wait", "must be at most an hour"));
        }
        Ok(())
    }

    /// The most memory that one upload may need of what is counted.
    pub(crate) fn deepest(&self) -> u64 {
        let lists = self.max_members.saturating_mul(BYTES_OF_MEMBER);
        // A level has a decoder or a long header, which takes less.
        most_memory(self.max_window)
            .saturating_mul(u64::from(self.max_depth))
            .saturating_add(lists)
    }
}
