//! The settings of the plugin and their defaults.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use intake_core::inspection::ScanLimits;
use intake_core::{ConfigError, OnPartial};
use serde::Deserialize;

use crate::address::Address;

/// The most bytes that clamd scans, whatever its limits are: it counts in signed 32-bit numbers.
pub(crate) const LARGEST: u64 = i32::MAX as u64 - 2;

/// A smaller size is most likely a number whose unit was forgotten, as in `"25"`.
const SMALLEST: u64 = 1 << 10;

/// Far more than one clamd serves at a time; each connection may hold 128 KiB of memory here.
pub(crate) const MOST_CONNECTIONS: usize = 4096;

/// What clamd unpacks at most unless it is told otherwise (`MaxScanSize`, `MaxFiles`, `MaxRecursion`), by the smallest values
/// that its releases and packages have.
const MAX_UNPACKED_SIZE: u64 = 100 << 20;
const MAX_MEMBERS: u64 = 10_000;
const MAX_DEPTH: u64 = 16;

/// The settings of `clamav`: exactly one of `address` and `socket`, the rest may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    address: Option<String>,
    socket: Option<PathBuf>,
    connections: Option<usize>,
    #[serde(with = "humantime_serde")]
    wait: Option<Duration>,
    #[serde(with = "humantime_serde")]
    connect_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    io_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    scan_timeout: Option<Duration>,
    max_scan_size: Option<ByteSize>,
    max_unpacked_size: Option<ByteSize>,
    max_members: Option<u64>,
    max_depth: Option<u64>,
    self_test: Option<bool>,
}

/// Checked settings, with the defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) address: Address,
    pub(crate) connections: usize,
    pub(crate) wait: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) io_timeout: Duration,
    pub(crate) scan_timeout: Duration,
    pub(crate) max_scan_size: u64,
    pub(crate) on_partial: OnPartial,
    /// clamd's own limits for archives. Its `MaxFileSize` is at least `max_scan_size`.
    pub(crate) limits: ScanLimits,
    pub(crate) self_test: bool,
}

impl Config {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            // Well below the 100 that clamd keeps in its queue (`MaxQueue`).
            connections: 32,
            wait: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            io_timeout: Duration::from_secs(30),
            // Longer than the two minutes after which clamd itself gives up (`MaxScanTime`).
            scan_timeout: Duration::from_secs(150),
            // What clamd is compiled with (`MaxFileSize`, `StreamMaxLength`).
            max_scan_size: ByteSize::mib(25).as_u64(),
            on_partial: OnPartial::Refuse,
            limits: usual_limits(),
            self_test: true,
        }
    }
}

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    fn try_from(settings: Settings) -> Result<Self, ConfigError> {
        let limits = archive_limits(&settings)?;
        let mut config = Self::new(match (settings.address, settings.socket) {
            (Some(address), None) => Address::Tcp(host_and_port(address)?),
            (None, Some(path)) if path.as_os_str().is_empty() => {
                return Err(ConfigError::at("socket", "must be the path of clamd's socket"));
            }
            (None, Some(path)) => Address::Unix(path),
            (None, None) => {
                let message = "missing: set it to clamd's host and port, or `socket` to the path of its Unix socket";
                return Err(ConfigError::at("address", message));
            }
            (Some(_), Some(_)) => {
                return Err(ConfigError::at(
                    "socket",
                    "`address` is set too: set only one of the two",
                ));
            }
        });
        config.limits = limits;
        for (key, value, set) in [
            ("wait", &mut config.wait, settings.wait),
            ("connect_timeout", &mut config.connect_timeout, settings.connect_timeout),
            ("io_timeout", &mut config.io_timeout, settings.io_timeout),
            ("scan_timeout", &mut config.scan_timeout, settings.scan_timeout),
        ] {
            *value = set.unwrap_or(*value);
            if value.is_zero() {
                return Err(ConfigError::at(key, "must be greater than zero"));
            }
        }
        if let Some(connections) = settings.connections {
            if !(1..=MOST_CONNECTIONS).contains(&connections) {
                return Err(ConfigError::at(
                    "connections",
                    format!("must be from 1 to {MOST_CONNECTIONS}"),
                ));
            }
            config.connections = connections;
        }
        if let Some(ByteSize(bytes)) = settings.max_scan_size {
            if bytes < SMALLEST {
                let message = format!(
                    "{bytes} bytes are less than most files have, so hardly any would be scanned; write a size with its unit, such as \"25 MiB\""
                );
                return Err(ConfigError::at("max_scan_size", message));
            }
            if bytes > LARGEST {
                let message = format!("must be at most {LARGEST} bytes: clamd scans no more; such as \"25 MiB\"");
                return Err(ConfigError::at("max_scan_size", message));
            }
            config.max_scan_size = bytes;
        }
        config.self_test = settings.self_test.unwrap_or(config.self_test);
        Ok(config)
    }
}

fn usual_limits() -> ScanLimits {
    ScanLimits::default().with(|limits| {
        limits.inflated = MAX_UNPACKED_SIZE;
        limits.members = MAX_MEMBERS;
        limits.depth = MAX_DEPTH;
    })
}

/// clamd's own limits for archives: those that are set, and its defaults.
fn archive_limits(settings: &Settings) -> Result<ScanLimits, ConfigError> {
    let limits = usual_limits().with(|limits| {
        limits.inflated = settings.max_unpacked_size.map_or(limits.inflated, |size| size.as_u64());
        limits.members = settings.max_members.unwrap_or(limits.members);
        limits.depth = settings.max_depth.unwrap_or(limits.depth);
    });
    for (key, limit) in [
        ("max_unpacked_size", limits.inflated),
        ("max_members", limits.members),
        ("max_depth", limits.depth),
    ] {
        if limit == 0 {
            return Err(ConfigError::at(key, "must be greater than zero"));
        }
    }
    Ok(limits)
}

fn host_and_port(address: String) -> Result<String, ConfigError> {
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(address),
        _ => Err(ConfigError::at(
            "address",
            "must be a host and a port, such as 127.0.0.1:3310",
        )),
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
    fn an_address_or_a_socket_is_enough() {
        let tcp = config(json!({"address": "clamd:3310"})).unwrap();
        assert_eq!(tcp, Config::new(Address::Tcp("clamd:3310".to_owned())));
        let unix = config(json!({"socket": "/run/clamav/clamd.ctl"})).unwrap();
        assert_eq!(unix, Config::new(Address::Unix("/run/clamav/clamd.ctl".into())));
    }

    #[test]
    fn everything_can_be_set() {
        let settings = json!({
            "address": "[::1]:3310", "connections": 3, "wait": "1s", "connect_timeout": "2s", "io_timeout": "3s",
            "scan_timeout": "4m", "max_scan_size": "100MiB", "max_unpacked_size": "1GiB", "max_members": 5, "max_depth": 6, "self_test": false,
        });
        let expected = Config {
            address: Address::Tcp("[::1]:3310".to_owned()),
            connections: 3,
            wait: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(2),
            io_timeout: Duration::from_secs(3),
            scan_timeout: Duration::from_secs(240),
            max_scan_size: 100 << 20,
            on_partial: OnPartial::Refuse,
            limits: ScanLimits::default().with(|limits| {
                (limits.inflated, limits.members, limits.depth) = (1 << 30, 5, 6);
            }),
            self_test: false,
        };
        assert_eq!(config(settings).unwrap(), expected);
    }

    #[test]
    fn what_makes_no_sense_is_an_error_at_its_place() {
        for (settings, key) in [
            (json!({}), "address"),
            (json!({"address": "clamd:3310", "socket": "/x"}), "socket"),
            (json!({"address": "clamd"}), "address"),
            (json!({"address": ":3310"}), "address"),
            (json!({"address": "clamd:0"}), "address"),
            (json!({"address": "clamd:65536"}), "address"),
            (json!({"socket": ""}), "socket"),
            (json!({"socket": "/x", "conections": 1}), "conections"),
            (json!({"socket": "/x", "connections": 0}), "connections"),
            (json!({"socket": "/x", "connections": 5000}), "connections"),
            (json!({"socket": "/x", "wait": "0s"}), "wait"),
            (json!({"socket": "/x", "connect_timeout": "0s"}), "connect_timeout"),
            (json!({"socket": "/x", "io_timeout": 5}), "io_timeout"),
            (json!({"socket": "/x", "scan_timeout": "soon"}), "scan_timeout"),
            (json!({"socket": "/x", "max_scan_size": 0}), "max_scan_size"),
            (json!({"socket": "/x", "max_scan_size": "25"}), "max_scan_size"),
            (json!({"socket": "/x", "max_scan_size": "2GiB"}), "max_scan_size"),
            (json!({"socket": "/x", "max_depth": 0}), "max_depth"),
        ] {
            let error = config(settings.clone()).expect_err(&settings.to_string());
            assert_eq!(error.place().first(), Some(&Step::from(key)), "{settings}: {error}");
        }
    }
}
