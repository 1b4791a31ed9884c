//! Reads one TOML file and environment variables that override it into settings, and finds the line of a setting.

use std::fmt;
use std::path::Path;

use intake_core::{ConfigError, ConfigErrors, Settings, Step};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::variables::{self, Variable};

/// The configuration that the program uses if it gets none: one machine, one folder, one project.
pub const BUILT_IN: &str = include_str!("built-in.toml");

/// A configuration as it was read: its settings, and the source of each.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    variables: Vec<(Vec<Step>, String)>,
    settings: Map<String, Value>,
}

/// Why a configuration cannot be used: one or more errors, each with its line or its variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(Vec<String>);

impl Unusable {
    /// A single error.
    #[cfg(feature = "program")]
    pub(crate) fn of(what: String) -> Self {
        Self(vec![what])
    }

    /// Adds one line.
    #[cfg(feature = "program")]
    pub(crate) fn and(mut self, line: Option<String>) -> Self {
        self.0.extend(line);
        self
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Unusable {}

impl Source {
    /// Reads a file, and overrides its settings by the environment.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is not TOML.
    pub fn file(path: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, Unusable> {
        /// No configuration is larger; a larger file is the wrong one.
        const LONGEST: u64 = 1 << 20;
        let name = path.display().to_string();
        let unreadable = |why: &dyn fmt::Display| Unusable(vec![format!("cannot read {name}: {why}")]);
        let length = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
        if length > LONGEST {
            return Err(unreadable(&"it has more than 1 MiB, so it is no configuration"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => unreadable(&"it is no UTF-8 text; save it as UTF-8"),
            _ => unreadable(&error),
        })?;
        Self::text(name, text, environment)
    }

    /// The built-in configuration, overridden by the environment.
    ///
    /// # Errors
    ///
    /// If a variable is not a setting.
    pub fn built_in(environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, Unusable> {
        Self::text(
            "the built-in configuration".to_owned(),
            BUILT_IN.to_owned(),
            environment,
        )
    }

    /// A configuration from a text, with a name for messages.
    ///
    /// # Errors
    ///
    /// If the text is not TOML, or a variable that begins with `INTAKE_` is not a setting.
    pub fn text(
        name: String,
        text: String,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Unusable> {
        let settings = toml::from_str(&text).map_err(|error| Unusable(vec![malformed(&name, &text, &error)]))?;
        let mut source = Self {
            name,
            text,
            variables: Vec::new(),
            settings,
        };
        let (mut variables, mut unknown) = (Vec::new(), Vec::new());
        for (name, value) in environment {
            match Variable::of(&name, &value) {
                Variable::Setting(steps) if !source.has_secret(&name) => variables.push((steps, name, value)),
                Variable::Unknown => unknown.push(name),
                Variable::Setting(_) | Variable::Foreign => {}
            }
        }
        // Lists grow by one element at a time, so the order matters.
        variables.sort_by(|one, other| one.1.cmp(&other.1));
        for (steps, variable, value) in variables {
            if let Err(why) = set(&mut source.settings, &steps, value_of(value)) {
                return Err(Unusable(vec![format!("{variable}: {why}")]));
            }
            source.variables.push((steps, variable));
        }
        unknown.retain(|name| !source.has_secret(name));
        if unknown.is_empty() {
            return Ok(source);
        }
        unknown.sort();
        let unknown = unknown.iter().map(|name| variables::unknown(name, &source.settings));
        Err(Unusable(unknown.collect()))
    }

    /// The name of the configuration in messages: its path, or that it is the built-in one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the configuration takes a secret from this variable.
    fn has_secret(&self, variable: &str) -> bool {
        let mut settings = self.settings.values();
        settings.any(|value| variables::is_a_secret(variable, value))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::new(self.settings.clone())
    }

    /// Finds the line or the variable of each error.
    #[must_use]
    pub fn locate(&self, errors: &ConfigErrors) -> Unusable {
        Unusable(errors.0.iter().map(|error| self.locate_one(error)).collect())
    }

    fn locate_one(&self, error: &ConfigError) -> String {
        let from = self
            .variables
            .iter()
            .find(|(steps, _)| error.place().starts_with(steps));
        if let Some((_, variable)) = from {
            return format!("{variable}: {error}");
        }
        let Some(at) = DeTable::parse(&self.text)
            .ok()
            .and_then(|table| find(&table, error.place()))
        else {
            return format!("{}: {error}", self.name);
        };
        shown_at(&self.name, &self.text, at, error)
    }
}

/// Describes a syntax error with its line.
fn malformed(name: &str, text: &str, error: &toml::de::Error) -> String {
    let message = error.message();
    let Some(at) = error
        .span()
        .map(|span| span.start)
        .filter(|at| text.is_char_boundary(*at))
    else {
        return format!("{name}: {message}");
    };
    shown_at(name, text, at, &message)
}

/// The error with its position and its line. The text after the equals sign is left out, because it may be a secret.
fn shown_at(name: &str, text: &str, at: usize, message: &dyn fmt::Display) -> String {
    let before = &text[..at];
    let line = before.matches('\n').count();
    let column = before.chars().rev().take_while(|c| *c != '\n').count();
    let shown = text.lines().nth(line).unwrap_or_default();
    let shown = shown.split_once('=').map_or(shown, |(key, _)| key).trim_end();
    format!("{name}:{}:{}: {message}\n    {shown}", line + 1, column + 1)
}

/// A value that parses as TOML is used as such; any other is text, so that paths and addresses need no quotes.
pub(crate) fn value_of(text: String) -> Value {
    let parsed: Option<Map<String, Value>> = toml::from_str(&format!("value = {text}")).ok();
    parsed
        .and_then(|mut table| if table.len() == 1 { table.remove("value") } else { None })
        .unwrap_or(Value::String(text))
}

fn set(settings: &mut Map<String, Value>, steps: &[Step], value: Value) -> Result<(), String> {
    let Some((Step::Key(first), rest)) = steps.split_first() else {
        return Err("a setting's place begins with a section".to_owned());
    };
    let mut place = settings.entry(first.clone()).or_insert(Value::Null);
    for step in rest {
        place = match step {
            Step::Key(key) => {
                if place.is_null() {
                    *place = Value::Object(Map::new());
                }
                let table = place
                    .as_object_mut()
                    .ok_or_else(|| format!("`{key}` would be in something that is no table"))?;
                table.entry(key.clone()).or_insert(Value::Null)
            }
            Step::Index(index) => {
                if place.is_null() {
                    *place = Value::Array(Vec::new());
                }
                let list = place
                    .as_array_mut()
                    .ok_or_else(|| format!("{index} would be in something that is no list"))?;
                if *index > list.len() {
                    return Err(format!(
                        "the list has only {} entries; the next one is {}",
                        list.len(),
                        list.len()
                    ));
                }
                if *index == list.len() {
                    list.push(Value::Null);
                }
                &mut list[*index]
            }
        };
    }
    *place = value;
    Ok(())
}

/// The position of the setting in the text, or else of the table that it belongs to.
fn find(table: &Spanned<DeTable<'_>>, place: &[Step]) -> Option<usize> {
    let mut found = None;
    let mut value: Option<&DeValue<'_>> = None;
    for step in place {
        let table = match value {
            None => Some(table.get_ref()),
            Some(DeValue::Table(table)) => Some(table),
            Some(_) => None,
        };
        match (step, value) {
            (Step::Key(key), _) => {
                let Some((key, inner)) = table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == key))
                else {
                    break;
                };
                found = Some(key.span().start);
                value = Some(inner.get_ref());
            }
            (Step::Index(index), Some(DeValue::Array(list))) => {
                let Some(inner) = list.get(*index) else { break };
                found = Some(inner.span().start);
                value = Some(inner.get_ref());
            }
            _ => break,
        }
    }
    found
}
