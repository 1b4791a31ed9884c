//! What is found in a file beside what it is.

use intake_core::Rejection;

use crate::codes;
use crate::settings::{Choice, Settings};

/// A reason to refuse a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where it was found, in bytes from the beginning. Of two findings the earlier one counts, so that the answer does not depend
    /// on how the content is cut.
    pub(crate) at: u64,
    pub(crate) other: Other,
}

/// What a file is, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    Script,
    /// A tag, without its angle bracket.
    Markup(&'static str),
    Disguise,
    Pdf,
    /// The format of the archive.
    Archive(&'static str),
    /// One in the boxes of a film that ends where the file ends.
    ArchiveInFilm(&'static str),
    SelfExtracting(&'static str),
    Program,
    TrailingData,
}

impl Finding {
    pub(crate) fn new(at: u64, other: Other) -> Self {
        Self { at, other }
    }

    /// The earlier one.
    pub(crate) fn earlier(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) if other.at < one.at => Some(other),
            (one, other) => one.or(other),
        }
    }

    /// The refusal for the sender.
    pub(crate) fn rejection(self) -> Rejection {
        let at = self.at;
        let (code, message) = match self.other {
            Other::Script => (
                codes::POLYGLOT_SCRIPT,
                "the image is also a script that a browser runs".to_owned(),
            ),
            Other::Markup(_) => (
                codes::POLYGLOT_MARKUP,
                format!("the image has a tag of a web page at byte {at}: save it again without its metadata"),
            ),
            Other::Disguise => (
                codes::POLYGLOT_DISGUISE,
                "the content is a web page or an SVG, and is called something else".to_owned(),
            ),
            Other::Pdf => (
                codes::POLYGLOT_PDF,
                format!("the content is something else, and also a PDF, which begins at byte {at}"),
            ),
            Other::Archive(_) | Other::ArchiveInFilm(_) => (
                codes::POLYGLOT_ARCHIVE,
                format!("the content is something else, and also an archive, which was found at byte {at}"),
            ),
            Other::SelfExtracting(_) => (
                codes::POLYGLOT_SELF_EXTRACTING,
                format!("the content is a program, and also an archive, which was found at byte {at}"),
            ),
            Other::Program => (
                codes::POLYGLOT_PROGRAM,
                format!("a program is behind the end of the content, at byte {at}"),
            ),
            Other::TrailingData => (
                codes::POLYGLOT_TRAILING_DATA,
                format!("data is behind the end of the image, up to byte {at} and further: save the image again"),
            ),
        };
        let rejection = Rejection::new(code, message);
        match self.other {
            Other::Markup(subject)
            | Other::Archive(subject)
            | Other::ArchiveInFilm(subject)
            | Other::SelfExtracting(subject) => rejection.with_subject(subject),
            _ => rejection,
        }
    }
}

impl Settings {
    /// Whether files that are this, too, are refused.
    pub(crate) fn refuses(&self, other: Other) -> bool {
        let choice = match other {
            Other::Script => self.script,
            Other::Markup(_) => self.markup,
            Other::Disguise => self.disguise,
            Other::Pdf => self.pdf,
            Other::Archive(_) => self.archive,
            Other::ArchiveInFilm(_) => self.archive_in_film,
            Other::SelfExtracting(_) => self.self_extracting,
            Other::Program => self.program,
            Other::TrailingData => self.trailing_data,
        };
        choice == Choice::Refuse
    }
}
