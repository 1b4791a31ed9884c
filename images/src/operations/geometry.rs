//! Lengths and places as addresses write them.

use std::fmt;

/// A length along one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Pixels(u32),
    /// Of the same side of the picture.
    Percent(u32),
}

impl Extent {
    /// In pixels, of a side that is `side` long.
    pub(crate) fn of(self, side: u32) -> u32 {
        match self {
            Self::Pixels(pixels) => pixels,
            // In range: percentages are at most 100.
            Self::Percent(percent) => ((u64::from(side) * u64::from(percent) + 50) / 100) as u32,
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pixels(pixels) => write!(f, "{pixels}"),
            Self::Percent(percent) => write!(f, "{percent}p"),
        }
    }
}

/// Where a box is along one side of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// From the left or the top.
    Pixels(u32),
    /// Of the room that the box leaves: at 0 it is at the left or the top, at 100 at the right or the bottom.
    Percent(u32),
}

impl Place {
    /// From the left or the top, given the room that the box leaves; that is negative for a box larger than the picture.
    pub(crate) fn within(self, room: f64) -> f64 {
        match self {
            Self::Pixels(pixels) => f64::from(pixels),
            Self::Percent(percent) => room * f64::from(percent) / 100.0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pixels(pixels) => write!(f, "{pixels}"),
            Self::Percent(percent) => write!(f, "{percent}p"),
        }
    }
}

/// Where a box is in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Align {
    pub(crate) x: Place,
    pub(crate) y: Place,
}

impl Align {
    pub(crate) const TOP_LEFT: Self = Self::percent(0, 0);

    pub(crate) const fn percent(x: u32, y: u32) -> Self {
        Self {
            x: Place::Percent(x),
            y: Place::Percent(y),
        }
    }
}

impl fmt::Display for Align {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.x, self.y)
    }
}
