//! What a reader found out about a file, in exact numbers, and the note that follows from it.

use intake_core::notes::{AudioTrack, Video, VideoTrack};

/// The result of reading a file.
#[derive(Debug)]
pub(crate) struct Probe {
    /// What is known, or why nothing is.
    pub(crate) facts: Result<Facts, &'static str>,
    /// What the file contains and the reader did not read; the facts leave it unknown.
    pub(crate) missing: Option<&'static str>,
}

impl Probe {
    /// The file cannot be read.
    pub(crate) fn failed(why: &'static str) -> Self {
        Self {
            facts: Err(why),
            missing: None,
        }
    }

    /// Everything was read but what is missing, if anything.
    pub(crate) fn read(facts: Facts, missing: Option<&'static str>) -> Self {
        Self {
            facts: Ok(facts),
            missing,
        }
    }
}

/// What is known of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) format: &'static str,
    /// In milliseconds.
    pub(crate) duration: Option<u64>,
    pub(crate) tracks: Vec<Track>,
}

/// What is known of a track.
#[derive(Clone, Debug, Default)]
pub(crate) struct Track {
    pub(crate) codec: Option<&'static str>,
    /// How many bytes it has, without those of the container.
    pub(crate) bytes: Option<u64>,
    /// In milliseconds, if it is another one than that of the file.
    pub(crate) duration: Option<u64>,
    pub(crate) kind: Kind,
}

/// What is known of a track by its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Video(Picture),
    Audio(Sound),
}

impl Default for Kind {
    fn default() -> Self {
        Self::Audio(Sound::default())
    }
}

/// What is known of a video track.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Picture {
    /// The size as shown.
    pub(crate) size: Option<(u32, u32)>,
    /// Frames a second.
    pub(crate) rate: Option<f64>,
}

/// What is known of an audio track.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sound {
    pub(crate) channels: Option<u32>,
    pub(crate) rate: Option<u32>,
}

/// Nothing plays for longer, whatever its header says: a hundred years.
const LONGEST: u64 = 100 * 365 * 24 * 3600 * 1000;
/// No video has more frames a second.
const FASTEST: f64 = 1_000_000.0;

/// A number of ticks as milliseconds, to the nearest one. `None` if it cannot be a duration.
pub(crate) fn millis(ticks: u64, ticks_a_second: u64) -> Option<u64> {
    let (ticks, scale) = (u128::from(ticks), u128::from(ticks_a_second));
    let millis = (ticks * 1000 + scale / 2).checked_div(scale)?;
    u64::try_from(millis).ok().filter(|millis| *millis <= LONGEST)
}

/// Frames a second, to three decimals, of so many frames in so many ticks.
pub(crate) fn frame_rate(frames: u64, ticks: u64, ticks_a_second: u64) -> Option<f64> {
    if frames == 0 || ticks == 0 {
        return None;
    }
    // Numbers so large that a float is not exact for them are no rates.
    rounded(frames as f64 * ticks_a_second as f64 / ticks as f64)
}

/// A frame rate to three decimals, if it is one.
pub(crate) fn rounded(rate: f64) -> Option<f64> {
    let rate = (rate * 1000.0).round() / 1000.0;
    (rate > 0.0 && rate <= FASTEST).then_some(rate)
}

/// The width and height of pixels of this shape, as square pixels: the width is stretched.
pub(crate) fn square((width, height): (u32, u32), (across, down): (u32, u32)) -> (u32, u32) {
    if across == 0 || down == 0 || across == down {
        return (width, height);
    }
    let (across, down) = (u64::from(across), u64::from(down));
    let stretched = (u64::from(width) * across + down / 2) / down;
    match u32::try_from(stretched) {
        Ok(stretched) if stretched > 0 => (stretched, height),
        // No writer means such a shape.
        _ => (width, height),
    }
}

fn kilobits(bytes: u64, millis: Option<u64>) -> Option<u64> {
    let millis = u128::from(millis?);
    let rate = (u128::from(bytes) * 8 + millis / 2).checked_div(millis)?;
    u64::try_from(rate).ok()
}

impl Facts {
    /// The note on a file of so many bytes.
    pub(crate) fn note(self, size: u64) -> Video {
        // Nothing that plays takes no time.
        let duration = self.duration.filter(|millis| *millis > 0);
        let mut video = Video::default();
        video.format = self.format.to_owned();
        video.duration = duration;
        video.bitrate = kilobits(size, duration);
        for track in self.tracks {
            let codec = track.codec.map(str::to_owned);
            let of_track = track.duration.filter(|millis| *millis > 0).or(duration);
            let bitrate = track
                .bytes
                .filter(|bytes| *bytes > 0)
                .and_then(|bytes| kilobits(bytes, of_track));
            match track.kind {
                Kind::Video(picture) => {
                    let size = picture.size.filter(|(width, height)| *width > 0 && *height > 0);
                    video.video.push(VideoTrack::default().with(|track| {
                        track.codec = codec;
                        (track.width, track.height) = size.unzip();
                        track.frame_rate = picture.rate;
                        track.bitrate = bitrate;
                    }));
                }
                Kind::Audio(sound) => video.audio.push(AudioTrack::default().with(|track| {
                    track.codec = codec;
                    track.channels = sound.channels.filter(|channels| *channels > 0);
                    track.sample_rate = sound.rate.filter(|rate| *rate > 0);
                    track.bitrate = bitrate;
                })),
            }
        }
        video
    }
}
