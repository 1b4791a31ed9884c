//! The note on a document, for validators and adapters.

use serde::{Deserialize, Serialize};

/// What was seen of a document. It is in the record of the upload, under [`PdfNote::SUBJECT`].
///
/// If the coverage of the scan is partial, there may be more than was seen.
///
/// ```
/// use intake_plugin_pdf::PdfNote;
///
/// # let facts = intake_core::Facts::new(1024, intake_core::Digest::from([0; 32]));
/// let note: Option<PdfNote> = facts.note(PdfNote::SUBJECT);
/// let is_short = note.is_none_or(|note| note.pages.is_none_or(|pages| pages <= 100));
/// # assert!(is_short);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PdfNote {
    /// The version that the header or the catalog names, such as `1.7`. `None` if neither does.
    pub version: Option<String>,
    /// The number of pages, as the root of the page tree counts them. `None` if it was not seen.
    pub pages: Option<u64>,
    /// Whether the document is encrypted.
    pub encrypted: bool,
    /// Whether the document says that it is linearized.
    pub linearized: bool,
    /// Whether there is a script.
    pub javascript: bool,
    /// Whether there are files inside.
    pub embedded_files: bool,
    /// Whether there is a form.
    pub forms: bool,
}

impl PdfNote {
    /// The subject of this note in [`Facts::notes`](intake_core::Facts::notes).
    pub const SUBJECT: &'static str = "pdf";
}
