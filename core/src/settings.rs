//! Settings of whatever format, and errors in them that say where they are.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use crate::reading::names_of;
use crate::reading::{parse, read_what_can_be};

/// A step on the way to a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a table.
    Key(String),
    /// Into a list, counted from zero.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for Step {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// What is wrong with a setting, and where it stands.
///
/// ```
/// use intake_core::ConfigError;
///
/// let error = ConfigError::at("endings", "there is none").within(0).within("validate");
/// assert_eq!(error.to_string(), "validate[0].endings: there is none");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub(crate) place: Vec<Step>,
    pub(crate) message: String,
}

impl ConfigError {
    /// Something is wrong with the settings as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            place: Vec::new(),
            message: message.into(),
        }
    }

    /// Something is wrong with one of the settings.
    pub fn at(key: impl Into<Step>, message: impl Into<String>) -> Self {
        Self::new(message).within(key)
    }

    /// The same error, seen from one step further out.
    #[must_use]
    pub fn within(mut self, step: impl Into<Step>) -> Self {
        self.place.insert(0, step.into());
        self
    }

    /// The way to the setting, from outside in.
    #[must_use]
    pub fn place(&self) -> &[Step] {
        &self.place
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.place.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        if !self.place.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Everything that is wrong, so that it can be mended in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl ConfigErrors {
    /// The same errors, seen from one step further out.
    #[must_use]
    pub fn within(self, step: impl Into<Step>) -> Self {
        let step = step.into();
        Self(self.0.into_iter().map(|error| error.within(step.clone())).collect())
    }
}

/// The first one, whose message tells the others too.
impl From<ConfigErrors> for ConfigError {
    fn from(ConfigErrors(errors): ConfigErrors) -> Self {
        let mut errors = errors.into_iter();
        let mut all = errors.next().unwrap_or_else(|| Self::new("cannot be used"));
        for error in errors {
            all.message.push('\n');
            all.message.push_str(&error.to_string());
        }
        all
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

/// A table of settings: what one plugin is given, or a whole file. Reading it is pure.
#[derive(Clone, Default)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Settings from a table.
    #[must_use]
    pub fn new(table: Map<String, Value>) -> Self {
        Self(table)
    }

    /// Takes one setting out.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    /// Takes a sub-table out, empty if there is none.
    ///
    /// # Errors
    ///
    /// If it is there and no table.
    pub fn take_table(&mut self, key: &str) -> Result<Self, ConfigError> {
        match self.take(key) {
            None => Ok(Self::default()),
            Some(Value::Object(table)) => Ok(Self(table)),
            Some(_) => Err(ConfigError::at(key, format!("must be a table: [{key}]"))),
        }
    }

    /// Takes a list of tables out, empty if there is none.
    ///
    /// # Errors
    ///
    /// If it is there and anything else.
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

    /// Takes one setting out and reads it, if it is there.
    ///
    /// # Errors
    ///
    /// If it is there and something else.
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
    /// What is wrong, with the place of the setting.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T, ConfigError> {
        parse(&Value::Object(self.0))
    }

    /// Reads all settings that are left and makes something of them. Tells everything that is wrong, so that it can be mended in
    /// one go: settings that cannot be read are left out, and the rest is read and made all the same.
    ///
    /// # Errors
    ///
    /// What is wrong, each with the place of the setting.
    pub fn make<T, U, E>(self, make: impl FnOnce(T) -> Result<U, E>) -> Result<U, ConfigErrors>
    where
        T: DeserializeOwned,
        ConfigErrors: From<E>,
    {
        let (read, mut errors) = read_what_can_be(Value::Object(self.0));
        match read.map(make) {
            Some(Ok(made)) if errors.is_empty() => return Ok(made),
            Some(Err(refused)) if errors.is_empty() => return Err(refused.into()),
            // What is said of the whole may be wrong only because of what was left out.
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

/// Values may be secrets, so only names are shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
