//! The predictors behind `FlateDecode` and `LZWDecode`: those of PNG, and that of TIFF for whole bytes.

use crate::stream_info::Parms;

use super::stage::{Flow, STEP, Stage};

/// The longest row that is kept.
const MOST_ROW: u64 = 64 * 1024;

/// Undoes a predictor, row by row.
pub(super) struct Predictor {
    is_png: bool,
    /// Bytes of a pixel, at least one.
    pixel: usize,
    width: usize,
    /// The kind of the row that is being read, if it has begun.
    kind: Option<u8>,
    above: Vec<u8>,
    row: Vec<u8>,
}

impl Predictor {
    pub(super) fn new(parms: &Parms) -> Result<Self, &'static str> {
        let is_png = parms.predictor >= 10;
        let bits = parms.colors.saturating_mul(parms.bits);
        let width = bits.saturating_mul(parms.columns).div_ceil(8);
        let is_known = is_png || (parms.predictor == 2 && parms.bits == 8);
        if !is_known || width == 0 || width > MOST_ROW {
            return Err("an object stream has a predictor that the scanner does not know");
        }
        // Lossless: at most `MOST_ROW`.
        let width = width as usize;
        Ok(Self {
            is_png,
            pixel: (bits.div_ceil(8) as usize).clamp(1, width),
            width,
            kind: None,
            above: vec![0; width],
            row: Vec::new(),
        })
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let kind = match self.kind {
            Some(kind) => kind,
            None if self.is_png => {
                self.kind = Some(byte);
                return Ok(());
            }
            // The predictor of TIFF is the first one of PNG, without its byte.
            None => *self.kind.insert(1),
        };
        let at = self.row.len();
        let before = |row: &[u8]| {
            at.checked_sub(self.pixel)
                .and_then(|at| row.get(at).copied())
                .unwrap_or(0)
        };
        let (left, corner) = (before(&self.row), before(&self.above));
        let up = self.above.get(at).copied().unwrap_or(0);
        let predicted = match kind {
            0 => 0,
            1 => left,
            2 => up,
            3 => left.midpoint(up),
            4 => paeth(left, up, corner),
            _ => return Err("an object stream is damaged"),
        };
        let value = byte.wrapping_add(predicted);
        self.row.push(value);
        out.push(value);
        if self.row.len() >= self.width {
            std::mem::swap(&mut self.row, &mut self.above);
            self.row.clear();
            self.kind = None;
        }
        Ok(())
    }
}

impl Stage for Predictor {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Flow, &'static str> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            self.byte(*byte, out)?;
            if out.len() >= STEP {
                return Ok(Flow::Full);
            }
        }
        Ok(Flow::More)
    }

    fn is_complete(&self) -> bool {
        true
    }
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let estimate = a.saturating_add(b).saturating_sub(c);
    let (from_a, from_b, from_c) = (estimate.abs_diff(a), estimate.abs_diff(b), estimate.abs_diff(c));
    if from_a <= from_b && from_a <= from_c {
        left
    } else if from_b <= from_c {
        up
    } else {
        corner
    }
}
