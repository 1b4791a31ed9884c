//! The notes that scanners make and adapters show. They are plain data, so that scanners and adapters do not depend on each other.

use serde::{Deserialize, Serialize};

/// What is known about an image. The fields and values are those of `image_info` (`docs/upload-api.md`, "What is known of a
/// file").
///
/// `None` means unknown, not "no": either the image does not contain the value, or the scanner did not read it. In the second case
/// the coverage of the scan says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Image {
    /// The format's common short name in capitals, such as `JPEG`, `PNG`, `GIF`, `WEBP`, `TIFF`, `HEIF`, `JXL`, `ICO`.
    pub format: String,
    /// The width in pixels, as shown (after the orientation is applied).
    pub width: u32,
    /// The height in pixels, as shown.
    pub height: u32,
    /// The color mode: `RGB`, `RGBA`, `L`, `LA`, `P`, `CMYK`, `YCbCr`, ...
    pub color_mode: Option<String>,
    /// The EXIF orientation, 1 to 8.
    pub orientation: Option<u8>,
    /// Dots per inch, across and down.
    pub dpi: Option<(u32, u32)>,
    /// Where the image was taken.
    pub geo_location: Option<GeoLocation>,
    /// When the image was taken, `YYYY-MM-DDTHH:MM:SS`. It has no time zone, because cameras do not write one.
    pub datetime_original: Option<String>,
    /// Whether the image has more than one frame. `None` if the scanner did not read enough to tell.
    pub sequence: Option<bool>,
}

impl Image {
    /// The subject of this note in [`Facts::notes`](crate::Facts::notes).
    pub const NOTE: &'static str = "image";

    /// Sets some of what is known.
    ///
    /// ```
    /// use intake_core::notes::Image;
    ///
    /// let image = Image::default().with(|image| {
    ///     image.format = "PNG".to_owned();
    ///     (image.width, image.height) = (3, 2);
    /// });
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// What is known about a file of video, of sound, or of both. The fields and values are those of `content_info.video`
/// (`docs/upload-api.md`, "What is known of a file").
///
/// `None` means unknown, not zero: either the file does not contain the value, or the scanner did not read it. In the second case
/// the coverage of the scan says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Video {
    /// The short name of the container format that FFmpeg uses, such as `mp4` (QuickTime too), `webm`, `matroska`, `mpegts`, `ogg`,
    /// `mp3`, `wav`, `flac`, `aac`.
    pub format: String,
    /// How long the file plays, in milliseconds.
    pub duration: Option<u64>,
    /// All bytes of the file, in kilobits for each second that it plays.
    pub bitrate: Option<u64>,
    /// The video tracks in the order of the file. There is none in a file of sound.
    pub video: Vec<VideoTrack>,
    /// The audio tracks in the order of the file.
    pub audio: Vec<AudioTrack>,
}

impl Video {
    /// The subject of this note in [`Facts::notes`](crate::Facts::notes).
    pub const NOTE: &'static str = "video";

    /// Sets some of what is known.
    ///
    /// ```
    /// use intake_core::notes::{Video, VideoTrack};
    ///
    /// let video = Video::default().with(|video| {
    ///     video.format = "mp4".to_owned();
    ///     video.duration = Some(9_433);
    ///     video.video.push(VideoTrack::default().with(|track| (track.width, track.height) = (Some(360), Some(480))));
    /// });
    /// assert_eq!(video.audio, []);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// What is known about a video track. `None` means unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VideoTrack {
    /// The short name of the codec that FFmpeg uses, such as `h264`, `hevc`, `av1`, `vp8`, `vp9`.
    pub codec: Option<String>,
    /// The width in square pixels, as shown: pixels that are not square are stretched, and the rotation is applied.
    pub width: Option<u32>,
    /// The height in pixels, as shown.
    pub height: Option<u32>,
    /// Frames for each second, on average, with at most three decimals.
    pub frame_rate: Option<f64>,
    /// The bytes of the track, in kilobits for each second.
    pub bitrate: Option<u64>,
}

impl VideoTrack {
    /// Sets some of what is known. [`Video::with`] has an example.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// What is known about an audio track. `None` means unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AudioTrack {
    /// The short name of the codec that FFmpeg uses, such as `aac`, `mp3`, `opus`, `vorbis`, `flac`, `pcm_s16le`.
    pub codec: Option<String>,
    /// The number of channels, such as 2 for stereo.
    pub channels: Option<u32>,
    /// Samples for each second.
    pub sample_rate: Option<u32>,
    /// The bytes of the track, in kilobits for each second.
    pub bitrate: Option<u64>,
}

impl AudioTrack {
    /// Sets some of what is known.
    ///
    /// ```
    /// use intake_core::notes::AudioTrack;
    ///
    /// let track = AudioTrack::default().with(|track| track.channels = Some(2));
    /// # let _ = track;
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// A position in degrees (WGS 84); south and west are negative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GeoLocation {
    /// -90 to 90.
    pub latitude: f64,
    /// -180 to 180.
    pub longitude: f64,
}

impl GeoLocation {
    /// The position with this latitude and longitude.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Self {
        Self { latitude, longitude }
    }
}
