//! From pixels to bytes: which format, and how.

use image::ExtendedColorType;
use image::ImageEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::accept::Accept;
use crate::decode::Format;
use crate::error::ImageError;
use crate::operations::{Color, Output, OutputFormat, Quality};
use crate::pixels::{Kind, Pixels};

/// Changes whenever the bytes of a result may change for the same source and operations.
pub const ENCODER_VERSION: &str = "1";

/// A picture with at most so many colours is a drawing.
const COLORS_OF_DRAWINGS: usize = 256;

/// The format of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResultFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
}

impl ResultFormat {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// The format of a result from what was asked for, what the client accepts, and what the picture is.
pub(crate) fn choose(output: &Output, accept: Accept, source: Format, pixels: &Pixels) -> ResultFormat {
    match output.format {
        OutputFormat::Jpeg => ResultFormat::Jpeg,
        OutputFormat::Png => ResultFormat::Png,
        OutputFormat::Webp => ResultFormat::Webp,
        OutputFormat::Preserve if source == Format::Jpeg => ResultFormat::Jpeg,
        OutputFormat::Preserve if source == Format::Png => ResultFormat::Png,
        OutputFormat::Auto if accept.webp => ResultFormat::Webp,
        OutputFormat::Auto | OutputFormat::Preserve => {
            if pixels.kind == Kind::Rgba || (source != Format::Jpeg && is_drawing(pixels)) {
                ResultFormat::Png
            } else {
                ResultFormat::Jpeg
            }
        }
    }
}

/// Whether there are few colours.
fn is_drawing(pixels: &Pixels) -> bool {
    let mut colors = std::collections::HashSet::with_capacity(COLORS_OF_DRAWINGS + 1);
    // Black and white pictures always have few.
    pixels.kind != Kind::Gray
        && pixels.data.chunks_exact(pixels.kind.channels()).all(|pixel| {
            colors.insert(pixel);
            colors.len() <= COLORS_OF_DRAWINGS
        })
}

/// The bytes of a picture. EXIF data begins with its TIFF header.
pub(crate) fn encode(
    pixels: Pixels,
    format: ResultFormat,
    output: &Output,
    background: Color,
    exif: Option<&[u8]>,
) -> Result<Vec<u8>, ImageError> {
    match format {
        ResultFormat::Jpeg => jpeg(&pixels.flattened(background), output, exif),
        ResultFormat::Png => png(&pixels, exif),
        ResultFormat::Webp => webp(pixels.into_color(), output.quality),
    }
}

fn failed(error: impl std::fmt::Display) -> ImageError {
    ImageError::Encoding(error.to_string())
}

fn jpeg(pixels: &Pixels, output: &Output, exif: Option<&[u8]>) -> Result<Vec<u8>, ImageError> {
    let too_large = |_| ImageError::Encoding("a JPEG has at most 65,535 pixels on a side".to_owned());
    let width = u16::try_from(pixels.width).map_err(too_large)?;
    let height = u16::try_from(pixels.height).map_err(too_large)?;
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, output.quality.jpeg());
    let full_colors = output.quality == Quality::Best;
    encoder.set_sampling_factor(if full_colors {
        SamplingFactor::R_4_4_4
    } else {
        SamplingFactor::R_4_2_0
    });
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_progressive(output.progressive);
    // For others, the encoder would write one scan for each colour, which not every decoder reads as it should.
    encoder.set_optimized_huffman_tables(output.progressive || full_colors);
    // More does not fit into a segment.
    if let Some(exif) = exif.filter(|exif| exif.len() < 65_000) {
        encoder.add_exif_metadata(exif).map_err(failed)?;
    }
    let color = match pixels.kind {
        Kind::Gray => ColorType::Luma,
        Kind::Rgb => ColorType::Rgb,
        Kind::Rgba => ColorType::Rgba,
    };
    encoder.encode(&pixels.data, width, height, color).map_err(failed)?;
    Ok(bytes)
}

fn png(pixels: &Pixels, exif: Option<&[u8]>) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif.to_vec()).map_err(failed)?;
    }
    let color = match pixels.kind {
        Kind::Gray => ExtendedColorType::L8,
        Kind::Rgb => ExtendedColorType::Rgb8,
        Kind::Rgba => ExtendedColorType::Rgba8,
    };
    encoder
        .write_image(&pixels.data, pixels.width, pixels.height, color)
        .map_err(failed)?;
    Ok(bytes)
}

fn webp(pixels: Pixels, quality: Quality) -> Result<Vec<u8>, ImageError> {
    let encoder = match pixels.kind {
        Kind::Rgba => webp::Encoder::from_rgba(&pixels.data, pixels.width, pixels.height),
        _ => webp::Encoder::from_rgb(&pixels.data, pixels.width, pixels.height),
    };
    let written = encoder.encode_simple(false, quality.webp());
    let bytes = written.map_err(|error| ImageError::Encoding(format!("WebP: {error:?}")))?;
    Ok(bytes.to_vec())
}
