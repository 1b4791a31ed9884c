//! What an operator may set: `scheme`, and what goes with it.

use std::path::{Component, Path, PathBuf};

use bytesize::ByteSize;
use intake_core::{ConfigError, ConfigErrors, Secret, Settings};
use serde::Deserialize;

/// Where bytes are kept.
#[derive(Debug)]
pub(crate) enum Scheme {
    Fs(Fs),
    S3(S3),
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
    #[serde(default = "S3::least_part")]
    pub(crate) part_size: ByteSize,
    #[serde(default)]
    pub(crate) direct: bool,
    pub(crate) direct_endpoint: Option<String>,
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
            Some("s3") => settings.make(|s3: S3| s3.checked().map(Self::S3)),
            Some("memory") => settings.make(|Memory {}| Ok::<_, ConfigError>(Self::Memory)),
            Some(other) => {
                let message = format!("there is no `{other}`, expected {SCHEMES}");
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
    /// The least that S3 takes as a part which is not the last one.
    fn least_part() -> ByteSize {
        ByteSize::mib(5)
    }

    pub(crate) fn region(&self) -> &str {
        self.region.as_deref().unwrap_or("us-east-1")
    }

    /// Where the service is. Amazon's depends on the region, even if it is named without.
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
                "`region` is missing; only one's own `endpoint` can do without",
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
                    "is of use only with `direct = true`",
                ));
            }
        }
        let plain = |part| matches!(part, Component::Normal(_));
        if !Path::new(&self.prefix).components().all(plain) {
            return Err(ConfigError::at("prefix", "must be names with / between them"));
        }
        // An upload holds two parts in memory.
        if !(Self::least_part()..=ByteSize::mib(128)).contains(&self.part_size) {
            return Err(ConfigError::at("part_size", "must be between 5 MiB and 128 MiB"));
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
    // It is named in errors and logs.
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
