//! One picture that all sources show: smooth, without a symmetry, and known at each of its points.

/// What a source can say about the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Color,
    /// As `Color`, in few colours.
    Coarse,
    Gray,
    /// Black above, white below.
    TwoTone,
    /// As `Color`; the lower half lets half of the light through.
    Alpha,
    /// As `Coarse`; the lower half is not there.
    Holes,
    /// As `Gray`; the lower half lets half of the light through.
    GrayAlpha,
}

impl Class {
    pub(crate) fn has_alpha(self) -> bool {
        matches!(self, Self::Alpha | Self::Holes | Self::GrayAlpha)
    }
}

fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// The colour at a point, where both sides are from 0 to 1.
pub(crate) fn at(class: Class, u: f64, v: f64) -> [u8; 4] {
    let color = [40.0 + 170.0 * u, 40.0 + 170.0 * v, 200.0 - 120.0 * u].map(byte);
    let [r, g, b] = color;
    let below = v >= 0.5;
    match class {
        Class::Color => [r, g, b, 255],
        Class::Coarse => {
            let [r, g, b] = color.map(coarse);
            [r, g, b, 255]
        }
        Class::Gray => [g, g, g, 255],
        Class::TwoTone => {
            let value = if below { 255 } else { 0 };
            [value, value, value, 255]
        }
        Class::Alpha => [r, g, b, if below { 128 } else { 255 }],
        Class::Holes => {
            let [r, g, b] = color.map(coarse);
            [r, g, b, if below { 0 } else { 255 }]
        }
        Class::GrayAlpha => [g, g, g, if below { 128 } else { 255 }],
    }
}

/// To one of six steps, so that all are in a palette of 216.
fn coarse(value: u8) -> u8 {
    ((u32::from(value) + 25) / 51 * 51).min(255) as u8
}

/// How far apart a result may be from the picture: in few colours by one of their steps.
pub(crate) fn tolerance(class: Class) -> i32 {
    match class {
        Class::Coarse | Class::Holes => 58,
        _ => 12,
    }
}

/// The pixels of a picture of that size, in four channels.
pub(crate) fn pixels(class: Class, width: u32, height: u32) -> Vec<[u8; 4]> {
    let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let center = |at: u32, side: u32| (f64::from(at) + 0.5) / f64::from(side);
    points
        .map(|(x, y)| at(class, center(x, width), center(y, height)))
        .collect()
}
