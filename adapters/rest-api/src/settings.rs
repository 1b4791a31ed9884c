//! `[rest_api]`: who may ask, how often, and the addresses in answers. `[[projects]]` has the secrets.

use std::net::IpAddr;
use std::time::Duration;

use intake_core::permits::share_of;
use intake_core::project::Rate;
use intake_core::{ConfigError, ConfigErrors};
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// The settings of the adapter. Reading them opens nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The URL by which clients reach this API, such as `https://api.example.com`: the beginning of the addresses of files, groups
    /// and pages. By default they begin with `http://` and the host in the request.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The URL by which readers reach the files, such as `https://cdn.example.com`: the beginning of `original_file_url` and
    /// `cdn_url`. By default these are null; the program takes `base_url` of `[delivery]` if that is set.
    #[serde(default)]
    pub cdn_base: Option<String>,
    /// Whether a client may send its secret itself (`Uploadcare.Simple`) over a connection without TLS: for tests on one machine.
    /// A proxy that ends TLS says so in `X-Forwarded-Proto`; see `trusted_proxies`.
    #[serde(default)]
    pub allow_simple_over_http: bool,
    /// Trusted proxies, as networks such as `10.0.0.0/8` or single addresses: what they say in `X-Forwarded-For` and
    /// `X-Forwarded-Proto` counts. The program takes those of `[upload_api]` if there are none here.
    #[serde(default, deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// The rate of requests of one project, such as `600/min`. Its own `max_requests` counts too. By default there is no limit.
    #[serde(default)]
    pub max_requests_per_project: Option<Rate>,
    /// The rate of requests from one address, whether they are authorized or not. By default there is no limit.
    #[serde(default)]
    pub max_requests_per_ip: Option<Rate>,
    /// The most requests under way; more wait. Each holds memory for its body and its answer.
    #[serde(default = "Settings::requests")]
    pub max_concurrent_requests: usize,
    /// The most requests under way from one address. By default an eighth of `max_concurrent_requests`.
    #[serde(default)]
    pub max_concurrent_requests_per_ip: Option<usize>,
    /// How long a request waits if the most are under way. Then it is answered with 429 and `Retry-After`.
    #[serde(default = "Settings::queue", with = "humantime_serde")]
    pub queue_timeout: Duration,
    /// The longest time for the body of a request to arrive.
    #[serde(default = "Settings::body", with = "humantime_serde")]
    pub body_timeout: Duration,
    /// By how much the date of a signed request may differ from the time of this machine.
    #[serde(default = "Settings::skew", with = "humantime_serde")]
    pub max_skew: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: None,
            cdn_base: None,
            allow_simple_over_http: false,
            trusted_proxies: Vec::new(),
            max_requests_per_project: None,
            max_requests_per_ip: None,
            max_concurrent_requests: Self::requests(),
            max_concurrent_requests_per_ip: None,
            queue_timeout: Self::queue(),
            body_timeout: Self::body(),
            max_skew: Self::skew(),
        }
    }
}

impl Settings {
    /// Sets some of the settings.
    ///
    /// ```
    /// use intake_rest_api::Settings;
    ///
    /// let settings = Settings::default().with(|settings| settings.allow_simple_over_http = true);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Each may hold a page of files.
    fn requests() -> usize {
        64
    }

    fn queue() -> Duration {
        Duration::from_secs(5)
    }

    /// A body is a quarter of a MiB at most.
    fn body() -> Duration {
        Duration::from_secs(30)
    }

    /// The service has the same.
    fn skew() -> Duration {
        Duration::from_secs(15 * 60)
    }

    /// The most requests of one address under way.
    #[must_use]
    pub fn max_concurrent_requests_per_ip(&self) -> usize {
        self.max_concurrent_requests_per_ip
            .unwrap_or(share_of(self.max_concurrent_requests))
    }

    /// Checks the settings together.
    ///
    /// # Errors
    ///
    /// All errors, each with its position.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        let positive = [
            ("max_concurrent_requests", self.max_concurrent_requests > 0),
            (
                "max_concurrent_requests_per_ip",
                self.max_concurrent_requests_per_ip != Some(0),
            ),
            ("body_timeout", !self.body_timeout.is_zero()),
            ("max_skew", !self.max_skew.is_zero()),
        ];
        let positive = positive.iter().filter(|(_, fits)| !fits);
        let positive = positive.map(|(key, _)| ConfigError::at(*key, "must be greater than zero"));
        let urls = [("base_url", &self.base_url), ("cdn_base", &self.cdn_base)];
        let urls = urls
            .into_iter()
            .filter_map(|(key, url)| check_url(key, url.as_deref()?).err());
        let errors: Vec<_> = positive.chain(urls).collect();
        match errors.is_empty() {
            true => Ok(()),
            false => Err(ConfigErrors(errors)),
        }
    }
}

/// Reads networks, and single addresses as networks of one.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let network = |text: String| {
        let read = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        read.map_err(|_| {
            let message =
                format!(r#"expected a network such as "10.0.0.0/8", or an address such as "10.0.0.1"; found {text:?}"#);
            D::Error::custom(message)
        })
    };
    texts.into_iter().map(network).collect()
}

fn check_url(key: &str, url: &str) -> Result<(), ConfigError> {
    let wrong = |what: &str| Err(ConfigError::at(key, what));
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return wrong("must begin with https:// or http://");
    };
    if rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#', '@', ' ']) {
        return wrong("must be a host, maybe with a port and a path, such as https://api.example.com");
    }
    Ok(())
}
