//! Fetches uploads from URLs that strangers name, and never reaches inside.
//!
//! Chosen by `use = "http-source"` in `[receive.pull]`, or built in code:
//!
//! ```
//! use intake_plugin_http_source::{HttpSource, Settings};
//!
//! let receiver = HttpSource::new(Settings {
//!     deny_hosts: vec!["*.example.com".to_owned()],
//!     max_redirects: Some(2),
//!     ..Settings::default()
//! })?;
//! # let _ = receiver;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```
//!
//! A source is read once, by the URL standard; its host is looked up once for each hop; every address that the answer holds
//! is judged; and one of just these addresses is connected to, by a connection that is made for one request. No second
//! answer can slip in between, because none is asked for. Redirects are followed here, hop by hop, each judged as if it
//! had been named.

mod address;
mod client;
pub mod codes;
mod coding;
mod endings;
mod exchange;
mod fetch;
mod hosts;
mod names;
#[cfg_attr(
    not(feature = "testkit"),
    allow(unreachable_pub, reason = "only a test has another network")
)]
mod network;
mod ranges;
mod settings;
mod target;
mod unpack;

use std::sync::Arc;

use intake_core::{ConfigError, Error, Fault, FromSettings, Incoming, Plugin, Receiver, async_trait};

use crate::client::Client;
use crate::endings::Budget;
use crate::network::System;
use crate::settings::Config;

#[cfg(feature = "testkit")]
pub use crate::network::{Io, LookupError, Network};
pub use crate::settings::Settings;

intake_core::inventory::submit! {
    Plugin::receiver::<HttpSource>("http-source", "fetches http and https URLs, from public addresses only")
}

/// A receiver that fetches what a URL names, if it is public.
///
/// The default fetches from every public host, at ports 80 and 443. An upload that is under way has one connection and at
/// most 64 KiB in buffers.
#[derive(Debug)]
pub struct HttpSource(Client);

impl HttpSource {
    /// A receiver with these settings. Opens nothing.
    ///
    /// # Errors
    ///
    /// The first setting that makes no sense.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        Ok(Self::with(settings.try_into()?))
    }

    fn with(config: Config) -> Self {
        Self(Client::new(config, Arc::new(System::default())))
    }

    /// The same receiver on another network: for tests, which answer names and see what would be connected to.
    #[cfg(feature = "testkit")]
    #[must_use]
    pub fn on_network(mut self, network: impl Network + 'static) -> Self {
        self.0.network = Arc::new(network);
        self
    }

    /// The same receiver, going by these certificates (DER) instead of the machine's: for tests.
    #[cfg(feature = "testkit")]
    #[must_use]
    pub fn trusting(mut self, roots: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.0.roots = Some(roots.into_iter().map(Into::into).collect());
        self
    }
}

impl Default for HttpSource {
    fn default() -> Self {
        Self::with(Config::default())
    }
}

impl FromSettings for HttpSource {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        Self::new(settings)
    }
}

#[async_trait]
impl Receiver for HttpSource {
    async fn judge(&self, source: &str) -> Result<(), Error> {
        self.0.judge(source).await
    }

    async fn receive(&self, source: &str) -> Result<Incoming, Error> {
        self.0.fetch(source).await
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.0.tls().await?;
        if let Some(proxy) = &self.0.config.proxy {
            let within = self.0.config.connect_timeout;
            let dialled = Budget::new(within).spend(within, self.0.dial_proxy(proxy)).await;
            dialled.map_err(|slow| {
                Fault::new(codes::PROXY_FAILED, "the egress proxy is too slow")
                    .retryable()
                    .because(slow)
            })??;
        }
        Ok(())
    }
}
