//! What frames say of their codec: sequence headers, parameter sets, and headers of sound.

use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError, ByteReader};
use std::num::NonZeroUsize;

use crate::facts::{Sound, rounded, square};
use crate::formats::bits::Fields;
use crate::formats::{adts, dolby, mpeg_audio};

/// What the beginning of a frame says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameters {
    Picture {
        /// As shown.
        size: (u32, u32),
        /// Frames a second, if they are said.
        rate: Option<f64>,
    },
    Sound {
        sound: Sound,
        codec: &'static str,
    },
}

/// What the beginning of a frame of this codec says.
pub(crate) fn read(codec: &'static str, frame: &[u8]) -> Option<Parameters> {
    match codec {
        "mpeg1video" | "mpeg2video" => mpeg_video(codec, frame),
        "h264" => units(frame).find_map(h264),
        "hevc" => units(frame).find_map(hevc),
        "mp2" => {
            let header = mpeg_audio::Header::read(frame)?;
            let sound = Sound {
                channels: Some(header.channels),
                rate: Some(header.rate),
            };
            let codec = header.codec();
            Some(Parameters::Sound { sound, codec })
        }
        "aac" => {
            let header = adts::Header::read(frame)?;
            let sound = Sound {
                channels: header.channels,
                rate: Some(header.rate),
            };
            Some(Parameters::Sound { sound, codec })
        }
        "ac3" | "eac3" => dolby::frame(frame).map(|sound| Parameters::Sound { sound, codec }),
        _ => None,
    }
}

/// Units of a frame that are looked at: those that are sought come first.
const MOST_UNITS: usize = 32;

/// What follows each mark of three bytes, up to the next one.
fn units(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_mark(frame);
    let next = move || {
        let unit = rest?;
        let end = mark(unit).unwrap_or(unit.len());
        rest = after_mark(unit);
        unit.get(..end)
    };
    std::iter::from_fn(next).take(MOST_UNITS)
}

/// Where the next mark is.
fn mark(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|window| window == [0, 0, 1])
}

fn after_mark(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(mark(bytes)? + 3..)
}

/// A sequence parameter set of H.264, read by `h264-reader` (ITU-T H.264, 7.3.2.1).
fn h264(unit: &[u8]) -> Option<Parameters> {
    const SEQUENCE: u8 = 7;
    if unit.first()? & 0x1F != SEQUENCE {
        return None;
    }
    let bits = BitReader::new(ByteReader::skipping_h264_header(unit));
    let set = SeqParameterSet::from_bits(bits).ok()?;
    let aspect = set
        .vui_parameters
        .as_ref()
        .and_then(|more| more.aspect_ratio_info.as_ref()?.get());
    let (across, down) = aspect.unwrap_or((1, 1));
    Some(Parameters::Picture {
        size: square(set.pixel_dimensions().ok()?, (u32::from(across), u32::from(down))),
        rate: None,
    })
}

/// The size in a sequence parameter set of HEVC (ITU-T H.265, 7.3.2.2).
fn hevc(unit: &[u8]) -> Option<Parameters> {
    const SEQUENCE: u8 = 33;
    if unit.first()? >> 1 & 0x3F != SEQUENCE {
        return None;
    }
    let size = hevc_size(unit).ok()??;
    Some(Parameters::Picture { size, rate: None })
}

fn hevc_size(unit: &[u8]) -> Result<Option<(u32, u32)>, BitReaderError> {
    let Some(header) = NonZeroUsize::new(2) else {
        return Ok(None);
    };
    let mut bits = BitReader::new(ByteReader::skipping_bytes(unit, header));
    bits.skip(4, "id")?;
    let layers: u8 = bits.read::<3, _>("layers")?;
    bits.skip(1, "nesting")?;
    // Profile and level, of the whole and then of each layer that has its own.
    bits.skip(88, "profile")?;
    bits.skip(8, "level")?;
    let mut has = Vec::new();
    for _ in 0..layers {
        has.push((bits.read_bit("profile of layer")?, bits.read_bit("level of layer")?));
    }
    if layers > 0 {
        bits.skip(2 * (8 - u32::from(layers)), "reserved")?;
    }
    for (profile, level) in has {
        bits.skip(if profile { 88 } else { 0 }, "profile of layer")?;
        bits.skip(if level { 8 } else { 0 }, "level of layer")?;
    }
    let _id = bits.read_ue("id of set")?;
    let chroma = bits.read_ue("chroma")?;
    let is_separate = chroma == 3 && bits.read_bit("separate planes")?;
    let (width, height) = (bits.read_ue("width")?, bits.read_ue("height")?);
    let mut cropped = [0; 4];
    if bits.read_bit("has window")? {
        for side in &mut cropped {
            *side = bits.read_ue("side of window")?;
        }
    }
    let [left, right, top, bottom] = cropped;
    // The window is counted in samples of colour.
    let across = if matches!(chroma, 1 | 2) && !is_separate { 2 } else { 1 };
    let down = if chroma == 1 { 2 } else { 1 };
    let crop = |side: u32, a: u32, b: u32, unit: u32| side.checked_sub(a.checked_add(b)?.checked_mul(unit)?);
    let size = crop(width, left, right, across).zip(crop(height, top, bottom, down));
    Ok(size.filter(|(width, height)| *width > 0 && *height > 0))
}

/// A sequence header (ISO/IEC 13818-2, 6.2.2.1).
fn mpeg_video(codec: &str, frame: &[u8]) -> Option<Parameters> {
    const SEQUENCE: u8 = 0xB3;
    const RATES: [f64; 8] = [
        24_000.0 / 1001.0,
        24.0,
        25.0,
        30_000.0 / 1001.0,
        30.0,
        50.0,
        60_000.0 / 1001.0,
        60.0,
    ];
    let unit = units(frame).find(|unit| unit.first() == Some(&SEQUENCE))?;
    let fields = Fields(unit);
    let sides = fields.be24(1)?;
    let (width, height) = (sides >> 12, sides & 0xFFF);
    let kinds = fields.byte(4)?;
    let rate = usize::from(kinds & 0xF)
        .checked_sub(1)
        .and_then(|code| RATES.get(code))
        .copied();
    // In MPEG-2, the shape of the picture; in MPEG-1, that of a pixel, which no writer sets to another than a square.
    let (across, down) = match (codec, kinds >> 4) {
        ("mpeg2video", 2) => (4, 3),
        ("mpeg2video", 3) => (16, 9),
        ("mpeg2video", 4) => (221, 100),
        _ => (width, height),
    };
    Some(Parameters::Picture {
        size: square((width, height), (across * height, down * width)),
        rate: rate.and_then(rounded),
    })
}
