//! What is known of an upload, by the moment at which it becomes known: declared, head, facts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{FileName, MediaType};

/// What the sender says before the first byte. Claims, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The file's name on the sender's side: to be shown, never to be a path.
    pub name: Option<FileName>,
    /// How many bytes are to come. If said, it must hold.
    pub size: Option<u64>,
    /// The type that the sender gives the file.
    pub media_type: Option<MediaType>,
}

impl Declared {
    /// Nothing but a name, if the text is one: see [`FileName::new`].
    pub fn named(name: impl AsRef<str>) -> Self {
        Self {
            name: FileName::new(name.as_ref()),
            ..Self::default()
        }
    }
}

/// How many of the first bytes a [`Head`] has at most. Every signature of a common format lies within.
pub const HEAD_BYTES: usize = 8 * 1024;

/// The first bytes and what they look like.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// What the sender said.
    pub declared: &'a Declared,
    /// The first [`HEAD_BYTES`] of the content, fewer only if there are no more.
    pub bytes: &'a [u8],
    /// What the bytes look like, whatever the sender said. `None` if they look like nothing known.
    pub media_type: Option<&'a MediaType>,
}

/// What is known of the content once its last byte was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Bytes, counted.
    pub size: u64,
    /// SHA-256 of all bytes.
    pub digest: Digest,
    /// What the first bytes look like.
    pub media_type: Option<MediaType>,
    /// What each scanner covered, by the scanner's name in the pipeline.
    #[serde(default)]
    pub coverage: BTreeMap<String, Coverage>,
    /// What scanners found out, by subject, such as [`Image::NOTE`](crate::notes::Image::NOTE).
    #[serde(default)]
    pub notes: BTreeMap<String, Value>,
}

impl Facts {
    /// A scanner's note on a subject, if one was made and has the expected shape.
    #[must_use]
    pub fn note<T: DeserializeOwned>(&self, subject: &str) -> Option<T> {
        // A note of another shape is somebody else's vocabulary under the same name: not an error, just not ours.
        serde_json::from_value(self.notes.get(subject)?.clone()).ok()
    }
}

/// How much of the content a scanner looked at. A verdict without this would say more than is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Everything that this scanner means to look at. To claim it, a scanner has to have read whatever could have changed its
    /// verdict.
    Whole,
    /// Not everything, and why.
    Partial(String),
}

/// A SHA-256 digest; lower-case hexadecimal wherever it is text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest's 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(NotADigest),
        }
    }
}

/// The text is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no SHA-256 digest, which has 64 hexadecimal digits")]
#[non_exhaustive]
pub struct NotADigest;

impl TryFrom<String> for Digest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        hex::encode(digest.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_64_hexadecimal_digits() {
        let text = "5f".repeat(32);
        assert_eq!(text.parse::<Digest>().map(String::from), Ok(text.clone()));
        for wrong in ["", "5f", &text[1..], &format!("{text}5f"), &text.replace('f', "g")] {
            assert_eq!(wrong.parse::<Digest>(), Err(NotADigest), "{wrong}");
        }
    }
}
