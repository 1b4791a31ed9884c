//! The settings of the plugin, and their checked form.

use std::path::PathBuf;
use std::time::Duration;

use intake_core::ConfigError;
use intake_core::inspection::ScanLimits;
use serde::Deserialize;

use crate::service::Service;

/// A smaller size is most likely a number whose unit was forgotten, as in `"25"`.
const SMALLEST: u64 = 1 << 10;
/// No scanner takes more.
const LARGEST: u64 = 1 << 40;
/// Far more than one server serves at a time; each connection may hold some 200 KiB of memory here.
const MOST_CONNECTIONS: usize = 4096;

/// As what the content is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// As the body of a request that someone sends: `REQMOD`.
    Reqmod,
    /// As the body of a response that someone gets: `RESPMOD`. Virus scanners are made for it.
    #[default]
    Respmod,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reqmod => "REQMOD",
            Self::Respmod => "RESPMOD",
        }
    }
}

/// The settings of `use = "icap"`. Only `url` has to be set.
///
/// ```
/// use intake_plugin_icap::Settings;
///
/// let settings = Settings::at("icap://127.0.0.1:1344/avscan").with(|settings| settings.max_scan_size = 100 << 20);
/// # let _ = settings;
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// The service: `icap://host:port/path`, or `icaps://` for TLS. The port is 1344 or 11344 if none is named.
    pub url: String,
    /// As what the content is sent.
    pub method: Method,
    /// How many bytes of an upload are sent to the server, at most.
    #[serde(with = "intake_core::byte_count")]
    pub max_scan_size: u64,
    /// Whether the first bytes are sent alone, so that the server can say that it wants no more of them.
    pub preview: bool,
    /// Whether an upload counts as scanned completely of which the server wanted only the first bytes.
    pub trust_preview: bool,
    /// Whether an upload counts as scanned that the server gives back unchanged instead of answering 204. `None`: only if it
    /// does not offer to answer 204.
    pub trust_unchanged: Option<bool>,
    /// How many uploads are scanned at a time, each on a connection of its own. Fewer if the server says so (`Max-Connections`).
    pub connections: usize,
    /// How long an upload waits for a free connection.
    #[serde(with = "humantime_serde")]
    pub wait: Duration,
    /// How long connecting may take, with TLS.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long the server may take to read 64 KiB, or to answer anything but a whole content.
    #[serde(with = "humantime_serde")]
    pub io_timeout: Duration,
    /// How long the server may take to answer after the last byte.
    #[serde(with = "humantime_serde")]
    pub scan_timeout: Duration,
    /// A PEM file with the certificates that the server's may be signed by. `None`: those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The most bytes of one member of an archive that the server's engine unpacks, if it may call clean what is larger.
    #[serde(with = "intake_core::byte_count::option")]
    pub max_member_size: Option<u64>,
    /// The same for all bytes of an archive, at all levels.
    #[serde(with = "intake_core::byte_count::option")]
    pub max_unpacked_size: Option<u64>,
    /// The same for the members of an archive, at all levels.
    pub max_members: Option<u64>,
    /// The same for archives in archives.
    pub max_depth: Option<u64>,
    /// Whether the readiness check includes finding the EICAR test file.
    pub self_test: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            method: Method::Respmod,
            max_scan_size: 25 << 20,
            preview: true,
            trust_preview: false,
            trust_unchanged: None,
            connections: 32,
            wait: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            io_timeout: Duration::from_secs(30),
            scan_timeout: Duration::from_secs(150),
            ca_file: None,
            max_member_size: None,
            max_unpacked_size: None,
            max_members: None,
            max_depth: None,
            self_test: true,
        }
    }
}

impl Settings {
    /// The default settings for the service at this URL.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    /// Sets some of them.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// # Errors
    ///
    /// Names the first setting that makes no sense.
    fn check(&self) -> Result<(), ConfigError> {
        let durations = [
            ("wait", self.wait),
            ("connect_timeout", self.connect_timeout),
            ("io_timeout", self.io_timeout),
            ("scan_timeout", self.scan_timeout),
        ];
        let sizes = [
            ("max_member_size", self.max_member_size),
            ("max_unpacked_size", self.max_unpacked_size),
            ("max_members", self.max_members),
            ("max_depth", self.max_depth),
        ];
        let zero = durations.iter().find(|(_, value)| value.is_zero()).map(|(key, _)| *key);
        let zero = zero.or_else(|| sizes.iter().find(|(_, value)| *value == Some(0)).map(|(key, _)| *key));
        if let Some(key) = zero {
            return Err(ConfigError::at(key, "must be greater than zero"));
        }
        if !(1..=MOST_CONNECTIONS).contains(&self.connections) {
            return Err(ConfigError::at(
                "connections",
                format!("must be from 1 to {MOST_CONNECTIONS}"),
            ));
        }
        if !(SMALLEST..=LARGEST).contains(&self.max_scan_size) {
            return Err(ConfigError::at("max_scan_size", "must be from 1 KiB to 1 TiB"));
        }
        Ok(())
    }

    /// What the server's engine unpacks at most, if anything is known of it.
    fn limits(&self) -> Option<ScanLimits> {
        let set = [
            self.max_member_size,
            self.max_unpacked_size,
            self.max_members,
            self.max_depth,
        ];
        set.iter().any(Option::is_some).then(|| {
            ScanLimits::default().with(|limits| {
                limits.member = self.max_member_size.unwrap_or(limits.member);
                limits.inflated = self.max_unpacked_size.unwrap_or(limits.inflated);
                limits.members = self.max_members.unwrap_or(limits.members);
                limits.depth = self.max_depth.unwrap_or(limits.depth);
            })
        })
    }
}

/// Checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) service: Service,
    pub(crate) limits: Option<ScanLimits>,
    pub(crate) set: Settings,
}

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    fn try_from(set: Settings) -> Result<Self, ConfigError> {
        let service = Service::parse(&set.url).map_err(|why| ConfigError::at("url", why))?;
        if set.ca_file.is_some() && !service.is_tls {
            return Err(ConfigError::at(
                "ca_file",
                "`url` is not icaps, so no certificate is checked",
            ));
        }
        set.check()?;
        Ok(Self {
            service,
            limits: set.limits(),
            set,
        })
    }
}

#[cfg(test)]
mod tests {
    use intake_core::{Settings as Table, Step};
    use serde_json::{Value, json};

    use super::*;

    fn config(settings: Value) -> Result<Config, ConfigError> {
        let Value::Object(table) = settings else {
            panic!("a table")
        };
        Table::new(table).parse::<Settings>()?.try_into()
    }

    #[test]
    fn a_url_is_enough() {
        let config = config(json!({"url": "icap://av/avscan"})).unwrap();
        assert_eq!(config.service.to_string(), "icap://av:1344/avscan");
        assert_eq!(config.set.method, Method::Respmod);
        assert!(config.limits.is_none());
    }

    #[test]
    fn everything_can_be_set() {
        let set = config(json!({
            "url": "icaps://av/x", "method": "reqmod", "max_scan_size": "10 MiB", "preview": false, "trust_preview": true,
            "trust_unchanged": true, "connections": 3, "wait": "1s", "connect_timeout": "2s", "io_timeout": "3s",
            "scan_timeout": "4m", "ca_file": "/x.pem", "max_member_size": "1 MiB", "max_unpacked_size": "1 GiB",
            "max_members": 5, "max_depth": 6, "self_test": false,
        }))
        .unwrap();
        let limits = set.limits.unwrap();
        assert_eq!(
            (limits.member, limits.inflated, limits.members, limits.depth),
            (1 << 20, 1 << 30, 5, 6)
        );
        assert_eq!((set.set.max_scan_size, set.set.connections), (10 << 20, 3));
        assert_eq!(set.set.scan_timeout, Duration::from_secs(240));
    }

    #[test]
    fn what_makes_no_sense_is_an_error_at_its_place() {
        for (settings, key) in [
            (json!({}), "url"),
            (json!({"url": "http://av/"}), "url"),
            (json!({"url": "icap://av", "methode": "reqmod"}), "methode"),
            (json!({"url": "icap://av", "method": "options"}), "method"),
            (json!({"url": "icap://av", "connections": 0}), "connections"),
            (json!({"url": "icap://av", "connections": 5000}), "connections"),
            (json!({"url": "icap://av", "wait": "0s"}), "wait"),
            (json!({"url": "icap://av", "io_timeout": 5}), "io_timeout"),
            (json!({"url": "icap://av", "max_scan_size": "25"}), "max_scan_size"),
            (json!({"url": "icap://av", "max_depth": 0}), "max_depth"),
            (json!({"url": "icap://av", "ca_file": "/x.pem"}), "ca_file"),
        ] {
            let error = config(settings.clone()).expect_err(&settings.to_string());
            assert_eq!(error.place().first(), Some(&Step::from(key)), "{settings}: {error}");
        }
    }
}
