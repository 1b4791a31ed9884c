//! `[upload_api]`: the limits of requests. `[[projects]]` lists the projects.

use std::net::IpAddr;
use std::time::Duration;

use intake_core::permits::share_of;
use intake_core::project::Rate;
use intake_core::{ConfigError, ConfigErrors, LeastRate};
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// The settings of the adapter. Reading them opens nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The URL by which clients reach this server, such as `https://upload.example.com`: the beginning of the URLs of parts. By
    /// default they begin with `http://` and the host in the request.
    #[serde(default)]
    pub public_url: Option<String>,
    /// The beginning of the URLs of groups, such as `https://cdn.example.com`. By default the same as of parts.
    #[serde(default)]
    pub cdn_url: Option<String>,
    /// The most bytes of one file in a `POST /base/`. Larger files are uploaded in parts.
    #[serde(default = "Settings::direct_size", with = "intake_core::byte_count")]
    pub max_direct_size: u64,
    /// The most files in a request.
    #[serde(default = "Settings::files")]
    pub max_files: usize,
    /// The most fields in a request that are not files, in body and query together.
    #[serde(default = "Settings::fields")]
    pub max_fields: usize,
    /// The most files in a group.
    #[serde(default = "Settings::group_files")]
    pub max_group_files: usize,
    /// The most requests under way, to all endpoints; more wait. Each holds memory for its parameters.
    #[serde(default = "Settings::requests")]
    pub max_concurrent_requests: usize,
    /// The most requests under way from one address. By default an eighth of `max_concurrent_requests`.
    #[serde(default)]
    pub max_concurrent_requests_per_ip: Option<usize>,
    /// The most files under way, including those of a request that has not ended; more wait. Each holds memory, an open file of
    /// the store, and a connection to each scanner.
    #[serde(default = "Settings::uploads")]
    pub max_uploads: usize,
    /// The most files under way from one address, so that no client has all. By default an eighth of `max_uploads`.
    #[serde(default)]
    pub max_uploads_per_ip: Option<usize>,
    /// The rate of requests from one address, such as `600/min`; more wait. By default there is no limit.
    #[serde(default)]
    pub max_requests_per_ip: Option<Rate>,
    /// How long a request waits if the most requests or files are under way, or if its address exceeds its rate; at most this
    /// long for each of the three. Then it is answered with 429 and `Retry-After`. 0: it does not wait.
    #[serde(default = "Settings::queue", with = "humantime_serde")]
    pub queue_timeout: Duration,
    /// Trusted proxies, as networks such as `10.0.0.0/8` or single addresses: the client's address is the one that they add to
    /// `X-Forwarded-For`.
    #[serde(default, deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// How long a sender may send nothing, and how long it may send more slowly than `min_rate`.
    #[serde(default = "Settings::idle", with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// The bytes per second at which a body has to arrive, on average over `idle_timeout`. 0: no minimum.
    #[serde(default = "Settings::rate", with = "intake_core::byte_count")]
    pub min_rate: u64,
    /// The longest time for the whole body of a request with parameters and no files.
    #[serde(default = "Settings::params", with = "humantime_serde")]
    pub params_timeout: Duration,
    /// Bytes that are read and dropped so that a refused sender receives the error: many read only after they have sent.
    #[serde(default = "Settings::drain", with = "intake_core::byte_count")]
    pub drain_size: u64,
    /// The longest time for that.
    #[serde(default = "Settings::drain_for", with = "humantime_serde")]
    pub drain_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: None,
            cdn_url: None,
            max_direct_size: Self::direct_size(),
            max_files: Self::files(),
            max_fields: Self::fields(),
            max_group_files: Self::group_files(),
            max_concurrent_requests: Self::requests(),
            max_concurrent_requests_per_ip: None,
            max_uploads: Self::uploads(),
            max_uploads_per_ip: None,
            max_requests_per_ip: None,
            queue_timeout: Self::queue(),
            trusted_proxies: Vec::new(),
            idle_timeout: Self::idle(),
            min_rate: Self::rate(),
            params_timeout: Self::params(),
            drain_size: Self::drain(),
            drain_timeout: Self::drain_for(),
        }
    }
}

impl Settings {
    /// Sets some of the settings.
    ///
    /// ```
    /// use intake_upload_api::Settings;
    ///
    /// let settings = Settings::default().with(|settings| settings.max_files = 5);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The settings whose names have changed, each with its name in earlier versions and its name now.
    pub const RENAMED: &'static [(&'static str, &'static str)] = &[
        ("max_concurrent_requests_of_address", "max_concurrent_requests_per_ip"),
        ("max_uploads_of_address", "max_uploads_per_ip"),
        ("max_requests_of_address", "max_requests_per_ip"),
    ];

    /// The reference: "files smaller than 100 megabytes only".
    fn direct_size() -> u64 {
        100 << 20
    }

    /// Each waits, accepted and not yet committed, until the last one of the request is read.
    fn files() -> usize {
        20
    }

    /// All known fields, and 50 of metadata.
    fn fields() -> usize {
        100
    }

    /// The most that published clients send is unknown; each file is looked up.
    fn group_files() -> usize {
        1000
    }

    fn requests() -> usize {
        512
    }

    fn uploads() -> usize {
        512
    }

    /// Shorter than clients wait for an answer, and long enough to slow down a client that floods the server.
    fn queue() -> Duration {
        Duration::from_secs(5)
    }

    fn idle() -> Duration {
        Duration::from_secs(30)
    }

    fn rate() -> u64 {
        LeastRate::USUAL
    }

    /// They are half a MiB at most.
    fn params() -> Duration {
        Duration::from_secs(30)
    }

    fn drain() -> u64 {
        100 << 20
    }

    fn drain_for() -> Duration {
        Duration::from_secs(30)
    }

    /// The most files of one address under way.
    #[must_use]
    pub fn max_uploads_per_ip(&self) -> usize {
        self.max_uploads_per_ip.unwrap_or(share_of(self.max_uploads))
    }

    /// The most requests of one address under way.
    #[must_use]
    pub fn max_concurrent_requests_per_ip(&self) -> usize {
        self.max_concurrent_requests_per_ip
            .unwrap_or(share_of(self.max_concurrent_requests))
    }

    /// The most bytes of a request: the largest file, and room for the parameters.
    pub(crate) fn max_request_size(&self) -> u64 {
        const BESIDE: u64 = 1 << 20;
        self.max_direct_size.saturating_add(BESIDE)
    }

    /// The minimum rate of a body.
    pub(crate) fn least_rate(&self) -> LeastRate {
        LeastRate {
            bytes_per_second: self.min_rate,
            window: self.idle_timeout,
        }
    }

    /// Checks the settings together.
    ///
    /// # Errors
    ///
    /// All errors, each with its position.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        let positive = [
            ("max_direct_size", self.max_direct_size > 0),
            ("max_files", self.max_files > 0),
            ("max_fields", self.max_fields > 0),
            ("max_group_files", self.max_group_files > 0),
            (
                "max_uploads",
                self.max_uploads > 0 && self.max_uploads <= tokio::sync::Semaphore::MAX_PERMITS,
            ),
            ("max_uploads_per_ip", self.max_uploads_per_ip != Some(0)),
            ("max_concurrent_requests", self.max_concurrent_requests > 0),
            (
                "max_concurrent_requests_per_ip",
                self.max_concurrent_requests_per_ip != Some(0),
            ),
            ("idle_timeout", !self.idle_timeout.is_zero()),
            ("params_timeout", !self.params_timeout.is_zero()),
        ];
        let positive = positive.iter().filter(|(_, fits)| !fits);
        let positive = positive.map(|(key, _)| ConfigError::at(*key, "must be greater than zero"));
        let urls = [("public_url", &self.public_url), ("cdn_url", &self.cdn_url)];
        let urls = urls
            .into_iter()
            .filter_map(|(key, url)| check_url(key, url.as_deref()?).err());
        let errors: Vec<_> = positive.chain(urls).collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ConfigErrors(errors))
        }
    }
}

/// Reads networks, and single addresses as networks of one.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Network(#[serde(deserialize_with = "network")] IpNet);

    Ok(Vec::<Network>::deserialize(deserializer)?
        .into_iter()
        .map(|Network(network)| network)
        .collect())
}

fn network<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpNet, D::Error> {
    let text = String::deserialize(deserializer)?;
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| {
        let message =
            format!(r#"expected a network such as "10.0.0.0/8", or an address such as "10.0.0.1"; found {text:?}"#);
        D::Error::custom(message)
    })
}

fn check_url(key: &str, url: &str) -> Result<(), ConfigError> {
    let wrong = |what: &str| Err(ConfigError::at(key, what));
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return wrong("must begin with https:// or http://");
    };
    if rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#', '@', ' ']) {
        return wrong("must be a host, maybe with a port and a path, such as https://upload.example.com");
    }
    Ok(())
}
