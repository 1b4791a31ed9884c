//! What the bytes of a form mean: chunks in, events out. Knows no stream and no task.

use bytes::{Buf, Bytes};
use memchr::{memchr_iter, memmem};

use super::head::Head;
use super::scan::{Found, Scanner};
use super::{FormError, Limits};

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// What came next.
#[derive(Debug)]
pub(super) enum Event {
    /// The chunk is used up.
    More,
    /// A whole delimiter line: what stood before it is complete.
    Delimiter,
    /// The head of a part. Its content follows, up to the next [`Event::Delimiter`].
    Part(Head),
    /// Content of a part, never empty.
    Content(Bytes),
    /// The closing delimiter is behind us. What follows is not looked at.
    Over,
}

/// Where in the form we stand.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Before the first delimiter, with so many bytes left to find it.
    Preamble(usize),
    /// Behind a delimiter, on the same line.
    Line(Line),
    Head,
    Content,
    Epilogue,
}

/// What stands on the delimiter's line behind it.
#[derive(Clone, Copy, Debug)]
enum Line {
    Start,
    Dash,
    /// So many spaces and tabs: RFC 2046, `transport-padding`.
    Padding(usize),
    Return,
}

/// A form as far as it was read.
#[derive(Debug)]
pub(super) struct Parser {
    limits: Limits,
    scanner: Scanner,
    place: Place,
    /// What is not read yet of the chunk that came last.
    chunk: Bytes,
    /// The head as far as it came, with the line end before it: so a head without any header ends as every other one
    /// does.
    head: Vec<u8>,
    parts: usize,
}

impl Parser {
    /// A parser at the start of a body.
    pub(super) fn new(boundary: &str, limits: Limits) -> Self {
        // The start of a body stands for a line end. When no delimiter follows it is given back as bytes which never
        // came.
        let preamble = limits.preamble.saturating_add(Scanner::LINE_END);
        Self {
            limits,
            scanner: Scanner::new(boundary),
            place: Place::Preamble(preamble),
            chunk: Bytes::new(),
            head: Vec::new(),
            parts: 0,
        }
    }

    /// Puts `chunk` in the place of the last one.
    pub(super) fn feed(&mut self, chunk: Bytes) {
        self.chunk = chunk;
    }

    /// Reads on up to the next event.
    pub(super) fn next(&mut self) -> Result<Event, FormError> {
        while !self.chunk.is_empty() {
            let event = match self.place {
                Place::Preamble(left) => self.preamble(left)?,
                Place::Line(line) => self.line(line)?,
                Place::Head => self.head()?,
                Place::Content => self.content(),
                Place::Epilogue => break,
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
        match self.place {
            Place::Epilogue => Ok(Event::Over),
            _ => Ok(Event::More),
        }
    }

    fn preamble(&mut self, left: usize) -> Result<Option<Event>, FormError> {
        match self.scanner.scan(&mut self.chunk) {
            Found::Content(skipped) => match left.checked_sub(skipped.len()) {
                Some(left) => self.place = Place::Preamble(left),
                None => return Err(FormError::PreambleTooLarge),
            },
            Found::Delimiter => self.place = Place::Line(Line::Start),
            Found::Nothing => {}
        }
        Ok(None)
    }

    fn content(&mut self) -> Option<Event> {
        match self.scanner.scan(&mut self.chunk) {
            Found::Content(bytes) => return Some(Event::Content(bytes)),
            Found::Delimiter => self.place = Place::Line(Line::Start),
            Found::Nothing => {}
        }
        None
    }

    fn line(&mut self, line: Line) -> Result<Option<Event>, FormError> {
        let line = match (line, self.chunk.get_u8()) {
            (Line::Start, b'-') => Line::Dash,
            (Line::Dash, b'-') => {
                self.place = Place::Epilogue;
                return Ok(Some(Event::Delimiter));
            }
            (Line::Start, b' ' | b'\t') => Line::Padding(1),
            // Padding is not kept, but what has no end must not be read for ever.
            (Line::Padding(bytes), b' ' | b'\t') if bytes >= self.limits.head => {
                return Err(FormError::HeadTooLarge);
            }
            (Line::Padding(bytes), b' ' | b'\t') => Line::Padding(bytes + 1),
            (Line::Start | Line::Padding(_), b'\r') => Line::Return,
            (Line::Return, b'\n') => {
                self.head.clear();
                self.head.extend_from_slice(b"\r\n");
                self.place = Place::Head;
                return Ok(Some(Event::Delimiter));
            }
            _ => {
                return Err(FormError::Malformed("something follows a boundary on its line"));
            }
        };
        self.place = Place::Line(line);
        Ok(None)
    }

    fn head(&mut self) -> Result<Option<Event>, FormError> {
        if self.parts >= self.limits.parts {
            return Err(FormError::TooManyParts);
        }
        // The line end before the head is not counted.
        let room = self.limits.head.saturating_add(2) - self.head.len();
        let within = &self.chunk[..self.chunk.len().min(room)];
        let end = end_of_head(&self.head, within);
        let piece = self.chunk.split_to(end.unwrap_or(within.len()));
        if has_bare_line_feed(&self.head, &piece) {
            return Err(FormError::Malformed("a line of a part's head does not end with CR LF"));
        }
        self.head.extend_from_slice(&piece);
        if end.is_none() {
            return match piece.len() < room {
                true => Ok(None),
                false => Err(FormError::HeadTooLarge),
            };
        }
        let head = Head::parse(&self.head, &self.limits)?;
        self.parts += 1;
        self.place = Place::Content;
        Ok(Some(Event::Part(head)))
    }
}

/// How many bytes of `piece` still belong to the head that began with `head`; `None` when all do and it goes on.
fn end_of_head(head: &[u8], piece: &[u8]) -> Option<usize> {
    // First where the two meet, so that nothing which was looked at before is looked at again.
    let met = (1..END_OF_HEAD.len())
        .rev()
        .find(|met| head.ends_with(&END_OF_HEAD[..*met]) && piece.starts_with(&END_OF_HEAD[*met..]));
    if let Some(met) = met {
        return Some(END_OF_HEAD.len() - met);
    }
    memmem::find(piece, END_OF_HEAD).map(|at| at + END_OF_HEAD.len())
}

fn has_bare_line_feed(head: &[u8], piece: &[u8]) -> bool {
    memchr_iter(b'\n', piece).any(|at| {
        let before = match at {
            0 => head.last(),
            _ => piece.get(at - 1),
        };
        before != Some(&b'\r')
    })
}
