//! `metadata[key]=value`: keys and values that a sender adds to a file. See `docs/upload-api.md`, "Direct uploads".

use std::collections::BTreeMap;

use intake_core::project::with_granted;
use intake_core::{Authorization, Project};

use crate::codes;
use crate::error::ApiError;

/// The most keys of one file.
const KEYS: usize = 50;
/// The most characters of a key.
const KEY_LENGTH: usize = 64;
/// The most characters of a value.
const VALUE_LENGTH: usize = 512;

/// The metadata of a request, read field by field. It keeps the first error.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    entries: BTreeMap<String, String>,
    error: Option<ApiError>,
}

impl Metadata {
    /// Takes a field, if it is a metadata field. `None` stands for a value that was too long to be read.
    pub(crate) fn take(&mut self, field: &str, value: Option<&str>) -> bool {
        let Some(key) = field.strip_prefix("metadata[").and_then(|rest| rest.strip_suffix(']')) else {
            return false;
        };
        if self.error.is_none()
            && let Err(error) = self.add(key, value)
        {
            self.error = Some(error);
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

    /// All metadata with that of a token, or the first error: by the limits of every project, then by those of this one.
    pub(crate) fn finish(
        self,
        project: &Project,
        authorization: Option<&Authorization>,
    ) -> Result<BTreeMap<String, String>, ApiError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let entries = with_granted(self.entries, authorization);
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

/// Checks the metadata that a token adds.
pub(crate) fn checked(metadata: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ApiError> {
    let mut checked = Metadata::default();
    for (key, value) in metadata {
        checked.add(key, Some(value))?;
    }
    Ok(checked.entries)
}
