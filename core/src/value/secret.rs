//! Secret settings: a value, a variable of the environment, or a file. They are never printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

use crate::value::config_error::ConfigError;

/// A secret setting: `"text"`, `{ env = "NAME" }` or `{ file = "/path" }`.
///
/// Neither its debug output nor any error shows the value.
#[derive(Clone)]
pub struct Secret(Origin);

#[derive(Clone)]
enum Origin {
    Value(SecretString),
    Env(String),
    File(String),
}

impl Secret {
    /// A secret with this value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Origin::Value(SecretString::from(value.into())))
    }

    /// Reads the value. The last line end of a file is not part of it.
    fn reveal(&self) -> Result<SecretString, ConfigError> {
        match &self.0 {
            Origin::Value(value) => Ok(value.clone()),
            Origin::Env(name) => std::env::var(name).map(SecretString::from).map_err(|_| {
                ConfigError::at(
                    "env",
                    format!("the environment has no variable `{name}` with text in it"),
                )
            }),
            Origin::File(path) => {
                /// No secret is longer. A longer file is the wrong file.
                const LONGEST: u64 = 64 * 1024;
                let too_long = || std::io::Error::other("it has more than 64 KiB");
                let text = std::fs::metadata(path)
                    .and_then(|meta| {
                        if meta.len() > LONGEST {
                            Err(too_long())
                        } else {
                            std::fs::read_to_string(path)
                        }
                    })
                    .map_err(|error| ConfigError::at("file", format!("cannot read the secret in `{path}`: {error}")))?;
                Ok(SecretString::from(text.strip_suffix('\n').unwrap_or(&text)))
            }
        }
    }

    /// The same secret with its value in memory: it is not read again, so it cannot be missing later.
    ///
    /// # Errors
    ///
    /// Those of [`expose`](Self::expose).
    pub fn fetched(&self) -> Result<Self, ConfigError> {
        Ok(Self(Origin::Value(self.reveal()?)))
    }

    /// Reads the value and passes it to a function, so that no copy of it is kept by accident.
    ///
    /// # Errors
    ///
    /// If the variable is not set or the file cannot be read; names it.
    pub fn expose<T>(&self, to: impl FnOnce(&str) -> T) -> Result<T, ConfigError> {
        Ok(to(self.reveal()?.expose_secret()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Origin::Value(_) => f.write_str("Secret(..)"),
            Origin::Env(name) => write!(f, "Secret(env {name})"),
            Origin::File(path) => write!(f, "Secret(file {path})"),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// Written by hand, because the errors of serde quote the wrong value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("expected a text, `{ env = \"NAME\" }` or `{ file = \"/path\" }`");
        match Value::deserialize(deserializer)? {
            Value::String(value) => Ok(Self::new(value)),
            Value::Object(table) => {
                let mut entries = table.into_iter();
                match (entries.next(), entries.next()) {
                    (Some((key, Value::String(name))), None) if key == "env" => Ok(Self(Origin::Env(name))),
                    (Some((key, Value::String(path))), None) if key == "file" => Ok(Self(Origin::File(path))),
                    _ => Err(wrong()),
                }
            }
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Secret, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_secret_comes_from_where_it_is_said_to_be() {
        assert_eq!(read("\"s3cret\"").unwrap().expose(str::to_owned).unwrap(), "s3cret");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "from file\n").unwrap();
        let json = serde_json::json!({ "file": path }).to_string();
        assert_eq!(read(&json).unwrap().expose(str::to_owned).unwrap(), "from file");
        let missing = read(r#"{"env": "INTAKE_TEST_NO_SUCH_VARIABLE"}"#)
            .unwrap()
            .reveal()
            .unwrap_err();
        assert!(
            missing.to_string().contains("INTAKE_TEST_NO_SUCH_VARIABLE"),
            "{missing}"
        );
    }

    #[test]
    fn a_secret_that_is_missing_is_said_to_be() {
        #[derive(Debug, serde::Deserialize)]
        struct Settings {
            #[allow(dead_code, reason = "only its absence is looked at")]
            key: Secret,
        }
        let error = serde_json::from_str::<Settings>("{}").unwrap_err().to_string();
        assert!(error.starts_with("missing field `key`"), "{error}");
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert!(!format!("{:?}", Secret::new("hunter2")).contains("hunter2"));
        for wrong in [
            r#"["hunter2"]"#,
            r#"{"value": "hunter2"}"#,
            r#"{"env": "A", "file": "hunter2"}"#,
            "4711",
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && !error.contains("4711"), "{error}");
        }
    }
}
