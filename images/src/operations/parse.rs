//! Reads operations from the path of an address.

use super::error::OperationsError;
use super::output::Output;
use super::parameters::{bare, format, metadata, quality, step, yes_or_no};
use super::step::Step;
use super::{MAX_LENGTH, MAX_OPERATIONS, Operations, text};

/// Operations of the service that are refused by name.
const REFUSED: [&str; 19] = [
    "detect_faces",
    "blur_region",
    "filter",
    "font",
    "gif2video",
    "main_colors",
    "max_icc_size",
    "overlay",
    "rasterize",
    "rect",
    "smart_resize",
    "srgb",
    "text",
    "text_align",
    "text_box",
    "trim",
    "video",
    "videoframe",
    "zoom_objects",
];

/// What an address says, while it is read.
struct Reader {
    steps: Vec<Step>,
    output: Output,
    autorotate: bool,
    json: bool,
    inline: Option<bool>,
    /// Whether anything was said that makes a processed picture.
    processes: bool,
}

/// The most steps that blur or sharpen: each of them reads all pixels several times.
const MAX_SOFT: usize = 4;

pub(super) fn operations(path: &str) -> Result<Operations, OperationsError> {
    if path.len() > MAX_LENGTH {
        return Err(OperationsError::TooLong { length: path.len() });
    }
    let mut reader = Reader {
        steps: Vec::new(),
        output: Output::default(),
        autorotate: true,
        json: false,
        inline: None,
        processes: false,
    };
    for (count, piece) in pieces(path).enumerate() {
        if count >= MAX_OPERATIONS {
            return Err(OperationsError::TooMany);
        }
        reader.take(piece)?;
        let is_soft = |step: &&Step| matches!(step, Step::Blur { .. } | Step::Sharp(_));
        if reader.steps.iter().filter(is_soft).count() > MAX_SOFT {
            return Err(OperationsError::TooMany);
        }
    }
    reader.finish()
}

/// The operations between `/-/`.
fn pieces(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_prefix("-/").unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    // Nothing has no piece, whereas splitting it has one that is empty.
    path.split("/-/").take(if path.is_empty() { 0 } else { usize::MAX })
}

impl Reader {
    fn take(&mut self, piece: &str) -> Result<(), OperationsError> {
        if piece.starts_with('@') {
            return Ok(());
        }
        let mut parts = piece.split('/');
        let name = parts.next().unwrap_or_default();
        let parameters: Vec<&str> = parts.collect();
        // An older spelling.
        if let ("effect", [effect @ ("flip" | "mirror" | "grayscale" | "invert")]) = (name, &*parameters) {
            return self.take(effect);
        }
        if self.setting(name, &parameters)? {
            return Ok(());
        }
        let step = match step(name, &parameters)? {
            Some(step) => step,
            None => return Err(unknown(name)),
        };
        self.processes = true;
        self.steps.push(step);
        Ok(())
    }

    /// Takes what says how the result is written or shown, if it is one of these.
    fn setting(&mut self, name: &str, parameters: &[&str]) -> Result<bool, OperationsError> {
        match name {
            "format" => self.output.format = format(parameters)?,
            "quality" => self.output.quality = quality(parameters)?,
            "progressive" => self.output.progressive = yes_or_no("progressive", parameters)?,
            "strip_meta" => self.output.metadata = metadata(parameters)?,
            "autorotate" => self.autorotate = yes_or_no("autorotate", parameters)?,
            "json" => {
                self.json = bare("json", parameters)?;
                return Ok(true);
            }
            "inline" => {
                self.inline = Some(parameters.is_empty() || yes_or_no("inline", parameters)?);
                return Ok(true);
            }
            _ => return Ok(false),
        }
        self.processes = true;
        Ok(true)
    }

    fn finish(self) -> Result<Operations, OperationsError> {
        if self.processes && !self.json && !self.steps.iter().any(Step::is_sizing) {
            return Err(OperationsError::NoSize);
        }
        let mut steps = self.steps;
        steps.retain(|step| !step.is_neutral());
        let canonical = if self.processes {
            text::canonical(&steps, &self.output, self.autorotate)
        } else {
            String::new()
        };
        Ok(Operations {
            steps,
            output: self.output,
            autorotate: self.autorotate,
            json: self.json,
            inline: self.inline,
            canonical,
        })
    }
}

fn unknown(name: &str) -> OperationsError {
    if let Some(operation) = REFUSED.into_iter().find(|refused| *refused == name) {
        return OperationsError::Unsupported { operation };
    }
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let shown = !name.is_empty() && name.len() <= 32 && name.chars().all(is_word);
    OperationsError::Unknown {
        operation: if shown { name } else { "of that name" }.to_owned(),
    }
}
