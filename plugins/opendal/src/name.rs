//! The names of uploads in the store.

use std::fmt;

use intake_core::{Fault, Key};

use crate::codes::STORE_FAILED;

/// A key whose characters were checked: no separator, no dot, nothing that has a meaning in a path.
#[derive(Clone, Debug)]
pub(crate) struct Name(String);

impl Name {
    /// The core makes keys of these characters only. They are checked here, as this plugin uses them in paths.
    pub(crate) fn of(key: &Key) -> Result<Self, Fault> {
        Self::checked(key.as_str())
    }

    pub(crate) fn checked(key: &str) -> Result<Self, Fault> {
        let allowed = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-');
        if (3..=128).contains(&key.len()) && key.bytes().all(allowed) {
            return Ok(Self(key.to_owned()));
        }
        Err(Fault::new(
            STORE_FAILED,
            "a key must have 3 to 128 of the characters 0-9, a-z and -",
        ))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder of a name: two characters of its id, as ids are random, and not of a prefix, which many names share.
    pub(crate) fn shard(&self) -> &str {
        const FIRST_OF_AN_ID: usize = 8;
        let behind = self.0.split_once('-').map(|(_, rest)| rest);
        let behind = behind.filter(|rest| {
            rest.split('-')
                .next()
                .is_some_and(|group| group.len() == FIRST_OF_AN_ID)
        });
        &behind.unwrap_or(&self.0)[..2]
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_be_more_than_a_name_is_refused() {
        for key in ["0af-", "c0ffee00-0000-4000-8000-000000000001"] {
            assert_eq!(Name::checked(key).unwrap().shard(), &key[..2]);
        }
        for prefix in ["zebra09", "a", "deadbeef", "12345678"] {
            let key = format!("{prefix}-c0ffee00-0000-4000-8000-000000000001");
            assert_eq!(Name::checked(&key).unwrap().shard(), "c0", "{key}");
            assert_eq!(Name::checked(&(key + "-7")).unwrap().shard(), "c0");
        }
        let long = "a".repeat(129);
        for key in [
            "", "ab", "..", "../ab", "ab/cd", "/ab", "abc.part", "ABC", "ab\0", "äbc", "ab_", " ab", &long,
        ] {
            assert_eq!(Name::checked(key).unwrap_err().code, STORE_FAILED, "{key}");
        }
    }
}
