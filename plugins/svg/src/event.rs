//! The parts of a document, and who takes them.

use crate::finding::Stop;

/// An attribute as it is written.
#[derive(Debug, Default)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    /// The value with its entities. Of a value that is only counted, the begin.
    pub(crate) value: String,
}

/// A part of a document.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    Start {
        name: &'a str,
        attributes: &'a [Attribute],
        is_empty: bool,
    },
    End(&'a str),
    /// Text, in whatever pieces.
    Text(&'a [u8]),
    /// The name of an entity in the text.
    Reference(&'a str),
    Instruction(&'a [u8]),
    DocumentType(&'a [u8]),
    Malformed(&'static str),
    TooComplex(&'static str),
}

/// Takes the parts of a document.
pub(crate) trait Reader {
    fn read(&mut self, event: Event<'_>) -> Result<(), Stop>;
}

/// What a tag may have at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) attributes: usize,
    /// Bytes of one value. Those of a tag together may have twice as many.
    pub(crate) attribute: usize,
}
