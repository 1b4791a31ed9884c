//! From the lower frequencies of a block to fewer pixels than the block has.

use std::f32::consts::PI;

use super::huffman::place;
use super::segments::Component;

/// The transform of the blocks of one component into `across` by `down` pixels, each of which is 1, 2, 4 or 8.
pub(super) struct Transform {
    pub(super) across: usize,
    pub(super) down: usize,
    /// The last coefficient of the scan that is needed.
    pub(super) last: usize,
    /// What each needed coefficient is multiplied by.
    weights: [f32; 64],
    /// For each pixel along a side, the share of each frequency.
    rows: [[f32; 8]; 8],
    columns: [[f32; 8]; 8],
}

impl Transform {
    pub(super) fn new(across: usize, down: usize, component: &Component) -> Self {
        let needed = |at: usize| at % 8 < across && at / 8 < down;
        let mut weights = [0.0; 64];
        for (index, step) in component.steps.iter().enumerate() {
            let at = place(index);
            if needed(at) {
                weights[at] = f32::from(*step) / 8.0;
            }
        }
        Self {
            across,
            down,
            last: (0..64).rev().find(|index| needed(place(*index))).unwrap_or(0),
            weights,
            rows: basis(across),
            columns: basis(down),
        }
    }

    /// Writes the pixels of a block.
    pub(super) fn pixels(&self, block: &[i32; 64], out: &mut [u8], stride: usize) {
        let dc = block[0] as f32 * self.weights[0];
        if self.across == 1 && self.down == 1 {
            if let Some(pixel) = out.first_mut() {
                *pixel = byte(dc);
            }
            return;
        }
        if self.across == 2 && self.down == 2 {
            return self.four(block, out, stride);
        }
        // Along the rows first: of each frequency from top to bottom, the pixels from left to right.
        let mut half = [[0.0_f32; 8]; 8];
        for (v, half) in half.iter_mut().enumerate().take(self.down) {
            for u in 0..self.across {
                let value = block[v * 8 + u] as f32 * self.weights[v * 8 + u];
                if value != 0.0 {
                    for (sum, row) in half.iter_mut().zip(&self.rows) {
                        *sum += value * row[u];
                    }
                }
            }
        }
        for (y, column) in self.columns.iter().enumerate().take(self.down) {
            let mut sums = [0.0_f32; 8];
            for (half, share) in half.iter().zip(column).take(self.down) {
                for (sum, value) in sums.iter_mut().zip(half) {
                    *sum += value * share;
                }
            }
            if let Some(row) = out.get_mut(y * stride..y * stride + self.across) {
                for (pixel, sum) in row.iter_mut().zip(sums) {
                    *pixel = byte(sum);
                }
            }
        }
    }

    /// Two by two pixels, of which all shares are one or minus one.
    fn four(&self, block: &[i32; 64], out: &mut [u8], stride: usize) {
        let [a, b, c, d] = [0, 1, 8, 9].map(|at| block[at] as f32 * self.weights[at]);
        if let Some(row) = out.get_mut(..2) {
            row.copy_from_slice(&[byte(a + b + c + d), byte(a - b + c - d)]);
        }
        if let Some(row) = out.get_mut(stride..stride + 2) {
            row.copy_from_slice(&[byte(a + b - c - d), byte(a - b - c + d)]);
        }
    }
}

/// The cosines of a side with so many pixels, in relation to the mean.
fn basis(side: usize) -> [[f32; 8]; 8] {
    let mut basis = [[0.0; 8]; 8];
    for (x, row) in basis.iter_mut().enumerate().take(side) {
        for (u, share) in row.iter_mut().enumerate().take(side) {
            // Small whole numbers.
            let angle = (2 * x + 1) as f32 * u as f32 * PI / (2 * side) as f32;
            *share = if u == 0 { 1.0 } else { angle.cos() * 2.0_f32.sqrt() };
        }
    }
    basis
}

fn byte(value: f32) -> u8 {
    // Casts of floating point numbers saturate.
    (value + 128.5) as u8
}
