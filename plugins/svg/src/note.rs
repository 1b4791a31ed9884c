//! What is noted of a document.

use serde::{Deserialize, Serialize};

/// The size that the root of an SVG document gives, in CSS pixels (96 to an inch).
///
/// ```
/// use intake_plugin_svg::SvgNote;
///
/// let note = SvgNote::default();
/// assert_eq!(note.width, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SvgNote {
    /// The width. `None` if there is none, or it depends on where the image is shown (per cent, em).
    pub width: Option<f64>,
    /// The height, as the width.
    pub height: Option<f64>,
    /// Left, top, width and height of the part of the plane that is shown.
    pub view_box: Option<[f64; 4]>,
}

impl SvgNote {
    /// The subject of this note in [`Facts::notes`](intake_core::Facts::notes).
    pub const SUBJECT: &'static str = "svg";
}

/// A length in CSS pixels, if it is absolute and not negative.
pub(crate) fn length(text: &str) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    let units = [
        ("px", 1.0),
        ("pt", 96.0 / 72.0),
        ("pc", 16.0),
        ("mm", 96.0 / 25.4),
        ("cm", 96.0 / 2.54),
        ("in", 96.0),
        ("", 1.0),
    ];
    let (number, pixels) = units
        .iter()
        .find_map(|(unit, pixels)| Some((text.strip_suffix(unit)?, pixels)))?;
    let value = finite(number)? * pixels;
    (value >= 0.0).then_some(value)
}

/// The four numbers of a `viewBox`.
pub(crate) fn view_box(text: &str) -> Option<[f64; 4]> {
    let separators = |character: char| character == ',' || character.is_ascii_whitespace();
    let numbers = text.split(separators).filter(|number| !number.is_empty());
    let numbers: Option<Vec<f64>> = numbers.take(5).map(finite).collect();
    numbers?.try_into().ok()
}

fn finite(number: &str) -> Option<f64> {
    let number = number.trim();
    // Rust reads "inf" and "nan" as numbers, too.
    let is_number = number
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e'));
    number.parse().ok().filter(|value: &f64| is_number && value.is_finite())
}
