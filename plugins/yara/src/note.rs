//! What is noted of a content.

use serde::{Deserialize, Serialize};

/// The rules that match a content.
///
/// ```
/// use intake_plugin_yara::YaraNote;
///
/// let note = YaraNote::default();
/// assert!(note.rules.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct YaraNote {
    /// The rules, those that refuse first, and then by name. At most 64.
    pub rules: Vec<MatchedRule>,
    /// How many more rules match.
    pub more: u64,
}

impl YaraNote {
    /// The subject of this note in [`Facts::notes`](intake_core::Facts::notes). Contents that no rule matches have none.
    pub const SUBJECT: &'static str = "yara";
}

/// A rule that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MatchedRule {
    /// Its name, behind the name of its file and a colon: `documents/invoices:macro_downloads`.
    pub name: String,
    /// Its tags, as in the file.
    pub tags: Vec<String>,
    /// Whether the content is refused because of it.
    pub refuses: bool,
}
