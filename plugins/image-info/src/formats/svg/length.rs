//! The width or the height that a drawing gives (SVG 2, 7.10 and 8.2; CSS Values 3, 5 and 6).

/// The size of letters where nothing sets another one, in pixels.
const EM: f64 = 16.0;

/// Units of a fixed length, in pixels: 96 to an inch.
const ABSOLUTE: [(&str, f64); 8] = [
    ("", 1.0),
    ("px", 1.0),
    ("pt", 96.0 / 72.0),
    ("pc", 16.0),
    ("mm", 96.0 / 25.4),
    ("cm", 96.0 / 2.54),
    ("q", 96.0 / 101.6),
    ("in", 96.0),
];

/// Units that depend on the letters of a font (CSS Values 4, 6.1.1).
const OF_FONTS: [&str; 10] = ["ex", "ch", "cap", "ic", "lh", "rex", "rch", "rcap", "ric", "rlh"];

/// A width or a height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Length {
    Pixels(f64),
    /// A number of letters' sizes, in pixels if nothing sets another size of letters.
    Em(f64),
    /// None, or as large as there is room: in per cent, `auto`, or no length at all.
    Auto,
    /// A length that nobody knows without showing the drawing.
    Elsewhere,
}

impl Length {
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim_matches([' ', '\t', '\n', '\r', '\x0C']);
        if text.contains('(') {
            return Self::Elsewhere;
        }
        let Some((number, unit)) = number(text) else {
            return Self::Auto;
        };
        let unit = unit.to_ascii_lowercase();
        if let Some((_, pixels)) = ABSOLUTE.iter().find(|(name, _)| *name == unit) {
            return Self::Pixels(number * pixels);
        }
        match unit.as_str() {
            "em" | "rem" => Self::Em(number * EM),
            _ if OF_FONTS.contains(&unit.as_str()) || is_of_view(&unit) => Self::Elsewhere,
            _ => Self::Auto,
        }
    }

    /// In pixels, if the drawing gives a length.
    ///
    /// # Errors
    ///
    /// Why nobody knows.
    pub(super) fn pixels(self) -> Result<Option<f64>, &'static str> {
        match self {
            // Browsers draw nothing of a negative size.
            Self::Pixels(pixels) | Self::Em(pixels) => Ok(Some(pixels.max(0.0))),
            Self::Auto => Ok(None),
            Self::Elsewhere => Err("its size depends on where it is shown"),
        }
    }
}

/// Whether a unit is a share of the window, or of a container (CSS Values 4, 6.1.2; CSS Containment 3, 5).
fn is_of_view(unit: &str) -> bool {
    let window = unit.strip_prefix(['s', 'l', 'd']).unwrap_or(unit);
    let side = window.strip_prefix('v').or_else(|| unit.strip_prefix("cq"));
    side.is_some_and(|side| ["w", "h", "i", "b", "min", "max"].contains(&side))
}

/// The number at the beginning of a text, and what follows it (CSS Syntax 3, 4.3.12).
pub(super) fn number(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let bytes = text.as_bytes();
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(text.get(end..)?);
    end += whole;
    let fraction = match bytes.get(end) {
        Some(b'.') => digits(text.get(end + 1..)?),
        _ => 0,
    };
    if fraction > 0 {
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        match digits(text.get(end + 1 + sign..)?) {
            // The first letter of a unit, as in `em`.
            0 => {}
            exponent => end += 1 + sign + exponent,
        }
    }
    let (number, rest) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, rest))
}
