//! Finds where an indirect object begins: `12 0 obj`, wherever it stands.
//!
//! A reader jumps to objects by their offsets, so an object may begin in what looks like a comment, a string or a stream to a
//! program that reads from the front. It counts nevertheless.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Nowhere,
    Number,
    Gap,
    Generation,
    SecondGap,
    O,
    B,
}

/// The progress through `12 0 obj`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marker {
    at: At,
    number: u64,
    generation: u64,
}

impl Marker {
    /// Takes the next byte. Returns the number of the object that begins behind it, if one does.
    pub(crate) fn step(&mut self, byte: u8) -> Option<u64> {
        if self.at == At::Nowhere && !byte.is_ascii_digit() {
            return None;
        }
        if self.at == At::B && byte == b'j' {
            self.at = At::Nowhere;
            return Some(self.number);
        }
        self.at = match (self.at, byte) {
            (At::Nowhere | At::O | At::B, b'0'..=b'9') => {
                self.number = digit(0, byte);
                At::Number
            }
            (At::Number, b'0'..=b'9') => {
                self.number = digit(self.number, byte);
                At::Number
            }
            (At::Gap, b'0'..=b'9') => {
                self.generation = digit(0, byte);
                At::Generation
            }
            (At::Generation, b'0'..=b'9') => {
                self.generation = digit(self.generation, byte);
                At::Generation
            }
            // The second number was the first one: `1 2 0 obj`.
            (At::SecondGap, b'0'..=b'9') => {
                self.number = self.generation;
                self.generation = digit(0, byte);
                At::Generation
            }
            (At::Number | At::Gap, b'\0' | b'\t' | b'\n' | b'\x0C' | b'\r' | b' ') => At::Gap,
            (At::Generation | At::SecondGap, b'\0' | b'\t' | b'\n' | b'\x0C' | b'\r' | b' ') => At::SecondGap,
            (At::Generation | At::SecondGap, b'o') => At::O,
            (At::O, b'b') => At::B,
            _ => At::Nowhere,
        };
        None
    }
}

fn digit(number: u64, byte: u8) -> u64 {
    number.saturating_mul(10).saturating_add(u64::from(byte & 0x0F))
}

/// Finds a word in bytes that come one by one. The first byte of the word stands in it only once, or `endstream` is the word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    word: &'static [u8],
    seen: usize,
}

impl Word {
    pub(crate) fn new(word: &'static [u8]) -> Self {
        Self { word, seen: 0 }
    }

    /// How many bytes of the word came last.
    pub(crate) fn progress(&self) -> usize {
        self.seen
    }

    /// Takes the next byte. Returns whether the word ends with it.
    pub(crate) fn step(&mut self, byte: u8) -> bool {
        /// `endstre` ends with the first byte of `endstream`.
        const AGAIN: usize = b"endstre".len();
        self.seen = if self.word.get(self.seen) == Some(&byte) {
            self.seen.saturating_add(1)
        } else if self.seen == AGAIN && byte == b'n' && self.word == b"endstream" {
            2
        } else {
            usize::from(self.word.first() == Some(&byte))
        };
        if self.seen < self.word.len() {
            return false;
        }
        self.seen = 0;
        true
    }
}
