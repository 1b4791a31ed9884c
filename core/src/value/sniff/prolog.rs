//! The media type of a markup document, by its beginning up to the root element.
//!
//! XML 1.0 allows comments, processing instructions and a document type declaration before the root element, each of any length. So
//! the root may be anywhere in a document. The reader keeps its state only, not the bytes.

use super::doctype::Doctype;
use super::units::{OTHER, Units, is_space};

/// The kind of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Markup {
    /// SVG: its root is `svg`, with or without a prefix.
    Svg,
    /// HTML, as browsers decide it (WHATWG MIME Sniffing, section 7.1).
    Html,
    /// Any other XML, and markup of an unknown kind.
    Xml,
    /// No markup.
    No,
}

/// Reads a document from its first byte until its kind is known.
#[derive(Clone, Debug)]
pub(super) struct Prolog {
    units: Units,
    state: State,
    first: First,
    word: Word,
    /// The last character that was read.
    last: u8,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Between the items before the root.
    Between,
    /// Behind `<`.
    Open,
    /// In a processing instruction or the XML declaration, and whether the last character was a question mark.
    Instruction(bool),
    /// Behind `<!`.
    Bang,
    /// Behind `<!-`.
    Dash,
    /// In a comment, and how many hyphens were read last: two at most.
    Comment(u8),
    /// In a document type declaration.
    Doctype(Doctype),
    /// In the name of the root, and whether it has a prefix.
    Root(bool),
    Known(Markup),
}

/// The first item of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    /// Nothing but white space so far.
    Nothing,
    /// An instruction, which is the XML declaration if it is called `xml`.
    Instruction,
    XmlDeclaration,
    Comment,
    Something,
}

/// The names that mean HTML (WHATWG MIME Sniffing, section 7.1).
const HTML: [&[u8]; 16] = [
    b"html",
    b"head",
    b"script",
    b"iframe",
    b"h1",
    b"div",
    b"font",
    b"table",
    b"a",
    b"style",
    b"title",
    b"b",
    b"body",
    b"br",
    b"p",
    b"!doctype html",
];

/// The bytes of `<?xml` in EBCDIC (XML 1.0, appendix F). Such a document is not read on.
const EBCDIC: &[u8] = b"\x4C\x6F\xA7\x94";

impl Prolog {
    /// Reads the first bytes of a document.
    pub(super) fn of(head: &[u8]) -> Self {
        let (mut prolog, rest) = Self::opened(head);
        prolog.push(rest);
        prolog
    }

    /// A reader for a document that begins so, and the bytes behind its mark, which are to be pushed.
    pub(super) fn opened(head: &[u8]) -> (Self, &[u8]) {
        let (units, mark) = Units::of(head);
        let mut prolog = Self {
            units,
            state: State::Between,
            first: First::Nothing,
            word: Word::default(),
            last: 0,
        };
        if head.starts_with(EBCDIC) {
            prolog.state = State::Known(Markup::Xml);
        }
        (prolog, &head[mark..])
    }

    /// Reads on. Returns the bytes behind the character that made the kind known.
    pub(super) fn push<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        while let Some((byte, others)) = rest.split_first() {
            if self.is_known() {
                break;
            }
            match self.dull(rest) {
                0 => {
                    rest = others;
                    if let Some(character) = self.units.push(*byte) {
                        self.last = character;
                        self.state = self.step(character);
                    }
                }
                dull => rest = &rest[dull..],
            }
        }
        rest
    }

    /// The last character that was read: that behind the name of the root, once it is known by that.
    pub(super) fn last(&self) -> u8 {
        self.last
    }

    /// What decodes the characters behind those that were read.
    pub(super) fn into_units(self) -> Units {
        self.units
    }

    /// How many of these bytes change nothing. It makes long comments and instructions fast.
    fn dull(&self, rest: &[u8]) -> usize {
        let awaited = match self.state {
            State::Comment(0) => b'-',
            State::Instruction(false) if self.word.is_full() => b'?',
            _ => return 0,
        };
        if !self.units.are_bytes() {
            return 0;
        }
        rest.iter().position(|byte| *byte == awaited).unwrap_or(rest.len())
    }

    /// Whether the kind is known, whatever follows.
    pub(super) fn is_known(&self) -> bool {
        matches!(self.state, State::Known(_))
    }

    /// The kind of the document if it ends here.
    pub(super) fn so_far(&self) -> Markup {
        match self.state {
            State::Known(markup) => markup,
            State::Root(prefixed) => self.root(prefixed),
            _ => self.without_root(),
        }
    }

    fn step(&mut self, character: u8) -> State {
        match (self.state, character) {
            (State::Between, b'<') => State::Open,
            (State::Between, _) if is_space(character) => State::Between,
            (State::Between, _) => State::Known(self.without_root()),
            (State::Open, b'?') => self.begin(First::Instruction, State::Instruction(false)),
            (State::Open, b'!') => State::Bang,
            (State::Open, _) if begins_name(character) => {
                self.word = Word::default();
                self.name(character, false)
            }
            (State::Open, _) => State::Known(self.without_root()),
            (State::Bang, b'-') => State::Dash,
            (State::Dash, b'-') => self.begin(First::Comment, State::Comment(0)),
            (State::Bang | State::Dash, _) => {
                let begun = self.begin(First::Something, State::Doctype(Doctype::default()));
                self.word.push(b'!');
                self.state = begun;
                self.step(character)
            }
            (State::Instruction(true), b'>') | (State::Comment(2), b'>') => State::Between,
            (State::Instruction(_), _) => self.instruction(character),
            (State::Comment(hyphens), b'-') => State::Comment((hyphens + 1).min(2)),
            (State::Comment(_), _) => State::Comment(0),
            (State::Doctype(doctype), _) => self.doctype(doctype, character),
            (State::Root(prefixed), _) => self.name(character, prefixed),
            (State::Known(markup), _) => State::Known(markup),
        }
    }

    /// An item before the root begins.
    fn begin(&mut self, what: First, state: State) -> State {
        match self.first {
            First::Nothing => self.first = what,
            First::Instruction => self.first = First::Something,
            _ => {}
        }
        self.word = Word::default();
        state
    }

    fn instruction(&mut self, character: u8) -> State {
        self.word.push(character);
        if self.first == First::Instruction && self.word.is(b"xml") {
            self.first = First::XmlDeclaration;
        }
        State::Instruction(character == b'?')
    }

    fn doctype(&mut self, mut doctype: Doctype, character: u8) -> State {
        let ended = doctype.ends_with(character);
        if !self.word.is_full() {
            let ends_name = ended || is_space(character) || matches!(character, b'[' | b'"' | b'\'');
            // A document with an XML declaration is never parsed as HTML, even if its document type is called `html`.
            if ends_name && self.first != First::XmlDeclaration && self.word.is_html() {
                return State::Known(Markup::Html);
            }
            self.word.push(character);
        }
        if ended { State::Between } else { State::Doctype(doctype) }
    }

    fn name(&mut self, character: u8, prefixed: bool) -> State {
        match character {
            b':' => {
                self.word = Word::default();
                State::Root(true)
            }
            b'/' | b'>' => State::Known(self.root(prefixed)),
            _ if is_space(character) => State::Known(self.root(prefixed)),
            _ if is_of_name(character) => {
                self.word.push(character);
                State::Root(prefixed)
            }
            // No name has this character, so it is no tag: an email address, such as `<a@example.com>`.
            _ => State::Known(self.without_root()),
        }
    }

    /// The kind of a document whose root has the name that was read.
    fn root(&self, prefixed: bool) -> Markup {
        let in_html = !prefixed && self.word.is_html();
        match self.first {
            _ if self.word.is(b"svg") => Markup::Svg,
            First::XmlDeclaration => Markup::Xml,
            First::Comment => Markup::Html,
            _ if in_html => Markup::Html,
            _ => Markup::Xml,
        }
    }

    /// The kind of a document without a root.
    fn without_root(&self) -> Markup {
        match self.first {
            First::Nothing => match self.state {
                // A plain text does not begin with `<!`.
                State::Bang | State::Dash => Markup::Xml,
                _ => Markup::No,
            },
            First::Comment => Markup::Html,
            _ => Markup::Xml,
        }
    }
}

/// XML 1.0, production 4, with every character beyond ASCII.
pub(super) fn begins_name(character: u8) -> bool {
    character.is_ascii_alphabetic() || matches!(character, b'_' | b':' | OTHER)
}

/// XML 1.0, production 4a, with every character beyond ASCII.
pub(super) fn is_of_name(character: u8) -> bool {
    begins_name(character) || character.is_ascii_digit() || matches!(character, b'-' | b'.')
}

/// The beginning of a name or a declaration, in lower case, with one space for each white space.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    letters: [u8; 16],
    length: usize,
}

impl Word {
    /// Adds a letter. A word that gets too long to be one of the known words stays unknown.
    fn push(&mut self, character: u8) {
        let character = if is_space(character) { b' ' } else { character };
        if character == b' ' && self.letters[..self.length].ends_with(b" ") {
            return;
        }
        if self.length < self.letters.len() {
            self.letters[self.length] = character.to_ascii_lowercase();
            self.length += 1;
        }
    }

    fn is_full(&self) -> bool {
        self.length == self.letters.len()
    }

    fn is(&self, word: &[u8]) -> bool {
        self.letters[..self.length] == *word
    }

    fn is_html(&self) -> bool {
        HTML.iter().any(|name| self.is(name))
    }
}
