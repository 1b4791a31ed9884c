//! Ids of uploads, keys and places of their bytes, and streams of bytes.

use std::error::Error as StdError;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Any error, boxed: for errors of a library that a stage uses.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// A stream of bytes. An error in it means that the rest will not arrive: if it is an [`Error`](crate::Error), the upload ends
/// with it; any other error becomes [`Error::Interrupted`](crate::Error::Interrupted).
pub type ByteStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// The id of one upload, never used again. It is a random UUID (version 4), so that no id can be guessed from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(Uuid);

impl UploadId {
    /// A new random id.
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

    /// Reads the hyphenated form only, so that an id has one spelling.
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

/// The name under which a store keeps bytes. It is made from the id of the upload, never from a sender's text.
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

    /// Puts a prefix before the key: see [`Location::prefix`].
    #[must_use]
    pub fn with_prefix(self, prefix: Option<&str>) -> Self {
        match prefix {
            Some(prefix) if is_prefix(prefix) => Self(format!("{prefix}-{}", self.0)),
            _ => self,
        }
    }

    /// The key of one part of an upload, for a store that does not support multipart uploads.
    #[must_use]
    pub fn part(id: UploadId, number: u16) -> Self {
        Self(format!("{id}-{number}"))
    }

    /// The key of something that is made of a file and can be made again: of this group, which has all that is made of one content.
    pub(crate) fn derived(group: DerivedGroup, name: &[u8; 16]) -> Self {
        Self(group.prefix() + &hex::encode(name))
    }

    /// Whether [`derived`](Self::derived) makes such keys. Keys of uploads are never like that: ids have more hyphens, whatever
    /// prefix is before them.
    pub(crate) fn is_derived(&self) -> bool {
        let mut words = self.0.split('-');
        words.next() == Some(DERIVED) && words.map(str::len).eq([8, 24, 32])
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = NotAKey;

    /// Reads what a store has listed.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        match (3..=128).contains(&text.len()) && text.bytes().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err(NotAKey),
        }
    }
}

/// The text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key, which has 3 to 128 of the characters 0-9, a-z and -")]
#[non_exhaustive]
pub struct NotAKey;

/// The first word of the keys of what is made of files.
const DERIVED: &str = "derived";

/// All that is made of one content in one project: their keys begin alike, so that they can be found and removed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DerivedGroup(pub(crate) [u8; 16]);

impl DerivedGroup {
    /// The beginning of the keys. Its second word is as long as that of the key of an upload with a prefix, by which stores
    /// spread keys.
    pub(crate) fn prefix(self) -> String {
        let digits = hex::encode(self.0);
        let (first, second) = digits.split_at(8);
        format!("{DERIVED}-{first}-{second}-")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The place of an upload's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Location {
    /// The name of the store, if it is not the pipeline's first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// The prefix of the keys: 1 to 32 lower-case letters and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

impl Location {
    /// Sets store or prefix.
    ///
    /// ```
    /// use intake_core::Location;
    ///
    /// let location = Location::default().with(|location| location.store = Some("archive".to_owned()));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// Whether the text may be the prefix of a key: such a prefix is as safe in a key as the id.
pub(crate) fn is_prefix(prefix: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=32).contains(&prefix.len()) && prefix.bytes().all(plain)
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
