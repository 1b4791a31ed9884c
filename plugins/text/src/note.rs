//! What is noted of a text.

use serde::{Deserialize, Serialize};

use crate::kind::Kind;

/// What is known of a text once all of it was read.
///
/// ```
/// use intake_plugin_text::TextNote;
///
/// let note = TextNote::default();
/// assert!(!note.has_formulas());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TextNote {
    /// The kind, by which the settings decide.
    pub kind: Option<Kind>,
    /// The name of the encoding, as the WHATWG Encoding standard writes it; `US-ASCII` and `UTF-32LE`, `UTF-32BE` beside these.
    pub encoding: String,
    /// Whether that name is a guess, because the text neither declares its encoding nor is UTF-8.
    pub is_guess: bool,
    /// Whether it begins with a byte order mark.
    pub has_mark: bool,
    /// How lines end. `None` if there is one line at most.
    pub line_ending: Option<LineEnding>,
    /// How many lines there are, without an empty one at the end.
    pub lines: u64,
    /// How many cells are formulas, by the setting `counted_formulas`. `None` if the text is no table.
    pub formulas: Option<u64>,
    /// Whether it has characters that set the direction of others.
    pub has_bidi: bool,
}

impl TextNote {
    /// The subject of this note in [`Facts::notes`](intake_core::Facts::notes).
    pub const SUBJECT: &'static str = "text";

    /// Whether it is a table with formulas.
    #[must_use]
    pub fn has_formulas(&self) -> bool {
        self.formulas.is_some_and(|count| count > 0)
    }
}

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LineEnding {
    /// By a line feed, as on Unix.
    Lf,
    /// By a carriage return and a line feed, as on Windows.
    Crlf,
    /// By a carriage return, as on the first Macintosh.
    Cr,
    /// In more than one way.
    Mixed,
}
