//! `metadata[key]=value`: keys and values that a sender adds to a file. See `docs/upload-api.md`, "Direct uploads".

use std::collections::BTreeMap;

use intake_core::metadata::{FlawKind, MetadataFlaw, MetadataLimits};
use intake_core::project::with_granted;
use intake_core::{Authorization, Project};

use crate::codes;
use crate::error::ApiError;

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
        let limits = MetadataLimits::HIGHEST;
        limits.check_entry(key, value).map_err(flawed)?;
        if self.entries.contains_key(key) {
            return Err(ApiError::new(&codes::METADATA_KEY_TWICE).arg(key));
        }
        limits.check_count(self.entries.len() + 1).map_err(flawed)?;
        self.entries
            .insert(key.to_owned(), value.unwrap_or_default().to_owned());
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
        project.metadata_limits().check(&entries).map_err(flawed)?;
        Ok(entries)
    }
}

/// The error for a flaw, with its key and its limit where the message has a place for them.
fn flawed(flaw: MetadataFlaw) -> ApiError {
    let error = ApiError::new(&flaw.code());
    let error = match flaw.kind {
        FlawKind::KeyEmpty | FlawKind::TooMany(_) => error,
        _ => error.arg(&flaw.key),
    };
    match flaw.limit() {
        Some(limit) => error.arg(limit),
        None => error,
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
