//! What an operator may set.

use intake_core::ConfigError;
use serde::Deserialize;

use crate::kind::Kind;

pub use intake_core::Choice;

/// Which cells count as formulas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Formulas {
    /// Those that call a function, a program (DDE) or another workbook.
    #[default]
    Calls,
    /// All that begin with `=`, `+`, `-`, `@`, a tab or a carriage return, numbers too.
    Every,
}

/// What happens to a text with characters that set the direction of others: U+202A to U+202E, and U+2066 to U+2069.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Bidi {
    /// It is taken.
    Accept,
    /// It is refused if one of them is not closed by the end of its line, as compilers warn of it.
    Unpaired,
    /// It is refused.
    Refuse,
}

/// The settings of `use = "text"`.
///
/// ```
/// use intake_plugin_text::{Formulas, Settings};
///
/// let strict = Settings::default().with(|settings| settings.counted_formulas = Formulas::Every);
/// # let _ = strict;
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Which kinds of text are read. Others are accepted unread.
    pub kinds: Vec<Kind>,
    /// Formulas in tables (CSV, TSV).
    pub formulas: Choice,
    /// Which cells count as formulas.
    pub counted_formulas: Formulas,
    /// NUL and the other control characters of ASCII, except tab, line feed, form feed and carriage return.
    pub control_characters: Choice,
    /// The control characters U+0080 to U+009F.
    pub c1_characters: Choice,
    /// The sequences by which terminals colour text.
    pub color_codes: Choice,
    /// Characters that set the direction of others, in source code.
    pub bidi_in_code: Bidi,
    /// The same in all other texts.
    pub bidi_in_text: Bidi,
    /// Bytes that are not valid in the encoding that the text declares.
    pub malformed: Choice,
    /// Texts in other encodings than those of Unicode.
    pub legacy_encodings: Choice,
    /// The most bytes of a line, once it is UTF-8. `None`: any number.
    #[serde(with = "intake_core::byte_count::option")]
    pub max_line: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.to_vec(),
            formulas: Choice::Refuse,
            counted_formulas: Formulas::default(),
            control_characters: Choice::Refuse,
            c1_characters: Choice::Accept,
            color_codes: Choice::Accept,
            bidi_in_code: Bidi::Unpaired,
            bidi_in_text: Bidi::Accept,
            malformed: Choice::Refuse,
            legacy_encodings: Choice::Accept,
            max_line: None,
        }
    }
}

impl Settings {
    /// Sets some of them.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// # Errors
    ///
    /// Names the first setting that makes no sense.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.kinds.is_empty() {
            return Err(ConfigError::at("kinds", "there is none, so nothing would be read"));
        }
        if self.max_line == Some(0) {
            return Err(ConfigError::at("max_line", "must be greater than zero"));
        }
        Ok(())
    }
}
