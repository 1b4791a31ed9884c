//! Scans uploads with clamd, while they come in.
//!
//! Chosen by `use = "clamav"` in `[[scan]]`, or built in code:
//!
//! ```
//! use intake_plugin_clamav::{ClamAv, OnLimits};
//!
//! let scanner = ClamAv::at("127.0.0.1:3310").max_scan_size(100 << 20).on_limits(OnLimits::Accept);
//! ```
//!
//! Clean is what clamd calls clean in so many words, after the last byte. Whatever else it says is a refusal or a
//! [`Fault`], and so is silence. What it did not look at from end to end is [`OnLimits`]' to decide: clamd's own limits
//! make it call content clean that it never read, so `max_scan_size` must not be above them, and
//! [`ready`](Scanner::ready) tries that it is not.

mod health;
mod protocol;
mod session;
mod settings;
#[cfg(feature = "testkit")]
pub mod testkit;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use intake_core::{ConfigError, Fault, FromSettings, Head, Plugin, Scan, Scanner, async_trait};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::health::{Engine, SelfTest};
use crate::protocol::{Address, Stream};
use crate::session::Session;
use crate::settings::{Config, LARGEST, MOST_CONNECTIONS};

pub use crate::session::ScanNote;
pub use crate::settings::{OnLimits, Settings};

/// The codes of this plugin's refusals and faults.
pub mod codes {
    use intake_core::Code;

    /// Refused: a signature matches; the subject is its name.
    pub const INFECTED: Code = Code::new("infected");
    /// Refused: the content is larger, or packed deeper, than the scanner looks.
    pub const SCAN_INCOMPLETE: Code = Code::new("scan_incomplete");
    /// Fault: the scanner is not there, or has no place left.
    pub const SCANNER_UNAVAILABLE: Code = Code::new("scanner_unavailable");
    /// Fault: the scanner is there and gave no verdict.
    pub const SCANNER_FAILED: Code = Code::new("scanner_failed");
}

intake_core::inventory::submit! {
    Plugin::scanner::<ClamAv>("clamav", "scans content with ClamAV's clamd while it comes in")
}

/// A scanner that hands content to clamd.
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

    /// How long clamd may take to accept 128 KiB, or to answer what is no scan; 30 seconds if not set.
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

    /// What becomes of a content that was not looked at from end to end; refused if not set.
    #[must_use]
    pub fn on_limits(self, on_limits: OnLimits) -> Self {
        self.with(|config| config.on_limits = on_limits)
    }

    /// Has [`ready`](Scanner::ready) only ask whether clamd is there, and not whether it finds anything.
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
}

#[async_trait]
impl Scanner for ClamAv {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let Ok(Ok(place)) = timeout(self.config.wait, self.places.clone().acquire_owned()).await else {
            let connections = self.config.connections;
            let message = format!("clamd is scanning {connections} contents already, and goes on to");
            return Err(Fault::new(codes::SCANNER_UNAVAILABLE, message).retryable());
        };
        let stream = Stream::open(&self.config).await?;
        Ok(Box::new(Session::new(
            self.config.clone(),
            self.engine.clone(),
            place,
            stream,
        )))
    }

    /// Whether clamd answers. Also, unless switched off, and not again within ten minutes of a success: whether it finds
    /// the EICAR test file, alone and in an archive of just `max_scan_size` bytes.
    async fn ready(&self) -> Result<(), Fault> {
        self.self_test.ready(&self.config).await
    }
}
