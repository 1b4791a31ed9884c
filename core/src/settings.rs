//! Settings of whatever format, and errors in them that say where they are.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

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
    place: Vec<Step>,
    message: String,
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
            .map(|value| parse(value).map_err(|error| error.within(key)))
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
        parse(Value::Object(self.0))
    }
}

/// Values may be secrets, so only names are shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, ConfigError> {
    use serde_path_to_error::Segment;

    serde_path_to_error::deserialize(value).map_err(|error| {
        let steps = error.path().iter().map(|segment| match segment {
            Segment::Seq { index } => Step::Index(*index),
            Segment::Map { key } => Step::Key(key.clone()),
            Segment::Enum { variant } => Step::Key(variant.clone()),
            Segment::Unknown => Step::Key("?".to_owned()),
        });
        let place: Vec<_> = steps.collect();
        let message = error.inner().to_string();
        let is_secret = |step: &Step| matches!(step, Step::Key(key) if key.starts_with("secret"));
        // What serde says of a value begins so; what is said otherwise quotes what would be right.
        let quotes = message.starts_with("invalid ") && place.iter().any(is_secret);
        let message = if quotes { unquoted(&message) } else { message };
        ConfigError { place, message }
    })
}

/// The same without what it quotes: serde says back what it does not like, and that may be a secret.
fn unquoted(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}…{}", &message[..first], &message[last + 1..]),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only errors are looked at")]
    struct Outer {
        inner: Option<Inner>,
        list: Option<Vec<u8>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only errors are looked at")]
    struct Inner {
        size: u8,
    }

    #[test]
    fn an_error_says_where_it_is() {
        for (value, says) in [
            (
                json!({"iner": {}}),
                "iner: unknown field `iner`, expected `inner` or `list`",
            ),
            (
                json!({"inner": {"size": "x"}}),
                "inner.size: invalid type: string \"x\", expected u8",
            ),
            (json!({"inner": {}}), "inner: missing field `size`"),
            (
                json!({"list": [1, 300]}),
                "list[1]: invalid value: integer `300`, expected u8",
            ),
        ] {
            let Value::Object(table) = value else { panic!("a table") };
            assert_eq!(Settings::new(table).parse::<Outer>().unwrap_err().to_string(), says);
        }
    }
}
