//! What is known of an upload at three moments: before the first byte (`Declared`), after the first bytes (`Head`), after the last
//! byte (`Facts`).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::value::file_name::FileName;
use crate::value::inspection::{Coverage, Inspection, as_ever};
use crate::value::media_type::MediaType;

/// What the sender declares before the first byte. All of it is claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Declared {
    /// The name that the sender gives the file. It is shown, and never becomes part of a path.
    #[serde(default, deserialize_with = "crate::value::file_name::if_it_is_one")]
    pub name: Option<FileName>,
    /// The size in bytes, if the sender declares it. An upload with another size is refused.
    pub size: Option<u64>,
    /// The media type that the sender gives the file.
    pub media_type: Option<MediaType>,
}

impl Declared {
    /// Declares nothing but a name, if the text has one: see [`FileName::new`].
    pub fn named(name: impl AsRef<str>) -> Self {
        Self {
            name: FileName::new(name.as_ref()),
            ..Self::default()
        }
    }

    /// Sets some of the claims.
    ///
    /// ```
    /// use intake_core::Declared;
    ///
    /// let declared = Declared::named("cat.jpeg").with(|declared| declared.size = Some(1024));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// The most bytes that a [`Head`](crate::Head) has. The signature of every common format lies within them.
pub const HEAD_BYTES: usize = 8 * 1024;

/// What is known of the content after its last byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Facts {
    /// The size in bytes, as counted.
    pub size: u64,
    /// SHA-256 of all bytes.
    pub digest: Digest,
    /// The media type by content. `None` if the content looks like no known type.
    pub media_type: Option<MediaType>,
    /// What each validator and scanner said, in their order: with which engine, of how much of the content.
    #[serde(default, alias = "coverage", deserialize_with = "as_ever")]
    pub inspections: Vec<Inspection>,
    /// What scanners found out, by subject such as [`Image::NOTE`](crate::notes::Image::NOTE).
    #[serde(default)]
    pub notes: BTreeMap<String, Value>,
}

impl Facts {
    /// What the pipeline knows of every content. No scanner has read it yet.
    #[must_use]
    pub fn new(size: u64, digest: Digest) -> Self {
        Self {
            size,
            digest,
            media_type: None,
            inspections: Vec::new(),
            notes: BTreeMap::new(),
        }
    }

    /// Sets some of the facts, such as in the tests of a validator.
    ///
    /// ```
    /// use intake_core::{Digest, Facts};
    ///
    /// let facts = Facts::new(1024, Digest::from([0; 32])).with(|facts| facts.media_type = "image/png".parse().ok());
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// How much of the content the verdict of a stage covers, by the name of the stage in the pipeline.
    #[must_use]
    pub fn coverage(&self, stage: &str) -> Option<&Coverage> {
        // Scanners follow validators, whose coverage is always whole.
        let mut inspections = self.inspections.iter().rev();
        let inspection = inspections.find(|inspection| inspection.stage == stage);
        inspection.map(|inspection| &inspection.coverage)
    }

    /// A scanner's note on a subject, if one was made and has the expected shape.
    #[must_use]
    pub fn note<T: DeserializeOwned>(&self, subject: &str) -> Option<T> {
        // A note with another shape was made by another scanner under the same subject: no error, but not the note asked for.
        serde_json::from_value(self.notes.get(subject)?.clone()).ok()
    }
}

/// A SHA-256 digest. As text it is lower-case hexadecimal.
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
    fn facts_of_earlier_versions_keep_what_was_covered() {
        let digest = "5f".repeat(32);
        let written = format!(
            r#"{{"size":1,"digest":"{digest}","media_type":null,"coverage":{{"av":"whole","meta":{{"partial":"too long"}}}}}}"#
        );
        let facts: Facts = serde_json::from_str(&written).unwrap();
        assert_eq!(facts.coverage("av"), Some(&Coverage::Whole));
        assert_eq!(facts.coverage("meta"), Some(&Coverage::Partial("too long".to_owned())));
        assert_eq!(facts.coverage("other"), None);
        let again: Facts = serde_json::from_str(&serde_json::to_string(&facts).unwrap()).unwrap();
        assert_eq!(again, facts);
    }

    #[test]
    fn a_digest_has_64_hexadecimal_digits() {
        let text = "5f".repeat(32);
        assert_eq!(text.parse::<Digest>().map(String::from), Ok(text.clone()));
        for wrong in ["", "5f", &text[1..], &format!("{text}5f"), &text.replace('f', "g")] {
            assert_eq!(wrong.parse::<Digest>(), Err(NotADigest), "{wrong}");
        }
    }
}
