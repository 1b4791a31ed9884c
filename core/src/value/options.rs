//! What a sender asks for beside the bytes of an upload.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::value::authorization::Authorization;
use crate::value::lifetime::Retention;
use crate::value::shares::client_of;

/// What may become known only after the last byte: the project, the retention, the metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UploadOptions {
    /// The public key of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// How long the sender asks to keep the upload.
    pub retention: Retention,
    /// What authorized the upload, if the project requires an authorization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// The sender, by a name that the caller chooses: for a client on the network its address, see [`sender_at`]. The pipeline
    /// bounds how much a sender has unfinished at a time. It keeps this name until the upload is accepted or deleted, and that of a refused upload for as long as the refusal is listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The origin of the web page whose script sends the upload, such as `https://example.com`: the header `Origin` of its
    /// request. A client that is no browser can claim any. The pipeline keeps it only until the upload has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Metadata: names and values that the sender adds to the upload. The caller bounds them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Tags that the sender adds to the upload, each once. The caller bounds them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// A name by which the upload can be found again, such as a digest of its URL. Several uploads may have the same name:
    /// [`Pipeline::find_by_source_key`](crate::Pipeline::find_by_source_key) returns the newest readable one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_key: Option<String>,
}

impl UploadOptions {
    pub(crate) const fn none() -> Self {
        Self {
            project: None,
            retention: Retention::Default,
            authorization: None,
            sender: None,
            origin: None,
            metadata: BTreeMap::new(),
            tags: Vec::new(),
            source_key: None,
        }
    }

    /// Options that name the project, by its public key, and nothing else.
    pub fn of_project(public_key: impl Into<String>) -> Self {
        Self {
            project: Some(public_key.into()),
            ..Self::default()
        }
    }

    /// Sets some of the options.
    ///
    /// ```
    /// use intake_core::{Retention, UploadOptions};
    ///
    /// let options = UploadOptions::of_project("demopublickey").with(|options| {
    ///     options.retention = Retention::Keep;
    ///     options.tags = vec!["holidays".to_owned()];
    /// });
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Adds what was known before about whose the upload is, where these options do not say it.
    #[must_use]
    pub(crate) fn or(self, before: &Self) -> Self {
        Self {
            project: self.project.or_else(|| before.project.clone()),
            authorization: self.authorization.or_else(|| before.authorization.clone()),
            sender: self.sender.or_else(|| before.sender.clone()),
            origin: self.origin.or_else(|| before.origin.clone()),
            ..self
        }
    }
}

/// The name for [`UploadOptions::sender`] of a client with this address. Of IPv6 the first 64 bits count, because one client has many
/// addresses in its network.
#[must_use]
pub fn sender_at(address: IpAddr) -> String {
    match client_of(address) {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(network) => format!("{network}/64"),
    }
}
