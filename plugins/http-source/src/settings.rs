//! The settings of the plugin and their defaults.

use std::time::Duration;

use hyper::header::HeaderValue;
use intake_core::{ConfigError, LeastRate};
use intake_outbound::setting::{hosts, period, ports};
use intake_outbound::{Proxy, Rules};
use serde::Deserialize;

/// More redirects than any real source has.
const MOST_REDIRECTS: u8 = 20;

/// The settings of `http-source`. All are optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The ports that are fetched from; 80 and 443 if not set.
    pub ports: Option<Vec<u16>>,
    /// The only hosts that are fetched from; all if empty.
    pub allow_hosts: Vec<String>,
    /// Hosts, addresses and ranges that are not fetched from, even if they are allowed or open.
    pub deny_hosts: Vec<String>,
    /// Hosts, addresses and ranges that may be fetched from although they are not public.
    pub open: Vec<String>,
    /// `http://host:port` of a proxy through which everything is fetched.
    pub proxy: Option<String>,
    /// Whether a redirect may lead from https to http; no if not set.
    pub allow_downgrade: Option<bool>,
    /// How many redirects are followed, up to 20; 5 if not set.
    pub max_redirects: Option<u8>,
    /// How long lookup, connection and TLS handshake of a hop may take; 10 seconds if not set.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Option<Duration>,
    /// How long a hop may take from the request to the end of the answer's head; 30 seconds if not set.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Option<Duration>,
    /// How long the source may send no byte, or send more slowly than `min_rate`; 30 seconds if not set.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Option<Duration>,
    /// The least bytes a second from a source, on average over `idle_timeout`; 500 if not set, 0 for no limit.
    #[serde(with = "intake_core::byte_count::option")]
    pub min_rate: Option<u64>,
    /// How long the whole fetch may take, from the first hop to the last byte; 30 minutes if not set.
    #[serde(with = "humantime_serde")]
    pub timeout: Option<Duration>,
    /// The `User-Agent` of requests; `intake/` and the version if not set.
    pub user_agent: Option<String>,
}

impl Settings {
    /// Sets some of the settings.
    ///
    /// ```
    /// use intake_plugin_http_source::Settings;
    ///
    /// let settings = Settings::default().with(|settings| settings.max_redirects = Some(2));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// Checked settings, with the defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) rules: Rules,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) allow_downgrade: bool,
    pub(crate) max_redirects: u8,
    pub(crate) connect_timeout: Duration,
    pub(crate) header_timeout: Duration,
    pub(crate) rate: LeastRate,
    pub(crate) timeout: Duration,
    pub(crate) user_agent: HeaderValue,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            proxy: None,
            allow_downgrade: false,
            max_redirects: 5,
            connect_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            rate: LeastRate {
                bytes_per_second: LeastRate::USUAL,
                window: Duration::from_secs(30),
            },
            timeout: Duration::from_secs(30 * 60),
            user_agent: HeaderValue::from_static(concat!("intake/", env!("CARGO_PKG_VERSION"))),
        }
    }
}

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    fn try_from(settings: Settings) -> Result<Self, ConfigError> {
        let usual = Self::default();
        let rules = Rules::default();
        let no_source = "no source could be fetched";
        let ports = ports("ports", settings.ports, rules.ports.clone(), no_source)?;
        let allow = hosts("allow_hosts", &settings.allow_hosts)?;
        let deny = hosts("deny_hosts", &settings.deny_hosts)?;
        let open = hosts("open", &settings.open)?;
        let rules = rules.with(|rules| (rules.ports, rules.allow, rules.deny, rules.open) = (ports, allow, deny, open));
        let max_redirects = settings.max_redirects.unwrap_or(usual.max_redirects);
        if max_redirects > MOST_REDIRECTS {
            return Err(ConfigError::at(
                "max_redirects",
                format!("must be at most {MOST_REDIRECTS}"),
            ));
        }
        let user_agent = match settings.user_agent {
            None => usual.user_agent,
            Some(text) => match HeaderValue::try_from(&text) {
                Ok(value) if !text.is_empty() => value,
                _ => return Err(ConfigError::at("user_agent", "must be a text without line ends")),
            },
        };
        Ok(Self {
            rules,
            proxy: settings
                .proxy
                .map(|text| Proxy::from_setting("proxy", &text))
                .transpose()?,
            allow_downgrade: settings.allow_downgrade.unwrap_or_default(),
            max_redirects,
            connect_timeout: period("connect_timeout", settings.connect_timeout, usual.connect_timeout)?,
            header_timeout: period("header_timeout", settings.header_timeout, usual.header_timeout)?,
            rate: LeastRate {
                bytes_per_second: settings.min_rate.unwrap_or(usual.rate.bytes_per_second),
                window: period("idle_timeout", settings.idle_timeout, usual.rate.window)?,
            },
            timeout: period("timeout", settings.timeout, usual.timeout)?,
            user_agent,
        })
    }
}
