//! The settings of the plugin and their defaults.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use intake_core::ConfigError;
use serde::Deserialize;

/// The libraries of Debian's ffprobe alone take 350 MiB of addresses.
const LEAST_MEMORY: u64 = 512 << 20;
/// Each is a process that takes a processor.
const MOST_AT_A_TIME: usize = 64;

/// The settings of `ffprobe`, all of which may be left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The program: its absolute path, or a name that is looked for in `PATH` at the start. `ffprobe` unless set.
    pub program: PathBuf,
    /// The program of util-linux that sets limits, as above. `prlimit` unless set.
    pub prlimit: PathBuf,
    /// How many processes run at a time: 2 unless set, 64 at most.
    pub at_a_time: usize,
    /// How long a file waits for a process: 30 seconds unless set.
    #[serde(with = "humantime_serde")]
    pub wait: Duration,
    /// How long a process may take: 10 seconds unless set.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// The memory that a process may map, its libraries included: 1 GiB unless set, 512 MiB at least.
    pub memory: ByteSize,
    /// A file that is larger is not looked at: 1 GiB unless set.
    pub max_size: ByteSize,
    /// Where files are kept until their last byte has come. The folder for temporary files unless set.
    pub spool_folder: Option<PathBuf>,
    /// How much of the disk all files may take there: 4 GiB unless set. A file that finds no room is not looked at.
    pub spool_size: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            program: "ffprobe".into(),
            prlimit: "prlimit".into(),
            at_a_time: 2,
            wait: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            memory: ByteSize::gib(1),
            max_size: ByteSize::gib(1),
            spool_folder: None,
            spool_size: ByteSize::gib(4),
        }
    }
}

impl Settings {
    /// Changes some of the settings.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// # Errors
    ///
    /// If a setting makes no sense, with its place.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        for (key, path) in [("program", &self.program), ("prlimit", &self.prlimit)] {
            let is_name = path.components().count() == 1 && path.file_name().is_some();
            if !is_name && !path.is_absolute() {
                return Err(ConfigError::at(
                    key,
                    "must be an absolute path, or the name of a program in PATH",
                ));
            }
        }
        if !(1..=MOST_AT_A_TIME).contains(&self.at_a_time) {
            return Err(ConfigError::at(
                "at_a_time",
                format!("must be from 1 to {MOST_AT_A_TIME}"),
            ));
        }
        for (key, time) in [("wait", self.wait), ("timeout", self.timeout)] {
            if time.is_zero() {
                return Err(ConfigError::at(key, "must be greater than zero"));
            }
        }
        if self.memory.as_u64() < LEAST_MEMORY {
            let message = "must be at least 512 MiB: the libraries of ffprobe alone take 350 MiB";
            return Err(ConfigError::at("memory", message));
        }
        if self.max_size.as_u64() == 0 {
            return Err(ConfigError::at("max_size", "must be greater than zero"));
        }
        if self.spool_size < self.max_size {
            return Err(ConfigError::at(
                "spool_size",
                "must be at least `max_size`, so that a file has room",
            ));
        }
        Ok(())
    }
}
