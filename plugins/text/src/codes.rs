//! The codes of this plugin's refusals.

use intake_core::Code;

/// Refused: a cell of a table is a formula that a spreadsheet would run; the subject is its row and its place in the row.
pub const TEXT_FORMULA: Code = Code::new("text_formula");
/// Refused: the text has a control character; the subject is the character and its line.
pub const TEXT_CONTROL_CHARACTER: Code = Code::new("text_control_character");
/// Refused: the text has a character that changes the order in which the others are shown; the subject is the character and its line.
pub const TEXT_BIDI: Code = Code::new("text_bidi");
/// Refused: a line is longer than `max_line`; the subject is the line.
pub const TEXT_LINE_TOO_LONG: Code = Code::new("text_line_too_long");
/// Refused: the bytes are not valid in the encoding that the text declares; the subject is the encoding.
pub const TEXT_MALFORMED: Code = Code::new("text_malformed");
/// Refused: the text is in no encoding of Unicode, and the settings refuse such texts; the subject is the encoding, if it is declared.
pub const TEXT_ENCODING: Code = Code::new("text_encoding");
