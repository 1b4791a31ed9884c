//! The names of the supported formats.

use intake_core::MediaType;

/// A supported format, or several that one reader tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// MPEG audio, ADTS or FLAC, maybe behind a tag of ID3.
    Frames,
    Matroska,
    Mp4,
    Ogg,
    Transport,
    Wave,
}

impl Format {
    pub(crate) fn of(media_type: &MediaType) -> Option<Self> {
        Some(match media_type.as_str() {
            "audio/aac" | "audio/flac" | "audio/mpeg" => Self::Frames,
            "audio/matroska" | "audio/webm" | "video/matroska" | "video/webm" => Self::Matroska,
            "audio/3gpp" | "audio/3gpp2" | "audio/mp4" | "video/3gpp" | "video/3gpp2" | "video/mp4"
            | "video/quicktime" => Self::Mp4,
            "application/ogg" | "audio/ogg" | "video/ogg" => Self::Ogg,
            "video/mp2t" => Self::Transport,
            "audio/wav" => Self::Wave,
            _ => return None,
        })
    }
}
