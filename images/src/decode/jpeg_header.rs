//! The markers of a JPEG (ITU-T T.81, annex B): its frame, its density, and the data of applications.

use std::io::{BufRead, Read};

use super::Reader;
use super::exif::dots;
use super::header::{Format, Frame, Header};
use crate::error::ImageError;
use crate::limits::Limits;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
/// Colour profiles may have 255 pieces of this many bytes; none that is used has more than a quarter of that.
const MAX_PIECES: usize = 64;
const MAX_MARKERS: u32 = 10_000;

/// Reads up to the first scan.
pub(super) fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Header, ImageError> {
    let mut header = Header {
        format: Format::Jpeg,
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
    let mut pieces = Vec::new();
    for _ in 0..MAX_MARKERS {
        match next_marker(reader)? {
            SOS if header.jpeg.is_some() => {
                header.icc = joined(pieces);
                limits.check_pixels(header.width, header.height)?;
                return Ok(header);
            }
            SOS | EOI => break,
            marker @ 0xC0..=0xC2 if header.jpeg.is_none() => frame(&segment(reader)?, marker == 0xC2, &mut header)?,
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                return Err(ImageError::Undecodable {
                    format: "Lossless, hierarchical and arithmetic JPEG",
                });
            }
            APP0 => header.dpi = header.dpi.or(density(&segment(reader)?)),
            APP1 => {
                let data = segment(reader)?;
                if let (None, Some(exif)) = (&header.exif, data.strip_prefix(b"Exif\0\0")) {
                    header.exif = Some(exif.to_vec());
                }
            }
            APP2 => {
                let data = segment(reader)?;
                if let (true, Some([number, _, piece @ ..])) =
                    (pieces.len() < MAX_PIECES, data.strip_prefix(b"ICC_PROFILE\0"))
                {
                    pieces.push((*number, piece.to_vec()));
                }
            }
            marker => skip(reader, marker)?,
        }
    }
    Err(ImageError::Damaged("it has no picture".to_owned()))
}

/// How many scans there are. Reads all of it.
pub(super) fn scans(reader: &mut Reader<'_>, limits: &Limits) -> Result<u32, ImageError> {
    let mut scans = 0;
    for _ in 0..MAX_MARKERS {
        let marker = match next_marker(reader) {
            Ok(marker) => marker,
            Err(ImageError::Damaged(_)) => return Ok(scans),
            Err(error) => return Err(error),
        };
        match marker {
            EOI => return Ok(scans),
            SOS => {
                scans += 1;
                limits.check_scans(scans)?;
            }
            _ => {}
        }
        match skip(reader, marker) {
            Err(ImageError::Damaged(_)) => return Ok(scans),
            done => done?,
        }
    }
    limits.check_scans(u32::MAX)?;
    Ok(scans)
}

/// Goes to the next marker, over what an encoder put between segments, and over the data of a scan.
fn next_marker(reader: &mut Reader<'_>) -> Result<u8, ImageError> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Err(cut_off());
        }
        match memchr::memchr(0xFF, buffer) {
            None => {
                let length = buffer.len();
                reader.consume(length);
            }
            Some(at) => {
                reader.consume(at + 1);
                let mut marker = byte(reader)?;
                while marker == 0xFF {
                    marker = byte(reader)?;
                }
                // Neither a stuffed byte nor the start of an interval.
                if !matches!(marker, 0 | 0xD0..=0xD7) {
                    return Ok(marker);
                }
            }
        }
    }
}

fn byte(reader: &mut Reader<'_>) -> Result<u8, ImageError> {
    let mut byte = [0];
    read_exact(reader, &mut byte)?;
    Ok(byte[0])
}

fn read_exact(reader: &mut Reader<'_>, buffer: &mut [u8]) -> Result<(), ImageError> {
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => cut_off(),
        _ => ImageError::Io(error),
    })
}

fn cut_off() -> ImageError {
    ImageError::Damaged("it is cut off".to_owned())
}

/// The data of a segment, at most 64 KiB.
fn segment(reader: &mut Reader<'_>) -> Result<Vec<u8>, ImageError> {
    let mut data = vec![0; length(reader)?];
    read_exact(reader, &mut data)?;
    Ok(data)
}

fn length(reader: &mut Reader<'_>) -> Result<usize, ImageError> {
    let mut length = [0; 2];
    read_exact(reader, &mut length)?;
    let with_itself = usize::from(u16::from_be_bytes(length));
    let short = || ImageError::Damaged("it has a segment without a length".to_owned());
    with_itself.checked_sub(2).ok_or_else(short)
}

fn skip(reader: &mut Reader<'_>, marker: u8) -> Result<(), ImageError> {
    if matches!(marker, 0x01 | SOI | EOI) {
        return Ok(());
    }
    let length = length(reader)? as i64;
    Ok(reader.seek_relative(length)?)
}

fn frame(data: &[u8], progressive: bool, header: &mut Header) -> Result<(), ImageError> {
    let [8, h1, h2, w1, w2, components, ..] = *data else {
        return Err(ImageError::Undecodable {
            format: "JPEG with other than 8 bits",
        });
    };
    header.height = u16::from_be_bytes([h1, h2]).into();
    header.width = u16::from_be_bytes([w1, w2]).into();
    header.color_mode = match components {
        1 => "L",
        3 => "RGB",
        4 => "CMYK",
        _ => {
            return Err(ImageError::Undecodable {
                format: "JPEG with other than one, three or four colours",
            });
        }
    };
    header.jpeg = Some(Frame {
        progressive,
        components,
    });
    Ok(())
}

/// Of a JFIF segment.
fn density(data: &[u8]) -> Option<(u32, u32)> {
    let [unit, x1, x2, y1, y2, ..] = *data.strip_prefix(b"JFIF\0")?.get(2..)? else {
        return None;
    };
    let x = f64::from(u16::from_be_bytes([x1, x2]));
    let y = f64::from(u16::from_be_bytes([y1, y2]));
    match unit {
        1 => dots(x, y),
        2 => dots(x * 2.54, y * 2.54),
        _ => None,
    }
}

fn joined(mut pieces: Vec<(u8, Vec<u8>)>) -> Option<Vec<u8>> {
    pieces.sort_by_key(|(number, _)| *number);
    let in_order = pieces
        .iter()
        .zip(1..)
        .all(|((number, _), expected)| *number == expected);
    (in_order && !pieces.is_empty()).then(|| pieces.into_iter().flat_map(|(_, piece)| piece).collect())
}
