//! Finds what a style loads, while the style arrives.

use crate::link::{self, Link};

/// How many bytes of a reference or a word are kept.
const KEPT: usize = 512;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    Comment,
    String(u8),
    /// Behind `url(`.
    UrlStart,
    /// Between the brackets of `url()`, without quotes.
    Url,
}

/// Reads a style sheet, or the value of an attribute that may have styles.
#[derive(Debug, Default)]
pub(crate) struct Css {
    state: State,
    /// The word so far.
    word: String,
    /// The string or reference so far.
    reference: Vec<u8>,
    /// The byte before, if it matters.
    last: u8,
    /// The digits of an escape, behind a backslash.
    escape: Option<String>,
    /// The at-rule whose end has not come yet.
    rule: String,
    /// How many brackets are open in a function whose strings are references.
    images: usize,
    /// Whether the byte before was a carriage return.
    was_return: bool,
}

impl Css {
    /// Reads on. Returns what a reference does that does not stay in the document.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<Link> {
        bytes.iter().find_map(|byte| {
            let was_return = std::mem::replace(&mut self.was_return, *byte == b'\r');
            match byte {
                b'\n' if was_return => None,
                b'\r' | b'\x0C' => self.unescape(b'\n'),
                byte => self.unescape(*byte),
            }
        })
    }

    /// Ends the style. A reference that was not closed counts.
    pub(crate) fn finish(&mut self) -> Option<Link> {
        let is_open = match self.state {
            State::Url => true,
            State::String(_) => self.is_reference(),
            State::Plain | State::Comment | State::UrlStart => false,
        };
        let found = if is_open { self.end_reference() } else { None };
        *self = Self::default();
        found
    }

    fn unescape(&mut self, byte: u8) -> Option<Link> {
        if self.state == State::Comment {
            return self.read(byte);
        }
        let Some(mut digits) = self.escape.take() else {
            if byte == b'\\' {
                self.escape = Some(String::new());
                // An escaped slash begins no comment.
                self.last = 0;
                return None;
            }
            return self.read(byte);
        };
        if byte.is_ascii_hexdigit() && digits.len() < 6 {
            digits.push(char::from(byte));
            self.escape = Some(digits);
            return None;
        }
        if digits.is_empty() {
            // A line break behind a backslash is nothing at all; any other character stands for itself.
            return if matches!(byte, b'\n' | b'\r') {
                None
            } else {
                self.write(byte)
            };
        }
        let number = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
        let found = number.and_then(|character| {
            let mut buffer = [0; 4];
            let bytes = character.encode_utf8(&mut buffer).as_bytes();
            bytes.iter().find_map(|byte| self.write(*byte))
        });
        if found.is_some() || byte.is_ascii_whitespace() {
            return found;
        }
        self.unescape(byte)
    }

    /// Takes a byte that came by an escape: it ends nothing.
    fn write(&mut self, byte: u8) -> Option<Link> {
        match self.state {
            State::Plain => self.keep_word(byte),
            State::Comment => {}
            State::UrlStart => {
                self.state = State::Url;
                self.keep_reference(byte);
            }
            State::String(_) | State::Url => self.keep_reference(byte),
        }
        None
    }

    fn read(&mut self, byte: u8) -> Option<Link> {
        let last = std::mem::replace(&mut self.last, byte);
        match self.state {
            State::Comment => {
                if last == b'*' && byte == b'/' {
                    self.state = State::Plain;
                    self.last = 0;
                }
                None
            }
            State::UrlStart => {
                self.begin_url(byte);
                None
            }
            State::String(quote) if byte == quote || byte == b'\n' => self.end_string(),
            State::Url if byte == b')' => {
                self.state = State::Plain;
                self.images = self.images.saturating_sub(1);
                self.end_reference()
            }
            State::String(_) | State::Url => {
                self.keep_reference(byte);
                None
            }
            State::Plain => self.plain(last, byte),
        }
    }

    fn begin_url(&mut self, byte: u8) {
        match byte {
            b'"' | b'\'' => self.state = State::String(byte),
            b')' => {
                self.state = State::Plain;
                self.images = self.images.saturating_sub(1);
            }
            _ if byte.is_ascii_whitespace() => {}
            _ => {
                self.state = State::Url;
                self.keep_reference(byte);
            }
        }
    }

    fn plain(&mut self, last: u8, byte: u8) -> Option<Link> {
        match byte {
            b'*' if last == b'/' => {
                self.state = State::Comment;
                self.last = 0;
            }
            b'"' | b'\'' => {
                self.reference.clear();
                self.end_word();
                self.state = State::String(byte);
            }
            b'(' => self.begin_function(),
            b')' => {
                self.images = self.images.saturating_sub(1);
                self.end_word();
            }
            b';' | b'{' | b'}' => {
                self.end_word();
                self.rule.clear();
            }
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'@' | 0x80..) => self.keep_word(byte),
            _ => self.end_word(),
        }
        None
    }

    fn begin_function(&mut self) {
        let word = std::mem::take(&mut self.word);
        self.reference.clear();
        let is_url = matches!(word.as_str(), "url" | "src" | "url-prefix");
        if is_url || self.images > 0 || word == "image" || word.ends_with("image-set") || word.ends_with("cross-fade") {
            self.images = self.images.saturating_add(1);
        }
        if is_url {
            self.state = State::UrlStart;
        }
    }

    /// Whether the string that is being read is a reference.
    fn is_reference(&self) -> bool {
        self.rule == "@import" || self.images > 0
    }

    fn end_word(&mut self) {
        if self.word.starts_with('@') {
            self.rule = std::mem::take(&mut self.word);
        }
        self.word.clear();
    }

    fn end_string(&mut self) -> Option<Link> {
        self.state = State::Plain;
        self.word.clear();
        if self.is_reference() {
            return self.end_reference();
        }
        None
    }

    fn end_reference(&mut self) -> Option<Link> {
        let reference = std::mem::take(&mut self.reference);
        // The name of a namespace is not loaded.
        if self.rule == "@namespace" {
            return None;
        }
        // What was cut may be behind characters that browsers pass over.
        if reference.len() >= KEPT && link::is_blank(&String::from_utf8_lossy(&reference)) {
            return Some(Link::External);
        }
        let reference = String::from_utf8_lossy(&reference);
        match link::judge(&reference) {
            Link::Inside | Link::Document if self.rule != "@import" || reference.is_empty() => None,
            Link::Script => Some(Link::Script),
            _ => Some(Link::External),
        }
    }

    fn keep_word(&mut self, byte: u8) {
        if self.word.len() < KEPT {
            self.word.push(char::from(byte.to_ascii_lowercase()));
        }
    }

    fn keep_reference(&mut self, byte: u8) {
        // Browsers pass over these, so they must not use up what is kept.
        if self.reference.len() < KEPT && byte > b' ' {
            self.reference.push(byte);
        }
    }
}
