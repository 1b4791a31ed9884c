//! The one text of operations, which is part of the keys of caches.

use std::fmt;

use super::geometry::Extent;
use super::output::{Metadata, Output, OutputFormat, Quality};
use super::step::{Cut, Radius, Step, Stretch};

/// The text of steps and output; what is the default is left out, and nothing is nothing.
pub(super) fn canonical(steps: &[Step], output: &Output, autorotate: bool) -> String {
    let mut pieces: Vec<String> = steps.iter().map(Step::to_string).collect();
    let default = Output::default();
    if output.format != default.format {
        pieces.push(format!("format/{}", format_name(output.format)));
    }
    if output.quality != default.quality {
        pieces.push(format!("quality/{}", quality_name(output.quality)));
    }
    if output.progressive {
        pieces.push("progressive/yes".to_owned());
    }
    if output.metadata == Metadata::Keep {
        pieces.push("strip_meta/none".to_owned());
    }
    if !autorotate {
        pieces.push("autorotate/no".to_owned());
    }
    pieces.iter().map(|piece| format!("-/{piece}/")).collect()
}

pub(super) fn format_name(format: OutputFormat) -> &'static str {
    match format {
        OutputFormat::Auto => "auto",
        OutputFormat::Preserve => "preserve",
        OutputFormat::Jpeg => "jpeg",
        OutputFormat::Png => "png",
        OutputFormat::Webp => "webp",
    }
}

pub(super) fn quality_name(quality: Quality) -> &'static str {
    match quality {
        Quality::Normal => "normal",
        Quality::Better => "better",
        Quality::Best => "best",
        Quality::Lighter => "lighter",
        Quality::Lightest => "lightest",
        Quality::Smart => "smart",
        Quality::SmartRetina => "smart_retina",
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preview { width, height } => write!(f, "preview/{width}x{height}"),
            Self::Resize { width, height } => {
                let side = |side: &Option<u32>| side.map(|pixels| pixels.to_string()).unwrap_or_default();
                write!(f, "resize/{}x{}", side(width), side(height))
            }
            Self::ScaleCrop { width, height, align } => write!(f, "scale_crop/{width}x{height}/{align}"),
            Self::Crop { cut, align } => match cut {
                Cut::Size(width, height) => write!(f, "crop/{width}x{height}/{align}"),
                Cut::Ratio(width, height) => write!(f, "crop/{width}:{height}/{align}"),
            },
            Self::Stretch(stretch) => f.write_str(match stretch {
                Stretch::On => "stretch/on",
                Stretch::Off => "stretch/off",
                Stretch::Fill => "stretch/fill",
            }),
            Self::SetFill([red, green, blue, alpha]) => write!(f, "setfill/{red:02x}{green:02x}{blue:02x}{alpha:02x}"),
            Self::Rotate(quarters) => write!(f, "rotate/{}", u32::from(*quarters) * 90),
            Self::Flip => f.write_str("flip"),
            Self::Mirror => f.write_str("mirror"),
            Self::Grayscale => f.write_str("grayscale"),
            Self::Invert => f.write_str("invert"),
            Self::Tone(tone, value) => write!(f, "{}/{value}", tone.name()),
            Self::Blur { strength, amount } => write!(f, "blur/{strength}/{amount}"),
            Self::Sharp(strength) => write!(f, "sharp/{strength}"),
            Self::BorderRadius(Radius { across, down }) => {
                write!(f, "border_radius/{}/{}", list(across), list(down))
            }
        }
    }
}

fn list(radii: &[Extent; 4]) -> String {
    let [a, b, c, d] = radii;
    format!("{a},{b},{c},{d}")
}
