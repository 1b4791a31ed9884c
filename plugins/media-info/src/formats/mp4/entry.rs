//! The description of a track's codec, the first one in `stsd` (ISO/IEC 14496-12, 8.5.2; QuickTime File Format, media data).

use crate::formats::bits::Fields;
use crate::formats::dolby;
use crate::formats::flac;
use crate::formats::mp4::audio_config;
use crate::formats::mp4::boxes::find;
use crate::formats::mp4::fourcc;

/// What it says.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) codec: Option<&'static str>,
    /// Width and height as coded.
    pub(crate) size: (u32, u32),
    /// The shape of a pixel: across, down.
    pub(crate) aspect: (u32, u32),
    pub(crate) channels: Option<u32>,
    pub(crate) rate: Option<u32>,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            codec: None,
            size: (0, 0),
            aspect: (1, 1),
            channels: None,
            rate: None,
        }
    }
}

/// Where the boxes of a description begin, from its own beginning.
const BEHIND_PICTURE: usize = 86;
const BEHIND_SOUND: [usize; 3] = [36, 52, 72];

impl Entry {
    /// The first description in the body of `stsd`, for a track with this handler.
    pub(crate) fn read(table: &[u8], handler: [u8; 4]) -> Option<Self> {
        let table = Fields(table);
        let is_first_version = table.byte(0)? == 0;
        let rest = table.from(8);
        let length = usize::try_from(Fields(rest).be32(0)?).ok()?;
        // It may be cut at the limit of what is kept.
        let entry = Fields(rest.get(..length).unwrap_or(rest));
        let name = entry.array(4)?;
        match &handler {
            b"vide" => Some(Self::picture(entry, name)),
            b"soun" => Some(Self::sound(entry, name, is_first_version)),
            _ => None,
        }
    }

    fn picture(entry: Fields<'_>, name: [u8; 4]) -> Self {
        let inner = entry.from(BEHIND_PICTURE);
        let side = |at| entry.be16(at).map_or(0, u32::from);
        let config = find(inner, *b"esds").and_then(audio_config::elementary);
        let by_config = config.and_then(|config| fourcc::of_object_type(config.object_type));
        let aspect = find(inner, *b"pasp").map(Fields);
        Self {
            codec: fourcc::of_picture(unwrapped(inner, name)).or(by_config),
            size: (side(32), side(34)),
            aspect: aspect
                .and_then(|shape| Some((shape.be32(0)?, shape.be32(4)?)))
                .unwrap_or((1, 1)),
            ..Self::default()
        }
    }

    fn sound(entry: Fields<'_>, name: [u8; 4], is_first_version: bool) -> Self {
        // In ISO files of the second version, the layout is the one of the first.
        let version = if is_first_version {
            entry.be16(16).map_or(0, usize::from)
        } else {
            0
        };
        let inner = entry.from(BEHIND_SOUND.get(version).copied().unwrap_or(BEHIND_SOUND[0]));
        let bits = entry.be16(26).unwrap_or(0);
        let mut sound = Self {
            channels: entry.be16(24).map(u32::from),
            rate: entry.be32(32).map(|rate| rate >> 16),
            ..Self::default()
        };
        let mut flags = None;
        let mut width = u32::from(bits);
        if version == 2 {
            let rate = entry.be64(40).map(f64::from_bits).unwrap_or(0.0);
            // A float becomes the nearest number of its range.
            sound.rate = Some(rate as u32);
            sound.channels = entry.be32(48);
            width = entry.be32(56).unwrap_or(0);
            flags = entry.be32(60);
        }
        let name = unwrapped(inner, name);
        let wave = find(inner, *b"wave").unwrap_or_default();
        let esds = find(inner, *b"esds").or_else(|| find(wave, *b"esds"));
        let is_little =
            find(wave, *b"enda").or_else(|| find(inner, *b"pcmC").map(|config| config.get(4..).unwrap_or_default()));
        let is_little = is_little.is_some_and(|flag| flag.iter().take(2).any(|byte| byte & 1 == 1));
        let pcm_width = find(inner, *b"pcmC")
            .and_then(|config| Fields(config).byte(5))
            .map(u32::from);
        sound.codec = fourcc::of_sound(name, pcm_width.unwrap_or(width), is_little, flags);
        if let Some(config) = esds.and_then(audio_config::elementary) {
            sound.codec = fourcc::of_object_type(config.object_type).or(sound.codec);
            if let Some(audio) = config.audio {
                sound.rate = audio.rate.or(sound.rate);
                sound.channels = audio.channels.or(sound.channels);
            }
        }
        sound.of_own_boxes(inner);
        sound
    }

    /// What the box of a codec says better than the description around it.
    fn of_own_boxes(&mut self, inner: &[u8]) {
        if let Some(opus) = find(inner, *b"dOps") {
            // It is always decoded to this rate.
            self.rate = Some(48_000);
            self.channels = Fields(opus).byte(1).map(u32::from).or(self.channels);
        }
        if let Some(info) = find(inner, *b"dfLa").and_then(|config| flac::StreamInfo::read(config.get(8..)?)) {
            (self.rate, self.channels) = (Some(info.rate), Some(info.channels));
        }
        if let Some(dolby) = find(inner, *b"dac3").and_then(|config| Fields(config).be24(0)) {
            self.channels = dolby::channels(dolby >> 11 & 7, dolby >> 10 & 1);
        }
        if let Some(dolby) = find(inner, *b"dec3").and_then(|config| Fields(config).be16(2)) {
            // Behind the rate and the number of substreams: 2 bits of rate, 5 of id, 1, 1, 3 of mode, 3 of coding, 1 of low effects.
            let dolby = u32::from(dolby);
            self.channels = dolby::channels(dolby >> 1 & 7, dolby & 1);
        }
    }
}

/// The name of the codec inside a description of an encrypted track.
fn unwrapped(inner: &[u8], name: [u8; 4]) -> [u8; 4] {
    if !matches!(&name, b"encv" | b"enca") {
        return name;
    }
    let original = find(inner, *b"sinf").and_then(|protection| find(protection, *b"frma"));
    original
        .and_then(|original| original.first_chunk().copied())
        .unwrap_or(name)
}
