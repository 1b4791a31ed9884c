//! Names of uploads, of their bytes in a store and of where those are, and the bytes on their way.

use std::error::Error as StdError;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Any error, boxed: what a stage's library gave us.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

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
    type Err = uuid::Error;

    /// Reads the hyphenated form only: one id, one spelling.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<uuid::fmt::Hyphenated>()
            .map(|hyphenated| Self(hyphenated.into_uuid()))
    }
}

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
            Some(prefix) if is_prefix(prefix) => Self(format!("{prefix}-{}", self.0)),
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

/// What may stand before an id in a key: as safe there as the id itself.
pub(crate) fn is_prefix(prefix: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=32).contains(&prefix.len()) && prefix.bytes().all(plain)
}
