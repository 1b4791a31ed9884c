//! EXIF data (CIPA DC-008): orientation, density, time and place. What is broken is left out.

use exif::{In, Reader, Tag, Value};

/// What is read of EXIF data.
#[derive(Debug, Default)]
pub(crate) struct Exif {
    /// From 1 to 8.
    pub(crate) orientation: Option<u8>,
    /// Dots per inch.
    pub(crate) dpi: Option<(u32, u32)>,
    /// As `2024-02-29T12:34:56`.
    pub(crate) taken: Option<String>,
    pub(crate) place: Option<Location>,
}

/// Degrees; south and west are negative.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Location {
    /// From -90 to 90.
    pub latitude: f64,
    /// From -180 to 180.
    pub longitude: f64,
}

/// EXIF data without the prefix that JPEG has, and some writers put elsewhere.
pub(crate) fn bare(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"Exif\0\0").unwrap_or(data)
}

impl Exif {
    pub(crate) fn read(data: &[u8]) -> Self {
        let mut reader = Reader::new();
        reader.continue_on_error(true);
        let read = reader.read_raw(bare(data).to_vec());
        let Ok(fields) = read.or_else(|error| error.distill_partial_result(|_| {})) else {
            return Self::default();
        };
        let number = |tag| fields.get_field(tag, In::PRIMARY)?.value.get_uint(0);
        let orientation = number(Tag::Orientation).and_then(|value| u8::try_from(value).ok());
        let density = || {
            let to_inch = match number(Tag::ResolutionUnit) {
                None | Some(2) => 1.0,
                Some(3) => 2.54,
                Some(_) => return None,
            };
            let along = |tag| fraction(&fields.get_field(tag, In::PRIMARY)?.value, 0);
            dots(along(Tag::XResolution)? * to_inch, along(Tag::YResolution)? * to_inch)
        };
        let taken = || match &fields.get_field(Tag::DateTimeOriginal, In::PRIMARY)?.value {
            Value::Ascii(texts) => time(texts.first()?),
            _ => None,
        };
        let place = || {
            Some(Location {
                latitude: coordinate(&fields, Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S', 90.0)?,
                longitude: coordinate(&fields, Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W', 180.0)?,
            })
        };
        Self {
            orientation: orientation.filter(|value| (1..=8).contains(value)),
            dpi: density(),
            taken: taken(),
            place: place(),
        }
    }
}

/// Dots per inch in whole numbers, if both are at least one.
pub(crate) fn dots(x: f64, y: f64) -> Option<(u32, u32)> {
    let whole = |value: f64| {
        let rounded = value.round();
        // Lossless: it is a whole number in the range of the type.
        (1.0..=f64::from(u32::MAX)).contains(&rounded).then_some(rounded as u32)
    };
    Some((whole(x)?, whole(y)?))
}

fn fraction(value: &Value, at: usize) -> Option<f64> {
    match value {
        Value::Rational(fractions) => fractions.get(at).map(|fraction| fraction.to_f64()),
        _ => None,
    }
}

fn coordinate(fields: &exif::Exif, tag: Tag, side: Tag, negative: u8, limit: f64) -> Option<f64> {
    let value = &fields.get_field(tag, In::PRIMARY)?.value;
    let parts = [fraction(value, 0)?, fraction(value, 1)?, fraction(value, 2)?];
    let degrees = parts[0] + parts[1] / 60.0 + parts[2] / 3600.0;
    let side = match &fields.get_field(side, In::PRIMARY)?.value {
        Value::Ascii(texts) => texts.first()?.first()?.to_ascii_uppercase(),
        _ => return None,
    };
    let signed = if side == negative { -degrees } else { degrees };
    // NaN is in no range.
    (-limit..=limit).contains(&signed).then_some(signed)
}

/// From `2024:02:29 12:34:56`, if that can be a moment.
fn time(text: &[u8]) -> Option<String> {
    let time = exif::DateTime::from_ascii(text).ok()?;
    let is_moment = time.year > 0
        && (1..=12).contains(&time.month)
        && (1..=31).contains(&time.day)
        && time.hour < 24
        && time.minute < 60
        && time.second < 60;
    let (date, clock) = (
        format!("{:04}-{:02}-{:02}", time.year, time.month, time.day),
        format!("{:02}:{:02}:{:02}", time.hour, time.minute, time.second),
    );
    is_moment.then(|| format!("{date}T{clock}"))
}
