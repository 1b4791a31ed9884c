//! The operator's egress proxy.

use intake_core::ConfigError;
use url::Url;

use crate::target::HostName;

/// A proxy of the operator's. Its address is not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    pub(crate) host: HostName,
    pub(crate) port: u16,
}

impl Proxy {
    /// Reads the URL of the proxy, which is the setting with this name. Errors do not show it, as it may contain a password.
    ///
    /// # Errors
    ///
    /// If it is not `http://host:port`.
    pub fn from_setting(key: &'static str, text: &str) -> Result<Self, ConfigError> {
        let wrong = || {
            ConfigError::at(
                key,
                "must be the URL of an HTTP proxy without a path, such as http://proxy:3128",
            )
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConfigError::at(key, "must have no user info: no credentials are sent"));
        }
        let plain = url.scheme() == "http" && url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let host = url.host().and_then(HostName::of).ok_or_else(wrong)?;
        match url.port_or_known_default() {
            Some(port) if plain && port > 0 => Ok(Self { host, port }),
            _ => Err(wrong()),
        }
    }
}
