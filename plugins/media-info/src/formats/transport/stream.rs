//! One stream: the times of its frames, its bytes, and what its first frames say of the codec (ISO/IEC 13818-1, 2.4.3.6).

use crate::facts::{Kind, Picture, Sound, Track, frame_rate};
use crate::formats::bits::Fields;
use crate::formats::transport::clock::Clock;
use crate::formats::transport::parameters::{Parameters, read};
use crate::formats::transport::tables::Codec;

/// So much of the beginning of a frame is kept, to find the parameters of the codec in it.
const KEPT: usize = 2048;
/// In so many frames they are looked for. A stream that was cut anywhere has them within seconds.
const MOST_TRIES: u32 = 1024;

/// What was read of a stream so far.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The number of its packets.
    pub(crate) number: u16,
    codec: Codec,
    clock: Clock,
    bytes: u64,
    bytes_of_last: u64,
    frames: u32,
    /// The beginning of the current frame, as long as parameters are looked for.
    beginning: Vec<u8>,
    tries: u32,
    parameters: Option<Parameters>,
}

impl Stream {
    pub(crate) fn new(number: u16, codec: Codec) -> Self {
        Self {
            number,
            codec,
            clock: Clock::default(),
            bytes: 0,
            bytes_of_last: 0,
            frames: 0,
            beginning: Vec::new(),
            tries: 0,
            parameters: None,
        }
    }

    /// Adds a packet.
    pub(crate) fn push(&mut self, begins: bool, payload: &[u8]) {
        let mut payload = payload;
        if begins {
            self.look();
            self.beginning.clear();
            self.tries = self.tries.saturating_add(1);
            let Some((time, rest)) = frame(payload) else { return };
            if let Some(time) = time {
                self.clock.add(time);
            }
            self.frames = self.frames.saturating_add(1);
            self.bytes_of_last = 0;
            payload = rest;
        }
        self.bytes = self.bytes.saturating_add(payload.len() as u64);
        self.bytes_of_last = self.bytes_of_last.saturating_add(payload.len() as u64);
        let is_sought = self.parameters.is_none() && self.tries <= MOST_TRIES && self.tries > 0;
        if is_sought && self.beginning.len() < KEPT {
            self.beginning.extend_from_slice(payload);
            if self.beginning.len() >= KEPT {
                self.look();
            }
        }
    }

    /// Looks for the parameters of the codec in the beginning of the current frame.
    fn look(&mut self) {
        if self.parameters.is_none() && !self.beginning.is_empty() {
            self.parameters = read(self.codec.name, &self.beginning);
            if self.parameters.is_some() {
                self.beginning = Vec::new();
            }
        }
    }

    /// The size of its pictures, once it is known.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        match self.parameters {
            Some(Parameters::Picture { size, .. }) => Some(size),
            _ => None,
        }
    }

    /// How long it plays so far, in milliseconds.
    pub(crate) fn duration(&self) -> Option<u64> {
        self.clock.duration(self.last_part())
    }

    /// How much of an average frame the last one is, in thousandths. A frame of sound is a package of several, and the last
    /// package is often smaller. One of video has any size, and plays for as long as the others.
    fn last_part(&self) -> u64 {
        const FULL: u64 = 1000;
        let others = self.bytes.saturating_sub(self.bytes_of_last);
        if self.codec.is_video || others == 0 {
            return FULL;
        }
        let spans = u64::from(self.frames.saturating_sub(1));
        let part = self.bytes_of_last.saturating_mul(FULL).saturating_mul(spans) / others;
        part.min(FULL)
    }

    pub(crate) fn facts(&self) -> Option<Track> {
        let parameters = self.parameters.or_else(|| read(self.codec.name, &self.beginning));
        let mut name = self.codec.name;
        let kind = if self.codec.is_video {
            let (size, said) = match parameters {
                Some(Parameters::Picture { size, rate }) => (Some(size), rate),
                _ => (None, None),
            };
            let counted = || {
                self.clock
                    .rate()
                    .and_then(|(frames, ticks, hertz)| frame_rate(frames, ticks, hertz))
            };
            let rate = said.or_else(counted);
            Kind::Video(Picture { size, rate })
        } else {
            let mut sound = Sound {
                channels: self.codec.channels,
                // It is always decoded to this rate.
                rate: (name == "opus").then_some(48_000),
            };
            if let Some(Parameters::Sound { sound: found, codec }) = parameters {
                (sound, name) = (found, codec);
            }
            Kind::Audio(sound)
        };
        Some(Track {
            codec: Some(name),
            bytes: Some(self.bytes).filter(|bytes| *bytes > 0),
            duration: None,
            kind,
        })
    }
}

/// The time of the frame that begins here, if it has one, and what follows its header.
fn frame(payload: &[u8]) -> Option<(Option<u64>, &[u8])> {
    /// Streams of sound and pictures have headers. Others, such as padding, have none.
    const OF_MEDIA: [std::ops::RangeInclusive<u8>; 3] = [0xBD..=0xBD, 0xC0..=0xEF, 0xFD..=0xFD];
    let fields = Fields(payload);
    let [0, 0, 1, kind] = fields.array(0)? else { return None };
    if !OF_MEDIA.iter().any(|kinds| kinds.contains(&kind)) {
        return None;
    }
    let (flags, length) = (fields.byte(7)?, usize::from(fields.byte(8)?));
    let time = if flags & 0x80 == 0 {
        None
    } else {
        fields.array(9).map(time)
    };
    Some((time, payload.get(9 + length..).unwrap_or_default()))
}

/// 33 bits in five bytes, with marks between them.
fn time([a, b, c, d, e]: [u8; 5]) -> u64 {
    let (high, middle, low) = (
        u64::from(a >> 1 & 7),
        u64::from(u16::from_be_bytes([b, c]) >> 1),
        u64::from(u16::from_be_bytes([d, e]) >> 1),
    );
    high << 30 | middle << 15 | low
}
