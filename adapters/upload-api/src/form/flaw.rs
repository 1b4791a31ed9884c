//! An error in a form: where it is, why it is one, and what its sender can do.

use std::borrow::Cow;
use std::fmt;

/// The most characters of a sender's text that an answer repeats.
const LONGEST_SHOWN: usize = 60;

/// One error in a form, in words for its sender.
///
/// It reads as `part 2, field "photo", header Content-Type: it is given twice; send it once`. Text of the sender is escaped and
/// cut before it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    part: Option<usize>,
    field: Option<String>,
    header: Option<String>,
    why: Cow<'static, str>,
}

impl Flaw {
    /// A flaw of the form as a whole.
    pub(crate) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            part: None,
            field: None,
            header: None,
            why: why.into(),
        }
    }

    /// A flaw of the header with this name, or with this beginning.
    pub(crate) fn of_header(header: impl AsRef<[u8]>, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            header: Some(shown(&String::from_utf8_lossy(header.as_ref()))),
            ..Self::new(why)
        }
    }

    /// The same, in the part that has this number, counted from 1.
    pub(crate) fn in_part(self, number: usize) -> Self {
        Self {
            part: Some(number),
            ..self
        }
    }

    /// The same, in the part of this field.
    pub(crate) fn of_field(self, name: &str) -> Self {
        Self {
            field: Some(shown(name)),
            ..self
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = Vec::new();
        place.extend(self.part.map(|number| format!("part {number}")));
        place.extend(self.field.as_ref().map(|field| format!("field \"{field}\"")));
        place.extend(self.header.as_ref().map(|header| format!("header {header}")));
        if !place.is_empty() {
            write!(f, "{}: ", place.join(", "))?;
        }
        f.write_str(&self.why)
    }
}

/// The beginning of `text`, escaped so that it cannot change the text around it.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flaw_says_where_it_is_and_repeats_no_more_than_the_beginning_of_what_was_sent() {
        let flaw = Flaw::of_header("X-\r\nSet-Cookie: \u{202e}", "why").in_part(2);
        assert_eq!(flaw.to_string(), r"part 2, header X-\r\nSet-Cookie: \u{202e}: why");
        let flaw = flaw.of_field(&"é\"".repeat(100));
        let field = "é\\\"".repeat(30);
        assert!(
            flaw.to_string()
                .starts_with(&format!("part 2, field \"{field}...\", header ")),
            "{flaw}"
        );
        assert_eq!(Flaw::new("why").to_string(), "why");
    }
}
