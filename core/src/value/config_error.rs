//! Errors in a configuration, with their places.

use std::fmt;

/// A step on the path to a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// An entry of a list, counted from zero.
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

/// An error in a setting, with the place of the setting.
///
/// ```
/// use intake_core::ConfigError;
///
/// let error = ConfigError::at("endings", "must not be empty").within(0).within("validate");
/// assert_eq!(error.to_string(), "validate[0].endings: must not be empty");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub(crate) place: Vec<Step>,
    pub(crate) message: String,
}

impl ConfigError {
    /// An error in the settings as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            place: Vec::new(),
            message: message.into(),
        }
    }

    /// An error in one of the settings.
    pub fn at(key: impl Into<Step>, message: impl Into<String>) -> Self {
        Self::new(message).within(key)
    }

    /// Puts a step before the place: the table or list in which the setting stands.
    #[must_use]
    pub fn within(mut self, step: impl Into<Step>) -> Self {
        self.place.insert(0, step.into());
        self
    }

    /// The path to the setting, from the outermost table.
    #[must_use]
    pub fn place(&self) -> &[Step] {
        &self.place
    }

    /// The message, without the place.
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

/// All errors of a configuration, so that an operator can correct them together.
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
    /// Puts a step before the place of each error.
    #[must_use]
    pub fn within(self, step: impl Into<Step>) -> Self {
        let step = step.into();
        Self(self.0.into_iter().map(|error| error.within(step.clone())).collect())
    }
}

/// One error at the place of the first one. Its message lists the others too.
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
