//! Finds the delimiter in chunks of any size without copying bytes that may belong to it.

use bytes::{Buf, Bytes};
use memchr::memmem::Finder;
use memchr::memrchr;

/// The result of a search in a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Bytes that are not part of any delimiter.
    Content(Bytes),
    /// A delimiter; the chunk continues right after it.
    Delimiter,
    /// A delimiter whose line end is not `CR LF`, or belongs to the line before.
    Astray,
    /// Undecided. The chunk is used up, and may have ended within a delimiter.
    Nothing,
}

/// Searches for `CR LF "--" boundary`, and for the same without the CR.
///
/// A boundary contains neither CR nor LF, so a delimiter can only begin at its own first byte. So the bytes that may begin one
/// are always the last ones, from the last line end on. Their values are known, so counting them is enough. If they turn out to
/// be content, no delimiter can have begun among them, so no byte is searched repeatedly.
#[derive(Debug)]
pub(super) struct Scanner {
    delimiter: Bytes,
    /// Finds the delimiter without its CR.
    finder: Finder<'static>,
    /// How many bytes of the delimiter the end of the last chunk matches.
    begun: usize,
    /// Where that match starts: 0 after a CR, 1 at a lone LF, 2 at the start of the content. The bytes from there to `begun` are
    /// held back.
    from: usize,
}

/// At the start of a part's content, the line end before it belongs to the part's head.
const START: usize = 2;

impl Scanner {
    /// A scanner at the start of a part's content.
    pub(super) fn new(boundary: &[u8]) -> Self {
        let delimiter = Bytes::from([b"\r\n--", boundary].concat());
        let finder = Finder::new(&delimiter[1..]).into_owned();
        Self {
            delimiter,
            finder,
            begun: START,
            from: START,
        }
    }

    /// The dashes and the boundary, without a line end.
    pub(super) fn dashed(&self) -> &[u8] {
        &self.delimiter[START..]
    }

    /// Starts with the content of another part.
    pub(super) fn start(&mut self) {
        (self.begun, self.from) = (START, START);
    }

    /// Searches `chunk`, which is not empty, and takes the decided bytes from its front.
    pub(super) fn scan(&mut self, chunk: &mut Bytes) -> Found {
        if self.begun > 0
            && let Some(found) = self.go_on(chunk)
        {
            return found;
        }
        match self.finder.find(chunk) {
            Some(0) => Found::Astray,
            Some(1) if chunk[0] == b'\r' => {
                chunk.advance(self.delimiter.len());
                Found::Delimiter
            }
            Some(at) if chunk[at - 1] == b'\r' => Found::Content(chunk.split_to(at - 1)),
            Some(at) => Found::Content(chunk.split_to(at)),
            None => {
                self.note_the_end_of(chunk);
                let mut content = std::mem::take(chunk);
                content.truncate(content.len() - (self.begun - self.from));
                match content.is_empty() {
                    true => Found::Nothing,
                    false => Found::Content(content),
                }
            }
        }
    }

    /// Whether `chunk` continues the delimiter that began before it. `None`: it does not, and has to be searched.
    fn go_on(&mut self, chunk: &mut Bytes) -> Option<Found> {
        let rest = &self.delimiter[self.begun..];
        let same = rest.iter().zip(chunk.iter()).take_while(|(a, b)| a == b).count();
        if same == rest.len() {
            self.begun = 0;
            chunk.advance(same);
            return Some(if self.from == 0 {
                Found::Delimiter
            } else {
                Found::Astray
            });
        }
        if same == chunk.len() {
            self.begun += same;
            *chunk = Bytes::new();
            return Some(Found::Nothing);
        }
        let held_back = self.delimiter.slice(self.from..std::mem::take(&mut self.begun));
        (!held_back.is_empty()).then_some(Found::Content(held_back))
    }

    /// Counts how much of a delimiter is at the end of `chunk`, which does not contain a whole one.
    fn note_the_end_of(&mut self, chunk: &[u8]) {
        let tail = &chunk[chunk.len().saturating_sub(self.delimiter.len() - 1)..];
        (self.begun, self.from) = match memrchr(b'\n', tail) {
            Some(at) if self.delimiter[1..].starts_with(&tail[at..]) => {
                let from = if tail[..at].ends_with(b"\r") { 0 } else { 1 };
                (1 + tail.len() - at, from)
            }
            _ if tail.ends_with(b"\r") => (1, 0),
            _ => (0, 0),
        };
    }
}
