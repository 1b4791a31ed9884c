//! Which types can be found at all, so that a rule that names another can be told from one that works.

use file_format::{FileFormat, Kind};

use super::office;
use crate::value::aliases;
use crate::value::media_type::MediaRange;

/// Types that are told by a look of our own, where `file-format` has no such name.
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

/// Names of `file-format` that are not said of content that it tells apart: a PNG that moves is found to be a PNG.
const NOT_SAID: [&str; 2] = ["application/octet-stream", "image/apng"];

/// What of `file-format` is text, whatever its name is: such content is found to be plain text or XML.
pub(super) fn is_text(name: &str, kind: Kind) -> bool {
    name.starts_with("text/")
        || name.ends_with("+xml")
        || name.ends_with("+json")
        || matches!(kind, Kind::Playlist | Kind::Subtitle)
}

impl MediaRange {
    /// Whether content is ever found to lie in the range. A rule that names a type that no content is found to be does nothing:
    /// `text/csv`, for example, is found to be `text/plain`, as no byte tells the two apart.
    ///
    /// Not every name that passes is found: of some formats only one variant of several is known.
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
