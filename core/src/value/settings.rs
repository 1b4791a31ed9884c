//! Settings in a format-independent tree, and errors that name the place of a setting.

use crate::value::config_error::ConfigError;
use crate::value::config_error::ConfigErrors;
use crate::value::config_error::Step;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::value::reading::{parse, read_what_can_be};

/// A table of settings: those of one plugin, or a whole file. Reading it is pure.
#[derive(Clone, Default)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Settings from a table.
    #[must_use]
    pub fn new(table: Map<String, Value>) -> Self {
        Self(table)
    }

    /// Removes one setting and returns it.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    /// Removes a sub-table and returns it; an empty one if it is missing.
    ///
    /// # Errors
    ///
    /// If the setting is not a table.
    pub fn take_table(&mut self, key: &str) -> Result<Self, ConfigError> {
        match self.take(key) {
            None => Ok(Self::default()),
            Some(Value::Object(table)) => Ok(Self(table)),
            Some(_) => Err(ConfigError::at(key, format!("must be a table: [{key}]"))),
        }
    }

    /// Removes a list of tables and returns it; an empty one if it is missing.
    ///
    /// # Errors
    ///
    /// If the setting is not a list of tables.
    pub fn take_tables(&mut self, key: &str) -> Result<Vec<Self>, ConfigError> {
        let wrong = || ConfigError::at(key, format!("must be a list of tables: [[{key}]]"));
        let list = match self.take(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(wrong()),
        };
        list.into_iter()
            .map(|entry| {
                if let Value::Object(table) = entry {
                    Ok(Self(table))
                } else {
                    Err(wrong())
                }
            })
            .collect()
    }

    /// Removes one setting and reads it, if it is there.
    ///
    /// # Errors
    ///
    /// If the setting cannot be read as this type.
    pub fn take_parsed<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, ConfigError> {
        self.take(key)
            .map(|value| parse(&value).map_err(|error| error.within(key)))
            .transpose()
    }

    /// The names of the settings that are left.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Reads all settings that are left.
    ///
    /// # Errors
    ///
    /// The first error, with the place of the setting.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T, ConfigError> {
        parse(&Value::Object(self.0))
    }

    /// The first 16 hexadecimal digits of the SHA-256 of all settings, whatever their order: the same digits, the same settings.
    pub(crate) fn digest(&self) -> String {
        let digest = Sha256::digest(sorted(&Value::Object(self.0.clone())).to_string());
        hex::encode(&digest[..8])
    }

    /// Reads all settings that are left and builds something from them.
    ///
    /// It reports all errors at once, so that an operator can correct them together: it leaves out the settings that cannot be
    /// read, and still reads and checks the others.
    ///
    /// # Errors
    ///
    /// All errors, each with the place of the setting.
    pub fn make<T, U, E>(self, make: impl FnOnce(T) -> Result<U, E>) -> Result<U, ConfigErrors>
    where
        T: DeserializeOwned,
        ConfigErrors: From<E>,
    {
        self.make_unless_renamed(&[], make)
    }

    /// Does what [`make`](Self::make) does, and also refuses names of earlier versions. `renamed` has pairs of such a name and
    /// the name that the setting has now.
    ///
    /// # Errors
    ///
    /// All errors, each with the place of the setting.
    pub fn make_unless_renamed<T, U, E>(
        mut self,
        renamed: &[(&str, &str)],
        make: impl FnOnce(T) -> Result<U, E>,
    ) -> Result<U, ConfigErrors>
    where
        T: DeserializeOwned,
        ConfigErrors: From<E>,
    {
        let used = renamed.iter().filter(|(old, _)| self.0.remove(*old).is_some());
        let mut errors: Vec<_> = used
            .map(|(old, new)| ConfigError::at(*old, format!("is now called `{new}`")))
            .collect();
        let (read, unreadable) = read_what_can_be(Value::Object(self.0));
        errors.extend(unreadable);
        match read.map(make) {
            Some(Ok(made)) if errors.is_empty() => return Ok(made),
            Some(Err(refused)) if errors.is_empty() => return Err(refused.into()),
            // An error about the whole may come only from a setting that was left out.
            Some(Err(refused)) => {
                let refused = ConfigErrors::from(refused).0.into_iter();
                let apart = |place: &[Step], other: &[Step]| !place.starts_with(other) && !other.starts_with(place);
                let more: Vec<_> = refused
                    .filter(|error| errors.iter().all(|told| apart(&error.place, &told.place)))
                    .collect();
                errors.extend(more);
            }
            Some(Ok(_)) | None => {}
        }
        Err(ConfigErrors(errors))
    }
}

/// The same with the keys of all tables in order: their order in a file changes nothing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(table) => {
            let entries: BTreeMap<_, _> = table.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Shows the names only, because values may be secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
