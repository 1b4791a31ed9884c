//! The parser of a form: chunks in, events out. It knows no streams and no tasks.

use bytes::{Buf, Bytes};
use memchr::{memchr_iter, memmem};

use super::error::{FormError, Limits};
use super::flaw::Flaw;
use super::head::Head;
use super::scan::{Found, Scanner};

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// The next event.
#[derive(Debug)]
pub(super) enum Event {
    /// The chunk is used up.
    More,
    /// A whole delimiter line: the part before it is complete.
    Delimiter,
    /// The head of a part. Its content follows, up to the next [`Event::Delimiter`].
    Part(Head),
    /// Content of a part, never empty.
    Content(Bytes),
    /// The form has ended, and so has the body.
    Over,
}

/// The parser's position in the form.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Before the first delimiter.
    Preamble,
    /// After a delimiter, on the same line.
    Line(Line),
    Head,
    Content,
    /// After the closing delimiter.
    Epilogue,
}

/// The position on the delimiter's line after it.
#[derive(Clone, Copy, Debug)]
enum Line {
    Start,
    Dash,
    /// This many spaces and tabs: RFC 2046, `transport-padding`.
    Padding(usize),
    Return,
}

/// A form, as far as it was read.
#[derive(Debug)]
pub(super) struct Parser {
    limits: Limits,
    scanner: Scanner,
    place: Place,
    /// The unread rest of the last chunk.
    chunk: Bytes,
    /// The bytes so far of the preamble, the epilogue, or the head of a part. A head includes the line end before it, so that a
    /// head without any header ends like every other one.
    held: Vec<u8>,
    /// Heads that were read.
    parts: usize,
    /// The name of the field of the current part.
    field: String,
}

impl Parser {
    /// A parser at the start of a body.
    pub(super) fn new(boundary: &[u8], limits: Limits) -> Self {
        Self {
            limits,
            scanner: Scanner::new(boundary),
            place: Place::Preamble,
            chunk: Bytes::new(),
            held: Vec::new(),
            parts: 0,
            field: String::new(),
        }
    }

    /// Replaces the last chunk by `chunk`.
    pub(super) fn feed(&mut self, chunk: Bytes) {
        self.chunk = chunk;
    }

    /// The number of the last part that began, counted from 1.
    pub(super) fn number(&self) -> usize {
        self.parts
    }

    /// Reads up to the next event.
    pub(super) fn next(&mut self) -> Result<Event, FormError> {
        while !self.chunk.is_empty() {
            let event = match self.place {
                Place::Preamble => self.preamble()?,
                Place::Line(line) => self.line(line)?,
                Place::Head => self.head()?,
                Place::Content => self.content()?,
                Place::Epilogue => self.epilogue()?,
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
        Ok(Event::More)
    }

    /// The event or error for the end of the body here.
    pub(super) fn end(&self) -> Result<Event, FormError> {
        let ends = |why| Err(FormError::Malformed(self.here(Flaw::new(why))));
        match self.place {
            Place::Epilogue if looks_like_a_part(&self.held) => ends(
                "a part follows behind the closing boundary; write `--` behind the boundary only where the form ends",
            ),
            Place::Epilogue => Ok(Event::Over),
            Place::Preamble => {
                ends("there is no boundary; begin with `--` and the boundary that the request's Content-Type gives")
            }
            _ => ends("the body ends before the closing boundary; end with it and `--`, and send the whole body"),
        }
    }

    /// The first boundary counts at every position, so that no part before the next one is skipped. Other bytes before it are
    /// dropped, as RFC 2046 says, unless they look like a part.
    fn preamble(&mut self) -> Result<Option<Event>, FormError> {
        let boundary = self.scanner.dashed();
        let longest = self.limits.preamble.saturating_add(boundary.len());
        let seen = self.held.len();
        let piece = &self.chunk[..self.chunk.len().min(longest - seen)];
        self.held.extend_from_slice(piece);
        let from = seen.saturating_sub(boundary.len() - 1);
        if let Some(at) = memmem::find(&self.held[from..], boundary) {
            let end = from + at + boundary.len();
            self.chunk.advance(end - seen);
            self.held.truncate(from + at);
            self.place = Place::Line(Line::Start);
            return match looks_like_a_part(&self.held) {
                true => Err(self.flaw("a part stands before the first boundary; begin with `--` and the boundary")),
                false => Ok(None),
            };
        }
        self.chunk.advance(self.held.len() - seen);
        match self.held.len() < longest {
            true => Ok(None),
            false => Err(self.flaw(format!(
                "there are more than {} bytes before the first boundary; begin with `--` and the boundary that the \
                 request's Content-Type gives",
                self.limits.preamble
            ))),
        }
    }

    fn content(&mut self) -> Result<Option<Event>, FormError> {
        match self.scanner.scan(&mut self.chunk) {
            Found::Content(bytes) => return Ok(Some(Event::Content(bytes))),
            Found::Delimiter => self.place = Place::Line(Line::Start),
            Found::Astray => {
                return Err(self.flaw("its content holds a boundary without CR LF before it; write CR LF there"));
            }
            Found::Nothing => {}
        }
        Ok(None)
    }

    fn line(&mut self, line: Line) -> Result<Option<Event>, FormError> {
        let line = match (line, self.chunk.get_u8()) {
            (Line::Start, b'-') => Line::Dash,
            (Line::Dash, b'-') => {
                self.held.clear();
                self.place = Place::Epilogue;
                return Ok(Some(Event::Delimiter));
            }
            (Line::Start, b' ' | b'\t') => Line::Padding(1),
            // Padding is not kept, but its length has a limit.
            (Line::Padding(bytes), b' ' | b'\t') if bytes < self.limits.head => Line::Padding(bytes + 1),
            (Line::Start | Line::Padding(_), b'\r') => Line::Return,
            (Line::Return, b'\n') => {
                self.held.clear();
                self.held.extend_from_slice(b"\r\n");
                self.place = Place::Head;
                return Ok(Some(Event::Delimiter));
            }
            _ => {
                return Err(
                    self.flaw("something follows the boundary on its line; write CR LF there, or `--` at the end")
                );
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
        let room = self.limits.head.saturating_add(2) - self.held.len();
        let within = &self.chunk[..self.chunk.len().min(room)];
        let end = end_of_head(&self.held, within);
        let piece = self.chunk.split_to(end.unwrap_or(within.len()));
        let in_head = |flaw: Flaw| FormError::Malformed(flaw.in_part(self.parts + 1));
        if has_bare_line_feed(&self.held, &piece) {
            return Err(in_head(Flaw::new("a line of its headers does not end with CR LF")));
        }
        self.held.extend_from_slice(&piece);
        if end.is_none() {
            return match piece.len() < room {
                true => Ok(None),
                false => Err(in_head(Flaw::new(format!(
                    "its headers have more than {} bytes",
                    self.limits.head
                )))),
            };
        }
        let head = Head::parse(&self.held, &self.limits).map_err(in_head)?;
        self.parts += 1;
        self.field.clone_from(&head.name);
        self.scanner.start();
        self.place = Place::Content;
        Ok(Some(Event::Part(head)))
    }

    /// Bytes after the closing boundary are dropped, as RFC 2046 says, unless they look like a part.
    fn epilogue(&mut self) -> Result<Option<Event>, FormError> {
        let chunk = std::mem::take(&mut self.chunk);
        if chunk.len() > self.limits.epilogue - self.held.len() {
            return Err(self.flaw(format!(
                "there are more than {} bytes behind the closing boundary; end with it",
                self.limits.epilogue
            )));
        }
        self.held.extend_from_slice(&chunk);
        Ok(None)
    }

    fn flaw(&self, why: impl Into<std::borrow::Cow<'static, str>>) -> FormError {
        FormError::Malformed(self.here(Flaw::new(why)))
    }

    /// The same flaw, with its part.
    fn here(&self, flaw: Flaw) -> Flaw {
        match self.place {
            Place::Preamble | Place::Epilogue => flaw,
            Place::Line(_) if self.parts == 0 => flaw,
            Place::Head => flaw.in_part(self.parts + 1),
            Place::Line(_) | Place::Content => flaw.in_part(self.parts).of_field(&self.field),
        }
    }
}

/// Whether bytes outside of all parts look like a part, which would be lost silently.
fn looks_like_a_part(bytes: &[u8]) -> bool {
    let header = b"content-disposition";
    bytes
        .windows(header.len())
        .any(|window| window.eq_ignore_ascii_case(header))
}

/// How many bytes of `piece` belong to the head that began with `head`; `None` if all do and the head continues.
fn end_of_head(head: &[u8], piece: &[u8]) -> Option<usize> {
    // First where the two meet, so that no byte is searched twice.
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
