//! Cuts a document into tags, texts and declarations, while it arrives.
//!
//! It goes on behind every mistake: a browser that draws the document inside a web page does so, too.

use memchr::{memchr, memchr2};

use crate::event::{Attribute, Event, Limits, Reader};
use crate::finding::Stop;

/// The most bytes of a name.
const MOST_NAME: usize = 256;
/// The most bytes of a declaration of the document type, or of an instruction.
const MOST_DECLARATION: usize = 64 * 1024;
/// How many bytes are kept of a value that is only counted.
const KEPT: usize = 256;
/// The longest reference to an entity.
const MOST_REFERENCE: usize = 64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Reference,
    /// Behind `<`.
    Open,
    /// Behind `<!`.
    Bang,
    Name,
    EndName,
    /// Between attributes.
    Tag,
    AttributeName,
    /// Behind the name of an attribute.
    Equals,
    /// Behind `=`.
    Value,
    Quoted(u8),
    Unquoted,
    Comment,
    Data,
    Instruction,
    DocumentType,
    DocumentTypeQuoted(u8),
    DocumentTypeComment,
    DocumentTypeInstruction,
    /// Up to the next angle bracket.
    Bogus,
}

/// Cuts UTF-8 into the parts of a document.
#[derive(Debug)]
pub(crate) struct Markup {
    limits: Limits,
    state: State,
    /// The name, reference, instruction or declaration so far.
    kept: Vec<u8>,
    name: String,
    attribute: Vec<u8>,
    value: Vec<u8>,
    attributes: Vec<Attribute>,
    /// Bytes of the values in this tag.
    values: usize,
    is_self_closed: bool,
    /// Dashes or brackets in a row, at the end of what was read.
    run: usize,
    brackets: usize,
}

impl Markup {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::default(),
            kept: Vec::new(),
            name: String::new(),
            attribute: Vec::new(),
            value: Vec::new(),
            attributes: Vec::new(),
            values: 0,
            is_self_closed: false,
            run: 0,
            brackets: 0,
        }
    }

    /// Whether the document may end here.
    pub(crate) fn is_between(&self) -> bool {
        self.state == State::Text
    }

    /// Reads on.
    ///
    /// # Errors
    ///
    /// If the reader needs no more.
    pub(crate) fn push(&mut self, bytes: &[u8], to: &mut impl Reader) -> Result<(), Stop> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Text => self.text(rest, to)?,
                State::Quoted(quote) => self.quoted(quote, rest, to)?,
                State::Comment => self.comment(rest),
                State::Bogus => self.bogus(rest),
                _ => self.byte(rest, to)?,
            };
        }
        Ok(())
    }

    /// Ends the document. A tag that breaks off is read as if it ended here: in a web page, what follows the drawing ends it.
    ///
    /// # Errors
    ///
    /// If the reader needs no more.
    pub(crate) fn finish(&mut self, to: &mut impl Reader) -> Result<(), Stop> {
        if let State::Quoted(quote) = self.state {
            self.push(&[quote], to)?;
        }
        match self.state {
            State::Name | State::Tag | State::AttributeName | State::Equals | State::Value | State::Unquoted => {
                self.push(b">", to)
            }
            _ => Ok(()),
        }
    }

    fn text<'a>(&mut self, bytes: &'a [u8], to: &mut impl Reader) -> Result<&'a [u8], Stop> {
        let end = memchr2(b'<', b'&', bytes).unwrap_or(bytes.len());
        let (text, rest) = bytes.split_at(end);
        if !text.is_empty() {
            to.read(Event::Text(text))?;
        }
        let Some((first, rest)) = rest.split_first() else {
            return Ok(rest);
        };
        self.kept.clear();
        self.state = if *first == b'<' { State::Open } else { State::Reference };
        Ok(rest)
    }

    fn quoted<'a>(&mut self, quote: u8, bytes: &'a [u8], to: &mut impl Reader) -> Result<&'a [u8], Stop> {
        let end = memchr(quote, bytes).unwrap_or(bytes.len());
        let (value, rest) = bytes.split_at(end);
        self.keep_value(value, to)?;
        let Some((_, rest)) = rest.split_first() else {
            return Ok(rest);
        };
        self.end_attribute(to)?;
        Ok(rest)
    }

    fn comment<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.run == 0 {
            let Some(at) = memchr(b'-', bytes) else {
                return &[];
            };
            self.run = 1;
            return bytes.split_at(at.saturating_add(1)).1;
        }
        let Some((byte, rest)) = bytes.split_first() else {
            return bytes;
        };
        match byte {
            b'-' => self.run = 2,
            b'>' if self.run == 2 => self.state = State::Text,
            _ => self.run = 0,
        }
        rest
    }

    fn bogus<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(at) = memchr(b'>', bytes) else {
            return &[];
        };
        self.state = State::Text;
        bytes.split_at(at.saturating_add(1)).1
    }

    /// Reads a byte, or leaves it for the next state.
    fn byte<'a>(&mut self, bytes: &'a [u8], to: &mut impl Reader) -> Result<&'a [u8], Stop> {
        let Some((byte, rest)) = bytes.split_first() else {
            return Ok(bytes);
        };
        let byte = *byte;
        let is_taken = match self.state {
            State::Reference => self.reference(byte, to)?,
            State::Open => self.open(byte, to)?,
            State::Bang => self.bang(byte, to)?,
            State::Name => self.name(byte, to)?,
            State::EndName => self.end_name(byte, to)?,
            State::Tag => self.tag(byte, to)?,
            State::AttributeName => self.attribute_name(byte, to)?,
            State::Equals => self.equals(byte, to)?,
            State::Value => self.begin_value(byte, to)?,
            State::Unquoted => self.unquoted(byte, to)?,
            State::Data => self.data(byte, to)?,
            State::Instruction => self.instruction(byte, to)?,
            _ => self.document_type(byte, to)?,
        };
        Ok(if is_taken { rest } else { bytes })
    }

    fn reference(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        let is_named = byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'.' | b'_' | b'-' | b':' | 0x80..);
        if is_named && self.kept.len() < MOST_REFERENCE {
            self.kept.push(byte);
            return Ok(true);
        }
        self.state = State::Text;
        let name = String::from_utf8_lossy(&self.kept);
        if byte != b';' {
            to.read(Event::Malformed("a reference to an entity does not end"))?;
        }
        to.read(Event::Reference(&name))?;
        Ok(byte == b';')
    }

    fn open(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        self.state = match byte {
            b'!' => State::Bang,
            b'?' => State::Instruction,
            b'/' => State::EndName,
            _ if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | 0x80..) => State::Name,
            _ => {
                to.read(Event::Malformed("an angle bracket begins nothing"))?;
                to.read(Event::Text(b"<"))?;
                State::Text
            }
        };
        Ok(matches!(byte, b'!' | b'?' | b'/'))
    }

    fn bang(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        if byte == b'>' {
            to.read(Event::Malformed("a declaration is empty"))?;
            self.state = State::Text;
            return Ok(true);
        }
        self.kept.push(byte);
        let so_far = self.kept.as_slice();
        (self.run, self.brackets) = (0, 0);
        if so_far == b"--" {
            self.state = State::Comment;
        } else if so_far == b"[CDATA[" {
            self.state = State::Data;
        } else if so_far.eq_ignore_ascii_case(b"DOCTYPE") {
            self.state = State::DocumentType;
            self.kept.clear();
        } else if !begins_declaration(so_far) {
            to.read(Event::Malformed("a declaration is unknown"))?;
            self.state = State::Bogus;
        }
        Ok(true)
    }

    fn name(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        if byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>') {
            self.name = String::from_utf8_lossy(&self.kept).into_owned();
            self.state = State::Tag;
            return Ok(false);
        }
        keep(
            &mut self.kept,
            byte,
            MOST_NAME,
            "the name of an element in the image is too long",
            to,
        )?;
        Ok(true)
    }

    fn end_name(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        if byte != b'>' {
            keep(
                &mut self.kept,
                byte,
                MOST_NAME,
                "the name of an element in the image is too long",
                to,
            )?;
            return Ok(true);
        }
        self.state = State::Text;
        let name = String::from_utf8_lossy(&self.kept);
        to.read(Event::End(name.trim_end()))?;
        Ok(true)
    }

    fn tag(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        match byte {
            b'>' => self.end_tag(to)?,
            b'/' => self.is_self_closed = true,
            _ if byte.is_ascii_whitespace() => {}
            _ => {
                self.is_self_closed = false;
                self.attribute.clear();
                self.value.clear();
                self.attribute.push(byte);
                self.state = State::AttributeName;
            }
        }
        Ok(true)
    }

    fn attribute_name(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        if byte.is_ascii_whitespace() || matches!(byte, b'=' | b'>' | b'/') {
            self.state = State::Equals;
            return Ok(false);
        }
        keep(
            &mut self.attribute,
            byte,
            MOST_NAME,
            "the name of an attribute in the image is too long",
            to,
        )?;
        Ok(true)
    }

    fn equals(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        if byte == b'=' {
            self.state = State::Value;
            return Ok(true);
        }
        if byte.is_ascii_whitespace() {
            return Ok(true);
        }
        to.read(Event::Malformed("an attribute has no value"))?;
        self.end_attribute(to)?;
        Ok(false)
    }

    fn begin_value(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        if byte.is_ascii_whitespace() {
            return Ok(true);
        }
        if matches!(byte, b'"' | b'\'') {
            self.state = State::Quoted(byte);
            return Ok(true);
        }
        to.read(Event::Malformed("a value has no quotes"))?;
        self.state = State::Unquoted;
        Ok(false)
    }

    fn unquoted(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        if byte.is_ascii_whitespace() || byte == b'>' {
            self.end_attribute(to)?;
            return Ok(false);
        }
        self.keep_value(&[byte], to)?;
        Ok(true)
    }

    fn data(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        match byte {
            b']' if self.run < 2 => self.run = self.run.saturating_add(1),
            b']' => to.read(Event::Text(b"]"))?,
            b'>' if self.run == 2 => {
                self.run = 0;
                self.state = State::Text;
            }
            _ => {
                for _ in 0..std::mem::take(&mut self.run) {
                    to.read(Event::Text(b"]"))?;
                }
                to.read(Event::Text(&[byte]))?;
            }
        }
        Ok(true)
    }

    fn instruction(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        keep(
            &mut self.kept,
            byte,
            MOST_DECLARATION,
            "an instruction in the image is too long",
            to,
        )?;
        if let Some(instruction) = self.kept.strip_suffix(b"?>") {
            self.state = State::Text;
            to.read(Event::Instruction(instruction))?;
        }
        Ok(true)
    }

    fn document_type(&mut self, byte: u8, to: &mut impl Reader) -> Result<bool, Stop> {
        let message = "the document type of the image is too long";
        keep(&mut self.kept, byte, MOST_DECLARATION, message, to)?;
        match self.state {
            State::DocumentTypeQuoted(quote) if byte == quote => self.state = State::DocumentType,
            State::DocumentTypeComment if self.kept.ends_with(b"-->") => self.state = State::DocumentType,
            State::DocumentTypeInstruction if self.kept.ends_with(b"?>") => self.state = State::DocumentType,
            State::DocumentType => match byte {
                b'"' | b'\'' => self.state = State::DocumentTypeQuoted(byte),
                b'-' if self.kept.ends_with(b"<!--") => self.state = State::DocumentTypeComment,
                b'?' if self.kept.ends_with(b"<?") => self.state = State::DocumentTypeInstruction,
                b'[' => self.brackets = self.brackets.saturating_add(1),
                b']' => self.brackets = self.brackets.saturating_sub(1),
                b'>' if self.brackets == 0 => {
                    self.state = State::Text;
                    let declaration = self.kept.strip_suffix(b">").unwrap_or(&self.kept);
                    to.read(Event::DocumentType(declaration))?;
                }
                _ => {}
            },
            _ => {}
        }
        Ok(true)
    }

    fn keep_value(&mut self, bytes: &[u8], to: &mut impl Reader) -> Result<(), Stop> {
        if self.is_only_counted() {
            return Ok(());
        }
        // A piece at a time, so that it does not matter in which pieces the value arrives.
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT.saturating_sub(self.value.len())));
        self.value.extend_from_slice(first);
        if self.is_only_counted() {
            return Ok(());
        }
        let most = self.limits.attribute;
        let len = self.value.len().saturating_add(rest.len());
        if len > most || self.values.saturating_add(len) > most.saturating_mul(2) {
            return to.read(Event::TooComplex("an attribute in the image is too long"));
        }
        self.value.extend_from_slice(rest);
        Ok(())
    }

    fn is_only_counted(&self) -> bool {
        self.value
            .get(..KEPT)
            .is_some_and(|begin| is_only_counted(&self.attribute, begin))
    }

    fn end_attribute(&mut self, to: &mut impl Reader) -> Result<(), Stop> {
        self.state = State::Tag;
        if self.attributes.len() >= self.limits.attributes {
            return to.read(Event::TooComplex("an element in the image has too many attributes"));
        }
        self.values = self.values.saturating_add(self.value.len());
        self.attributes.push(Attribute {
            name: String::from_utf8_lossy(&self.attribute).into_owned(),
            value: String::from_utf8_lossy(&self.value).into_owned(),
        });
        self.value.clear();
        Ok(())
    }

    fn end_tag(&mut self, to: &mut impl Reader) -> Result<(), Stop> {
        self.state = State::Text;
        let is_empty = std::mem::take(&mut self.is_self_closed);
        self.values = 0;
        let attributes = std::mem::take(&mut self.attributes);
        let (name, attributes) = (self.name.as_str(), attributes.as_slice());
        to.read(Event::Start {
            name,
            attributes,
            is_empty,
        })
    }
}

fn keep(kept: &mut Vec<u8>, byte: u8, most: usize, too_long: &'static str, to: &mut impl Reader) -> Result<(), Stop> {
    if kept.len() >= most {
        return to.read(Event::TooComplex(too_long));
    }
    kept.push(byte);
    Ok(())
}

/// Whether these bytes behind `<!` may become a comment, data or a document type.
fn begins_declaration(bytes: &[u8]) -> bool {
    let document_type = b"DOCTYPE".get(..bytes.len());
    b"--".starts_with(bytes)
        || b"[CDATA[".starts_with(bytes)
        || document_type.is_some_and(|begin| begin.eq_ignore_ascii_case(bytes))
}

/// Whether a value cannot be active, however long it is: an outline, or an embedded image.
fn is_only_counted(attribute: &[u8], begin: &[u8]) -> bool {
    match attribute {
        b"d" | b"points" => true,
        b"href" | b"xlink:href" | b"src" => {
            let begin = begin.trim_ascii_start();
            let is_image = |with: &[u8]| {
                begin
                    .get(..with.len())
                    .is_some_and(|begin| begin.eq_ignore_ascii_case(with))
            };
            is_image(b"data:image/")
        }
        _ => false,
    }
}
