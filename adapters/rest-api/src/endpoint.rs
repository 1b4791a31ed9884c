//! The endpoints: their paths and methods. See `docs/rest-api.md`, "Calls".

use axum::http::Method;
use intake_core::UploadId;
use percent_encoding::percent_decode_str;

/// The first steps of all paths of this API, for a router that shares its host with others.
pub(crate) const ROOTS: [&str; 6] = ["files", "groups", "project", "webhooks", "addons", "convert"];

/// The endpoint of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Files,
    Search,
    File(UploadId),
    Storage(UploadId),
    BatchStorage,
    LocalCopy,
    RemoteCopy,
    Metadata(UploadId),
    MetadataKey(UploadId, String),
    Tags(UploadId),
    Groups,
    /// A group, by its id and the number of its files.
    Group(UploadId, usize),
    Project,
    /// Subscriptions to events.
    Webhooks,
    /// The end of all subscriptions for a target.
    Unsubscribe,
    /// A subscription.
    Webhook(i64),
    /// Programs that the service runs on files. This server has none.
    Addons,
    /// Conversions of documents and videos. This server makes none.
    Conversions,
    /// Any other path.
    Unknown,
}

impl Endpoint {
    /// Paths end with a slash or without one.
    pub(crate) fn find(path: &str) -> Self {
        let steps: Option<Vec<String>> = path
            .split('/')
            .filter(|step| !step.is_empty())
            .take(6)
            .map(|step| Some(percent_decode_str(step).decode_utf8().ok()?.into_owned()))
            .collect();
        let Some(steps) = steps else {
            return Self::Unknown;
        };
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        let of_file = |id: &str, endpoint: fn(UploadId) -> Self| id.parse().map_or(Self::Unknown, endpoint);
        match steps[..] {
            ["files"] => Self::Files,
            ["files", "search"] => Self::Search,
            ["files", "storage"] => Self::BatchStorage,
            ["files", "local_copy"] => Self::LocalCopy,
            ["files", "remote_copy"] => Self::RemoteCopy,
            ["files", id] => of_file(id, Self::File),
            ["files", id, "storage"] => of_file(id, Self::Storage),
            ["files", id, "metadata"] => of_file(id, Self::Metadata),
            ["files", id, "metadata", key] => match id.parse() {
                Ok(id) => Self::MetadataKey(id, key.to_owned()),
                Err(_) => Self::Unknown,
            },
            ["files", id, "tags"] => of_file(id, Self::Tags),
            ["groups"] => Self::Groups,
            ["groups", id] => group(id).unwrap_or(Self::Unknown),
            ["project"] => Self::Project,
            ["webhooks"] => Self::Webhooks,
            ["webhooks", "unsubscribe"] => Self::Unsubscribe,
            ["webhooks", id] => id.parse().map_or(Self::Unknown, Self::Webhook),
            ["addons", ..] => Self::Addons,
            ["convert", ..] => Self::Conversions,
            _ => Self::Unknown,
        }
    }

    /// The documented path, for logs and metrics.
    pub(crate) fn path(&self) -> &'static str {
        match self {
            Self::Files => "/files/",
            Self::Search => "/files/search/",
            Self::File(_) => "/files/:uuid/",
            Self::Storage(_) => "/files/:uuid/storage/",
            Self::BatchStorage => "/files/storage/",
            Self::LocalCopy => "/files/local_copy/",
            Self::RemoteCopy => "/files/remote_copy/",
            Self::Metadata(_) => "/files/:uuid/metadata/",
            Self::MetadataKey(..) => "/files/:uuid/metadata/:key/",
            Self::Tags(_) => "/files/:uuid/tags/",
            Self::Groups => "/groups/",
            Self::Group(..) => "/groups/:id/",
            Self::Project => "/project/",
            Self::Webhooks => "/webhooks/",
            Self::Unsubscribe => "/webhooks/unsubscribe/",
            Self::Webhook(_) => "/webhooks/:id/",
            Self::Addons => "/addons/",
            Self::Conversions => "/convert/",
            Self::Unknown => "none",
        }
    }

    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Self::Files => "GET, HEAD, POST",
            Self::File(_) | Self::Metadata(_) | Self::Groups | Self::Project => "GET, HEAD",
            Self::Storage(_) | Self::BatchStorage => "PUT, DELETE",
            Self::LocalCopy | Self::RemoteCopy | Self::Search => "POST",
            Self::MetadataKey(..) => "GET, HEAD, PUT, DELETE",
            Self::Tags(_) => "GET, HEAD, PUT, PATCH",
            Self::Group(..) => "GET, HEAD, DELETE",
            Self::Webhooks => "GET, HEAD, POST",
            Self::Unsubscribe => "DELETE",
            Self::Webhook(_) => "PUT, DELETE",
            Self::Addons | Self::Conversions => "GET, HEAD, POST, PUT, DELETE",
            Self::Unknown => "",
        }
    }

    pub(crate) fn takes(&self, method: &Method) -> bool {
        self.methods().split(", ").any(|taken| taken == method.as_str())
    }
}

/// A group, by its id and the number of its files: `ID~2`.
fn group(name: &str) -> Option<Endpoint> {
    let (id, count) = name.split_once('~')?;
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count = count.parse().ok().filter(|_| is_number)?;
    Some(Endpoint::Group(id.parse().ok()?, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_found_with_and_without_the_last_slash() {
        let id: UploadId = "2254146d-3652-4419-abf6-305d36ef30a8".parse().unwrap();
        for (path, endpoint) in [
            ("/files/", Endpoint::Files),
            ("/files", Endpoint::Files),
            ("//files//", Endpoint::Files),
            ("/files/storage/", Endpoint::BatchStorage),
            ("/files/2254146d-3652-4419-abf6-305d36ef30a8/", Endpoint::File(id)),
            (
                "/files/2254146d-3652-4419-abf6-305d36ef30a8/metadata/-:45az_/",
                Endpoint::MetadataKey(id, "-:45az_".to_owned()),
            ),
            (
                "/files/2254146d-3652-4419-abf6-305d36ef30a8/metadata/a%3Ab",
                Endpoint::MetadataKey(id, "a:b".to_owned()),
            ),
            (
                "/groups/2254146d-3652-4419-abf6-305d36ef30a8~2/",
                Endpoint::Group(id, 2),
            ),
            (
                "/groups/2254146d-3652-4419-abf6-305d36ef30a8~2/storage/",
                Endpoint::Unknown,
            ),
            ("/groups/2254146d-3652-4419-abf6-305d36ef30a8/", Endpoint::Unknown),
            ("/groups/2254146d-3652-4419-abf6-305d36ef30a8~+2/", Endpoint::Unknown),
            ("/addons/uc_clamav_virus_scan/execute/", Endpoint::Addons),
            ("/convert/video/status/1/", Endpoint::Conversions),
            ("/files/nobody/", Endpoint::Unknown),
            ("/files/%FF/", Endpoint::Unknown),
            ("/", Endpoint::Unknown),
            ("/base/", Endpoint::Unknown),
        ] {
            assert_eq!(Endpoint::find(path), endpoint, "{path}");
        }
    }
}
