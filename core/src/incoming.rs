//! What comes in: an id of ours, claims of the sender's, and a stream of bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::permits::client_of;
use crate::project::Door;
use crate::{BoxError, Declared, Pass, rules};

/// Bytes on their way, piece by piece. An error in it means that the rest will not come. If it is an [`Error`](crate::Error),
/// the upload ends as it says; with any other error the upload is [`Error::Interrupted`](crate::Error::Interrupted).
pub type ByteStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// Names one upload, for ever. A random UUID (version 4), so that knowing one says nothing of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(Uuid);

impl UploadId {
    /// A new id from the system's randomness.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The UUID itself.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for UploadId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for UploadId {
    type Err = NotAnUploadId;

    /// Reads the hyphenated form only: one id, one spelling.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<uuid::fmt::Hyphenated>() {
            Ok(hyphenated) => Ok(Self(hyphenated.into_uuid())),
            Err(_) => Err(NotAnUploadId),
        }
    }
}

/// The text is no id of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no id of an upload, which is a UUID such as 67947755-1584-4e3f-902b-d4e2bf76a841")]
#[non_exhaustive]
pub struct NotAnUploadId;

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The name under which a store keeps bytes. We make it from the id; no sender's word is ever part of it.
///
/// Only `0-9`, `a-z` and `-`: safe as a file name and in an object's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// The key of an upload's whole content.
    #[must_use]
    pub fn whole(id: UploadId) -> Self {
        Self(id.to_string())
    }

    /// The same key behind a prefix: see [`Place::prefix`].
    #[must_use]
    pub fn behind(self, prefix: Option<&str>) -> Self {
        match prefix {
            Some(prefix) if rules::is_prefix(prefix) => Self(format!("{prefix}-{}", self.0)),
            _ => self,
        }
    }

    /// The key of one part of an upload, where a store has no way of its own with parts.
    #[must_use]
    pub fn part(id: UploadId, number: u16) -> Self {
        Self(format!("{id}-{number}"))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an upload's bytes are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The store's name, if it is not the pipeline's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// What the keys begin with: 1 to 32 lower-case letters and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// One upload that asks to be let in.
pub struct Incoming {
    /// Chosen before the first byte, so that whatever happens can be told of this upload.
    pub id: UploadId,
    /// What the sender says; nothing here is trusted.
    pub declared: Declared,
    /// Bytes that this one may have at most, if less than the pipeline takes anyway.
    pub at_most: Option<u64>,
    /// Whose it is, where that is known before its bytes come: then it is judged by the project's rules meanwhile.
    pub project: Option<String>,
    /// What has let it in, where that is known by now.
    pub pass: Option<Pass>,
    /// Who sends it: see [`Terms::sender`].
    pub sender: Option<String>,
    /// Which way it comes.
    pub door: Door,
    /// The bytes.
    pub body: ByteStream,
}

impl Incoming {
    /// An upload under a new id.
    pub fn new(declared: Declared, body: ByteStream) -> Self {
        Self {
            id: UploadId::random(),
            declared,
            at_most: None,
            project: None,
            pass: None,
            sender: None,
            door: Door::Direct,
            body,
        }
    }

    /// An upload from any stream of bytes.
    pub fn from_stream<S, E>(declared: Declared, body: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        Self::new(declared, body.map_err(Into::into).boxed())
    }

    /// An upload of bytes that are at hand.
    pub fn from_bytes(declared: Declared, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::new(declared, futures_util::stream::iter([Ok(bytes)]).boxed())
    }

    /// Says whose it is, by the project's public key, before its bytes come: see [`Project`](crate::Project).
    #[must_use]
    pub fn of_project(mut self, public_key: impl Into<String>) -> Self {
        self.project = Some(public_key.into());
        self
    }

    /// Bounds this upload more tightly than the pipeline does; in bytes.
    #[must_use]
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.at_most = Some(bytes);
        self
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("id", &self.id)
            .field("declared", &self.declared)
            .finish_non_exhaustive()
    }
}

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

/// A wish; the [`Expirer`](crate::Expirer) decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// As the deployment does it with everyone.
    #[default]
    Default,
    /// For a while, unless somebody asks to keep it.
    Temporary,
    /// To stay.
    Keep,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let text = "67947755-1584-4e3f-902b-d4e2bf76a841";
        assert_eq!(text.parse::<UploadId>().map(|id| id.to_string()).as_deref(), Ok(text));
        for wrong in [
            "",
            "67947755",
            &text.replace('-', ""),
            &format!("{{{text}}}"),
            &text[1..],
        ] {
            assert_eq!(wrong.parse::<UploadId>(), Err(NotAnUploadId), "{wrong}");
        }
    }
}
