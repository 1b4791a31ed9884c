//! The parameters of each operation.

use super::error::OperationsError;
use super::geometry::{Align, Extent, Place};
use super::output::{Metadata, OutputFormat, Quality};
use super::step::{Color, Cut, Radius, Step, Stretch, Tone};
use super::{MAX_SIDE, text};

/// More than any format has on a side.
const MAX_CROP: u32 = 100_000;

/// The step of that name; none, if there is no such name.
pub(super) fn step(name: &str, parameters: &[&str]) -> Result<Option<Step>, OperationsError> {
    let simple = |operation, step| bare(operation, parameters).map(|_| step);
    Ok(Some(match name {
        "preview" => preview(parameters)?,
        "resize" => resize(parameters)?,
        "scale_crop" => scale_crop(parameters)?,
        "crop" => crop(parameters)?,
        "stretch" => stretch(parameters)?,
        "setfill" => set_fill(parameters)?,
        "rotate" => rotate(parameters)?,
        "flip" => simple("flip", Step::Flip)?,
        "mirror" => simple("mirror", Step::Mirror)?,
        "grayscale" => simple("grayscale", Step::Grayscale)?,
        "invert" => simple("invert", Step::Invert)?,
        "blur" => blur(parameters)?,
        "sharp" => sharp(parameters)?,
        "border_radius" => border_radius(parameters)?,
        _ => return tone(name, parameters),
    }))
}

fn wrong(operation: &'static str, expected: &'static str) -> OperationsError {
    OperationsError::Parameters { operation, expected }
}

/// A number of decimal digits, zeros in front of it or not.
fn number(text: &str, most: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok().filter(|value| *value <= most);
    value.filter(|_| digits)
}

fn signed(text: &str, least: i32, most: i32) -> Option<i32> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    // In range: at most 10,000.
    let value = minus * number(digits, 10_000)? as i32;
    (least..=most).contains(&value).then_some(value)
}

fn side(text: &str) -> Option<u32> {
    number(text, MAX_SIDE).filter(|pixels| *pixels > 0)
}

fn two_sides(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((side(width)?, side(height)?))
}

pub(super) fn bare(operation: &'static str, parameters: &[&str]) -> Result<bool, OperationsError> {
    match parameters {
        [] => Ok(true),
        _ => Err(wrong(operation, "none")),
    }
}

pub(super) fn yes_or_no(operation: &'static str, parameters: &[&str]) -> Result<bool, OperationsError> {
    match parameters {
        ["yes"] => Ok(true),
        ["no"] => Ok(false),
        _ => Err(wrong(operation, "yes or no")),
    }
}

pub(super) fn format(parameters: &[&str]) -> Result<OutputFormat, OperationsError> {
    match parameters {
        ["avif"] => Err(OperationsError::Unsupported {
            operation: "format/avif",
        }),
        ["auto"] => Ok(OutputFormat::Auto),
        ["preserve"] => Ok(OutputFormat::Preserve),
        ["jpeg"] => Ok(OutputFormat::Jpeg),
        ["png"] => Ok(OutputFormat::Png),
        ["webp"] => Ok(OutputFormat::Webp),
        _ => Err(wrong("format", "jpeg, png, webp, auto or preserve")),
    }
}

pub(super) fn quality(parameters: &[&str]) -> Result<Quality, OperationsError> {
    let all = [
        Quality::Normal,
        Quality::Better,
        Quality::Best,
        Quality::Lighter,
        Quality::Lightest,
        Quality::Smart,
        Quality::SmartRetina,
    ];
    let named = |name: &str| all.into_iter().find(|quality| text::quality_name(*quality) == name);
    let expected = "normal, better, best, lighter, lightest, smart or smart_retina";
    match parameters {
        [name] => named(name).ok_or(wrong("quality", expected)),
        _ => Err(wrong("quality", expected)),
    }
}

pub(super) fn metadata(parameters: &[&str]) -> Result<Metadata, OperationsError> {
    match parameters {
        ["all"] => Ok(Metadata::StripAll),
        ["sensitive"] => Ok(Metadata::StripSensitive),
        ["none"] => Ok(Metadata::Keep),
        _ => Err(wrong("strip_meta", "all, none or sensitive")),
    }
}

fn preview(parameters: &[&str]) -> Result<Step, OperationsError> {
    let size = match parameters {
        [] => Some((2048, 2048)),
        [size] => two_sides(size),
        _ => None,
    };
    let (width, height) = size.ok_or(wrong("preview", "nothing or WxH, each from 1 to 5000"))?;
    Ok(Step::Preview { width, height })
}

fn resize(parameters: &[&str]) -> Result<Step, OperationsError> {
    let expected = wrong("resize", "Wx, xH or WxH, each from 1 to 5000");
    let [size] = parameters else { return Err(expected) };
    let Some((width, height)) = size.split_once('x') else {
        return Err(expected);
    };
    let optional = |text: &str| match text {
        "" => Some(None),
        text => side(text).map(Some),
    };
    match (optional(width), optional(height)) {
        (Some(None), Some(None)) => Err(expected),
        (Some(width), Some(height)) => Ok(Step::Resize { width, height }),
        _ => Err(expected),
    }
}

fn scale_crop(parameters: &[&str]) -> Result<Step, OperationsError> {
    let expected = wrong(
        "scale_crop",
        "WxH, each from 1 to 5000, and center, top, right, bottom, left or Xp,Yp, or nothing",
    );
    let (size, align) = match parameters {
        [_, place, ..] if place.starts_with("smart") => {
            return Err(OperationsError::Unsupported {
                operation: "scale_crop/WxH/smart",
            });
        }
        [size] => (two_sides(size), Some(Align::TOP_LEFT)),
        [size, place] => (two_sides(size), align(place)),
        _ => return Err(expected),
    };
    let in_percent = |align: &Align| {
        matches!(
            align,
            Align {
                x: Place::Percent(_),
                y: Place::Percent(_)
            }
        )
    };
    match (size, align.filter(in_percent)) {
        (Some((width, height)), Some(align)) => Ok(Step::ScaleCrop { width, height, align }),
        _ => Err(expected),
    }
}

fn crop(parameters: &[&str]) -> Result<Step, OperationsError> {
    let is_tag = |what: &&str| matches!(*what, "face" | "faces" | "image" | "object" | "objects");
    if parameters.first().is_some_and(is_tag) {
        return Err(OperationsError::Unsupported { operation: "crop/TAG" });
    }
    let (what, place) = match parameters {
        [what] => (*what, Some(Align::TOP_LEFT)),
        [what, place] => (*what, align(place)),
        _ => ("", None),
    };
    let ratio = |text: &str| {
        let (width, height) = text.split_once(':')?;
        let part = |text| number(text, 10_000).filter(|part| *part > 0);
        let (width, height) = (part(width)?, part(height)?);
        let common = common_divisor(width, height);
        Some(Cut::Ratio(width / common, height / common))
    };
    let size = |text: &str| {
        let (width, height) = text.split_once('x')?;
        let part = |text| extent(text, MAX_CROP).filter(|part| !matches!(part, Extent::Pixels(0) | Extent::Percent(0)));
        Some(Cut::Size(part(width)?, part(height)?))
    };
    match (size(what).or_else(|| ratio(what)), place) {
        (Some(cut), Some(align)) => Ok(Step::Crop { cut, align }),
        _ => Err(wrong(
            "crop",
            "WxH in pixels or percent (50p), or a ratio W:H; then X,Y in pixels or percent, or center, top, right, \
             bottom or left, or nothing",
        )),
    }
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

fn extent(text: &str, most: u32) -> Option<Extent> {
    match text.strip_suffix('p') {
        Some(percent) => number(percent, 100).map(Extent::Percent),
        None => number(text, most).map(Extent::Pixels),
    }
}

fn align(text: &str) -> Option<Align> {
    let place = |text: &str| match text.strip_suffix('p') {
        Some(percent) => number(percent, 100).map(Place::Percent),
        None => number(text, MAX_CROP).map(Place::Pixels),
    };
    Some(match text {
        "center" => Align::percent(50, 50),
        "top" => Align::percent(50, 0),
        "bottom" => Align::percent(50, 100),
        "left" => Align::percent(0, 50),
        "right" => Align::percent(100, 50),
        text => {
            let (x, y) = text.split_once(',')?;
            Align {
                x: place(x)?,
                y: place(y)?,
            }
        }
    })
}

fn stretch(parameters: &[&str]) -> Result<Step, OperationsError> {
    match parameters {
        ["on"] => Ok(Step::Stretch(Stretch::On)),
        ["off"] => Ok(Step::Stretch(Stretch::Off)),
        ["fill"] => Ok(Step::Stretch(Stretch::Fill)),
        _ => Err(wrong("stretch", "on, off or fill")),
    }
}

fn set_fill(parameters: &[&str]) -> Result<Step, OperationsError> {
    let color = |text: &str| -> Option<Color> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(text, 16).ok().filter(|_| is_hex)?;
        match text.len() {
            6 => Some((value << 8 | 0xFF).to_be_bytes()),
            8 => Some(value.to_be_bytes()),
            _ => None,
        }
    };
    let color = match parameters {
        [text] => color(text),
        _ => None,
    };
    let expected = wrong("setfill", "RRGGBB or RRGGBBAA in hexadecimal digits");
    color.map(Step::SetFill).ok_or(expected)
}

fn rotate(parameters: &[&str]) -> Result<Step, OperationsError> {
    let angle = match parameters {
        [angle] => signed(angle, -3_600, 3_600).filter(|angle| angle % 90 == 0),
        _ => None,
    };
    let angle = angle.ok_or(wrong("rotate", "a multiple of 90, from -3600 to 3600"))?;
    // In range: from 0 to 3.
    Ok(Step::Rotate((angle.rem_euclid(360) / 90) as u8))
}

fn blur(parameters: &[&str]) -> Result<Step, OperationsError> {
    let strength = |text: &str| number(text, 5_000);
    let (strength, amount) = match parameters {
        [] => (Some(10), Some(100)),
        [text] => (strength(text), Some(100)),
        [text, amount] => (strength(text), signed(amount, -200, 100)),
        _ => (None, None),
    };
    match (strength, amount) {
        (Some(strength), Some(amount)) => Ok(Step::Blur { strength, amount }),
        _ => Err(wrong(
            "blur",
            "nothing, or a strength from 0 to 5000, and an amount from -200 to 100 or nothing",
        )),
    }
}

fn sharp(parameters: &[&str]) -> Result<Step, OperationsError> {
    let strength = match parameters {
        [] => Some(5),
        [text] => number(text, 20),
        _ => None,
    };
    let expected = wrong("sharp", "nothing or a strength from 0 to 20");
    strength.map(Step::Sharp).ok_or(expected)
}

fn border_radius(parameters: &[&str]) -> Result<Step, OperationsError> {
    // As in CSS: what is not given is that of the opposite corner, or of the first.
    let radii = |text: &str| -> Option<[Extent; 4]> {
        let given: Option<Vec<_>> = text.split(',').map(|radius| extent(radius, MAX_SIDE)).collect();
        match *given? {
            [all] => Some([all; 4]),
            [a, b] => Some([a, b, a, b]),
            [a, b, c] => Some([a, b, c, b]),
            [a, b, c, d] => Some([a, b, c, d]),
            _ => None,
        }
    };
    let radius = match parameters {
        [both] => radii(both).map(|radii| Radius {
            across: radii,
            down: radii,
        }),
        [across, down] => radii(across)
            .zip(radii(down))
            .map(|(across, down)| Radius { across, down }),
        _ => None,
    };
    let expected = wrong(
        "border_radius",
        "one to four radii in pixels or percent (50p), and one to four of the height, or nothing",
    );
    radius.map(Step::BorderRadius).ok_or(expected)
}

fn tone(name: &str, parameters: &[&str]) -> Result<Option<Step>, OperationsError> {
    let (tone, least, most, expected) = match name {
        "brightness" => (Tone::Brightness, -100, 100, "a number from -100 to 100"),
        "exposure" => (Tone::Exposure, -500, 500, "a number from -500 to 500"),
        "gamma" => (Tone::Gamma, 0, 1000, "a number from 0 to 1000; 100 changes nothing"),
        "contrast" => (Tone::Contrast, -100, 500, "a number from -100 to 500"),
        "saturation" => (Tone::Saturation, -100, 500, "a number from -100 to 500"),
        "vibrance" => (Tone::Vibrance, -100, 500, "a number from -100 to 500"),
        "warmth" => (Tone::Warmth, -100, 100, "a number from -100 to 100"),
        "enhance" => (Tone::Enhance, 0, 100, "nothing (50), or a number from 0 to 100"),
        _ => return Ok(None),
    };
    let value = match parameters {
        [value] => signed(value, least, most),
        [] if tone == Tone::Enhance => Some(50),
        _ => None,
    };
    let value = value.ok_or(wrong(tone.name(), expected))?;
    Ok(Some(Step::Tone(tone, value)))
}
