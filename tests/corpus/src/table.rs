//! What is expected of the files: the tables in `expected`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use serde_json::Value;

/// The folder of the corpus.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What is expected of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Expected {
    /// What is in it.
    pub about: String,
    /// The class of attack. None if the file is harmless.
    pub attack: Option<String>,
    /// Whether it is broken off or changed, without a meaning. Such a file is neither harmless nor an attack.
    #[serde(default)]
    pub damaged: bool,
    /// The name that its sender gives it. Its own if there is none here.
    pub name: Option<String>,
    /// The media type that its sender declares.
    pub declared: Option<String>,
    /// The media type that is found by its content. None if there is none.
    #[serde(rename = "type")]
    pub media_type: Option<String>,
    /// The stages that ought to refuse it, each with its code. What a stage refuses, `-strict` of the same plugin refuses with the
    /// same code, unless it is named, too.
    #[serde(default)]
    pub refused: BTreeMap<String, String>,
    /// The stages that accept it and ought to say that they did not look at everything; `-strict` as above.
    #[serde(default)]
    pub partial: Vec<String>,
    /// What scanners note, by subject. A field that is not here may be anything.
    #[serde(default)]
    pub notes: BTreeMap<String, Value>,
    /// Where a stage says something else than it ought to.
    #[serde(default)]
    pub exceptions: BTreeMap<String, Exception>,
    /// The stages that ought to refuse it, and may not be in the pipeline, each with its code.
    #[serde(default)]
    pub awaited: BTreeMap<String, String>,
}

/// What a stage says of a file instead of what it ought to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exception {
    /// The code of its refusal. None if it accepts the file.
    pub code: Option<String>,
    /// Why.
    pub why: String,
}

impl Expected {
    /// Whether people send such files for good reasons.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.attack.is_none() && !self.damaged
    }

    /// The code with which a stage ought to refuse it.
    #[must_use]
    pub fn code(&self, stage: &str) -> Option<&str> {
        let code = of(&self.refused, stage).or_else(|| of(&self.awaited, stage));
        code.map(String::as_str)
    }

    /// Whether a stage ought to say that it did not look at everything.
    #[must_use]
    pub fn is_partial(&self, stage: &str) -> bool {
        self.code(stage).is_none()
            && self
                .partial
                .iter()
                .any(|named| named == stage || named == lenient(stage))
    }

    /// What a stage says instead of what it ought to say, and why.
    #[must_use]
    pub fn exception(&self, stage: &str) -> Option<&Exception> {
        of(&self.exceptions, stage)
    }
}

fn of<'a, T>(by_stage: &'a BTreeMap<String, T>, stage: &str) -> Option<&'a T> {
    by_stage.get(stage).or_else(|| by_stage.get(lenient(stage)))
}

/// The stage of the same plugin with its default settings.
fn lenient(stage: &str) -> &str {
    stage.strip_suffix("-strict").unwrap_or(stage)
}

/// A file of the corpus.
#[derive(Debug)]
#[non_exhaustive]
pub struct Case {
    /// The folder and the name, below `files`.
    pub path: String,
    /// What is expected of it.
    pub expected: Expected,
}

impl Case {
    /// The name that its sender gives it.
    #[must_use]
    pub fn name(&self) -> &str {
        let own = self.path.rsplit('/').next().unwrap_or_default();
        self.expected.name.as_deref().unwrap_or(own)
    }

    /// What is in it.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn content(&self) -> io::Result<Vec<u8>> {
        fs::read(folder().join("files").join(&self.path))
    }
}

/// All files of the tables.
///
/// # Errors
///
/// If a table cannot be read, or has a word that no table has.
pub fn cases() -> io::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder().join("expected"))? {
        cases.extend(of_table(&entry?.path())?);
    }
    cases.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(cases)
}

fn of_table(path: &Path) -> io::Result<Vec<Case>> {
    let wrong = |error| io::Error::other(format!("{}: {error}", path.display()));
    let table: BTreeMap<String, Expected> = toml::from_str(&fs::read_to_string(path)?).map_err(wrong)?;
    let group = path.file_stem().unwrap_or_default().to_string_lossy();
    let cases = table.into_iter().map(|(name, expected)| Case {
        path: format!("{group}/{name}"),
        expected,
    });
    Ok(cases.collect())
}
