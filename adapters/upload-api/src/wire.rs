//! The JSON shapes of the Upload API. The fields are in the recorded order: `docs/upload-api.md`, "What is known of a file".

use std::collections::BTreeMap;
use std::time::SystemTime;

use intake_core::notes::{AudioTrack, GeoLocation, Image, Video, VideoTrack};
use intake_core::{FileName, Group, MediaType, Record};
use serde::Serialize;
use serde_json::Number;

/// The description of a file.
#[derive(Debug, Serialize)]
pub(crate) struct FileInfo<'a> {
    size: u64,
    total: u64,
    done: u64,
    uuid: String,
    file_id: String,
    original_filename: &'a str,
    is_image: bool,
    is_stored: bool,
    image_info: Option<ImageInfo>,
    video_info: Option<VideoInfo>,
    content_info: ContentInfo,
    is_ready: bool,
    filename: String,
    mime_type: &'a str,
    metadata: &'a BTreeMap<String, String>,
    /// Newer than the others; a file without tags is described as before tags existed.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

#[derive(Debug, Serialize)]
struct ContentInfo {
    mime: Mime,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ImageInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<VideoContent>,
}

#[derive(Debug, Serialize)]
struct Mime {
    mime: String,
    #[serde(rename = "type")]
    main: String,
    subtype: String,
}

#[derive(Clone, Debug, Serialize)]
struct ImageInfo {
    dpi: Option<(u32, u32)>,
    width: u32,
    format: String,
    height: u32,
    sequence: Option<bool>,
    color_mode: Option<String>,
    orientation: Option<u8>,
    geo_location: Option<GeoLocation>,
    datetime_original: Option<String>,
}

/// A video as `video_info` describes it: with one track of each kind.
#[derive(Debug, Serialize)]
struct VideoInfo {
    duration: Option<u64>,
    format: String,
    bitrate: Option<u64>,
    audio: Option<LegacyAudio>,
    video: LegacyVideo,
}

#[derive(Debug, Serialize)]
struct LegacyAudio {
    bitrate: Option<u64>,
    codec: Option<String>,
    sample_rate: Option<u32>,
    channels: Option<u32>,
}

#[derive(Debug, Serialize)]
struct LegacyVideo {
    height: Option<u32>,
    width: Option<u32>,
    frame_rate: Option<Number>,
    bitrate: Option<u64>,
    codec: Option<String>,
}

/// A video as `content_info` describes it: with all its tracks.
#[derive(Debug, Serialize)]
struct VideoContent {
    audio: Vec<AudioContent>,
    video: Vec<VideoStream>,
    format: String,
    bitrate: Option<u64>,
    duration: Option<u64>,
}

#[derive(Debug, Serialize)]
struct AudioContent {
    codec: Option<String>,
    bitrate: Option<u64>,
    channels: Option<u32>,
    sample_rate: Option<u32>,
}

#[derive(Debug, Serialize)]
struct VideoStream {
    codec: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    bitrate: Option<u64>,
    frame_rate: Option<Number>,
}

/// The type of a file whose type is unknown.
const UNKNOWN: &str = "application/octet-stream";

impl<'a> FileInfo<'a> {
    /// The description of a file that can be read, or that waits in quarantine for a scanner.
    pub(crate) fn of(record: &'a Record) -> Self {
        let facts = record.facts.as_ref();
        let size = facts.map_or(0, |facts| facts.size);
        let id = record.id.to_string();
        let original = record.declared.name.as_deref().unwrap_or_default();
        let image: Option<ImageInfo> = facts.and_then(|facts| facts.note::<Image>(Image::NOTE)).map(Into::into);
        let video = facts.and_then(|facts| facts.note::<Video>(Video::NOTE));
        let detected = facts.and_then(|facts| facts.media_type.as_ref());
        Self {
            size,
            total: size,
            done: size,
            uuid: id.clone(),
            file_id: id,
            original_filename: original,
            is_image: image.is_some(),
            is_stored: record.lifetime.is_some_and(|lifetime| lifetime.kept),
            image_info: image.clone(),
            video_info: video.as_ref().and_then(VideoInfo::of),
            content_info: ContentInfo {
                mime: Mime {
                    mime: detected.map_or(UNKNOWN, MediaType::as_str).to_owned(),
                    main: detected.map_or("application", MediaType::main).to_owned(),
                    subtype: detected.map_or("octet-stream", MediaType::sub).to_owned(),
                },
                image,
                video: video.and_then(VideoContent::of),
            },
            // A scanner that failed has to accept it first.
            is_ready: !record.is_pending(),
            filename: address_name(record),
            mime_type: record.declared.media_type.as_ref().map_or(UNKNOWN, MediaType::as_str),
            metadata: &record.options.metadata,
            tags: &record.options.tags,
        }
    }
}

impl FileInfo<'_> {
    /// The same description without metadata and tags.
    pub(crate) fn without_metadata(self) -> Self {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        Self {
            metadata: &NONE,
            tags: &[],
            ..self
        }
    }
}

/// The file's name in URLs, even if its sender gave none.
pub(crate) fn address_name(record: &Record) -> String {
    let name = record.declared.name.as_ref();
    name.map_or_else(|| "noroot".to_owned(), FileName::ascii)
}

impl From<Image> for ImageInfo {
    fn from(image: Image) -> Self {
        let Image {
            format,
            width,
            height,
            color_mode,
            orientation,
            dpi,
            geo_location,
            datetime_original,
            sequence,
            ..
        } = image;
        Self {
            dpi,
            width,
            format,
            height,
            sequence,
            color_mode,
            orientation,
            geo_location,
            datetime_original,
        }
    }
}

impl VideoInfo {
    /// The description of a file with a video track. A file of sound has none.
    fn of(video: &Video) -> Option<Self> {
        let track = video.video.first()?.clone();
        let sound = video.audio.first().cloned();
        Some(Self {
            duration: video.duration,
            format: video.format.clone(),
            bitrate: video.bitrate,
            audio: sound.map(|sound| LegacyAudio {
                bitrate: sound.bitrate,
                codec: sound.codec,
                sample_rate: sound.sample_rate,
                channels: sound.channels,
            }),
            video: LegacyVideo {
                height: track.height,
                width: track.width,
                frame_rate: track.frame_rate.and_then(number),
                bitrate: track.bitrate,
                codec: track.codec,
            },
        })
    }
}

impl VideoContent {
    /// The description of a file with a video track. A file of sound has none.
    fn of(video: Video) -> Option<Self> {
        if video.video.is_empty() {
            return None;
        }
        let sounds = video.audio.into_iter().map(|track: AudioTrack| AudioContent {
            codec: track.codec,
            bitrate: track.bitrate,
            channels: track.channels,
            sample_rate: track.sample_rate,
        });
        let pictures = video.video.into_iter().map(|track: VideoTrack| VideoStream {
            codec: track.codec,
            width: track.width,
            height: track.height,
            bitrate: track.bitrate,
            frame_rate: track.frame_rate.and_then(number),
        });
        Some(Self {
            audio: sounds.collect(),
            video: pictures.collect(),
            format: video.format,
            bitrate: video.bitrate,
            duration: video.duration,
        })
    }
}

/// A rate as the Upload API writes it: 30 frames are `30`, not `30.0`.
fn number(rate: f64) -> Option<Number> {
    if rate.fract() == 0.0 {
        return format!("{rate:.0}").parse().ok();
    }
    Number::from_f64(rate)
}

/// The answer of `/multipart/start/`: the URL of each part.
#[derive(Debug, Serialize)]
pub(crate) struct MultipartStarted {
    pub(crate) uuid: String,
    pub(crate) parts: Vec<String>,
}

/// The answer of `/from_url/`: the token of the fetch.
#[derive(Debug, Serialize)]
pub(crate) struct Token {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) token: String,
}

/// The answer of `/from_url/` if the file was fetched before.
#[derive(Debug, Serialize)]
pub(crate) struct FetchedBefore<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(flatten)]
    pub(crate) info: FileInfo<'a>,
}

/// The state of a fetch without further details.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    pub(crate) status: &'static str,
}

/// The progress of a fetch that is under way.
#[derive(Debug, Serialize)]
pub(crate) struct Progress {
    pub(crate) status: &'static str,
    pub(crate) done: u64,
    pub(crate) total: Total,
}

/// Bytes to fetch. Only some clients can read an unknown number.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Total {
    Bytes(u64),
    Word(&'static str),
}

/// A fetch that succeeded.
#[derive(Debug, Serialize)]
pub(crate) struct Fetched<'a> {
    #[serde(flatten)]
    pub(crate) info: FileInfo<'a>,
    pub(crate) status: &'static str,
}

/// A fetch that failed.
#[derive(Debug, Serialize)]
pub(crate) struct NotFetched<'a> {
    pub(crate) status: &'static str,
    pub(crate) error: &'a str,
    pub(crate) error_code: &'a str,
}

/// An error, if the sender asked for JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) error: ErrorInfo<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ErrorInfo<'a> {
    pub(crate) content: &'a str,
    pub(crate) status_code: u16,
    pub(crate) error_code: &'a str,
}

/// The description of a group without its files, which follow.
#[derive(Debug, Serialize)]
pub(crate) struct GroupInfo {
    id: String,
    datetime_created: String,
    datetime_stored: Option<()>,
    files_count: usize,
    cdn_url: String,
    url: String,
}

/// A file in a group.
#[derive(Debug, Serialize)]
pub(crate) struct GroupMember<'a> {
    #[serde(flatten)]
    pub(crate) info: FileInfo<'a>,
    pub(crate) default_effects: &'a str,
}

impl GroupInfo {
    /// The description, with URLs that begin with `cdn` and `origin`.
    pub(crate) fn of(group: &Group, cdn: &str, origin: &str) -> Self {
        let id = format!("{}~{}", group.id, group.members.len());
        Self {
            datetime_created: instant(group.created),
            datetime_stored: None,
            files_count: group.members.len(),
            cdn_url: format!("{cdn}/{id}/"),
            url: format!("{origin}/groups/{id}/"),
            id,
        }
    }
}

/// A time as the Upload API writes it: in UTC, to the microsecond.
fn instant(time: SystemTime) -> String {
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_of_an_image_is_null() {
        let known = Image::default().with(|image| {
            image.format = "TIFF".to_owned();
            image.width = 3;
            image.height = 2;
        });
        let wire = json!({
            "dpi": null, "width": 3, "format": "TIFF", "height": 2, "sequence": null, "color_mode": null,
            "orientation": null, "geo_location": null, "datetime_original": null,
        });
        assert_eq!(serde_json::to_value(ImageInfo::from(known)).expect("plain data"), wire);
    }

    fn recorded() -> Video {
        let picture = VideoTrack::default().with(|track| {
            track.codec = Some("h264".to_owned());
            (track.width, track.height) = (Some(360), Some(480));
            track.frame_rate = Some(30.0);
            track.bitrate = Some(726);
        });
        let sound = AudioTrack::default().with(|track| {
            track.codec = Some("aac".to_owned());
            (track.channels, track.sample_rate) = (Some(1), Some(44_100));
            track.bitrate = Some(94);
        });
        Video::default().with(|video| {
            video.format = "mp4".to_owned();
            (video.duration, video.bitrate) = (Some(9_433), Some(864));
            video.video.push(picture);
            video.audio.push(sound);
        })
    }

    #[test]
    fn a_video_is_described_as_the_service_was_recorded_to_describe_it() {
        let content = concat!(
            r#"{"audio":[{"codec":"aac","bitrate":94,"channels":1,"sample_rate":44100}],"#,
            r#""video":[{"codec":"h264","width":360,"height":480,"bitrate":726,"frame_rate":30}],"#,
            r#""format":"mp4","bitrate":864,"duration":9433}"#,
        );
        let described = serde_json::to_string(&VideoContent::of(recorded())).expect("plain data");
        assert_eq!(described, content);
        let info = concat!(
            r#"{"duration":9433,"format":"mp4","bitrate":864,"#,
            r#""audio":{"bitrate":94,"codec":"aac","sample_rate":44100,"channels":1},"#,
            r#""video":{"height":480,"width":360,"frame_rate":30,"bitrate":726,"codec":"h264"}}"#,
        );
        let described = serde_json::to_string(&VideoInfo::of(&recorded())).expect("plain data");
        assert_eq!(described, info);
    }

    #[test]
    fn what_is_not_known_of_a_video_is_null_and_a_file_of_sound_is_no_video() {
        let unknown = Video::default().with(|video| video.video.push(VideoTrack::default()));
        let wire = json!({
            "duration": null, "format": "", "bitrate": null, "audio": null,
            "video": {"height": null, "width": null, "frame_rate": null, "bitrate": null, "codec": null},
        });
        assert_eq!(serde_json::to_value(VideoInfo::of(&unknown)).expect("plain data"), wire);
        let sound = recorded().with(|video| video.video.clear());
        assert!(VideoInfo::of(&sound).is_none() && VideoContent::of(sound).is_none());
        assert_eq!(number(29.97).map(|rate| rate.to_string()).as_deref(), Some("29.97"));
    }
}
