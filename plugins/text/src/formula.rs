//! Tells whether a cell is a formula, while the cell arrives.
//!
//! A cell may be padded to any length, so nothing of it is kept but the name that is being read.

use crate::settings::Formulas;

/// Functions that reach beyond the table. A text that only begins like a formula is one if it calls one of these.
const REACHING: [&str; 26] = [
    "CALL",
    "CUBEMEMBER",
    "CUBESET",
    "CUBEVALUE",
    "DDE",
    "EXEC",
    "FILES",
    "FILTERXML",
    "FOPEN",
    "GETPIVOTDATA",
    "HYPERLINK",
    "IMAGE",
    "IMPORTDATA",
    "IMPORTFEED",
    "IMPORTHTML",
    "IMPORTRANGE",
    "IMPORTXML",
    "INDIRECT",
    "INFO",
    "QUERY",
    "REGISTER",
    "REGISTER.ID",
    "RTD",
    "RUN",
    "SQL.REQUEST",
    "WEBSERVICE",
];
/// The longest name of these.
const LONGEST: usize = 12;

/// The character that makes a spreadsheet read a cell as a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Equals,
    /// Plus and minus, with which numbers begin, and lists; and the at sign, with which handles begin.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// White space and quotes in front of the cell's text.
    Start,
    /// Signs in front of the first value.
    Signs(Lead),
    Expression(Lead),
    /// The cell is no formula, whatever follows.
    Text,
    Formula,
}

/// What was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Operator,
    Number,
    Name,
    /// A string, or the end of a bracket.
    Value,
}

/// One cell.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    counted: Formulas,
    /// Whether a tab in front counts, too.
    counts_tabs: bool,
    phase: Phase,
    /// The bytes of a character in front of the text, which has more than one.
    wide: Vec<u8>,
    last: Last,
    name: Vec<u8>,
    /// Whether white space came behind the last value.
    is_apart: bool,
    /// Two words follow each other, or a sign and then white space: prose, more likely than a formula.
    is_prose: bool,
    quote: Option<u8>,
    /// A name and then a bar: the beginning of a call of a program.
    has_bar: bool,
    /// The brackets around the name of a workbook.
    brackets: u8,
}

impl Cell {
    pub(crate) fn new(counted: Formulas, counts_tabs: bool) -> Self {
        Self {
            counted,
            counts_tabs,
            phase: Phase::Start,
            wide: Vec::new(),
            last: Last::Operator,
            name: Vec::new(),
            is_apart: false,
            is_prose: false,
            quote: None,
            has_bar: false,
            brackets: 0,
        }
    }

    pub(crate) fn is_formula(&self) -> bool {
        self.phase == Phase::Formula
    }

    /// Reads on.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        // Programs drop NUL.
        for byte in bytes.iter().filter(|byte| **byte != 0) {
            match self.phase {
                Phase::Text | Phase::Formula => return,
                Phase::Start => self.start(*byte),
                Phase::Signs(lead) => self.sign(lead, *byte),
                Phase::Expression(lead) => self.expression(lead, *byte),
            }
        }
    }

    fn start(&mut self, byte: u8) {
        if !self.wide.is_empty() || byte >= 0x80 {
            self.wide.push(byte);
            self.phase = match self.wide.as_slice() {
                // No-break space, ideographic space, byte order mark.
                [0xC2, 0xA0] | [0xE3, 0x80, 0x80] | [0xEF, 0xBB, 0xBF] => {
                    self.wide.clear();
                    Phase::Start
                }
                // The signs in the width of Chinese characters, which spreadsheets in Asia read as the others.
                [0xEF, 0xBC, 0x9D] => self.lead(Lead::Equals),
                [0xEF, 0xBC, 0x8B | 0x8D | 0xA0] => self.lead(Lead::Other),
                [0xC2 | 0xE3 | 0xEF] | [0xE3, 0x80] | [0xEF, 0xBC | 0xBB] => Phase::Start,
                _ => Phase::Text,
            };
            return;
        }
        self.phase = match byte {
            b'\t' if self.counts_tabs && self.counted == Formulas::Every => Phase::Formula,
            // One that is not quoted ends the cell.
            b'\r' if self.counted == Formulas::Every => Phase::Formula,
            b'=' => self.lead(Lead::Equals),
            b'+' | b'-' | b'@' => self.lead(Lead::Other),
            b'"' | ..=b' ' => Phase::Start,
            _ => Phase::Text,
        };
    }

    fn lead(&self, lead: Lead) -> Phase {
        match self.counted {
            Formulas::Every => Phase::Formula,
            Formulas::Calls => Phase::Signs(lead),
        }
    }

    fn sign(&mut self, lead: Lead, byte: u8) {
        match byte {
            // `==` and `=>` begin no formula, but lines and arrows do begin so.
            b'=' if lead == Lead::Equals => self.phase = Phase::Text,
            b'>' | b'<' | b'*' | b'/' | b')' | b'|' | b'!' => self.phase = Phase::Text,
            b'+' | b'-' | b'@' | b'=' => {}
            _ if byte.is_ascii_whitespace() => self.is_prose |= lead == Lead::Other,
            _ => {
                self.phase = Phase::Expression(lead);
                self.expression(lead, byte);
            }
        }
    }

    fn expression(&mut self, lead: Lead, byte: u8) {
        if self.in_quotes(byte) {
            return;
        }
        match byte {
            b'"' => self.quote = Some(byte),
            // One within a word is an apostrophe.
            b'\'' if self.is_apart || !matches!(self.last, Last::Name | Last::Number) => self.quote = Some(byte),
            b'(' => {
                if self.is_call(lead) {
                    self.phase = Phase::Formula;
                }
                self.after(Last::Operator);
            }
            b'|' => {
                let is_behind_name = self.last == Last::Name && (lead == Lead::Equals || !self.is_apart);
                self.has_bar |= is_behind_name;
                if is_behind_name && lead == Lead::Equals {
                    self.phase = Phase::Formula;
                }
                self.after(Last::Operator);
            }
            b'!' => {
                if self.has_bar || (self.brackets == 2 && lead == Lead::Equals) {
                    self.phase = Phase::Formula;
                }
                self.after(Last::Operator);
            }
            b'[' | b']' => {
                self.bracket(byte);
                self.after(Last::Operator);
            }
            b')' | b'}' | b'%' => self.after(Last::Value),
            _ if byte.is_ascii_whitespace() => self.is_apart = true,
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || byte >= 0x80 => self.word(byte),
            _ => self.after(Last::Operator),
        }
    }

    /// Whether the byte belongs to a quotation.
    fn in_quotes(&mut self, byte: u8) -> bool {
        let Some(quote) = self.quote else { return false };
        if byte == quote {
            self.quote = None;
            self.after(Last::Value);
        } else if quote == b'\'' {
            self.bracket(byte);
        }
        true
    }

    /// Of a workbook's name, which stands in brackets, also within quotes.
    fn bracket(&mut self, byte: u8) {
        self.brackets = match (byte, self.brackets) {
            (b'[', 0) => 1,
            (b']', 1) => 2,
            (_, brackets) => brackets,
        };
    }

    fn word(&mut self, byte: u8) {
        let goes_on = matches!(self.last, Last::Name | Last::Number) && !self.is_apart;
        if !goes_on {
            self.is_prose |= self.last != Last::Operator;
            self.name.clear();
            // What begins with a digit is a number, with its unit if it has one.
            self.last = if byte.is_ascii_digit() || byte == b'.' {
                Last::Number
            } else {
                Last::Name
            };
        }
        self.is_apart = false;
        // One byte more tells a longer name from the longest.
        if self.name.len() <= LONGEST {
            self.name.push(byte);
        }
    }

    /// Whether a bracket that opens here calls a function.
    fn is_call(&self, lead: Lead) -> bool {
        if self.last != Last::Name {
            return false;
        }
        let reaches = || {
            REACHING
                .iter()
                .any(|name| self.name.eq_ignore_ascii_case(name.as_bytes()))
        };
        lead == Lead::Equals || (!self.is_prose && !self.is_apart) || reaches()
    }

    fn after(&mut self, what: Last) {
        self.last = what;
        self.is_apart = false;
    }
}
