//! Decodes JPEG: in a smaller size where that is enough, which takes a part of the time and memory.

use std::io::Read;

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use jpeg_decoder::{Decoder, PixelFormat};

use super::header::{Frame, Header};
use super::{Decoded, Reader, jpeg_header, others, reduced};
use crate::error::ImageError;
use crate::limits::Limits;
use crate::pixels::{Kind, Pixels, Profile, from_cmyk};

/// Larger files are read piece by piece, which is slower.
const MAX_FILE: u64 = 32 << 20;

pub(super) fn decode(
    mut reader: Reader<'_>,
    header: &Header,
    frame: &Frame,
    reduction: u32,
    limits: &Limits,
) -> Result<Decoded, ImageError> {
    limits.check_memory(memory(header, frame, reduction))?;
    let scans = jpeg_header::scans(&mut reader, limits)?;
    std::io::Seek::rewind(&mut reader)?;
    let profile = header.icc.as_deref().and_then(Profile::read);
    // The faster decoder, zune-jpeg 0.5.15, turns inks into light in its own way, and misplaces the colours of a picture
    // that is not progressive and has one scan for each of them.
    if reduction == 1 && frame.components != 4 && (frame.progressive || scans == 1) {
        return whole(reader, profile, limits);
    }
    if !frame.progressive && scans == 1 {
        if let Some(pixels) = common(&mut reader, header, reduction)? {
            return Ok(Decoded {
                pixels,
                reduction,
                profile,
            });
        }
        std::io::Seek::rewind(&mut reader)?;
    }
    let mut decoder = Decoder::new(reader);
    // In range: a limit on memory.
    decoder.set_max_decoding_buffer_size(limits.memory as usize);
    // In range: JPEG has at most 65,535 on a side.
    let reduced = |side: u32| side.div_ceil(reduction) as u16;
    let (width, height) = decoder.scale(reduced(header.width), reduced(header.height))?;
    let data = decoder.decode()?;
    let format = decoder.info().map(|info| info.pixel_format);
    let (width, height) = (u32::from(width), u32::from(height));
    let kind = match format {
        Some(PixelFormat::CMYK32) => {
            let pixels = from_cmyk(width, height, &data, profile.as_ref());
            return Ok(Decoded {
                pixels,
                reduction,
                profile: None,
            });
        }
        Some(PixelFormat::L8) => Kind::Gray,
        Some(PixelFormat::RGB24) => Kind::Rgb,
        _ => return Err(ImageError::Damaged("its colours are of an unknown kind".to_owned())),
    };
    if data.len() != width as usize * height as usize * kind.channels() {
        return Err(ImageError::Damaged("its size is not the one of its header".to_owned()));
    }
    Ok(Decoded {
        pixels: Pixels {
            width,
            height,
            kind,
            data,
        },
        reduction,
        profile,
    })
}

/// In a smaller size, if it is of the common kind and whole.
fn common(reader: &mut Reader<'_>, header: &Header, reduction: u32) -> Result<Option<Pixels>, ImageError> {
    if reduction == 1 {
        return Ok(None);
    }
    let mut file = Vec::new();
    let length = reader.by_ref().take(MAX_FILE + 1).read_to_end(&mut file)?;
    let decoded = if length as u64 > MAX_FILE {
        None
    } else {
        reduced::decode(&file, reduction)
    };
    let is_same = |found: &reduced::Reduced| {
        let expected = (header.width.div_ceil(reduction), header.height.div_ceil(reduction));
        let bytes = found.width as usize * found.height as usize * found.channels;
        (found.width, found.height) == expected && found.data.len() == bytes
    };
    Ok(decoded.filter(is_same).map(|found| Pixels {
        width: found.width,
        height: found.height,
        kind: if found.channels == 1 { Kind::Gray } else { Kind::Rgb },
        data: found.data,
    }))
}

/// In full size, for which this decoder is the faster one.
fn whole(reader: Reader<'_>, profile: Option<Profile>, limits: &Limits) -> Result<Decoded, ImageError> {
    let mut decoder = JpegDecoder::new(reader)?;
    decoder.set_limits(others::image_limits(limits))?;
    Ok(Decoded {
        pixels: others::decoded(decoder)?,
        reduction: 1,
        profile,
    })
}

/// About what decoding takes, in bytes.
fn memory(header: &Header, frame: &Frame, reduction: u32) -> u64 {
    let all = u64::from(header.width) * u64::from(header.height) * u64::from(frame.components);
    // Coefficients of two bytes are kept until the last scan.
    let coefficients = if frame.progressive { 2 * all } else { 0 };
    coefficients + all / u64::from(reduction * reduction) * 2
}
