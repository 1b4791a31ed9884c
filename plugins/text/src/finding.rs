//! What speaks against a text.

use intake_core::{Code, Rejection};

use crate::codes;

/// Something for which a text is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The row and the cell, from one.
    Formula {
        row: u64,
        cell: u64,
    },
    Control {
        character: char,
        line: u64,
    },
    Bidi {
        character: char,
        line: u64,
    },
    LineTooLong {
        line: u64,
        most: u64,
    },
    Malformed {
        encoding: &'static str,
        line: u64,
    },
    Encoding(Option<&'static str>),
}

impl Finding {
    /// The refusal for the sender.
    pub(crate) fn rejection(&self) -> Rejection {
        let (code, message, subject): (Code, String, Option<String>) = match self {
            Self::Formula { row, cell } => (
                codes::TEXT_FORMULA,
                format!(
                    "cell {cell} of row {row} is a formula that a spreadsheet would run; put an apostrophe in front of it, or send \
                     its value"
                ),
                Some(format!("row {row}, cell {cell}")),
            ),
            Self::Control { character, line } => (
                codes::TEXT_CONTROL_CHARACTER,
                format!(
                    "line {line} has the control character {}, which text does not have; remove it, or send the file under the name \
                     and type that it really has",
                    named(*character)
                ),
                Some(format!("{} in line {line}", named(*character))),
            ),
            Self::Bidi { character, line } => (
                codes::TEXT_BIDI,
                format!(
                    "line {line} has the character {}, by which the text may be shown in another order than it is read; remove it",
                    named(*character)
                ),
                Some(format!("{} in line {line}", named(*character))),
            ),
            Self::LineTooLong { line, most } => (
                codes::TEXT_LINE_TOO_LONG,
                format!("line {line} has more than {most} bytes; break it into several lines"),
                Some(format!("line {line}")),
            ),
            Self::Malformed { encoding, line } => (
                codes::TEXT_MALFORMED,
                format!("line {line} is not valid {encoding}, which the text is declared to be; save it as UTF-8"),
                Some((*encoding).to_owned()),
            ),
            Self::Encoding(declared) => (
                codes::TEXT_ENCODING,
                "the text is in no encoding of Unicode; save it as UTF-8".to_owned(),
                declared.map(str::to_owned),
            ),
        };
        let rejection = Rejection::new(code, message);
        match subject {
            Some(subject) => rejection.with_subject(subject),
            None => rejection,
        }
    }
}

fn named(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}
