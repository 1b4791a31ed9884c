//! Scans uploads with clamd, while they come in.
//!
//! Chosen by `use = "clamav"` in `[[scan]]`, or built in code:
//!
//! ```
//! use intake_plugin_clamav::ClamAv;
//!
//! let scanner = ClamAv::at("127.0.0.1:3310").max_scan_size(100 << 20).accept_partly_scanned();
//! ```
//!
//! A content is clean only if clamd answers `OK` after the last byte. Every other answer is a refusal or a [`Fault`], and
//! so is silence. Content that clamd did not scan completely is refused, unless the pipeline is told to accept it. clamd's own
//! limits make it call content clean that it never read, so `max_scan_size` must not be above them; [`ready`](Scanner::ready)
//! tests that.

mod address;
mod answer;
pub mod codes;
mod connection;
mod content;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod health;
mod session;
mod settings;
#[cfg(feature = "testkit")]
pub mod testkit;
mod version;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use intake_core::{
    ConfigError, ConfigErrors, Fault, FromSettings, Head, OnPartial, Plugin, Scan, Scanner, Settings as Table,
    async_trait,
};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::address::Address;
use crate::content::Content;
use crate::health::{Engine, SelfTest};
use crate::session::Session;
use crate::settings::{Config, LARGEST, MOST_CONNECTIONS};

pub use crate::session::ScanNote;
pub use crate::settings::Settings;

intake_core::inventory::submit! {
    Plugin::scanner::<ClamAv>("clamav", "scans content with ClamAV's clamd while it comes in")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A scanner that sends content to clamd.
///
/// Each scan has a connection of its own, and holds up to 128 KiB. Beside them are at most two more connections, one for
/// [`ready`](Scanner::ready) and one that asks for the version.
#[derive(Debug)]
pub struct ClamAv {
    config: Arc<Config>,
    places: Arc<Semaphore>,
    engine: Arc<Engine>,
    self_test: SelfTest,
}

impl ClamAv {
    /// A scanner whose clamd listens on TCP, at `host:port`.
    pub fn at(address: impl Into<String>) -> Self {
        Config::new(Address::Tcp(address.into())).into()
    }

    /// A scanner whose clamd listens on a Unix socket.
    pub fn on_socket(path: impl Into<PathBuf>) -> Self {
        Config::new(Address::Unix(path.into())).into()
    }

    /// How many contents are scanned at a time, from 1 to 4096; 32 if not set. Further ones wait.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        let connections = connections.clamp(1, MOST_CONNECTIONS);
        self.places = Arc::new(Semaphore::new(connections));
        self.with(|config| config.connections = connections)
    }

    /// How long a content waits until fewer are scanned; 10 seconds if not set.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        self.with(|config| config.wait = wait)
    }

    /// How long connecting may take; 5 seconds if not set.
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.with(|config| config.connect_timeout = timeout)
    }

    /// How long clamd may take to read 128 KiB, or to answer a command other than a scan; 30 seconds if not set.
    #[must_use]
    pub fn io_timeout(self, timeout: Duration) -> Self {
        self.with(|config| config.io_timeout = timeout)
    }

    /// How long clamd may take to answer after the last byte; 150 seconds if not set.
    #[must_use]
    pub fn scan_timeout(self, timeout: Duration) -> Self {
        self.with(|config| config.scan_timeout = timeout)
    }

    /// How many bytes of a content are scanned, at most 2,147,483,645; 25 MiB if not set. Must not be more than clamd's
    /// `MaxFileSize` and `StreamMaxLength`.
    #[must_use]
    pub fn max_scan_size(self, bytes: u64) -> Self {
        self.with(|config| config.max_scan_size = bytes.min(LARGEST))
    }

    /// Accepts content that was not scanned completely, and in which nothing was found; it is refused if not set. Its record
    /// says what was not scanned.
    #[must_use]
    pub fn accept_partly_scanned(self) -> Self {
        self.with(|config| config.on_partial = OnPartial::Accept)
    }

    /// clamd's `MaxScanSize` in bytes, `MaxFiles` and `MaxRecursion`, if they are not 100 MiB, 10,000 and 16: what is beyond them in
    /// an archive may be called clean, so it counts as not scanned. Its `MaxFileSize` is `max_scan_size`.
    #[must_use]
    pub fn archive_limits(self, max_unpacked_size: u64, max_members: u64, max_depth: u64) -> Self {
        self.with(|config| {
            let limits = &mut config.limits;
            (limits.inflated, limits.members, limits.depth) = (max_unpacked_size, max_members, max_depth);
        })
    }

    /// Makes [`ready`](Scanner::ready) only check that clamd answers, and not that it finds the EICAR test file.
    #[must_use]
    pub fn without_self_test(self) -> Self {
        self.with(|config| config.self_test = false)
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl From<Config> for ClamAv {
    fn from(config: Config) -> Self {
        Self {
            places: Arc::new(Semaphore::new(config.connections)),
            config: Arc::new(config),
            engine: Arc::default(),
            self_test: SelfTest::default(),
        }
    }
}

impl FromSettings for ClamAv {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        Config::try_from(settings).map(Self::from)
    }

    fn from_table(settings: Table) -> Result<Self, ConfigErrors> {
        settings.make_unless_renamed(&[("on_limits", "on_partial")], Self::from_settings)
    }
}

#[async_trait]
impl Scanner for ClamAv {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let Ok(Ok(place)) = timeout(self.config.wait, self.places.clone().acquire_owned()).await else {
            let connections = self.config.connections;
            let message = format!("all {connections} connections to clamd stayed in use (connections, wait)");
            return Err(Fault::new(codes::SCANNER_UNAVAILABLE, message).retryable());
        };
        let content = Content::open(&self.config).await?;
        Ok(Box::new(Session::new(
            self.config.clone(),
            self.engine.clone(),
            place,
            content,
        )))
    }

    fn on_partial(&self) -> OnPartial {
        self.config.on_partial
    }

    async fn engine(&self) -> Result<Option<intake_core::inspection::Engine>, Fault> {
        let version = self.engine.version(&self.config).await;
        Ok(version.map(|said| version::engine(&said)))
    }

    /// Checks that clamd answers, and warns of a version that a file can harm. Unless switched off, and at most once in ten minutes after a success, it also checks that
    /// clamd finds the EICAR test file, alone and in an archive of exactly `max_scan_size` bytes.
    async fn ready(&self) -> Result<(), Fault> {
        self.self_test.ready(&self.config).await?;
        self.engine.warn_of_version(&self.config).await;
        Ok(())
    }
}
