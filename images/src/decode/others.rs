//! PNG, GIF, WebP, BMP and TIFF, by the decoders of `image`.

use std::io::Seek;

use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::exif::bare;
use super::header::{Format, Header};
use super::{Decoded, Reader, gif, png};
use crate::error::ImageError;
use crate::limits::Limits;
use crate::pixels::{Kind, Pixels, Profile};

pub(super) fn image_limits(limits: &Limits) -> image::Limits {
    let mut found = image::Limits::no_limits();
    found.max_alloc = Some(limits.memory);
    found
}

fn open<'a>(format: Format, reader: Reader<'a>, limits: &Limits) -> Result<impl ImageDecoder + 'a, ImageError> {
    let format = match format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
        Format::Gif => ImageFormat::Gif,
        Format::Webp => ImageFormat::WebP,
        Format::Bmp => ImageFormat::Bmp,
        Format::Tiff => ImageFormat::Tiff,
    };
    let mut reader = ImageReader::with_format(reader, format);
    reader.limits(image_limits(limits));
    Ok(reader.into_decoder()?)
}

/// Bytes of memory for what precedes the pixels of a PNG: profiles in use have up to some MiB.
const MOST_OF_HEADERS: u64 = 16 << 20;

/// The limits of what precedes the pixels. A profile, too, is inflated as far as these, and nothing else there is large.
fn of_headers(format: Format, limits: &Limits) -> Limits {
    match format {
        Format::Png => limits.with(|limits| limits.memory = limits.memory.min(MOST_OF_HEADERS)),
        _ => *limits,
    }
}

/// Reads the headers; the start is the first 512 bytes, or all.
pub(super) fn read(
    format: Format,
    reader: &mut Reader<'_>,
    start: &[u8],
    limits: &Limits,
) -> Result<Header, ImageError> {
    let mut header = Header {
        format,
        width: 0,
        height: 0,
        color_mode: "RGB",
        sequence: Some(false),
        dpi: None,
        exif: None,
        orientation: None,
        icc: None,
        jpeg: None,
    };
    let mut chunks = None;
    match format {
        Format::Gif => header.sequence = gif::is_sequence(reader),
        Format::Png => chunks = Some(png::chunks(reader)),
        // The flag for animation in the extended header.
        Format::Webp => {
            header.sequence =
                Some(start.get(12..16) == Some(b"VP8X") && start.get(20).is_some_and(|flags| flags & 2 != 0))
        }
        Format::Tiff => header.sequence = None,
        _ => {}
    }
    reader.rewind()?;
    let source: &mut dyn super::Source = reader.get_mut();
    let again = Reader::with_capacity(super::BUFFER, source);
    let mut decoder = open(format, again, &of_headers(format, limits))?;
    (header.width, header.height) = decoder.dimensions();
    header.color_mode = match decoder.color_type() {
        _ if format == Format::Gif => "P",
        ColorType::L8 | ColorType::L16 => "L",
        ColorType::La8 | ColorType::La16 => "LA",
        ColorType::Rgba8 | ColorType::Rgba16 | ColorType::Rgba32F => "RGBA",
        _ => "RGB",
    };
    limits.check_pixels(header.width, header.height)?;
    header.icc = decoder.icc_profile().unwrap_or_default();
    if format == Format::Tiff {
        header.orientation = decoder.orientation().ok().map(|orientation| orientation.to_exif());
    } else {
        let exif = decoder.exif_metadata().unwrap_or_default();
        header.exif = exif.map(|data| bare(&data).to_vec());
    }
    if let Some(chunks) = chunks {
        header.sequence = Some(chunks.sequence);
        header.dpi = chunks.dpi;
        header.exif = chunks.exif.map(|data| bare(&data).to_vec());
        header.color_mode = match chunks.color_type {
            0 => "L",
            3 => "P",
            4 => "LA",
            6 => "RGBA",
            _ => "RGB",
        };
    }
    Ok(header)
}

pub(super) fn decode(reader: Reader<'_>, header: &Header, limits: &Limits) -> Result<Decoded, ImageError> {
    let decoder = open(header.format, reader, limits)?;
    let pixels = u64::from(header.width) * u64::from(header.height);
    limits.check_memory(decoder.total_bytes().saturating_add(pixels * 4))?;
    Ok(Decoded {
        pixels: decoded(decoder)?,
        reduction: 1,
        profile: header.icc.as_deref().and_then(Profile::read),
    })
}

/// Decodes, and takes eight bits of each channel.
pub(super) fn decoded(decoder: impl ImageDecoder) -> Result<Pixels, ImageError> {
    let image = DynamicImage::from_decoder(decoder)?;
    let (width, height) = (image.width(), image.height());
    let (kind, data) = match image.color() {
        ColorType::L8 | ColorType::L16 => (Kind::Gray, image.into_luma8().into_raw()),
        ColorType::Rgb8 | ColorType::Rgb16 | ColorType::Rgb32F => (Kind::Rgb, image.into_rgb8().into_raw()),
        _ => (Kind::Rgba, image.into_rgba8().into_raw()),
    };
    Ok(Pixels {
        width,
        height,
        kind,
        data,
    })
}
