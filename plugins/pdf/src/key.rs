//! The names of PDF that matter to the scanner.

use crate::tally::Finding;

/// A key of a dictionary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Key {
    #[default]
    Other,
    /// A property for which a document may be refused, whatever the value.
    Telling(Finding, &'static str),
    /// The type of an action, or of something else.
    Action,
    Type,
    Subtype,
    Encrypt,
    Linearized,
    AcroForm,
    Count,
    Parent,
    Version,
    Length,
    Filter,
    DecodeParms,
    First,
    Members,
    Predictor,
    Colors,
    BitsPerComponent,
    Columns,
    EarlyChange,
    /// The author chooses the keys of its dictionary freely: fonts, pictures, roles of structure.
    Names,
}

impl Key {
    pub(crate) fn of(name: &[u8]) -> Self {
        match name {
            b"JS" => Self::Telling(Finding::JavaScript, "JS"),
            b"JavaScript" => Self::Telling(Finding::JavaScript, "JavaScript"),
            b"EF" => Self::Telling(Finding::EmbeddedFile, "EF"),
            b"EmbeddedFiles" => Self::Telling(Finding::EmbeddedFile, "EmbeddedFiles"),
            b"XFA" => Self::Telling(Finding::Xfa, "XFA"),
            b"S" => Self::Action,
            b"Type" => Self::Type,
            b"Subtype" => Self::Subtype,
            b"Encrypt" => Self::Encrypt,
            b"Linearized" => Self::Linearized,
            b"AcroForm" => Self::AcroForm,
            b"Count" => Self::Count,
            b"Parent" => Self::Parent,
            b"Version" => Self::Version,
            b"Length" => Self::Length,
            b"Filter" => Self::Filter,
            b"DecodeParms" | b"DP" => Self::DecodeParms,
            b"First" => Self::First,
            b"N" => Self::Members,
            b"Predictor" => Self::Predictor,
            b"Colors" => Self::Colors,
            b"BitsPerComponent" => Self::BitsPerComponent,
            b"Columns" => Self::Columns,
            b"EarlyChange" => Self::EarlyChange,
            b"Font" | b"XObject" | b"ExtGState" | b"ColorSpace" | b"Pattern" | b"Shading" | b"Properties"
            | b"RoleMap" | b"ClassMap" | b"CharProcs" | b"Dests" => Self::Names,
            _ => Self::Other,
        }
    }
}

/// What an action of this type does.
pub(crate) fn action(name: &[u8]) -> Option<(Finding, &'static str)> {
    match name {
        b"JavaScript" => Some((Finding::JavaScript, "JavaScript")),
        b"Launch" => Some((Finding::Launch, "Launch")),
        b"SubmitForm" => Some((Finding::Launch, "SubmitForm")),
        b"ImportData" => Some((Finding::Launch, "ImportData")),
        b"GoToR" => Some((Finding::Remote, "GoToR")),
        b"GoToE" => Some((Finding::Remote, "GoToE")),
        _ => None,
    }
}

/// What an object or annotation of this type contains.
pub(crate) fn contents(name: &[u8]) -> Option<(Finding, &'static str)> {
    match name {
        b"EmbeddedFile" => Some((Finding::EmbeddedFile, "EmbeddedFile")),
        b"FileAttachment" => Some((Finding::EmbeddedFile, "FileAttachment")),
        b"RichMedia" => Some((Finding::EmbeddedFile, "RichMedia")),
        _ => None,
    }
}
