//! Finds the delimiter in chunks of any size without holding any of them back.

use bytes::{Buf, Bytes};
use memchr::memmem::Finder;
use memchr::memrchr;

/// What a look at a chunk told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Bytes that are not part of any delimiter.
    Content(Bytes),
    /// A delimiter; the chunk goes on right behind it.
    Delimiter,
    /// Nothing for sure. The chunk is used up, and may have ended within a delimiter.
    Nothing,
}

/// Looks for `CR LF "--" boundary`.
///
/// A boundary holds no CR (RFC 2046, `bchars`), so a delimiter can only begin at its own first byte. Hence the bytes
/// which may be the beginning of one are always the last ones, from the last CR on; they need not be kept, because they
/// are known: it is enough to count them. And when they turn out to be content, no delimiter can have begun among them,
/// so no byte is looked at over and over.
#[derive(Debug)]
pub(super) struct Scanner {
    delimiter: Bytes,
    finder: Finder<'static>,
    /// How many bytes of a delimiter stood at the end of the last chunk.
    begun: usize,
}

impl Scanner {
    /// The bytes of a delimiter which the start of a body stands for: the first one has no line end before it.
    pub(super) const LINE_END: usize = 2;

    /// A scanner at the start of a body.
    pub(super) fn new(boundary: &str) -> Self {
        let delimiter = Bytes::from(format!("\r\n--{boundary}"));
        let finder = Finder::new(&delimiter).into_owned();
        Self {
            delimiter,
            finder,
            begun: Self::LINE_END,
        }
    }

    /// Looks at `chunk`, which is not empty, and takes what is certain from its front.
    pub(super) fn scan(&mut self, chunk: &mut Bytes) -> Found {
        if self.begun > 0 {
            return self.go_on(chunk);
        }
        match self.finder.find(chunk) {
            Some(0) => {
                chunk.advance(self.delimiter.len());
                Found::Delimiter
            }
            Some(at) => Found::Content(chunk.split_to(at)),
            None => {
                self.begun = self.begun_at_the_end_of(chunk);
                let mut content = std::mem::take(chunk);
                content.truncate(content.len() - self.begun);
                match content.is_empty() {
                    true => Found::Nothing,
                    false => Found::Content(content),
                }
            }
        }
    }

    /// Does `chunk` go on with the delimiter that has begun before it?
    fn go_on(&mut self, chunk: &mut Bytes) -> Found {
        let rest = &self.delimiter[self.begun..];
        let same = rest.iter().zip(chunk.iter()).take_while(|(a, b)| a == b).count();
        if same == rest.len() {
            self.begun = 0;
            chunk.advance(same);
            return Found::Delimiter;
        }
        if same == chunk.len() {
            self.begun += same;
            *chunk = Bytes::new();
            return Found::Nothing;
        }
        Found::Content(self.delimiter.slice(..std::mem::take(&mut self.begun)))
    }

    /// How many bytes at the end of `chunk` may be the beginning of a delimiter. It does not hold a whole one.
    fn begun_at_the_end_of(&self, chunk: &[u8]) -> usize {
        let tail = &chunk[chunk.len().saturating_sub(self.delimiter.len() - 1)..];
        match memrchr(b'\r', tail) {
            Some(at) if self.delimiter.starts_with(&tail[at..]) => tail.len() - at,
            _ => 0,
        }
    }
}
