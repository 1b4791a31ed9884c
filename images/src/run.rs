//! Runs operations on an image, and describes images.

use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;

use crate::accept::Accept;
use crate::decode::{self, Exif, Location};
use crate::encode::{self, ResultFormat};
use crate::error::ImageError;
use crate::layout;
use crate::limits::Limits;
use crate::operations::{Metadata, Operations, OutputFormat};
use crate::picture::{Picture, output_too_large};

/// A processed image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// Its file.
    pub bytes: Vec<u8>,
    /// The format of the file.
    pub format: ResultFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// What `-/json/` answers about an image, apart from its id.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Description {
    /// As the service calls it: `JPEG`, `PNG`, `GIF`, `WEBP`, `BMP` or `TIFF`.
    pub format: &'static str,
    /// In pixels, turned as the EXIF data says.
    pub width: u32,
    /// In pixels, turned as the EXIF data says.
    pub height: u32,
    /// Whether it has several frames; none if that is not known.
    pub sequence: Option<bool>,
    /// Dots per inch.
    pub dpi: Option<(u32, u32)>,
    /// As Pillow calls it, such as `RGB` or `CMYK`.
    pub color_mode: &'static str,
    /// The value of the EXIF tag, from 1 to 8.
    pub orientation: Option<u8>,
    /// Where it was taken.
    pub geo_location: Option<Location>,
    /// When it was taken, as `2024-02-29T12:34:56`.
    pub datetime_original: Option<String>,
}

/// Runs operations on an image: reads its headers, holds them against the limits, decodes, applies the operations in their
/// order, and encodes. Blocks, and takes a processor until it is done. A source without operations is encoded anew.
///
/// # Errors
///
/// If the source is no image or of a format that is not decoded, beyond the limits, or damaged.
pub fn run<S: Read + Seek>(
    source: &mut S,
    operations: &Operations,
    accept: Accept,
    limits: &Limits,
) -> Result<Rendered, ImageError> {
    guarded(|| {
        let header = decode::header(source, limits)?;
        let turn = if operations.autorotate() {
            header.turn()
        } else {
            Default::default()
        };
        let seen = turn.size((header.width, header.height));
        let reduction = layout::reduction(&operations.steps, seen);
        let decoded = decode::pixels(source, &header, reduction, limits)?;
        let picture = Picture::new(decoded, &header, operations.autorotate()).apply(operations, limits)?;
        let (pixels, background) = picture.into_pixels();
        let output = operations.output();
        let (width, height) = pixels.size();
        let limit = match output.format {
            OutputFormat::Jpeg => limits.output_side_jpeg,
            _ => limits.output_side,
        };
        if width > limit || height > limit {
            return Err(output_too_large((width, height), limit));
        }
        let format = encode::choose(output, accept, header.format, &pixels);
        let exif = header.exif.filter(|_| output.metadata == Metadata::Keep);
        let exif = exif.map(|mut exif| {
            // The pixels are turned already.
            if operations.autorotate() {
                let _was = Orientation::remove_from_exif_chunk(&mut exif);
            }
            exif
        });
        let bytes = encode::encode(pixels, format, output, background, exif.as_deref())?;
        Ok(Rendered {
            bytes,
            format,
            width,
            height,
        })
    })
}

/// Describes an image from its headers.
///
/// # Errors
///
/// If the source is no image or of a format that is not decoded, beyond the limits, or damaged.
pub fn describe<S: Read + Seek>(source: &mut S, limits: &Limits) -> Result<Description, ImageError> {
    guarded(|| {
        let header = decode::header(source, limits)?;
        let exif = header.exif.as_deref().map(Exif::read).unwrap_or_default();
        let (width, height) = header.turn().size((header.width, header.height));
        Ok(Description {
            format: header.format.name(),
            width,
            height,
            sequence: header.sequence,
            dpi: header.dpi.or(exif.dpi),
            color_mode: header.color_mode,
            orientation: header.orientation(),
            geo_location: exif.place,
            datetime_original: exif.taken,
        })
    })
}

/// A decoder that panics found damage: nothing of it is kept.
fn guarded<T>(work: impl FnOnce() -> Result<T, ImageError>) -> Result<T, ImageError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done,
        Err(_) => Err(ImageError::Damaged("its decoder gave up".to_owned())),
    }
}
