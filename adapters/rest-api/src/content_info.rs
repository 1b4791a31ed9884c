//! `content_info` of a file: its type, and what scanners have noted of images and videos, with the keys in the recorded order.

use intake_core::notes::{Image, Video};
use intake_core::{Facts, MediaType};
use serde_json::{Map, Value, json};

/// The type of a file whose type is unknown.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

const IMAGE: &[&str] = &[
    "dpi",
    "width",
    "format",
    "height",
    "sequence",
    "color_mode",
    "orientation",
    "geo_location",
    "datetime_original",
];
const VIDEO: &[&str] = &["audio", "video", "format", "bitrate", "duration"];
const AUDIO_TRACK: &[&str] = &["codec", "bitrate", "channels", "sample_rate"];
const VIDEO_TRACK: &[&str] = &["codec", "width", "height", "bitrate", "frame_rate"];

/// What is known of a content, and whether it is an image.
pub(crate) fn content_info(facts: Option<&Facts>) -> (Value, bool) {
    let detected = facts.and_then(|facts| facts.media_type.as_ref());
    let mut info = Map::new();
    let mime = json!({
        "mime": detected.map_or(UNKNOWN, MediaType::as_str),
        "type": detected.map_or("application", MediaType::main),
        "subtype": detected.map_or("octet-stream", MediaType::sub),
    });
    info.insert("mime".to_owned(), mime);
    let image = facts.and_then(|facts| facts.note::<Image>(Image::NOTE));
    let is_image = image.is_some();
    if let Some(image) = image {
        info.insert("image".to_owned(), in_order(json!(image), IMAGE));
    }
    let video = facts.and_then(|facts| facts.note::<Video>(Video::NOTE));
    // A file of sound has none.
    if let Some(video) = video.filter(|video| !video.video.is_empty()) {
        info.insert("video".to_owned(), video_info(&video));
    }
    (Value::Object(info), is_image)
}

fn video_info(video: &Video) -> Value {
    let mut info = in_order(json!(video), VIDEO);
    for (tracks, keys) in [("audio", AUDIO_TRACK), ("video", VIDEO_TRACK)] {
        for track in info[tracks].as_array_mut().into_iter().flatten() {
            *track = in_order(track.take(), keys);
            // 30 frames are `30`, not `30.0`.
            let rate = track.get("frame_rate").and_then(Value::as_f64);
            if let Some(whole) = rate.filter(|rate| rate.fract() == 0.0 && *rate < 1e9) {
                track["frame_rate"] = json!(whole as u64);
            }
        }
    }
    info
}

/// The same object with these keys alone, in this order.
fn in_order(mut object: Value, keys: &[&str]) -> Value {
    let fields = keys.iter().map(|key| ((*key).to_owned(), object[*key].take()));
    Value::Object(fields.collect())
}

#[cfg(test)]
mod tests {
    use intake_core::Digest;
    use intake_core::notes::{AudioTrack, VideoTrack};

    use super::*;

    fn facts(note: &str, value: Value) -> Facts {
        Facts::new(3, Digest::from([0; 32])).with(|facts| {
            facts.media_type = Some("video/mp4".parse().unwrap());
            facts.notes.insert(note.to_owned(), value);
        })
    }

    #[test]
    fn an_image_is_described_with_the_recorded_keys_in_their_order() {
        let image = Image::default().with(|image| {
            image.format = "PNG".to_owned();
            (image.width, image.height) = (50, 42);
            image.color_mode = Some("RGBA".to_owned());
            image.sequence = Some(false);
        });
        let (info, is_image) = content_info(Some(&facts(Image::NOTE, json!(image))));
        assert!(is_image);
        assert_eq!(
            info.to_string(),
            concat!(
                r#"{"mime":{"mime":"video/mp4","type":"video","subtype":"mp4"},"image":{"dpi":null,"width":50,"format":"PNG","#,
                r#""height":42,"sequence":false,"color_mode":"RGBA","orientation":null,"geo_location":null,"#,
                r#""datetime_original":null}}"#
            )
        );
    }

    #[test]
    fn a_video_is_described_as_the_service_was_recorded_to_describe_it_and_a_file_of_sound_is_none() {
        let video = Video::default().with(|video| {
            video.format = "mp4".to_owned();
            (video.duration, video.bitrate) = (Some(9_433), Some(864));
            video.video.push(VideoTrack::default().with(|track| {
                track.codec = Some("h264".to_owned());
                track.frame_rate = Some(30.0);
            }));
            video
                .audio
                .push(AudioTrack::default().with(|track| track.channels = Some(1)));
        });
        let (info, is_image) = content_info(Some(&facts(Video::NOTE, json!(video))));
        assert!(!is_image);
        assert_eq!(
            info["video"].to_string(),
            concat!(
                r#"{"audio":[{"codec":null,"bitrate":null,"channels":1,"sample_rate":null}],"#,
                r#""video":[{"codec":"h264","width":null,"height":null,"bitrate":null,"frame_rate":30}],"#,
                r#""format":"mp4","bitrate":864,"duration":9433}"#
            )
        );
        let sound = video.with(|video| video.video.clear());
        let (info, _) = content_info(Some(&facts(Video::NOTE, json!(sound))));
        assert_eq!(info.get("video"), None);
        let (unknown, _) = content_info(None);
        assert_eq!(unknown["mime"]["mime"], UNKNOWN);
    }
}
