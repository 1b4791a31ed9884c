//! `ASCIIHexDecode` and `ASCII85Decode`.

use crate::lexer::{hex, is_space};

use super::stage::{Flow, STEP, Stage};

const DAMAGED: &str = "an object stream is damaged";

/// Decodes hexadecimal digits up to `>`.
#[derive(Default)]
pub(super) struct AsciiHex {
    high: Option<u8>,
    has_ended: bool,
}

impl Stage for AsciiHex {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Flow, &'static str> {
        while let Some((byte, rest)) = input.split_first().filter(|_| !self.has_ended) {
            *input = rest;
            match (hex(*byte), self.high.take()) {
                (Some(low), Some(high)) => out.push(high << 4 | low),
                (Some(high), None) => self.high = Some(high),
                (None, high) if *byte == b'>' => {
                    out.extend(high.map(|high| high << 4));
                    self.has_ended = true;
                }
                (None, high) if is_space(*byte) => self.high = high,
                _ => return Err(DAMAGED),
            }
            if out.len() >= STEP {
                return Ok(Flow::Full);
            }
        }
        Ok(if self.has_ended { Flow::Ended } else { Flow::More })
    }

    fn is_complete(&self) -> bool {
        self.has_ended
    }
}

/// Decodes groups of five digits of base 85 up to `~>`.
#[derive(Default)]
pub(super) struct Ascii85 {
    group: u32,
    digits: u32,
    has_tilde: bool,
    has_ended: bool,
}

impl Ascii85 {
    fn digit(&mut self, digit: u8, out: &mut Vec<u8>) {
        // Wraps where the group is no value of four bytes, as readers do.
        self.group = self.group.wrapping_mul(85).wrapping_add(u32::from(digit));
        self.digits = self.digits.saturating_add(1);
        if self.digits == 5 {
            out.extend(self.group.to_be_bytes());
            self.group = 0;
            self.digits = 0;
        }
    }

    /// The last group, which may be shorter: one byte less than it has digits.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.has_ended = true;
        let kept = self.digits.saturating_sub(1) as usize;
        let mut last = Vec::new();
        while self.digits > 0 {
            self.digit(84, &mut last);
        }
        out.extend(last.into_iter().take(kept));
    }
}

impl Stage for Ascii85 {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Flow, &'static str> {
        while let Some((byte, rest)) = input.split_first().filter(|_| !self.has_ended) {
            *input = rest;
            match byte {
                b'>' if self.has_tilde => self.end(out),
                b'!'..=b'u' if !self.has_tilde => self.digit(byte.saturating_sub(b'!'), out),
                b'z' if self.digits == 0 && !self.has_tilde => out.extend([0; 4]),
                b'~' => self.has_tilde = true,
                _ if is_space(*byte) => {}
                _ => return Err(DAMAGED),
            }
            if out.len() >= STEP {
                return Ok(Flow::Full);
            }
        }
        Ok(if self.has_ended { Flow::Ended } else { Flow::More })
    }

    fn is_complete(&self) -> bool {
        self.has_ended
    }
}
