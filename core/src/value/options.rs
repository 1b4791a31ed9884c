//! What a sender asks for beside the bytes of an upload.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::value::authorization::Authorization;
use crate::value::lifetime::Retention;
use crate::value::shares::client_of;

/// What may become known only after the last byte: the project, the retention, the metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadOptions {
    /// The public key of the project.
    pub project: Option<String>,
    /// How long the sender asks to keep the upload.
    pub retention: Retention,
    /// What authorized the upload, if the project requires an authorization.
    pub authorization: Option<Authorization>,
    /// The sender, by a name that the caller chooses: for a client on the network its address, see [`sender_at`]. The pipeline
    /// bounds how much a sender has unfinished at a time. It keeps this name only until the upload is finished.
    pub sender: Option<String>,
    /// Metadata: names and values that the sender adds to the upload. The caller bounds them.
    pub metadata: BTreeMap<String, String>,
    /// Tags that the sender adds to the upload, each once. The caller bounds them.
    pub tags: Vec<String>,
    /// A name by which the upload can be found again, such as a digest of its URL. Several uploads may have the same name:
    /// [`Pipeline::find_by_source_key`](crate::Pipeline::find_by_source_key) returns the newest readable one.
    pub source_key: Option<String>,
}

/// The name for [`UploadOptions::sender`] of a client with this address. Of IPv6 the first 64 bits count, because one client has
/// many addresses in its network.
#[must_use]
pub fn sender_at(address: IpAddr) -> String {
    match client_of(address) {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(network) => format!("{network}/64"),
    }
}
