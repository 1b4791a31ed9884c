//! Bytes between members, where a header was expected. Most of them are the signatures of Android programs.

use memchr::memmem;

/// The first bytes of the headers behind a gap, after `PK`.
const BEHIND: [[u8; 2]; 4] = [*b"\x03\x04", *b"\x01\x02", *b"\x05\x06", *b"\x06\x06"];
/// The end of a signing block: its size, and these bytes.
const MAGIC: &[u8] = b"APK Sig Block 42";
const TRAILER: usize = 24;

/// Searches for the next header.
#[derive(Debug, Default)]
pub(super) struct Gap {
    length: u64,
    /// Zeros at its beginning.
    zeros: u64,
    /// Its last bytes.
    last: Vec<u8>,
    /// The beginning of a header, so far.
    begun: Vec<u8>,
}

impl Gap {
    /// Takes bytes from the front of `input`, up to and including the signature of a header, which it returns.
    pub(super) fn find(&mut self, input: &mut &[u8]) -> Option<[u8; 4]> {
        while !input.is_empty() {
            if self.begun.is_empty() {
                let begun = usize::from(input.ends_with(b"P"));
                let at = memmem::find(input, b"PK").unwrap_or(input.len() - begun);
                let (skipped, rest) = input.split_at(at);
                self.add(skipped);
                *input = rest;
            }
            let Some((next, rest)) = input.split_first() else { break };
            let may_go_on = match self.begun.as_slice() {
                [] => true,
                [_] => *next == b'K',
                [_, _] => BEHIND.iter().any(|[third, _]| third == next),
                [_, _, third, ..] => BEHIND.contains(&[*third, *next]),
            };
            if !may_go_on {
                let begun = std::mem::take(&mut self.begun);
                self.add(&begun);
                continue;
            }
            self.begun.push(*next);
            *input = rest;
            if let Some(signature) = self.begun.first_chunk() {
                return Some(*signature);
            }
        }
        None
    }

    /// Adds bytes that begin no header.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if self.zeros == self.length {
            self.zeros += bytes.iter().take_while(|byte| **byte == 0).count() as u64;
        }
        self.length += bytes.len() as u64;
        let last = bytes.get(bytes.len().saturating_sub(TRAILER)..).unwrap_or_default();
        self.last.extend_from_slice(last);
        self.last.drain(..self.last.len().saturating_sub(TRAILER));
    }

    /// Whether it is nothing but padding, or a signing block behind padding.
    pub(super) fn is_harmless(&self) -> bool {
        if self.zeros == self.length {
            return true;
        }
        let Some((size, magic)) = self.last.split_first_chunk() else {
            return false;
        };
        // The size leaves out the field in front of the block that repeats it.
        let block = u64::from_le_bytes(*size).saturating_add(8);
        magic == MAGIC && block <= self.length && self.length - block <= self.zeros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(bytes: &[u8], piece: usize) -> Option<bool> {
        let mut gap = Gap::default();
        for mut piece in bytes.chunks(piece) {
            if gap.find(&mut piece).is_some() {
                return Some(gap.is_harmless());
            }
        }
        None
    }

    #[test]
    fn padding_and_signing_blocks_are_harmless_and_other_bytes_are_not() {
        let size = 40_u64.to_le_bytes();
        let block = [&size[..], &[7; 16], &size, MAGIC].concat();
        let head = b"PK\x01\x02";
        for piece in [1, 3, 1000] {
            for (bytes, is_harmless) in [
                (vec![0; 50], true),
                (block.clone(), true),
                ([&[0; 9][..], &block].concat(), true),
                (b"x".to_vec(), false),
                (b"PPK\x01".to_vec(), false),
                ([b"x", &block[..]].concat(), false),
                ([&block[..], b"x"].concat(), false),
                ([&size[..], MAGIC].concat(), false),
            ] {
                let all = [&bytes[..], head].concat();
                assert_eq!(gap(&all, piece), Some(is_harmless), "{bytes:?}");
            }
            assert_eq!(gap(b"PK\x01PK\x03PKPK\x05", piece), None);
        }
    }
}
