//! The operations that change pixels.

use super::geometry::{Align, Extent};

/// An operation that changes pixels, or what later ones do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Preview {
        width: u32,
        height: u32,
    },
    /// At least one of the two is there.
    Resize {
        width: Option<u32>,
        height: Option<u32>,
    },
    ScaleCrop {
        width: u32,
        height: u32,
        align: Align,
    },
    Crop {
        cut: Cut,
        align: Align,
    },
    /// For the steps behind it.
    Stretch(Stretch),
    /// For the steps behind it, and for formats without transparency.
    SetFill(Color),
    /// By so many quarters of a turn, counter-clockwise, from 1 to 3.
    Rotate(u8),
    Flip,
    Mirror,
    Grayscale,
    Invert,
    Tone(Tone, i32),
    Blur {
        strength: u32,
        amount: i32,
    },
    Sharp(u32),
    BorderRadius(Radius),
}

/// How large a part is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Size(Extent, Extent),
    /// The largest part with these proportions.
    Ratio(u32, u32),
}

/// What happens when a picture would grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// It grows.
    On,
    /// It stays as it is, and the result is smaller than asked for.
    Off,
    /// It stays as it is, on a canvas of the size that is asked for.
    Fill,
}

/// A colour with transparency: red, green, blue, alpha.
pub(crate) type Color = [u8; 4];

/// What changes the colours of pixels, by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Brightness,
    Exposure,
    Gamma,
    Contrast,
    Saturation,
    Vibrance,
    Warmth,
    /// Of the whole picture: how light and dark it is decides.
    Enhance,
}

impl Tone {
    /// The value that changes nothing.
    pub(crate) fn neutral(self) -> i32 {
        if self == Self::Gamma { 100 } else { 0 }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brightness => "brightness",
            Self::Exposure => "exposure",
            Self::Gamma => "gamma",
            Self::Contrast => "contrast",
            Self::Saturation => "saturation",
            Self::Vibrance => "vibrance",
            Self::Warmth => "warmth",
            Self::Enhance => "enhance",
        }
    }
}

/// The radii of the corners: top left, top right, bottom right, bottom left; of width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Radius {
    pub(crate) across: [Extent; 4],
    pub(crate) down: [Extent; 4],
}

impl Step {
    /// Whether it changes no picture.
    pub(crate) fn is_neutral(&self) -> bool {
        match self {
            Self::Tone(tone, value) => *value == tone.neutral(),
            Self::Blur { strength, amount } => *strength == 0 || *amount == 0,
            Self::Sharp(strength) => *strength == 0,
            Self::Rotate(quarters) => *quarters == 0,
            _ => false,
        }
    }

    /// Whether it says how large the result is.
    pub(crate) fn is_sizing(&self) -> bool {
        matches!(
            self,
            Self::Preview { .. } | Self::Resize { .. } | Self::ScaleCrop { .. }
        )
    }
}
