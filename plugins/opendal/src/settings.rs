//! The settings: `scheme`, and those of each scheme.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use intake_core::{ConfigError, ConfigErrors, Secret, Settings};
use serde::Deserialize;

/// Where bytes are kept.
#[derive(Debug)]
pub(crate) enum Scheme {
    Fs(Fs),
    S3(Box<S3>),
    Memory,
}

/// In a folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fs {
    pub(crate) root: PathBuf,
    #[serde(default = "yes")]
    pub(crate) durable: bool,
}

/// In a bucket.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct S3 {
    pub(crate) bucket: String,
    pub(crate) access_key_id: Secret,
    pub(crate) secret_access_key: Secret,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    #[serde(default)]
    pub(crate) prefix: String,
    #[serde(default = "yes")]
    pub(crate) path_style: bool,
    /// The most parts of an upload that the service supports.
    #[serde(default = "S3::usual_parts")]
    pub(crate) max_parts: u16,
    part_size: Option<ByteSize>,
    #[serde(default)]
    pub(crate) direct: bool,
    pub(crate) direct_endpoint: Option<String>,
    /// How long an idle connection is kept.
    #[serde(default = "S3::usual_idle", with = "humantime_serde")]
    pub(crate) idle_timeout: Duration,
    /// Certificates that are trusted in addition to those of the system.
    pub(crate) ca_file: Option<PathBuf>,
    spool_folder: Option<PathBuf>,
    /// The most bytes of parts that are kept until the service has them.
    #[serde(default = "S3::usual_spool")]
    pub(crate) spool_size: ByteSize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {}

fn yes() -> bool {
    true
}

impl Scheme {
    pub(crate) fn read(mut settings: Settings) -> Result<Self, ConfigErrors> {
        const SCHEMES: &str = "`fs`, `s3` or `memory`";

        let scheme: Option<String> = settings.take_parsed("scheme")?;
        match scheme.as_deref() {
            Some("fs") => settings.make(|fs: Fs| fs.checked().map(Self::Fs)),
            Some("s3") => settings.make(|s3: S3| s3.checked().map(Box::new).map(Self::S3)),
            Some("memory") => settings.make(|Memory {}| Ok::<_, ConfigError>(Self::Memory)),
            Some(other) => {
                let message = format!("unknown scheme `{other}`, expected {SCHEMES}");
                Err(ConfigError::at("scheme", message).into())
            }
            None => Err(ConfigError::new(format!("`scheme` is missing, expected {SCHEMES}")).into()),
        }
    }
}

impl Fs {
    fn checked(self) -> Result<Self, ConfigError> {
        if self.root.as_os_str().is_empty() {
            return Err(ConfigError::at("root", "must name a folder"));
        }
        Ok(self)
    }
}

impl S3 {
    /// The least size of a part in S3, except for the last one.
    fn least_part() -> ByteSize {
        ByteSize::mib(5)
    }

    /// An upload holds two parts in memory.
    fn largest_part() -> ByteSize {
        ByteSize::mib(128)
    }

    /// The most parts that S3 itself supports.
    fn usual_parts() -> u16 {
        10_000
    }

    /// Less than the five seconds after which some servers close a connection.
    fn usual_idle() -> Duration {
        Duration::from_secs(4)
    }

    fn usual_spool() -> ByteSize {
        ByteSize::gib(10)
    }

    /// The size of the parts of a direct upload. Unless set, the smallest one with which an upload of the default `max_size` does
    /// not exceed the number of parts that the service supports.
    pub(crate) fn part_size(&self) -> ByteSize {
        const USUAL_MAX_SIZE: u64 = 5 << 30;

        let least = USUAL_MAX_SIZE.div_ceil(u64::from(self.max_parts.max(1)));
        let in_mebibytes = ByteSize::mib(least.div_ceil(bytesize::MIB));
        let chosen = in_mebibytes.max(Self::least_part()).min(Self::largest_part());
        self.part_size.unwrap_or(chosen)
    }

    /// The most bytes of an object from a direct upload.
    pub(crate) fn most_bytes(&self) -> u64 {
        self.part_size().as_u64().saturating_mul(u64::from(self.max_parts))
    }

    pub(crate) fn spool_folder(&self) -> PathBuf {
        self.spool_folder.clone().unwrap_or_else(std::env::temp_dir)
    }

    pub(crate) fn region(&self) -> &str {
        self.region.as_deref().unwrap_or("us-east-1")
    }

    /// The URL of the service. Amazon's depends on the region, even if the setting does not name it.
    pub(crate) fn endpoint(&self) -> String {
        match self.endpoint.as_deref().map(|endpoint| endpoint.trim_end_matches('/')) {
            None | Some("https://s3.amazonaws.com") => format!("https://s3.{}.amazonaws.com", self.region()),
            Some(endpoint) => endpoint.to_owned(),
        }
    }

    fn checked(self) -> Result<Self, ConfigError> {
        if self.bucket.is_empty() || self.bucket.contains('/') {
            return Err(ConfigError::at("bucket", "must be the name of a bucket"));
        }
        if self.region.is_none() && self.endpoint.is_none() {
            return Err(ConfigError::new(
                "`region` is missing; it is optional only with an `endpoint`",
            ));
        }
        if let Some(endpoint) = &self.endpoint {
            check_endpoint("endpoint", endpoint)?;
        }
        if let Some(endpoint) = &self.direct_endpoint {
            check_endpoint("direct_endpoint", endpoint)?;
            if !self.direct {
                return Err(ConfigError::at(
                    "direct_endpoint",
                    "has an effect only with `direct = true`",
                ));
            }
        }
        let plain = |part| matches!(part, Component::Normal(_));
        if !Path::new(&self.prefix).components().all(plain) {
            return Err(ConfigError::at("prefix", "must be names with / between them"));
        }
        if !(Self::least_part()..=Self::largest_part()).contains(&self.part_size()) {
            return Err(ConfigError::at("part_size", "must be between 5 MiB and 128 MiB"));
        }
        if !(1..=Self::usual_parts()).contains(&self.max_parts) {
            return Err(ConfigError::at(
                "max_parts",
                "must be between 1 and 10000, such as 1000: the most parts of an upload that the service supports",
            ));
        }
        Ok(self)
    }
}

fn check_endpoint(setting: &'static str, endpoint: &str) -> Result<(), ConfigError> {
    let wrong = |what| Err(ConfigError::at(setting, what));
    let Ok(url) = reqwest::Url::parse(endpoint) else {
        return wrong("must be a URL such as https://s3.example.com");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return wrong("must begin with https:// or http://");
    }
    // Errors and logs show the endpoint.
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("must not contain a user or a password; they go into `access_key_id` and `secret_access_key`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_one_endpoint_for_all_that_is_asked() {
        for (endpoint, is) in [
            (None, "https://s3.eu-central-1.amazonaws.com"),
            (
                Some("https://s3.amazonaws.com/"),
                "https://s3.eu-central-1.amazonaws.com",
            ),
            (Some("https://s3.example.com/"), "https://s3.example.com"),
        ] {
            let settings = serde_json::json!({"bucket": "b", "access_key_id": "i", "secret_access_key": "s",
                "region": "eu-central-1", "endpoint": endpoint});
            assert_eq!(serde_json::from_value::<S3>(settings).unwrap().endpoint(), is);
        }
    }
}
