//! `metadata[key]=value`: names and values beside a file, within the bounds of wire facts, section 2.6.

use std::collections::BTreeMap;

use intake_core::project::with_granted;
use intake_core::{Pass, Project};

use crate::codes;
use crate::error::ApiError;

/// Names that one file may have.
const KEYS: usize = 50;
/// Characters of a name.
const KEY_LENGTH: usize = 64;
/// Characters of a value.
const VALUE_LENGTH: usize = 512;

/// The metadata of a request, taken field by field. The first thing that is wrong with it stays what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    entries: BTreeMap<String, String>,
    wrong: Option<ApiError>,
}

impl Metadata {
    /// Takes a field, if it is one of metadata. A value that was too long to be read is `None`.
    pub(crate) fn take(&mut self, field: &str, value: Option<&str>) -> bool {
        let Some(key) = field.strip_prefix("metadata[").and_then(|rest| rest.strip_suffix(']')) else {
            return false;
        };
        if self.wrong.is_none()
            && let Err(refusal) = self.add(key, value)
        {
            self.wrong = Some(refusal);
        }
        true
    }

    fn add(&mut self, key: &str, value: Option<&str>) -> Result<(), ApiError> {
        if key.is_empty() {
            return Err(codes::METADATA_KEY_EMPTY.into());
        }
        if key.chars().count() > KEY_LENGTH {
            return Err(ApiError::new(&codes::METADATA_KEY_TOO_LONG).arg(key).arg(KEY_LENGTH));
        }
        if !key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte))
        {
            return Err(ApiError::new(&codes::METADATA_KEY_FORBIDDEN).arg(key));
        }
        let value = match value {
            Some(value) if value.chars().count() <= VALUE_LENGTH => value,
            _ => {
                return Err(ApiError::new(&codes::METADATA_VALUE_TOO_LONG)
                    .arg(key)
                    .arg(VALUE_LENGTH));
            }
        };
        if value.is_empty() {
            return Err(ApiError::new(&codes::METADATA_VALUE_EMPTY).arg(key));
        }
        if value
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
        {
            return Err(ApiError::new(&codes::METADATA_VALUE_FORBIDDEN).arg(key));
        }
        if self.entries.contains_key(key) {
            return Err(ApiError::new(&codes::METADATA_KEY_TWICE).arg(key));
        }
        if self.entries.len() == KEYS {
            return Err(ApiError::new(&codes::METADATA_TOO_MANY).arg(KEYS));
        }
        self.entries.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// All of it with what a token adds, or the first thing that is wrong with it, for anybody or for this project.
    pub(crate) fn finish(self, project: &Project, pass: Option<&Pass>) -> Result<BTreeMap<String, String>, ApiError> {
        if let Some(refusal) = self.wrong {
            return Err(refusal);
        }
        let entries = with_granted(self.entries, pass);
        let too_long = |text: &str, most: Option<usize>| most.filter(|most| text.chars().count() > *most);
        for (key, value) in &entries {
            if let Some(most) = too_long(key, project.max_metadata_key_length) {
                return Err(ApiError::new(&codes::METADATA_KEY_TOO_LONG).arg(key).arg(most));
            }
            if let Some(most) = too_long(value, project.max_metadata_value_length) {
                return Err(ApiError::new(&codes::METADATA_VALUE_TOO_LONG).arg(key).arg(most));
            }
        }
        let most = project.max_metadata_keys.map_or(KEYS, |most| most.min(KEYS));
        if entries.len() > most {
            return Err(ApiError::new(&codes::METADATA_TOO_MANY).arg(most));
        }
        Ok(entries)
    }
}

/// The same, of what a token says.
pub(crate) fn checked(said: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ApiError> {
    let mut metadata = Metadata::default();
    for (key, value) in said {
        metadata.add(key, Some(value))?;
    }
    Ok(metadata.entries)
}
