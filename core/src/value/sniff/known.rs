//! The types that can be found, so that a rule that names another one can be reported.

use file_format::{FileFormat, Kind};

use super::office;
use crate::value::aliases;
use crate::value::media_type::MediaRange;

/// Types that this crate finds itself and for which `file-format` has no name.
const OURS: [&str; 25] = [
    "application/vnd.ms-xpsdocument",
    "application/x-hdf5",
    "audio/3gpp",
    "audio/3gpp2",
    "audio/amr-wb",
    "audio/eac3",
    "audio/vnd.dts",
    "audio/webm",
    "audio/x-caf",
    "audio/x-tta",
    "audio/x-w64",
    "image/avci",
    "image/avcs",
    "image/heic",
    "image/heic-sequence",
    "image/svg+xml",
    "image/x-adobe-dng",
    "model/3mf",
    "text/html",
    "text/plain",
    "text/x-shellscript",
    "text/xml",
    "video/mp4",
    "video/quicktime",
    "video/webm",
];

/// Names of `file-format` that are never found, because another name is used: an animated PNG is found to be a PNG.
const NOT_SAID: [&str; 2] = ["application/octet-stream", "image/apng"];

/// Formats of `file-format` that are text. Their content is found to be plain text or XML.
pub(super) fn is_text(name: &str, kind: Kind) -> bool {
    name.starts_with("text/")
        || name.ends_with("+xml")
        || name.ends_with("+json")
        || matches!(kind, Kind::Playlist | Kind::Subtitle)
}

impl MediaRange {
    /// Whether content can be found to have a type in the range. A rule for a type that is never found has no effect: `text/csv`,
    /// for example, is found to be `text/plain`, because no byte tells the two apart.
    ///
    /// A name that passes may still never be found: of some formats only one variant of several is known.
    ///
    /// ```
    /// use intake_core::MediaRange;
    ///
    /// assert!("audio/x-flac".parse::<MediaRange>()?.is_ever_found());
    /// assert!(!"text/csv".parse::<MediaRange>()?.is_ever_found());
    /// # Ok::<(), intake_core::NotAMediaType>(())
    /// ```
    #[must_use]
    pub fn is_ever_found(&self) -> bool {
        match self {
            Self::All => true,
            Self::Main(main) => matches!(
                &**main,
                "application" | "audio" | "font" | "image" | "model" | "text" | "video"
            ),
            Self::One(one) => aliases::names_of(one.as_str()).any(is_found),
        }
    }
}

fn is_found(name: &str) -> bool {
    OURS.contains(&name)
        || office::has(name)
        || FileFormat::from_media_type(name)
            .iter()
            .any(|format| !is_text(name, format.kind()) && !NOT_SAID.contains(&name))
}
