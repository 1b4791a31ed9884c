//! Compares what a name says, what the sender declares, and what is in the content.

use intake_core::MediaType;

use crate::kinds::{self, Kind, Use};

/// What a name or a declared type says of the content.
#[derive(Debug, Default)]
pub(crate) struct Claim {
    /// The kinds of file that it may mean. None: it is in no row of the table.
    kinds: Vec<&'static Kind>,
    /// Whether it stands for an image, video or sound in bytes, of a format that is in no row.
    is_other_medium: bool,
}

/// How a content, or another claim, fits a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Fits,
    /// It is something else.
    Differs,
    /// It is something else that is used for the same.
    DiffersWithinUse,
    /// It is of no known type, although what is claimed can be recognised.
    Unknown,
}

/// Types that say nothing of the content: those of unknown content, those that ask a browser to save it, and those of whole
/// requests, which clients such as curl declare for whatever is in them.
const NO_CLAIM: [&str; 16] = [
    "application/binary",
    "application/download",
    "application/force-download",
    "application/octet-stream",
    "application/offset+octet-stream",
    "application/save",
    "application/unknown",
    "application/x-binary",
    "application/x-download",
    "application/x-force-download",
    "application/x-forcedownload",
    "application/x-unknown",
    "application/x-www-form-urlencoded",
    "binary/octet-stream",
    "content/unknown",
    "multipart/form-data",
];

/// Types of content that runs something, or that a browser takes for a page.
const ACTIVE: [&str; 7] = [
    "application/vnd.microsoft.portable-executable",
    "application/x-executable",
    "application/x-mach-binary",
    "image/svg+xml",
    "text/html",
    "text/x-shellscript",
    "text/xml",
];

/// Types whose root element may be known only at the end of the upload.
const MARKUP: [&str; 3] = ["image/svg+xml", "text/html", "text/xml"];

const PDF: &str = "application/pdf";
/// Readers of PDF look for its header in so many bytes (ISO 32000-1, H.3, implementation note 13).
const PDF_HEADER_WITHIN: usize = 1024;

impl Claim {
    /// What the endings of a name say: the first of them that is in the table.
    pub(crate) fn of_endings(endings: &[String]) -> Self {
        let known = endings.iter().map(|ending| kinds::with_ending(ending));
        let kinds: Vec<_> = known.into_iter().find(|kinds| !kinds.is_empty()).unwrap_or_default();
        let ending = endings.first().filter(|_| kinds.is_empty());
        let is_other_medium = ending.is_some_and(|ending| {
            let types = mime_guess::from_ext(ending);
            types.first().is_some() && types.iter_raw().all(is_medium)
        });
        Self { kinds, is_other_medium }
    }

    /// What the declared type says.
    pub(crate) fn of_declared(declared: Option<&MediaType>) -> Self {
        let Some(declared) = declared.filter(|declared| !NO_CLAIM.contains(&declared.as_str())) else {
            return Self::default();
        };
        let kinds = kinds::declared_as(declared);
        let is_other_medium = kinds.is_empty() && is_medium(declared.as_str());
        Self { kinds, is_other_medium }
    }

    /// The claim, as far as it may mean the same as another one: a page of Markdown and a list are both declared as plain text, and
    /// the name says which of them it is.
    pub(crate) fn narrowed_by(mut self, other: &Self) -> Self {
        let is_in_both = |kind: &&Kind| other.kinds.iter().any(|other| std::ptr::eq(*kind, *other));
        if self.kinds.iter().any(is_in_both) {
            self.kinds.retain(is_in_both);
        }
        self
    }

    /// Whether both may mean the same kind of file. A claim that is in no row fits everything.
    pub(crate) fn fits(&self, other: &Self) -> Fit {
        if self.kinds.is_empty() || other.kinds.is_empty() {
            return Fit::Fits;
        }
        let mut pairs = self
            .kinds
            .iter()
            .flat_map(|one| other.kinds.iter().map(move |other| (one, other)));
        if pairs.clone().any(|(one, other)| std::ptr::eq(*one, *other)) {
            return Fit::Fits;
        }
        let is_same_use = pairs.any(|(one, other)| one.used_as == other.used_as && one.used_as != Use::Other);
        if is_same_use {
            Fit::DiffersWithinUse
        } else {
            Fit::Differs
        }
    }

    /// How a content fits, by its first bytes.
    pub(crate) fn fits_head(&self, found: Option<&MediaType>, bytes: &[u8]) -> Fit {
        let Some(found) = found else {
            return self.fits_unknown(bytes);
        };
        // A comment in front of the root element looks like a page so far, and white space like text. If the claim is markup, the
        // end decides.
        let is_open = may_be_markup(found) && self.is_markup();
        if is_open || is_text(found) && self.is_pdf_behind_others(bytes) {
            return Fit::Fits;
        }
        self.fits_type(found)
    }

    /// How a content fits, by the type that was found at its end. Only that of markup may differ from the one at its beginning.
    pub(crate) fn fits_whole(&self, found: &MediaType) -> Fit {
        if is_text(found) && !self.is_markup() {
            return Fit::Fits;
        }
        self.fits_type(found)
    }

    fn is_markup(&self) -> bool {
        self.kinds.iter().any(|kind| has_any(kind, &MARKUP))
    }

    fn fits_type(&self, found: &MediaType) -> Fit {
        if self.kinds.is_empty() {
            let differs = self.is_other_medium && ACTIVE.contains(&found.as_str());
            return if differs { Fit::Differs } else { Fit::Fits };
        }
        if self.kinds.iter().any(|kind| kind.is_found_as(found)) {
            return Fit::Fits;
        }
        let is_used_as = |used_as| used_as != Use::Other && self.kinds.iter().any(|kind| kind.used_as == used_as);
        if kinds::found_as(found).any(|kind| is_used_as(kind.used_as)) {
            return Fit::DiffersWithinUse;
        }
        Fit::Differs
    }

    fn fits_unknown(&self, bytes: &[u8]) -> Fit {
        let may_be = self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.may_be_unknown);
        if may_be || self.is_pdf_behind_others(bytes) {
            return Fit::Fits;
        }
        Fit::Unknown
    }

    /// Whether a PDF is claimed, and its header is behind other bytes, as in files that passed a printer.
    fn is_pdf_behind_others(&self, bytes: &[u8]) -> bool {
        let mut first = bytes.get(..PDF_HEADER_WITHIN).unwrap_or(bytes).windows(5);
        self.kinds.iter().any(|kind| has_any(kind, &[PDF])) && first.any(|window| window == b"%PDF-")
    }
}

fn has_any(kind: &Kind, types: &[&str]) -> bool {
    kind.found.iter().any(|found| types.contains(found))
}

/// Whether the type of a content that begins so may be another at its end.
pub(crate) fn may_be_markup(found: &MediaType) -> bool {
    is_text(found) || MARKUP.contains(&found.as_str())
}

fn is_text(found: &MediaType) -> bool {
    found.as_str() == "text/plain"
}

/// Whether the type is one of images, video, sound or fonts, and none that is written in XML.
fn is_medium(name: &str) -> bool {
    let main = name.split('/').next().unwrap_or_default();
    matches!(main, "image" | "audio" | "video" | "font") && !name.ends_with("+xml")
}
