//! The description of an elementary stream, and in it that of AAC (ISO/IEC 14496-1, 7.2.6; ISO/IEC 14496-3, 1.6.2).

use crate::formats::bits::{Bits, Fields};

/// What the description of an elementary stream says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elementary {
    /// The number of its codec.
    pub(crate) object_type: u8,
    /// If it is MPEG-4 audio.
    pub(crate) audio: Option<AudioConfig>,
}

/// What the description of MPEG-4 audio says of the decoded sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AudioConfig {
    pub(crate) rate: Option<u32>,
    pub(crate) channels: Option<u32>,
}

const ES: u8 = 3;
const DECODER: u8 = 4;
const SPECIFIC: u8 = 5;

/// Reads the body of `esds`.
pub(crate) fn elementary(body: &[u8]) -> Option<Elementary> {
    let stream = descriptor(body.get(4..)?, ES)?;
    let flags = Fields(stream).byte(2)?;
    let mut at = 3;
    if flags & 0x80 != 0 {
        at += 2;
    }
    if flags & 0x40 != 0 {
        at += 1 + usize::from(Fields(stream).byte(at)?);
    }
    if flags & 0x20 != 0 {
        at += 2;
    }
    let decoder = descriptor(stream.get(at..)?, DECODER)?;
    let object_type = Fields(decoder).byte(0)?;
    let specific = descriptor(decoder.get(13..)?, SPECIFIC);
    Some(Elementary {
        object_type,
        audio: specific.filter(|_| object_type == 0x40).and_then(AudioConfig::read),
    })
}

/// The first descriptor, if it has this tag.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (first, mut rest) = bytes.split_first()?;
    if *first != tag {
        return None;
    }
    let mut length = 0_usize;
    for _ in 0..4 {
        let (digit, behind) = rest.split_first()?;
        rest = behind;
        length = length << 7 | usize::from(digit & 0x7F);
        if digit & 0x80 == 0 {
            break;
        }
    }
    Some(rest.get(..length).unwrap_or(rest))
}

/// Hertz by index (ISO/IEC 14496-3, table 1.18).
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];
/// Channels by configuration (table 1.19). With 0, the stream says it.
const CHANNELS: [u32; 15] = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8];
/// Kinds of objects: spectral band replication doubles the rate, parametric stereo makes two channels of one.
const SBR: u32 = 5;
const PS: u32 = 29;

impl AudioConfig {
    /// Reads the description of MPEG-4 audio.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut bits = Bits::of(bytes);
        let object = object(&mut bits)?;
        let core = rate(&mut bits)?;
        let configuration = usize::try_from(bits.take(4)?).ok()?;
        let mut channels = CHANNELS.get(configuration).copied().filter(|channels| *channels > 0);
        let mut output = core;
        if object == SBR || object == PS {
            output = rate(&mut bits)?;
            if object == PS {
                channels = channels.map(|channels| channels.max(2));
            }
        } else if let Some((more, is_parametric)) = extension(&mut bits, object, configuration) {
            output = more;
            if is_parametric {
                channels = channels.map(|channels| channels.max(2));
            }
        }
        Some(Self {
            rate: Some(output).filter(|rate| *rate > 0),
            channels,
        })
    }
}

fn object(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(5)? {
        31 => bits.take(6).map(|more| 32 + more),
        object => Some(object),
    }
}

fn rate(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(4)? {
        15 => bits.take(24),
        index => RATES.get(usize::try_from(index).ok()?).copied(),
    }
}

/// The rate with spectral band replication, if it is announced behind the description, and whether stereo is parametric.
fn extension(bits: &mut Bits<'_>, object: u32, configuration: usize) -> Option<(u32, bool)> {
    /// Plain AAC. Others have more in front of it.
    const PLAIN: [u32; 4] = [1, 2, 3, 4];
    if !PLAIN.contains(&object) || configuration == 0 {
        return None;
    }
    let _frame_length = bits.take(1)?;
    if bits.take(1)? == 1 {
        let _delay = bits.take(14)?;
    }
    let _extension = bits.take(1)?;
    if bits.take(11)? != 0x2B7 || bits.take(5)? != SBR || bits.take(1)? == 0 {
        return None;
    }
    let rate = rate(bits)?;
    let is_parametric = bits.take(11) == Some(0x548) && bits.take(1) == Some(1);
    Some((rate, is_parametric))
}
