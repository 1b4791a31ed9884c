//! What a sender asks for beside the bytes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::value::lifetime::Retention;
use crate::value::pass::Pass;
use crate::value::shares::client_of;

/// What may be said only after the last byte: whose it is, how long to keep it, and what to note beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Whose upload it is; the caller decides what names a project.
    pub project: Option<String>,
    /// How long the sender would like it to be kept.
    pub retention: Retention,
    /// What has let it in, if its project asks for something.
    pub pass: Option<Pass>,
    /// Who sends it, as the caller knows senders apart: of a client on the network its address, see [`sender_at`]. What a sender
    /// has unfinished at a time is bounded. It is recorded until the upload is finished, and no longer.
    pub sender: Option<String>,
    /// Names and values that the sender notes beside the upload. The caller bounds them.
    pub metadata: BTreeMap<String, String>,
    /// Words that the sender puts on the upload, each once. The caller bounds them.
    pub tags: Vec<String>,
    /// A name under which it can be found again, such as a digest of where it came from: the newest readable upload of a name
    /// is [`Pipeline::known_as`](crate::Pipeline::known_as). Several may have one.
    pub known_as: Option<String>,
}

/// A sender as [`Terms::sender`] has it, by the address of its client. Of IPv6 one client has so many that its network counts,
/// which is the first 64 bits.
#[must_use]
pub fn sender_at(address: IpAddr) -> String {
    match client_of(address) {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(network) => format!("{network}/64"),
    }
}
