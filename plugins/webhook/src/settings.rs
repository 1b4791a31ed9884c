//! The settings of the plugin and their defaults.

use std::time::Duration;

use intake_core::ConfigError;
use intake_outbound::setting::{hosts, period, ports};
use intake_outbound::{Proxy, Rules};
use serde::Deserialize;

/// The longest URL of a target, in bytes.
const LONGEST: usize = 2048;

/// The settings of `webhook`. All are optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The ports that events are sent to; 80 and 443 if not set.
    pub ports: Option<Vec<u16>>,
    /// The only hosts that events are sent to; all if empty.
    pub allow_hosts: Vec<String>,
    /// Hosts, addresses and ranges that events are not sent to, even if they are allowed or open.
    pub deny_hosts: Vec<String>,
    /// Hosts, addresses and ranges that events may be sent to although they are not public.
    pub open: Vec<String>,
    /// `http://host:port` of a proxy through which everything is sent.
    pub proxy: Option<String>,
    /// Whether events may be sent without TLS; no if not set.
    pub allow_http: Option<bool>,
    /// How long lookup, connection and TLS handshake may take; 5 seconds if not set.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Option<Duration>,
    /// How long an attempt may take, from the lookup to the head of the answer; 15 seconds if not set.
    #[serde(with = "humantime_serde")]
    pub timeout: Option<Duration>,
}

impl Settings {
    /// Sets some of the settings.
    ///
    /// ```
    /// use intake_plugin_webhook::Settings;
    ///
    /// let settings = Settings::default().with(|settings| settings.allow_http = Some(true));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// Checked settings that are not for the connector, with the defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) allow_http: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
}

impl Config {
    /// Checks the settings: those of the attempts, and those of the connector.
    pub(crate) fn of(settings: Settings) -> Result<(Self, Rules, Option<Proxy>), ConfigError> {
        let rules = Rules::default();
        let no_event = "no event could be sent";
        let ports = ports("ports", settings.ports, rules.ports.clone(), no_event)?;
        let allow = hosts("allow_hosts", &settings.allow_hosts)?;
        let deny = hosts("deny_hosts", &settings.deny_hosts)?;
        let open = hosts("open", &settings.open)?;
        let rules = rules.with(|rules| {
            rules.longest = LONGEST;
            (rules.ports, rules.allow, rules.deny, rules.open) = (ports, allow, deny, open);
        });
        let proxy = settings.proxy.map(|text| Proxy::from_setting("proxy", &text));
        let seconds = Duration::from_secs;
        let config = Self {
            allow_http: settings.allow_http.unwrap_or_default(),
            connect_timeout: period("connect_timeout", settings.connect_timeout, seconds(5))?,
            timeout: period("timeout", settings.timeout, seconds(15))?,
        };
        Ok((config, rules, proxy.transpose()?))
    }
}
