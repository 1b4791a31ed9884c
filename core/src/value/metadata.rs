//! The rules for metadata, the names and values that the owner of a file adds to it, however they arrive. Pure.

use std::collections::BTreeMap;

use crate::value::codes;
use crate::value::verdict::{Code, Rejection};

/// What metadata a file may have. A project may lower it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataLimits {
    /// The most keys of one file.
    pub keys: usize,
    /// The most characters of a key.
    pub key_length: usize,
    /// The most characters of a value.
    pub value_length: usize,
}

impl MetadataLimits {
    /// The limits of every project.
    pub const HIGHEST: Self = Self {
        keys: 50,
        key_length: 64,
        value_length: 512,
    };

    /// The same limits, or lower ones if these are lower.
    #[must_use]
    pub fn lowered(self, keys: Option<usize>, key_length: Option<usize>, value_length: Option<usize>) -> Self {
        let lower = |one: usize, other: Option<usize>| other.map_or(one, |other| other.min(one));
        Self {
            keys: lower(self.keys, keys),
            key_length: lower(self.key_length, key_length),
            value_length: lower(self.value_length, value_length),
        }
    }

    /// Checks one key and its value. `None` stands for a value that was too long to be read.
    ///
    /// # Errors
    ///
    /// The first flaw.
    pub fn check_entry(&self, key: &str, value: Option<&str>) -> Result<(), MetadataFlaw> {
        let flaw = |kind| Err(MetadataFlaw::new(kind, key));
        if key.is_empty() {
            return flaw(FlawKind::KeyEmpty);
        }
        if key.chars().count() > self.key_length {
            return flaw(FlawKind::KeyTooLong(self.key_length));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        if !key.bytes().all(is_plain) {
            return flaw(FlawKind::KeyForbidden);
        }
        let Some(value) = value.filter(|value| value.chars().count() <= self.value_length) else {
            return flaw(FlawKind::ValueTooLong(self.value_length));
        };
        if value.is_empty() {
            return flaw(FlawKind::ValueEmpty);
        }
        if value
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
        {
            return flaw(FlawKind::ValueForbidden);
        }
        Ok(())
    }

    /// Checks all metadata of a file.
    ///
    /// # Errors
    ///
    /// The first flaw.
    pub fn check(&self, metadata: &BTreeMap<String, String>) -> Result<(), MetadataFlaw> {
        for (key, value) in metadata {
            self.check_entry(key, Some(value))?;
        }
        self.check_count(metadata.len())
    }

    /// Checks how many keys a file has.
    ///
    /// # Errors
    ///
    /// If there are too many.
    pub fn check_count(&self, keys: usize) -> Result<(), MetadataFlaw> {
        match keys > self.keys {
            true => Err(MetadataFlaw::new(FlawKind::TooMany(self.keys), "")),
            false => Ok(()),
        }
    }
}

/// Why metadata cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataFlaw {
    /// What is wrong.
    pub kind: FlawKind,
    /// The key that it is about; empty if it is about all of them.
    pub key: String,
}

/// What is wrong with metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlawKind {
    /// A key is empty.
    KeyEmpty,
    /// A key has more characters than this.
    KeyTooLong(usize),
    /// A key has another character than ASCII letters, digits, `_`, `-`, `.` and `:`.
    KeyForbidden,
    /// A value is empty.
    ValueEmpty,
    /// A value has more characters than this.
    ValueTooLong(usize),
    /// A value has a control character other than tab and line ends.
    ValueForbidden,
    /// There are more keys than this.
    TooMany(usize),
}

impl MetadataFlaw {
    fn new(kind: FlawKind, key: &str) -> Self {
        let key = key.to_owned();
        Self { kind, key }
    }

    /// The code of the flaw.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.kind {
            FlawKind::KeyEmpty => codes::METADATA_KEY_EMPTY,
            FlawKind::KeyTooLong(_) => codes::METADATA_KEY_TOO_LONG,
            FlawKind::KeyForbidden => codes::METADATA_KEY_FORBIDDEN,
            FlawKind::ValueEmpty => codes::METADATA_VALUE_EMPTY,
            FlawKind::ValueTooLong(_) => codes::METADATA_VALUE_TOO_LONG,
            FlawKind::ValueForbidden => codes::METADATA_VALUE_FORBIDDEN,
            FlawKind::TooMany(_) => codes::METADATA_TOO_MANY,
        }
    }

    /// The limit that is exceeded, if the flaw is about one.
    #[must_use]
    pub fn limit(&self) -> Option<usize> {
        match self.kind {
            FlawKind::KeyTooLong(most) | FlawKind::ValueTooLong(most) | FlawKind::TooMany(most) => Some(most),
            _ => None,
        }
    }
}

impl From<MetadataFlaw> for Rejection {
    fn from(flaw: MetadataFlaw) -> Self {
        let message = match flaw.kind {
            FlawKind::KeyEmpty => "a key of metadata is empty".to_owned(),
            FlawKind::KeyTooLong(most) => format!("a key of metadata has more than {most} characters"),
            FlawKind::KeyForbidden => "a key of metadata has a forbidden character".to_owned(),
            FlawKind::ValueEmpty => "a value of metadata is empty".to_owned(),
            FlawKind::ValueTooLong(most) => format!("a value of metadata has more than {most} characters"),
            FlawKind::ValueForbidden => "a value of metadata has a forbidden character".to_owned(),
            FlawKind::TooMany(most) => format!("a file has at most {most} keys of metadata"),
        };
        Self::new(flaw.code(), message).with_subject(&flaw.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_kept_if_every_key_and_value_is_within_the_limits() {
        let limits = MetadataLimits::HIGHEST;
        let (longest_key, longest_value) = ("k".repeat(64), "ü".repeat(512));
        let (long_key, long_value) = (format!("{longest_key}k"), format!("{longest_value}ü"));
        for (key, value, flaw) in [
            (&*longest_key, &*longest_value, None),
            ("-:45az_.", "a\tb\r\nc", None),
            ("", "v", Some(FlawKind::KeyEmpty)),
            (&long_key, "v", Some(FlawKind::KeyTooLong(64))),
            ("a b", "v", Some(FlawKind::KeyForbidden)),
            ("ü", "v", Some(FlawKind::KeyForbidden)),
            ("k", "", Some(FlawKind::ValueEmpty)),
            ("k", &long_value, Some(FlawKind::ValueTooLong(512))),
            ("k", "\u{0}", Some(FlawKind::ValueForbidden)),
        ] {
            let found = limits.check_entry(key, Some(value)).err().map(|flaw| flaw.kind);
            assert_eq!(found, flaw, "{key:?}: {value:?}");
        }
        let many = |count: usize| (0..count).map(|at| (at.to_string(), "v".to_owned())).collect();
        assert_eq!(limits.check(&many(50)), Ok(()));
        let flaw = limits.check(&many(51)).unwrap_err();
        assert_eq!((flaw.kind, flaw.limit()), (FlawKind::TooMany(50), Some(50)));
        let lower = limits.lowered(Some(2), Some(100), Some(1));
        assert_eq!((lower.keys, lower.key_length, lower.value_length), (2, 64, 1));
    }
}
