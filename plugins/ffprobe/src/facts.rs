//! What the program says of a file, as a note.

use std::collections::BTreeMap;

use intake_core::MediaType;
use intake_core::notes::{AudioTrack, Video, VideoTrack};
use serde::Deserialize;

/// The most tracks that are noted.
const MOST_TRACKS: usize = 64;
/// Nothing plays for longer, whatever its header says: a hundred years, in milliseconds.
const LONGEST: f64 = 100.0 * 365.0 * 24.0 * 3600.0 * 1000.0;
/// No video has more frames a second.
const FASTEST: f64 = 1_000_000.0;

/// The answer. Numbers are texts in some places.
#[derive(Debug, Deserialize)]
struct Answer {
    format: Format,
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Debug, Deserialize)]
struct Format {
    format_name: String,
    duration: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    codec_type: Option<String>,
    codec_name: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    bit_rate: Option<String>,
    channels: Option<u32>,
    sample_rate: Option<String>,
    #[serde(default)]
    disposition: BTreeMap<String, i64>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

/// The note that follows from an answer about a file of this type and size. `None` if it is no answer.
pub(crate) fn note(answer: &[u8], media_type: &MediaType, size: u64) -> Option<Video> {
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    let duration = answer.format.duration.as_deref().and_then(millis);
    Some(Video::default().with(|video| {
        video.format = format(&answer.format.format_name, media_type).to_owned();
        video.duration = duration;
        // Bits in a millisecond are kilobits in a second.
        video.bitrate = duration.map(|millis| (size.saturating_mul(8) + millis / 2) / millis);
        for stream in answer.streams.iter().take(MOST_TRACKS) {
            match stream.codec_type.as_deref() {
                Some("video") if !stream.is_cover() => video.video.push(stream.picture()),
                Some("audio") => video.audio.push(stream.sound()),
                _ => {}
            }
        }
    }))
}

/// The name of a format. FFmpeg names a reader by all formats that it reads.
fn format<'a>(names: &'a str, media_type: &MediaType) -> &'a str {
    let mut all = names.split(',');
    let first = all.next().unwrap_or_default();
    let has = |wanted: &str| all.clone().find(|name| *name == wanted);
    match first {
        "mov" => has("mp4").unwrap_or(first),
        "matroska" if media_type.sub() == "webm" => has("webm").unwrap_or(first),
        _ => first,
    }
}

/// Seconds as milliseconds, if they can be a duration. Nothing that plays takes no time.
fn millis(seconds: &str) -> Option<u64> {
    let millis = (number(seconds)? * 1000.0).round();
    // Lossless: it is a whole number in the range of the type.
    (1.0..=LONGEST).contains(&millis).then_some(millis as u64)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Two numbers with something between them.
fn pair(text: &str, between: char) -> Option<(f64, f64)> {
    let (one, other) = text.split_once(between)?;
    Some((number(one)?, number(other)?)).filter(|(one, other)| *one > 0.0 && *other > 0.0)
}

impl Stream {
    /// Whether it is a picture that is attached, such as the cover of an album.
    fn is_cover(&self) -> bool {
        self.disposition.get("attached_pic").is_some_and(|is| *is != 0)
    }

    fn kilobits(&self) -> Option<u64> {
        let bits: u64 = self.bit_rate.as_deref()?.parse().ok()?;
        Some(bits.saturating_add(500) / 1000).filter(|rate| *rate > 0)
    }

    fn picture(&self) -> VideoTrack {
        VideoTrack::default().with(|track| {
            track.codec.clone_from(&self.codec_name);
            (track.width, track.height) = self.shown().unzip();
            track.frame_rate = self.frame_rate();
            track.bitrate = self.kilobits();
        })
    }

    fn sound(&self) -> AudioTrack {
        AudioTrack::default().with(|track| {
            track.codec.clone_from(&self.codec_name);
            track.channels = self.channels.filter(|channels| *channels > 0);
            let rate = self.sample_rate.as_deref().and_then(|rate| rate.parse().ok());
            track.sample_rate = rate.filter(|rate| *rate > 0);
            track.bitrate = self.kilobits();
        })
    }

    /// The size in square pixels, turned.
    fn shown(&self) -> Option<(u32, u32)> {
        let (width, height) = (
            self.width.filter(|side| *side > 0)?,
            self.height.filter(|side| *side > 0)?,
        );
        let shape = self.sample_aspect_ratio.as_deref().and_then(|ratio| pair(ratio, ':'));
        let stretched = shape.map_or(f64::from(width), |(across, down)| f64::from(width) * across / down);
        let stretched = stretched.round();
        // Lossless as above. No writer means another shape.
        let width = if (1.0..=f64::from(u32::MAX)).contains(&stretched) {
            stretched as u32
        } else {
            width
        };
        let turned = |data: &SideData| {
            data.rotation
                .is_some_and(|turn| (turn.abs() % 180.0 - 90.0).abs() < 45.0)
        };
        Some(match self.side_data_list.iter().any(turned) {
            true => (height, width),
            false => (width, height),
        })
    }

    /// To three decimals.
    fn frame_rate(&self) -> Option<f64> {
        let (frames, seconds) = pair(self.avg_frame_rate.as_deref()?, '/')?;
        let rate = (frames / seconds * 1000.0).round() / 1000.0;
        (rate > 0.0 && rate <= FASTEST).then_some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note_of(answer: &str) -> Option<Video> {
        note(answer.as_bytes(), &"video/webm".parse().expect("a type"), 1000)
    }

    #[test]
    fn what_cannot_be_is_unknown() {
        let track = r#"{"codec_type":"video","width":0,"height":4,"sample_aspect_ratio":"0:1","avg_frame_rate":"0/0","bit_rate":"N/A"},
            {"codec_type":"audio","channels":0,"sample_rate":"0","bit_rate":"10"},
            {"codec_type":"data"}, {"codec_type":"video","disposition":{"attached_pic":1}}"#;
        for duration in ["N/A", "0.000000", "-1", "1e300", "inf", "nan", ""] {
            let video = note_of(&format!(
                r#"{{"format":{{"format_name":"matroska,webm","duration":"{duration}"}},"streams":[{track}]}}"#
            ));
            let expected = Video::default().with(|video| {
                video.format = "webm".to_owned();
                video.video.push(VideoTrack::default());
                video.audio.push(AudioTrack::default());
            });
            assert_eq!(video, Some(expected), "{duration}");
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for answer in ["", "{}", "[]", r#"{"format":{}}"#, r#"{"format":{"format_name":1}}"#] {
            assert_eq!(note_of(answer), None, "{answer}");
        }
    }

    #[test]
    fn a_size_is_the_one_that_is_shown_and_tracks_are_bounded() {
        let track = r#"{"codec_type":"video","width":720,"height":576,"sample_aspect_ratio":"16:15","side_data_list":[{},{"rotation":-90}]}"#;
        let tracks = vec![track; 70].join(",");
        let video = note_of(&format!(
            r#"{{"format":{{"format_name":"mov,mp4,m4a"}},"streams":[{tracks}]}}"#
        ));
        let video = video.expect("an answer");
        assert_eq!((video.format.as_str(), video.video.len()), ("mp4", 64));
        assert_eq!((video.video[0].width, video.video[0].height), (Some(576), Some(768)));
    }
}
