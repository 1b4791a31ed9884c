//! Round corners.

use super::Pixels;
use crate::operations::Radius;

/// Makes what is outside the ellipses of the corners transparent.
pub(crate) fn round_corners(pixels: Pixels, radius: Radius) -> Pixels {
    let mut pixels = pixels.into_rgba();
    let (width, height) = (f64::from(pixels.width), f64::from(pixels.height));
    let mut across = radius.across.map(|extent| f64::from(extent.of(pixels.width)));
    let mut down = radius.down.map(|extent| f64::from(extent.of(pixels.height)));
    // As in CSS (Backgrounds and Borders 3, 4.5): all shrink together until those of each side fit.
    let fit = |side: f64, a: f64, b: f64| if a + b > side { side / (a + b) } else { 1.0 };
    let shrink = [
        fit(width, across[0], across[1]),
        fit(width, across[3], across[2]),
        fit(height, down[0], down[3]),
        fit(height, down[1], down[2]),
    ];
    let shrink = shrink.into_iter().fold(1.0, f64::min);
    across = across.map(|length| length * shrink);
    down = down.map(|length| length * shrink);
    let stride = pixels.width as usize * 4;
    for (y, row) in pixels.data.chunks_exact_mut(stride.max(4)).enumerate() {
        let top = y as f64 + 0.5;
        for (x, pixel) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let left = x as f64 + 0.5;
            let corners = [
                (left, top),
                (width - left, top),
                (width - left, height - top),
                (left, height - top),
            ];
            for (corner, (x, y)) in corners.into_iter().enumerate() {
                let (rx, ry) = (across[corner], down[corner]);
                if x >= rx || y >= ry {
                    continue;
                }
                let distance = ((1.0 - x / rx).powi(2) + (1.0 - y / ry).powi(2)).sqrt();
                // About the share of the pixel that is inside.
                let inside = ((1.0 - distance) * rx.min(ry) + 0.5).clamp(0.0, 1.0);
                // In range: a share of a byte.
                pixel[3] = (f64::from(pixel[3]) * inside).round() as u8;
            }
        }
    }
    pixels
}
