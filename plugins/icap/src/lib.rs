//! Scans uploads with an ICAP server (RFC 3507), while they come in.
//!
//! Chosen by `use = "icap"` in `[[scan]]`, or built in code:
//!
//! ```
//! use intake_core::FromSettings;
//! use intake_plugin_icap::{Icap, Settings};
//!
//! let scanner = Icap::from_settings(Settings::at("icap://127.0.0.1:1344/avscan"))?;
//! # let _ = scanner;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```
//!
//! A content is clean only if the server answers 204 after its end, or gives all of it back unchanged where it cannot answer 204.
//! Every other answer is a refusal, partial coverage or a [`Fault`], and so is silence. The client is written here; README.md says
//! why.

mod answer;
mod chunked;
mod client;
pub mod codes;
mod connection;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod head;
mod health;
mod judge;
mod message;
mod offer;
mod service;
mod session;
mod settings;
mod socket;
mod tally;
mod wording;

use std::fmt;
use std::sync::Arc;

use intake_core::{ConfigError, Fault, FromSettings, Head, OnPartial, Plugin, Scan, Scanner, async_trait};

use crate::client::Client;
use crate::health::SelfTest;
use crate::session::Session;
use crate::settings::Config;

pub use crate::session::ScanNote;
pub use crate::settings::{Method, Settings};

intake_core::inventory::submit! {
    Plugin::scanner::<Icap>("icap", "scans content with an ICAP server while it comes in")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A scanner that sends content to an ICAP server.
///
/// Each scan has a connection of its own, and holds up to some 200 KiB. Beside them is at most one more connection, for
/// [`ready`](Scanner::ready). Connections are kept for 15 seconds for the next upload.
pub struct Icap {
    client: Arc<Client>,
    self_test: SelfTest,
}

impl fmt::Debug for Icap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Icap")
            .field("config", &self.client.config)
            .finish_non_exhaustive()
    }
}

impl FromSettings for Icap {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            client: Arc::new(Client::new(Config::try_from(settings)?)),
            self_test: SelfTest::default(),
        })
    }
}

#[async_trait]
impl Scanner for Icap {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let place = self.client.place().await?;
        let opened = self.client.open().await?;
        let id = head.upload.id;
        Ok(Box::new(Session::new(
            Arc::clone(&self.client),
            opened,
            id,
            Some(place),
        )))
    }

    // What the server did not look at may be infected.
    fn on_partial(&self) -> OnPartial {
        OnPartial::Refuse
    }

    /// Checks that the service is there and takes the method. Unless switched off, and at most once in ten minutes after a
    /// success, it also checks that the service finds the EICAR test file, alone and in an archive of exactly `max_scan_size`
    /// bytes.
    async fn ready(&self) -> Result<(), Fault> {
        self.self_test.ready(&self.client).await
    }
}
