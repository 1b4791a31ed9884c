//! EXIF data: orientation, density, place and time (CIPA DC-008).
//!
//! Invalid values are left out: the data is the sender's, and a picture with a broken date is still a picture.

use intake_core::notes::{GeoLocation, Image};

use crate::ifd::{Ifd, Tiff};
use crate::pieces::Pieces;

const ORIENTATION: u16 = 0x0112;
const X_RESOLUTION: u16 = 0x011A;
const Y_RESOLUTION: u16 = 0x011B;
const RESOLUTION_UNIT: u16 = 0x0128;
const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
/// In the EXIF directory.
const DATETIME_ORIGINAL: u16 = 0x9003;
/// In the GPS directory: the hemisphere, then the degrees.
const LATITUDE: [u16; 2] = [1, 2];
const LONGITUDE: [u16; 2] = [3, 4];

pub(crate) const CM_PER_INCH: f64 = 2.54;
const METRE_PER_INCH: f64 = 0.0254;
/// The prefix of EXIF data in JPEG; some writers use it in other formats, by mistake.
pub(crate) const NAME: [u8; 6] = *b"Exif\0\0";

/// Adds the values of EXIF data to a note.
pub(crate) fn add(note: &mut Image, data: &[u8]) {
    let pieces = Pieces::of(data.strip_prefix(&NAME).unwrap_or(data));
    if let Some(directory) = Tiff::new(&pieces).as_ref().and_then(Tiff::first) {
        add_from(note, &directory);
    }
}

/// The same from the directory of the picture.
pub(crate) fn add_from(note: &mut Image, directory: &Ifd<'_>) {
    note.orientation = directory
        .uint(ORIENTATION)
        .and_then(|value| u8::try_from(value).ok())
        .filter(|orientation| (1..=8).contains(orientation));
    // The density in the format's own header takes precedence.
    note.dpi = note.dpi.or_else(|| density(directory));
    note.geo_location = directory.child(GPS_DIRECTORY).and_then(|gps| place(&gps));
    note.datetime_original = directory.child(EXIF_DIRECTORY).and_then(|exif| time(&exif));
}

/// Swaps width and height if the orientation turns the picture; for formats where EXIF data decides that.
pub(crate) fn turn(note: &mut Image) {
    if note.orientation.is_some_and(|orientation| orientation >= 5) {
        (note.width, note.height) = (note.height, note.width);
    }
}

fn density(directory: &Ifd<'_>) -> Option<(u32, u32)> {
    let along = |tag| directory.fractions(tag, 1)?.first().copied();
    let (x, y) = (along(X_RESOLUTION)?, along(Y_RESOLUTION)?);
    match directory.uint(RESOLUTION_UNIT) {
        None | Some(2) => dots(x, y),
        Some(3) => dots(x * CM_PER_INCH, y * CM_PER_INCH),
        Some(_) => None,
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

/// The same from dots per metre.
pub(crate) fn per_metre(x: u32, y: u32) -> Option<(u32, u32)> {
    dots(f64::from(x) * METRE_PER_INCH, f64::from(y) * METRE_PER_INCH)
}

/// Where it was taken, if that is a place on earth.
fn place(gps: &Ifd<'_>) -> Option<GeoLocation> {
    Some(GeoLocation::new(
        coordinate(gps, LATITUDE, b"NS", 90.0)?,
        coordinate(gps, LONGITUDE, b"EW", 180.0)?,
    ))
}

/// Degrees, and minutes and seconds if they are given. Of the two sides of zero, the second is the negative one.
fn coordinate(gps: &Ifd<'_>, [side, distance]: [u16; 2], sides: &[u8; 2], limit: f64) -> Option<f64> {
    let parts = gps.fractions(distance, 3)?;
    let degrees: f64 = parts
        .iter()
        .zip([1.0, 60.0, 3600.0])
        .map(|(part, share)| part / share)
        .sum();
    let side = gps.text(side)?.first()?.to_ascii_uppercase();
    let signed = match sides.iter().position(|name| *name == side)? {
        0 => degrees,
        _ => -degrees,
    };
    // NaN is in no range.
    (-limit..=limit).contains(&signed).then_some(signed)
}

/// When it was taken, if there is such a moment: from `2024:02:29 12:34:56`.
fn time(exif: &Ifd<'_>) -> Option<String> {
    let text = exif.text(DATETIME_ORIGINAL)?.first_chunk::<19>()?;
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_u16, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0'))
        })
    };
    let [year, month, day] = [number(&text[..4])?, number(&text[5..7])?, number(&text[8..10])?];
    let [hour, minute, second] = [number(&text[11..13])?, number(&text[14..16])?, number(&text[17..])?];
    if [text[4], text[7], text[10], text[13], text[16]] != *b":: ::" {
        return None;
    }
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    let is_moment = year > 0 && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    is_moment.then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
}
