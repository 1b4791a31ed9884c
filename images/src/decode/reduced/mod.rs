//! Decodes a baseline JPEG (ITU-T T.81) in a half, a quarter or an eighth of its size: most of its coefficients are passed
//! over by one look-up each, and the rest become pixels by small transforms. `None` is not a refusal: what is rare or damaged
//! here is decoded, or judged, by `jpeg-decoder`.

mod bits;
mod huffman;
mod segments;
#[cfg(test)]
mod tests;
mod transform;

use self::bits::Bits;
use self::huffman::place;
use self::segments::Component;
use self::transform::Transform;

/// Pixels of one or three channels.
pub(super) struct Reduced {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) channels: usize,
    pub(super) data: Vec<u8>,
}

/// Pixels of a row of units, one plane for each component, all in the resolution of the result.
struct Planes {
    planes: Vec<Vec<u8>>,
    stride: usize,
    rows: usize,
}

/// Decodes a whole file; the reduction is 2, 4 or 8.
pub(super) fn decode(file: &[u8], reduction: u32) -> Option<Reduced> {
    let scan = segments::read(file)?;
    // In range: at most 4.
    let side = (8 / reduction) as usize;
    let width = scan.width.div_ceil(reduction);
    let height = scan.height.div_ceil(reduction);
    let channels = scan.components.len();
    let mut data = Vec::with_capacity(width as usize * height as usize * channels);
    let (across, down) = (scan.across * side, scan.down * side);
    let units = (scan.width as usize).div_ceil(8 * scan.across);
    let rows_of_units = (scan.height as usize).div_ceil(8 * scan.down);
    let transforms: Vec<Transform> = scan
        .components
        .iter()
        // Components with fewer samples get larger transforms, so that all have the same number of pixels.
        .map(|component| Transform::new(across / component.across, down / component.down, component))
        .collect();
    let mut planes = Planes {
        planes: vec![vec![0; units * across * down]; channels],
        stride: units * across,
        rows: down,
    };
    let mut bits = Bits::new(scan.data);
    let mut block = [0; 64];
    let mut before = vec![0; channels];
    let mut until_restart = scan.restart;
    for row in 0..rows_of_units {
        for unit in 0..units {
            if scan.restart > 0 && until_restart == 0 {
                bits.restart()?;
                before.fill(0);
                until_restart = scan.restart;
            }
            until_restart = until_restart.saturating_sub(1);
            for (at, component) in scan.components.iter().enumerate() {
                let plane = &mut planes.planes[at][unit * across..];
                let blocks = Blocks {
                    component,
                    transform: &transforms[at],
                    stride: planes.stride,
                };
                blocks.decode(&mut bits, &mut before[at], &mut block, plane)?;
            }
        }
        let rows = (height as usize - (row * down).min(height as usize)).min(planes.rows);
        planes.append(&mut data, width as usize, rows);
    }
    bits.is_whole().then_some(Reduced {
        width,
        height,
        channels,
        data,
    })
}

/// The blocks that one unit has of a component.
struct Blocks<'a> {
    component: &'a Component,
    transform: &'a Transform,
    stride: usize,
}

impl Blocks<'_> {
    fn decode(&self, bits: &mut Bits<'_>, before: &mut i32, block: &mut [i32; 64], plane: &mut [u8]) -> Option<()> {
        let transform = self.transform;
        for y in 0..self.component.down {
            for x in 0..self.component.across {
                // No others are written.
                for index in 1..=transform.last {
                    block[place(index)] = 0;
                }
                *before = before.wrapping_add(self.component.dc.difference(bits)?);
                block[0] = *before;
                self.component.ac.coefficients(bits, transform.last, block)?;
                let start = y * transform.down * self.stride + x * transform.across;
                transform.pixels(block, plane.get_mut(start..)?, self.stride);
            }
        }
        Some(())
    }
}

impl Planes {
    /// Adds rows to the result, in red, green and blue where there are three components.
    fn append(&self, data: &mut Vec<u8>, width: usize, rows: usize) {
        for row in 0..rows {
            let of = |plane: &'_ Vec<u8>| row * self.stride..(row * self.stride + width).min(plane.len());
            match &*self.planes {
                [y, cb, cr] => {
                    let (y, cb, cr) = (&y[of(y)], &cb[of(cb)], &cr[of(cr)]);
                    for ((y, cb), cr) in y.iter().zip(cb).zip(cr) {
                        data.extend(to_rgb(*y, *cb, *cr));
                    }
                }
                planes => planes
                    .iter()
                    .for_each(|plane| data.extend_from_slice(&plane[of(plane)])),
            }
        }
    }
}

/// By the equations of JFIF (ITU-T T.871, clause 7), in steps of 2^-16.
fn to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let y = (i32::from(y) << 16) + (1 << 15);
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + 91_881 * cr;
    let green = y - 22_554 * cb - 46_802 * cr;
    let blue = y + 116_130 * cb;
    // In range after the clamp.
    [red, green, blue].map(|value| (value >> 16).clamp(0, 255) as u8)
}
