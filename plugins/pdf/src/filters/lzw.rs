//! `LZWDecode`.

use weezl::decode::Decoder;
use weezl::{BitOrder, LzwStatus};

use super::stage::{Flow, STEP, Stage};

/// Decodes with a table of bounded size, which the crate has.
pub(super) struct Lzw {
    decoder: Decoder,
    buffer: Box<[u8]>,
    has_ended: bool,
}

impl Lzw {
    pub(super) fn new(is_early: bool) -> Self {
        let decoder = if is_early {
            Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
        } else {
            Decoder::new(BitOrder::Msb, 8)
        };
        Self {
            decoder,
            buffer: vec![0; STEP].into_boxed_slice(),
            has_ended: false,
        }
    }
}

impl Stage for Lzw {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Flow, &'static str> {
        if self.has_ended {
            return Ok(Flow::Ended);
        }
        let done = self.decoder.decode_bytes(input, &mut self.buffer);
        *input = input.get(done.consumed_in..).unwrap_or_default();
        out.extend_from_slice(self.buffer.get(..done.consumed_out).unwrap_or_default());
        match done.status {
            Ok(LzwStatus::Done) => {
                self.has_ended = true;
                Ok(Flow::Ended)
            }
            Ok(_) if done.consumed_out > 0 => Ok(Flow::Full),
            Ok(_) if input.is_empty() => Ok(Flow::More),
            Ok(_) if done.consumed_in > 0 => Ok(Flow::Full),
            _ => Err("an object stream is damaged"),
        }
    }

    fn is_complete(&self) -> bool {
        self.has_ended
    }
}
