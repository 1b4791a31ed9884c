//! What is found in a document, and what stops the reading of it.

use intake_core::{Code, Rejection};

use crate::codes;

/// A reason to refuse a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    kind: Kind,
    /// The name of an element, an attribute or an entity, as the sender wrote it.
    subject: String,
}

/// What a document has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Script,
    ScriptLink,
    /// A style sheet of another kind than CSS, which may make anything of the document.
    Transformation,
    AnimatedLink,
    Handler,
    ForeignContent,
    External,
    Entities,
    TooComplex(&'static str),
}

/// The longest subject of a refusal, in characters.
const MOST_CHARACTERS: usize = 80;

impl Finding {
    pub(crate) fn new(kind: Kind, subject: &str) -> Self {
        let subject = subject.chars().take(MOST_CHARACTERS).collect();
        Self { kind, subject }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The refusal for the sender.
    pub(crate) fn rejection(&self) -> Rejection {
        let (code, message): (Code, &str) = match self.kind {
            Kind::Script => (codes::SVG_SCRIPT, "the image contains a script"),
            Kind::ScriptLink => (codes::SVG_SCRIPT, "a link in the image runs a script"),
            Kind::Transformation => (codes::SVG_SCRIPT, "the document asks to be transformed by a program"),
            Kind::AnimatedLink => (
                codes::SVG_SCRIPT,
                "an animation in the image changes a link or an event",
            ),
            Kind::Handler => (codes::SVG_HANDLER, "the image runs a script at an event"),
            Kind::ForeignContent => (codes::SVG_FOREIGN_CONTENT, "the image contains parts of a web page"),
            Kind::External => (codes::SVG_EXTERNAL, "the image loads something from elsewhere"),
            Kind::Entities => (codes::SVG_ENTITIES, "the image declares entities that are not taken"),
            Kind::TooComplex(message) => (codes::SVG_TOO_COMPLEX, message),
        };
        let subject: String = self.subject.chars().flat_map(char::escape_debug).collect();
        let subject: String = subject.chars().take(MOST_CHARACTERS).collect();
        let rejection = Rejection::new(code, message);
        if subject.is_empty() {
            rejection
        } else {
            rejection.with_subject(subject)
        }
    }
}

/// Why a document is read no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is refused.
    Refuse(Finding),
    /// No browser draws it as SVG.
    NotOurs,
    /// It is no SVG so far, and exceeds a limit.
    TooMuch,
}
