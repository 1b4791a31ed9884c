//! The tracks: how they are described, and what their blocks add up to.

use crate::facts::{Kind, Picture, Sound, Track, frame_rate, millis, rounded, square};
use crate::formats::matroska::codecs;
use crate::formats::matroska::ebml::{Element, elements, float, plain_number, unsigned};
use crate::formats::pcm;

const NUMBER: u32 = 0xD7;
const TYPE: u32 = 0x83;
const CODEC: u32 = 0x86;
const DEFAULT_DURATION: u32 = 0x0023_E383;
const VIDEO: u32 = 0xE0;
const AUDIO: u32 = 0xE1;

const PIXEL_WIDTH: u32 = 0xB0;
const PIXEL_HEIGHT: u32 = 0xBA;
const CROP_BOTTOM: u32 = 0x54AA;
const CROP_TOP: u32 = 0x54BB;
const CROP_LEFT: u32 = 0x54CC;
const CROP_RIGHT: u32 = 0x54DD;
const DISPLAY_WIDTH: u32 = 0x54B0;
const DISPLAY_HEIGHT: u32 = 0x54BA;
const DISPLAY_UNIT: u32 = 0x54B2;
const PROJECTION: u32 = 0x7670;
const PROJECTION_TYPE: u32 = 0x7671;
const ROLL: u32 = 0x7675;

const RATE: u32 = 0xB5;
const OUTPUT_RATE: u32 = 0x78B5;
const CHANNELS: u32 = 0x9F;
const BITS: u32 = 0x6264;

/// No id of a codec is longer.
const LONGEST_ID: usize = 32;
/// The most tracks that are described.
const MOST_TRACKS: usize = 64;

/// The tracks of a segment.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    tracks: Vec<Entry>,
    /// The track of the current block, and when that begins, in ticks.
    current: Option<(usize, i64)>,
    /// When the first block of all begins, and the last one ends, in ticks.
    begin: Option<i64>,
    end: Option<i64>,
}

/// One track.
#[derive(Debug, Default)]
struct Entry {
    number: u64,
    is_video: bool,
    is_audio: bool,
    codec: String,
    /// Nanoseconds of a frame.
    frame: Option<u64>,
    /// Width and height as coded.
    coded: (u32, u32),
    size: Option<(u32, u32)>,
    rate: Option<u32>,
    channels: Option<u32>,
    bits: u32,
    frames: u64,
    bytes: u64,
    /// When its first and its last block begin, in ticks.
    first: Option<i64>,
    last: Option<i64>,
}

impl Tracks {
    /// Adds a track with this description. Returns its sizes, as coded and as shown, if it is a video.
    pub(crate) fn add(&mut self, body: &[u8]) -> Vec<(u32, u32)> {
        let track = Entry::read(body);
        let sizes = [Some(track.coded), track.size].into_iter().flatten();
        let sizes = if track.is_video { sizes.collect() } else { Vec::new() };
        // A file that is written live may repeat its tracks.
        let is_new = self.tracks.iter().all(|known| known.number != track.number);
        if is_new && self.tracks.len() < MOST_TRACKS {
            self.tracks.push(track);
        }
        sizes
    }

    /// Adds a block of so many bytes, which begins so, in a cluster that begins at this tick.
    pub(crate) fn add_block(&mut self, head: &[u8], length: u64, cluster: u64) {
        self.current = None;
        let Some((number, width)) = plain_number(head) else {
            return;
        };
        let Some([high, low, flags]) = head.get(width..).and_then(<[u8]>::first_chunk).copied() else {
            return;
        };
        let laces = if flags & 6 == 0 {
            0
        } else {
            head.get(width + 3).copied().unwrap_or(0)
        };
        let Some(at) = self.tracks.iter().position(|track| track.number == number) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(at).filter(|track| track.is_video || track.is_audio) else {
            return;
        };
        let relative = i64::from(i16::from_be_bytes([high, low]));
        let time = i64::try_from(cluster).unwrap_or(i64::MAX).saturating_add(relative);
        track.frames = track.frames.saturating_add(u64::from(laces) + 1);
        track.bytes = track.bytes.saturating_add(length.saturating_sub(width as u64 + 3));
        track.first = Some(track.first.map_or(time, |first| first.min(time)));
        track.last = Some(track.last.map_or(time, |last| last.max(time)));
        self.begin = Some(self.begin.map_or(time, |begin| begin.min(time)));
        self.end = Some(self.end.map_or(time, |end| end.max(time)));
        self.current = Some((at, time));
    }

    /// The current block plays for so many ticks.
    pub(crate) fn end_block(&mut self, ticks: u64) {
        if let (Some((_, time)), Some(end)) = (self.current, &mut self.end) {
            let block_end = time.saturating_add(i64::try_from(ticks).unwrap_or(0));
            *end = block_end.max(*end);
        }
    }

    /// From the first block to the beginning of the last one that was added so far, in milliseconds.
    pub(crate) fn reached(&self, scale: u64) -> Option<u64> {
        let ticks = u64::try_from(self.end?.saturating_sub(self.begin?)).ok()?;
        millis(ticks.saturating_mul(scale), 1_000_000_000)
    }

    /// How long the blocks play that were added so far, in milliseconds, by ticks of so many nanoseconds.
    pub(crate) fn span(&self, scale: u64) -> Option<u64> {
        let (begin, end) = (self.begin?, self.end?);
        let ends = self.tracks.iter().filter_map(|track| {
            // The last block plays as long as its track says, or as the others on average.
            let last = track.last?.saturating_sub(begin);
            let frame = track
                .frame
                .map(i128::from)
                .or_else(|| track.average(scale))
                .unwrap_or(0);
            Some(i128::from(last) * i128::from(scale) + frame)
        });
        let blocks = i128::from(end.saturating_sub(begin)) * i128::from(scale);
        let nanos = ends.max().unwrap_or(0).max(blocks);
        millis(u64::try_from(nanos).ok()?, 1_000_000_000)
    }

    pub(crate) fn facts(&self, scale: u64) -> Vec<Track> {
        self.tracks.iter().filter_map(|track| track.facts(scale)).collect()
    }
}

impl Entry {
    fn read(body: &[u8]) -> Self {
        let mut track = Self::default();
        let number = |element: Element<'_>| unsigned(element.body).unwrap_or(0);
        for element in elements(body) {
            match element.id {
                NUMBER => track.number = number(element),
                TYPE => (track.is_video, track.is_audio) = (number(element) == 1, number(element) == 2),
                CODEC => {
                    let id = element.body.get(..LONGEST_ID).unwrap_or(element.body);
                    track.codec = String::from_utf8_lossy(id).into_owned();
                }
                DEFAULT_DURATION => track.frame = Some(number(element)).filter(|nanos| *nanos > 0),
                _ => {}
            }
        }
        let find = |id| elements(body).find(|element| element.id == id);
        if let Some(video) = find(VIDEO) {
            track.read_video(video.body);
        }
        if let Some(audio) = find(AUDIO) {
            track.read_audio(audio.body);
        }
        if track.is_audio {
            // The defaults (RFC 9559, 5.1.4.1.29).
            track.channels.get_or_insert(1);
            track.rate.get_or_insert(8000);
        }
        track
    }

    fn read_video(&mut self, body: &[u8]) {
        let find = |id| {
            elements(body)
                .find(|element| element.id == id)
                .map(|element| element.body)
        };
        let number = |id| find(id).and_then(unsigned);
        let pixels = |id| number(id).and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        self.coded = (pixels(PIXEL_WIDTH), pixels(PIXEL_HEIGHT));
        let width = self
            .coded
            .0
            .saturating_sub(pixels(CROP_LEFT))
            .saturating_sub(pixels(CROP_RIGHT));
        let height = self
            .coded
            .1
            .saturating_sub(pixels(CROP_TOP))
            .saturating_sub(pixels(CROP_BOTTOM));
        let display = (pixels(DISPLAY_WIDTH), pixels(DISPLAY_HEIGHT));
        let (width, height) = match (number(DISPLAY_UNIT).unwrap_or(0), display) {
            (_, (0, _) | (_, 0)) => (width, height),
            // Pixels.
            (0, display) => display,
            // Centimetres, inches, or the shape alone: players keep the height.
            (1..=3, display) => shaped((width, height), display),
            _ => (width, height),
        };
        self.size = Some(if is_turned(find(PROJECTION)) {
            (height, width)
        } else {
            (width, height)
        });
    }

    fn read_audio(&mut self, body: &[u8]) {
        let find = |id| {
            elements(body)
                .find(|element| element.id == id)
                .map(|element| element.body)
        };
        let number = |id| {
            find(id)
                .and_then(unsigned)
                .and_then(|number| u32::try_from(number).ok())
        };
        let hertz = |id| {
            let rate = find(id).and_then(float)?;
            (1.0..1e9).contains(&rate).then_some(rate.round() as u32)
        };
        self.rate = hertz(OUTPUT_RATE).or_else(|| hertz(RATE));
        self.channels = number(CHANNELS);
        self.bits = number(BITS).unwrap_or(0);
    }

    /// Nanoseconds between two of its blocks on average.
    fn average(&self, scale: u64) -> Option<i128> {
        let ticks = i128::from(self.last?.checked_sub(self.first?)?);
        (ticks * i128::from(scale)).checked_div(i128::from(self.frames.checked_sub(1)?))
    }

    fn codec(&self) -> Option<&'static str> {
        match self.codec.trim_end_matches('\0') {
            "A_PCM/INT/LIT" if self.bits == 8 => Some("pcm_u8"),
            "A_PCM/INT/LIT" => pcm::integer(self.bits, true),
            "A_PCM/INT/BIG" => pcm::integer(self.bits, false),
            "A_PCM/FLOAT/IEEE" => pcm::float(self.bits, true),
            id => codecs::by_id(id),
        }
    }

    fn facts(&self, scale: u64) -> Option<Track> {
        let kind = if self.is_video {
            Kind::Video(Picture {
                size: self.size,
                rate: self.frame_rate(scale),
            })
        } else if self.is_audio {
            Kind::Audio(Sound {
                channels: self.channels,
                rate: if self.codec.starts_with("A_OPUS") {
                    Some(48_000)
                } else {
                    self.rate
                },
            })
        } else {
            return None;
        };
        Some(Track {
            codec: self.codec(),
            bytes: Some(self.bytes).filter(|bytes| *bytes > 0),
            duration: None,
            kind,
        })
    }

    fn frame_rate(&self, scale: u64) -> Option<f64> {
        if let Some(nanos) = self.frame {
            return rounded(1e9 / nanos as f64);
        }
        let ticks = u64::try_from(self.last?.checked_sub(self.first?)?).ok()?;
        // Between so many frames there is one span less.
        frame_rate(self.frames.checked_sub(1)?, ticks.checked_mul(scale)?, 1_000_000_000)
    }
}

/// A size with the shape of another one. The height stays.
fn shaped((width, height): (u32, u32), (across, down): (u32, u32)) -> (u32, u32) {
    if (width, height) == (across, down) || width == 0 {
        return (width, height);
    }
    square((height, height), (across, down))
}

/// Whether the picture is a plane that lies on its side.
fn is_turned(projection: Option<&[u8]>) -> bool {
    let Some(projection) = projection else { return false };
    let find = |id| {
        elements(projection)
            .find(|element| element.id == id)
            .map(|element| element.body)
    };
    let is_plane = find(PROJECTION_TYPE).and_then(unsigned).unwrap_or(0) == 0;
    let roll = find(ROLL).and_then(float).unwrap_or(0.0).abs();
    is_plane && (roll == 90.0 || roll == 270.0)
}
