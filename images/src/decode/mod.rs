//! From bytes to pixels: first what the headers say, then, within limits, the pixels.

mod exif;
mod gif;
mod header;
mod jpeg;
mod jpeg_header;
mod others;
mod png;
mod reduced;

use std::io::{BufReader, Read, Seek, SeekFrom};

pub(crate) use self::exif::Exif;
pub use self::exif::Location;
pub(crate) use self::header::{Format, Header};
use crate::error::ImageError;
use crate::limits::Limits;
use crate::pixels::{Pixels, Profile};

/// What is read at once.
const BUFFER: usize = 32 << 10;

/// A source that can be read from anywhere.
pub(crate) trait Source: Read + Seek {}
impl<S: Read + Seek> Source for S {}

pub(crate) type Reader<'a> = BufReader<&'a mut dyn Source>;

/// Decoded pixels and what they mean.
pub(crate) struct Decoded {
    pub(crate) pixels: Pixels,
    /// How many pixels of the source are one of these, along each side.
    pub(crate) reduction: u32,
    pub(crate) profile: Option<Profile>,
}

/// Reads the headers, and checks what they say against the limits.
pub(crate) fn header(source: &mut dyn Source, limits: &Limits) -> Result<Header, ImageError> {
    let bytes = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    let mut start = Vec::with_capacity(512);
    source.take(512).read_to_end(&mut start)?;
    source.rewind()?;
    let format = header::recognise(&start)?;
    limits.check_bytes(bytes)?;
    let mut reader = BufReader::with_capacity(BUFFER, source);
    let header = match format {
        Format::Jpeg => jpeg_header::read(&mut reader, limits)?,
        _ => others::read(format, &mut reader, &start, limits)?,
    };
    limits.check_pixels(header.width, header.height)?;
    Ok(header)
}

/// Decodes the first frame; a JPEG in a size that is `reduction` times smaller along each side, where that is 1, 2, 4 or
/// 8. Pixels are not turned.
pub(crate) fn pixels(
    source: &mut dyn Source,
    header: &Header,
    reduction: u32,
    limits: &Limits,
) -> Result<Decoded, ImageError> {
    source.rewind()?;
    let reader = BufReader::with_capacity(BUFFER, source);
    match &header.jpeg {
        Some(frame) => jpeg::decode(reader, header, frame, reduction, limits),
        None => others::decode(reader, header, limits),
    }
}
