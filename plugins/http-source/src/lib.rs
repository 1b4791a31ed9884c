//! Fetches uploads from untrusted URLs, and connects to public addresses only.
//!
//! Chosen by `use = "http-source"` in `[receive.pull]`, or built in code:
//!
//! ```
//! use intake_plugin_http_source::{HttpSource, Settings};
//!
//! let fetcher = HttpSource::new(Settings::default().with(|settings| {
//!     settings.deny_hosts = vec!["*.example.com".to_owned()];
//!     settings.max_redirects = Some(2);
//! }))?;
//! # let _ = fetcher;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```
//!
//! A source is parsed once, by the URL standard. For each hop its host is looked up once, every address of the answer is
//! judged, and one of these addresses is connected to, by a new connection for one request. A second lookup with another
//! answer cannot happen. Redirects are followed here, and each is judged like a source.

pub mod codes;
mod coding;
mod error;
mod fetch;
mod file_name;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod settings;
mod unpack;

use intake_core::{ConfigError, Error, Fault, Fetcher, FromSettings, Incoming, Plugin, async_trait};
use intake_outbound::Connector;

use crate::fetch::Client;
use crate::settings::Config;

pub use crate::settings::Settings;
#[cfg(feature = "testkit")]
pub use intake_outbound::{Io, LookupError, Network};

intake_core::inventory::submit! {
    Plugin::fetcher::<HttpSource>("http-source", "fetches http and https URLs, from public addresses only")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A fetcher that fetches files from URLs, if their hosts are public.
///
/// The default fetches from every public host, at ports 80 and 443. A running upload has one connection and at most 64 KiB in
/// buffers.
#[derive(Debug)]
pub struct HttpSource(Client);

impl HttpSource {
    /// A fetcher with these settings. Opens nothing.
    ///
    /// # Errors
    ///
    /// The first invalid setting.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        Ok(Self::with(settings.try_into()?))
    }

    fn with(config: Config) -> Self {
        let connector = Connector::new(config.rules.clone(), config.proxy.clone(), config.connect_timeout);
        Self(Client { config, connector })
    }

    /// The same fetcher on another network: for tests, which answer lookups and record connections.
    #[cfg(feature = "testkit")]
    #[must_use]
    pub fn on_network(mut self, network: impl Network + 'static) -> Self {
        self.0.connector = self.0.connector.on_network(network);
        self
    }

    /// The same fetcher with these root certificates (DER) instead of the machine's: for tests.
    #[cfg(feature = "testkit")]
    #[must_use]
    pub fn trusting(mut self, roots: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.0.connector = self.0.connector.trusting(roots);
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
impl Fetcher for HttpSource {
    async fn judge(&self, source: &str) -> Result<(), Error> {
        self.0.judge(source).await
    }

    async fn receive(&self, source: &str) -> Result<Incoming, Error> {
        self.0.fetch(source).await
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.0.connector.ready().await
    }
}
