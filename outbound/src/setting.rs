//! Settings that everything has that connects to targets, each with its checks.

use std::time::Duration;

use intake_core::ConfigError;

use crate::hosts::Hosts;

/// The longest timeout.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A list of ports; `usual` if it is not set, and an error with what `otherwise` happens if it is empty.
///
/// # Errors
///
/// If it is empty, or 0 is among them.
pub fn ports(
    key: &'static str,
    set: Option<Vec<u16>>,
    usual: Vec<u16>,
    otherwise: &str,
) -> Result<Vec<u16>, ConfigError> {
    match set {
        None => Ok(usual),
        Some(ports) if ports.is_empty() => Err(ConfigError::at(key, format!("must not be empty: {otherwise}"))),
        Some(ports) => match ports.iter().position(|port| *port == 0) {
            Some(at) => Err(ConfigError::at(at, "0 is not a port").within(key)),
            None => Ok(ports),
        },
    }
}

/// A list of hosts, addresses and ranges; see [`Hosts::add`].
///
/// # Errors
///
/// What is wrong with the first entry that is none.
pub fn hosts(key: &'static str, entries: &[String]) -> Result<Hosts, ConfigError> {
    let mut hosts = Hosts::default();
    for (at, entry) in entries.iter().enumerate() {
        hosts
            .add(entry)
            .map_err(|wrong| ConfigError::at(at, wrong).within(key))?;
    }
    Ok(hosts)
}

/// A length of time, of which none is without a limit; `usual` if it is not set.
///
/// # Errors
///
/// If it is zero, or longer than a day.
pub fn period(key: &'static str, set: Option<Duration>, usual: Duration) -> Result<Duration, ConfigError> {
    match set {
        Some(period) if period.is_zero() => Err(ConfigError::at(key, "must be greater than zero")),
        Some(period) if period > LONGEST => Err(ConfigError::at(key, "must be at most a day")),
        set => Ok(set.unwrap_or(usual)),
    }
}
