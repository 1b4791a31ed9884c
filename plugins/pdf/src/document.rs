//! A document from its first byte to its last: objects, streams, and what is between them.

use crate::lexer::{Lexer, is_space};
use crate::marker::{Marker, Word};
use crate::object::{Next, Object};
use crate::object_stream::ObjectStream;
use crate::tally::Tally;

/// The part of a document that is being read.
enum Part {
    /// Between objects: cross-reference tables, comments, rubbish. Nothing here is syntax but the beginning of an object.
    Between,
    /// An object or a trailer.
    Object,
    /// White space in front of a stream's bytes.
    BeforeStream(Stream),
    Stream(Stream),
}

/// The bytes of a stream.
struct Stream {
    /// `None` if there are no objects in it, or they cannot be read.
    objects: Option<Box<ObjectStream>>,
    /// How many bytes are left, as far as the document says it and the scanner believes it.
    left: Option<u64>,
    end: Word,
}

/// Reads a document, in pieces of any size.
pub(crate) struct Document {
    tally: Tally,
    part: Part,
    lexer: Lexer,
    object: Object,
    marker: Marker,
    trailer: Word,
    header: Header,
    has_trailer: bool,
    /// Whether the limit of objects is reached, so that the rest is not read.
    is_over: bool,
}

/// The version in `%PDF-1.7`.
struct Header {
    word: Word,
    /// The bytes behind the word, once it came.
    version: Option<Vec<u8>>,
}

impl Document {
    pub(crate) fn new(tally: Tally) -> Self {
        Self {
            tally,
            part: Part::Between,
            lexer: Lexer::new(),
            object: Object::default(),
            marker: Marker::default(),
            trailer: Word::new(b"trailer"),
            header: Header {
                word: Word::new(b"%PDF-"),
                version: None,
            },
            has_trailer: false,
            is_over: false,
        }
    }

    /// Takes the next bytes, up to the first reason for a refusal.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_over && !self.tally.is_refused() {
            rest = match &self.part {
                Part::Stream(_) => self.stream(rest),
                _ => {
                    let (Some(byte), rest) = (rest.first(), rest.get(1..).unwrap_or_default()) else {
                        return;
                    };
                    self.byte(*byte);
                    rest
                }
            };
        }
    }

    /// Whether the document is refused.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Ends the document.
    pub(crate) fn end(mut self) -> Tally {
        if self.is_over || self.tally.is_refused() {
            return self.tally;
        }
        match std::mem::replace(&mut self.part, Part::Between) {
            Part::Between => {}
            Part::Object => {
                let (object, tally) = (&mut self.object, &mut self.tally);
                self.lexer.end(|token| {
                    object.token(&token, tally);
                });
                if !self.has_trailer {
                    self.tally.missed("it breaks off in an object");
                }
            }
            Part::BeforeStream(stream) | Part::Stream(stream) => {
                end_of_objects(stream.objects, &mut self.tally);
                self.tally.missed("it breaks off in a stream");
            }
        }
        if !self.has_trailer {
            self.tally.missed("it breaks off before its trailer");
        }
        self.tally
    }

    fn byte(&mut self, byte: u8) {
        if self.header.step(byte)
            && let Some(version) = self.header.version()
        {
            self.tally.note.version.get_or_insert(version);
        }
        if self.trailer.step(byte) {
            self.begin(None);
            self.has_trailer = true;
            return;
        }
        if let Some(number) = self.marker.step(byte) {
            self.begin(Some(number));
            return;
        }
        match std::mem::replace(&mut self.part, Part::Between) {
            Part::BeforeStream(stream) if is_space(byte) => self.part = Part::BeforeStream(stream),
            Part::BeforeStream(stream) => {
                self.part = Part::Stream(stream);
                // The marker has taken this byte already.
                self.marker = Marker::default();
                self.stream(&[byte]);
            }
            Part::Object => self.object_byte(byte),
            part => self.part = part,
        }
    }

    /// Starts an object or a trailer, whatever came before.
    fn begin(&mut self, number: Option<u64>) {
        if let Part::Stream(stream) | Part::BeforeStream(stream) = std::mem::replace(&mut self.part, Part::Object) {
            end_of_objects(stream.objects, &mut self.tally);
        }
        self.lexer.reset();
        self.object = Object::new(number);
        self.is_over = !self.tally.count_object();
    }

    fn object_byte(&mut self, byte: u8) {
        let (object, tally) = (&mut self.object, &mut self.tally);
        let mut next = Next::More;
        self.lexer.step(byte, |token| {
            if next == Next::More {
                next = object.token(&token, tally);
            }
        });
        self.part = match next {
            Next::More => Part::Object,
            Next::End => Part::Between,
            Next::Stream => {
                self.lexer.reset();
                let stream = self.begin_stream();
                if is_space(byte) {
                    Part::BeforeStream(stream)
                } else {
                    Part::Stream(stream)
                }
            }
        };
    }

    fn begin_stream(&mut self) -> Stream {
        let info = self.object.stream_info();
        // A document whose cross-references are in a stream has no other trailer.
        self.has_trailer |= info.is_cross_reference;
        let mut objects = None;
        if info.is_object_stream() {
            match ObjectStream::new(&info, self.object.number()) {
                Ok(stream) => objects = Some(Box::new(stream)),
                Err(why) => self.tally.missed(why),
            }
        }
        Stream {
            // Readers repair a wrong length, so what is looked into ends where its end stands.
            left: info.length.filter(|_| !info.is_object_stream()),
            objects,
            end: Word::new(b"endstream"),
        }
    }

    /// Passes over the bytes of a stream; returns those behind it, or behind the first byte of an object in it.
    fn stream<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Part::Stream(stream) = &mut self.part else {
            return bytes;
        };
        let mut found = None;
        let mut at = bytes.len();
        for (index, byte) in bytes.iter().enumerate() {
            at = index.saturating_add(1);
            let has_ended = stream.end.step(*byte);
            if let Some(number) = self.marker.step(*byte) {
                found = Some(Some(number));
                break;
            }
            let is_too_long = stream.left == Some(0) && stream.end.progress() == 0 && !is_space(*byte);
            stream.left = stream.left.map(|left| left.saturating_sub(1));
            if has_ended || is_too_long {
                if is_too_long && !has_ended {
                    self.tally.missed("a stream has another length than the document says");
                }
                found = Some(None);
                break;
            }
        }
        let (taken, rest) = bytes.split_at(at.min(bytes.len()));
        if let Some(objects) = &mut stream.objects {
            objects.push(taken, &mut self.tally);
        }
        match found {
            None => {}
            Some(Some(number)) => self.begin(Some(number)),
            Some(None) => {
                if let Part::Stream(stream) = std::mem::replace(&mut self.part, Part::Between) {
                    end_of_objects(stream.objects, &mut self.tally);
                }
            }
        }
        rest
    }
}

impl Header {
    /// Takes the next byte. Returns whether the version ends with it.
    fn step(&mut self, byte: u8) -> bool {
        match &mut self.version {
            Some(version) if version.len() < 3 => {
                version.push(byte);
                version.len() == 3
            }
            Some(_) => false,
            None => {
                if self.word.step(byte) {
                    self.version = Some(Vec::new());
                }
                false
            }
        }
    }

    fn version(&self) -> Option<String> {
        match self.version.as_deref() {
            Some(version @ [b'1'..=b'9', b'.', b'0'..=b'9']) => Some(String::from_utf8_lossy(version).into_owned()),
            _ => None,
        }
    }
}

fn end_of_objects(objects: Option<Box<ObjectStream>>, tally: &mut Tally) {
    if let Some(objects) = objects {
        objects.end(tally);
    }
}
