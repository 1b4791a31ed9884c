//! `[delivery]`: how files are given out.

use std::num::NonZero;
use std::time::Duration;

use axum::http::HeaderValue;
use intake_core::permits::share_of;
use intake_core::{ConfigError, ConfigErrors, MediaType};
use ipnet::IpNet;
use serde::Deserialize;

/// The most memory of one decoder: room for all pixels of the largest image.
pub(crate) const DECODER: u64 = 300 << 20;

/// The settings of the adapter. Reading them opens nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Where files are given out: address and port. By default where uploads arrive, beside the Upload API. The router ignores
    /// it; the `intake` program uses it.
    pub listen: Option<String>,
    /// The URL by which clients reach this adapter, such as `https://files.example.com`, for the addresses in answers of other
    /// adapters. The router ignores it.
    pub base_url: Option<String>,
    /// How long caches may use a public file without asking again. A file that is deleted may be seen from caches for this long.
    /// 0: caches ask every time.
    #[serde(with = "humantime_serde")]
    pub cache: Duration,
    /// Media types that browsers may show instead of saving them, beside those that contain nothing active. A file of an active
    /// type, such as `image/svg+xml`, is then shown in a sandbox without scripts.
    pub inline_types: Vec<MediaType>,
    /// The origin whose pages may read files by script, such as `https://example.com`; `*` for every page, `none` for none.
    /// Pages may embed files whatever this says.
    pub allow_origin: String,
    /// The most requests under way, until their last byte is sent; more wait.
    pub max_concurrent_requests: usize,
    /// The most requests under way from one address. By default an eighth of `max_concurrent_requests`.
    pub max_concurrent_requests_per_ip: Option<usize>,
    /// How long a request waits if the most requests are under way. Then it is answered with 429 and `Retry-After`. 0: it does
    /// not wait.
    #[serde(with = "humantime_serde")]
    pub queue_timeout: Duration,
    /// The most images that are processed at the same time, each on a thread. By default one for each processor.
    pub max_concurrent_images: Option<usize>,
    /// The most images that are processed or wait for it; half of them may be of one project. Further requests are answered with
    /// 429 and `Retry-After`, unless they ask for one that is under way.
    pub max_queued_images: usize,
    /// The most bytes of an image that is processed: it is read into memory. At most 100 MB.
    #[serde(with = "intake_core::byte_count")]
    pub max_image_size: u64,
    /// The memory for results that are kept, in bytes. Those that are used are kept longest; a restart forgets them.
    #[serde(with = "intake_core::byte_count")]
    pub image_cache: u64,
    /// Trusted proxies: the client's address is the one that they add to `X-Forwarded-For`. The program takes the networks from
    /// `trusted_proxies` in `[upload_api]`.
    #[serde(skip)]
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: None,
            base_url: None,
            // Long enough for the views of one visit; short enough that what is taken down is gone the same hour. Asking again
            // costs one small answer, because of the strong tag.
            cache: Duration::from_secs(3600),
            inline_types: Vec::new(),
            allow_origin: Self::EVERY_ORIGIN.to_owned(),
            max_concurrent_requests: 512,
            max_concurrent_requests_per_ip: None,
            queue_timeout: Duration::from_secs(5),
            max_concurrent_images: None,
            max_queued_images: 64,
            max_image_size: 40 << 20,
            image_cache: 64 << 20,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Settings {
    const EVERY_ORIGIN: &'static str = "*";
    const NO_ORIGIN: &'static str = "none";

    /// Sets some of the settings.
    ///
    /// ```
    /// use intake_delivery::Settings;
    ///
    /// let settings = Settings::default().with(|settings| settings.max_concurrent_requests = 100);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The most requests of one address under way.
    #[must_use]
    pub fn max_concurrent_requests_per_ip(&self) -> usize {
        self.max_concurrent_requests_per_ip
            .unwrap_or(share_of(self.max_concurrent_requests))
    }

    /// The most images that are processed at the same time.
    #[must_use]
    pub fn max_concurrent_images(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
        self.max_concurrent_images.unwrap_or_else(processors).max(1)
    }

    /// The most memory, in bytes, that processing one image takes: the image as it was sent, and its pixels.
    #[must_use]
    pub fn bytes_of_image(&self) -> u64 {
        DECODER.saturating_add(self.max_image_size)
    }

    /// The value of `Access-Control-Allow-Origin`, if pages may read files.
    pub(crate) fn readers(&self) -> Option<HeaderValue> {
        let origin = Some(self.allow_origin.as_str()).filter(|origin| *origin != Self::NO_ORIGIN)?;
        HeaderValue::from_str(origin).ok()
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
            ("max_concurrent_images", self.max_concurrent_images != Some(0)),
            ("max_queued_images", self.max_queued_images > 0),
        ];
        let positive = positive.iter().filter(|(_, fits)| !fits);
        let positive = positive.map(|(key, _)| ConfigError::at(*key, "must be greater than zero"));
        let url = self.base_url.as_deref().filter(|url| !is_base(url)).map(|_| {
            let message = "must be http:// or https:// and a host, maybe with a port and a path, such as https://files.example.com";
            ConfigError::at("base_url", message)
        });
        let named = [Self::EVERY_ORIGIN, Self::NO_ORIGIN].contains(&self.allow_origin.as_str());
        let origin = (!named && !is_origin(&self.allow_origin)).then(|| {
            let message = "must be `*`, `none`, or one origin as browsers write it, such as `https://example.com`";
            ConfigError::at("allow_origin", message)
        });
        let errors: Vec<_> = positive.chain(url).chain(origin).collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ConfigErrors(errors))
        }
    }
}

/// A host, maybe with a port, of the URL's web scheme, and what follows them.
fn after_scheme(url: &str) -> Option<&str> {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))
}

fn is_base(url: &str) -> bool {
    let fits = |rest: &str| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', '@', ' ']);
    after_scheme(url).is_some_and(fits)
}

fn is_origin(origin: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    after_scheme(origin).is_some_and(|host| !host.is_empty() && host.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused_with_their_place() {
        let check = |change: fn(&mut Settings)| {
            let errors = Settings::default().with(change).check().map_err(|errors| errors.0);
            errors.map_err(|errors| errors.iter().map(ToString::to_string).collect::<String>())
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(check(|settings| settings.allow_origin = "none".to_owned()), Ok(()));
        assert_eq!(
            check(|settings| settings.allow_origin = "http://localhost:8080".to_owned()),
            Ok(())
        );
        for (change, place) in [
            (
                (|s| s.max_concurrent_requests = 0) as fn(&mut Settings),
                "max_concurrent_requests",
            ),
            (
                |s| s.max_concurrent_requests_per_ip = Some(0),
                "max_concurrent_requests_per_ip",
            ),
            (|s| s.base_url = Some("files.example.com".to_owned()), "base_url"),
            (|s| s.allow_origin = "https://example.com/".to_owned(), "allow_origin"),
            (|s| s.allow_origin = "https://*.example.com".to_owned(), "allow_origin"),
        ] {
            let said = check(change).unwrap_err();
            assert!(said.contains(place), "{place}: {said}");
        }
    }
}
