//! The end of a member whose size is not known before it, and which is not packed: where a descriptor of just this size follows.

use memchr::memmem;

use super::headers::{u32_at, u64_at};

const SIGNATURE: &[u8] = b"PK\x07\x08";
const SMALL: usize = 16;
const LARGE: usize = 24;

/// Looks for the end of such a member.
#[derive(Debug)]
pub(super) struct Hunt {
    /// Whether the bytes are those of the file: they may be encrypted, or packed by an unknown method.
    pub(super) is_plain: bool,
    /// Bytes of the member so far.
    pub(super) packed: u64,
    /// Bytes that may be the beginning of a descriptor.
    held: Vec<u8>,
    /// Bytes that were held, and are none.
    released: Vec<u8>,
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found<'a> {
    Hungry,
    Data(&'a [u8]),
    /// The descriptor was taken, too.
    End,
}

impl Hunt {
    pub(super) fn new(is_plain: bool) -> Self {
        Self {
            is_plain,
            packed: 0,
            held: Vec::with_capacity(LARGE),
            released: Vec::with_capacity(LARGE),
        }
    }

    /// Takes bytes from the front of `input`.
    pub(super) fn step<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Found<'a> {
        if self.held.is_empty() {
            let at = memmem::find(input, SIGNATURE).unwrap_or_else(|| input.len() - begun(input));
            let (data, rest) = input.split_at(at);
            let (held, rest) = rest.split_at(rest.len().min(LARGE.min(SIGNATURE.len())));
            self.held.extend_from_slice(held);
            *input = rest;
            if data.is_empty() {
                return if held.is_empty() {
                    Found::Hungry
                } else {
                    Found::Data(&[])
                };
            }
            self.packed += data.len() as u64;
            return Found::Data(data);
        }
        while let Some((first, rest)) = input.split_first() {
            self.held.push(*first);
            *input = rest;
            if !SIGNATURE.starts_with(&self.held[..self.held.len().min(SIGNATURE.len())]) {
                return self.release();
            }
            if self.is_end() {
                return Found::End;
            }
            if self.is_none() {
                return self.release();
            }
        }
        Found::Hungry
    }

    fn is_end(&self) -> bool {
        let fits = |packed, length| packed == self.packed && (!self.is_plain || length == self.packed);
        match self.held.len() {
            SMALL => fits(u32_at(&self.held, 8), u32_at(&self.held, 12)),
            LARGE => fits(u64_at(&self.held, 8), u64_at(&self.held, 16)),
            _ => false,
        }
    }

    /// Whether the held bytes cannot become a descriptor. This is found out before another one that begins among them is complete.
    fn is_none(&self) -> bool {
        let may_be_large = u64_at(&self.held, 8) == self.packed;
        self.held.len() == LARGE || (self.held.len() == SMALL && !may_be_large)
    }

    /// The packed and the inflated size, once the descriptor was taken.
    pub(super) fn found(&self) -> Option<(u64, u64)> {
        let length = match self.held.len() {
            SMALL => u32_at(&self.held, 12),
            _ => u64_at(&self.held, 16),
        };
        self.is_end().then_some((self.packed, length))
    }

    /// Gives up the first held byte, and those behind it with which no descriptor begins.
    fn release(&mut self) -> Found<'_> {
        let behind = self.held.get(1..).unwrap_or_default();
        let kept = memmem::find(behind, SIGNATURE).unwrap_or_else(|| behind.len() - begun(behind));
        self.released.clear();
        self.released.extend(self.held.drain(..=kept));
        self.packed += self.released.len() as u64;
        Found::Data(&self.released)
    }
}

/// How many of the last bytes may be the beginning of a descriptor.
fn begun(bytes: &[u8]) -> usize {
    (1..SIGNATURE.len())
        .rev()
        .find(|length| bytes.ends_with(&SIGNATURE[..*length]))
        .unwrap_or(0)
}
