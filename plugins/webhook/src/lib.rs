//! Sends events to URLs, as webhooks: signed, once for each call, and to public addresses only.
//!
//! Chosen by `use = "webhook"` in `[[notify]]`, or built in code:
//!
//! ```
//! use intake_core::Notifier;
//! use intake_plugin_webhook::{Settings, Webhook};
//!
//! let webhook = Webhook::new(Settings::default().with(|settings| {
//!     settings.deny_hosts = vec![".example.com".to_owned()];
//! }))?;
//! assert!(webhook.check("https://hooks.example.org/intake").is_ok());
//! assert!(webhook.check("https://127.0.0.1/").is_err());
//! # Ok::<(), intake_core::ConfigError>(())
//! ```
//!
//! A delivery bears two signatures over the same bytes: that of Uploadcare (`X-Uc-Signature`) and that of Standard Webhooks
//! (`webhook-signature`). The README has a table of headers, and what a receiver has to do.

mod answer;
mod attempt;
mod settings;
mod sign;
#[cfg(feature = "testkit")]
pub mod testkit;

use std::time::SystemTime;

use intake_core::{ConfigError, Fault, FromSettings, Message, Notifier, Plugin, Rejection, Sent, async_trait};
use intake_outbound::Connector;
#[cfg(feature = "testkit")]
use intake_outbound::Network;

use crate::settings::Config;
pub use crate::settings::Settings;

intake_core::inventory::submit! {
    Plugin::notifier::<Webhook>("webhook", "sends signed events to https URLs, at public addresses")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A notifier that sends events to the URLs for which projects subscribe.
///
/// The default sends to every public host over https. A running attempt has one connection of its own, and reads at most 4 KiB of
/// the answer's body.
#[derive(Debug)]
pub struct Webhook {
    config: Config,
    connector: Connector,
    /// The time of attempts, instead of now.
    time: Option<SystemTime>,
}

impl Webhook {
    /// A notifier with these settings. Opens nothing.
    ///
    /// # Errors
    ///
    /// The first invalid setting.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        let (config, rules, proxy) = Config::of(settings)?;
        let connector = Connector::new(rules, proxy, config.connect_timeout);
        Ok(Self {
            config,
            connector,
            time: None,
        })
    }

    /// The same notifier on another network: for tests, which answer lookups and record connections.
    #[cfg(feature = "testkit")]
    #[must_use]
    pub fn on_network(mut self, network: impl Network + 'static) -> Self {
        self.connector = self.connector.on_network(network);
        self
    }

    /// The same notifier with these root certificates (DER) instead of the machine's: for tests.
    #[cfg(feature = "testkit")]
    #[must_use]
    pub fn trusting(mut self, roots: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.connector = self.connector.trusting(roots);
        self
    }

    /// The same notifier, whose attempts are all made at this time: for tests.
    #[cfg(feature = "testkit")]
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }
}

impl FromSettings for Webhook {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        Self::new(settings)
    }
}

#[async_trait]
impl Notifier for Webhook {
    fn check(&self, target: &str) -> Result<(), Rejection> {
        self.judge(target).map(drop)
    }

    async fn send(&self, message: &Message) -> Sent {
        self.attempt(message).await
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.connector.ready().await
    }
}
