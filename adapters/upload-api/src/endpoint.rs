//! The endpoints: their paths, their methods, and their limits. See `docs/upload-api.md`, "Every request".

use std::time::Duration;

use axum::http::Method;
use intake_core::UploadId;
use percent_encoding::percent_decode_str;

use crate::api::Api;
use crate::body::Bounds;
use crate::body_params::PARAMS_BODY;
use crate::key_names::{BASE_KEY, KEY, KeyNames};
use crate::params::Params;
use crate::settings::Settings;

/// The paths of all endpoints, for a router that shares its host with others.
pub(crate) const PATHS: [&str; 11] = [
    "base",
    "info",
    "multipart/start",
    "multipart/complete",
    "from_url",
    "from_url/status",
    "group",
    "group/info",
    "parts/{id}/{name}",
    "derivative/image/{operation}",
    "derivative/status",
];

/// The endpoint of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Base,
    Info,
    MultipartStart,
    MultipartComplete,
    FromUrl,
    FromUrlStatus,
    Group,
    GroupInfo,
    /// A part of this upload.
    Part(UploadId),
    /// Makes or changes images. This server does not, and answers so.
    Derivative,
    /// Any other path.
    Unknown,
}

impl Endpoint {
    /// Clients send a slash at the end or none, two slashes in the middle, and percent-encoded ones. There is never a redirect:
    /// it would lose bodies.
    pub(crate) fn find(path: &str) -> Self {
        let Ok(path) = percent_decode_str(path).decode_utf8() else {
            return Self::Unknown;
        };
        let steps: Vec<_> = path.split('/').filter(|step| !step.is_empty()).take(4).collect();
        match steps[..] {
            ["base"] => Self::Base,
            ["info"] => Self::Info,
            ["multipart", "start"] => Self::MultipartStart,
            ["multipart", "complete"] => Self::MultipartComplete,
            ["from_url"] => Self::FromUrl,
            ["from_url", "status"] => Self::FromUrlStatus,
            ["group"] => Self::Group,
            ["group", "info"] => Self::GroupInfo,
            ["parts", id, _name] => id.parse().map_or(Self::Unknown, Self::Part),
            ["derivative", "image", "generate" | "edit"] | ["derivative", "status"] => Self::Derivative,
            _ => Self::Unknown,
        }
    }

    /// The documented path: the scope of an access token contains it, and so do logs and metrics.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Base => "/base/",
            Self::Info => "/info/",
            Self::MultipartStart => "/multipart/start/",
            Self::MultipartComplete => "/multipart/complete/",
            Self::FromUrl => "/from_url/",
            Self::FromUrlStatus => "/from_url/status/",
            Self::Group => "/group/",
            Self::GroupInfo => "/group/info/",
            Self::Part(_) => "/parts/",
            Self::Derivative => "/derivative/",
            Self::Unknown => "none",
        }
    }

    pub(crate) fn methods(self) -> &'static str {
        match self {
            Self::Base | Self::MultipartStart | Self::MultipartComplete => "POST, OPTIONS",
            Self::FromUrl => "OPTIONS, GET, POST",
            Self::FromUrlStatus | Self::Group | Self::Derivative => "GET, POST, HEAD, OPTIONS",
            Self::Part(_) => "PUT, OPTIONS",
            Self::Info | Self::GroupInfo => "GET, HEAD, OPTIONS",
            Self::Unknown => "OPTIONS",
        }
    }

    pub(crate) fn takes(self, method: &Method) -> bool {
        self.methods().split(", ").any(|taken| taken == method.as_str())
    }

    /// The parameters that name the project.
    pub(crate) fn key_names(self) -> KeyNames {
        match self {
            Self::Base | Self::MultipartStart | Self::MultipartComplete => BASE_KEY,
            _ => KEY,
        }
    }

    /// Empty parameters with the limits of this endpoint.
    pub(crate) fn params(self, settings: &Settings) -> Params {
        let params = Params::new(settings.max_fields);
        match self {
            Self::Group => params.with_files(settings.max_group_files),
            _ => params,
        }
    }

    /// The upload to which the part of a request belongs.
    pub(crate) fn upload_of_part(self) -> Option<UploadId> {
        match self {
            Self::Part(id) => Some(id),
            _ => None,
        }
    }

    /// The limits of a request's body.
    pub(crate) fn body_bounds(self, api: &Api) -> Bounds {
        let settings = &api.settings;
        let limits = api.pipeline.limits();
        let (size, time) = match self {
            Self::Base => (settings.max_request_size(), limits.timeout),
            // Each part has a limit of its own, in the record of its upload.
            Self::Part(_) => (limits.max_size, limits.timeout),
            _ => (PARAMS_BODY as u64, limits.timeout.min(settings.params_timeout)),
        };
        Bounds {
            size,
            rate: settings.least_rate(),
            time,
            drain: (settings.drain_size, settings.drain_timeout),
        }
    }

    /// Whether a request counts in the rate of its address. Some clients ask for the status again and again without a pause, and
    /// that costs next to nothing.
    pub(crate) fn counts(self, method: &Method) -> bool {
        match self {
            Self::Unknown => true,
            Self::FromUrlStatus => false,
            _ => method != Method::OPTIONS,
        }
    }

    /// Whether its requests change nothing, so that nothing is left half done if their work ends in the middle.
    pub(crate) fn only_reads(self) -> bool {
        matches!(self, Self::Info | Self::GroupInfo | Self::FromUrlStatus)
    }

    /// How long a request waits for permits. Most bytes of these uploads have arrived already, and some clients ignore a
    /// refusal.
    pub(crate) fn patience(self, settings: &Settings) -> Duration {
        match self {
            Self::Part(_) | Self::MultipartComplete => settings.idle_timeout,
            _ => settings.queue_timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_found_however_its_slashes_are_written() {
        for path in ["/base/", "/base", "//base//", "/%2Fbase%2F", "/%2fbase"] {
            assert_eq!(Endpoint::find(path), Endpoint::Base, "{path}");
        }
        for path in ["/", "", "/base/x", "/bas", "/base/../info/", "/%FF"] {
            assert_eq!(Endpoint::find(path), Endpoint::Unknown, "{path}");
        }
    }
}
