//! What a file is by its beginning, and so what it must not be as well.

use intake_core::{Head, MediaType};

/// What a file is by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Jpeg,
    Png,
    Gif,
    Webp,
    /// A file in boxes (ISO/IEC 14496-12): MP4, QuickTime, HEIC, AVIF. Anything may be in its boxes.
    Boxes,
    /// Another image.
    Image,
    Pdf,
    /// Sound, other video, fonts.
    Medium,
    /// Text and markup.
    Text,
    /// A program, or a script that begins with `#!`.
    Program,
    /// Archives and other files that hold files, files of a use that is not known, and files of no known type: no second use of
    /// them is told apart from what they hold.
    Other,
}

/// The kinds of the first box.
const BOXES: [&[u8]; 10] = [
    b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"JXL ", b"jP  ",
];

/// Types that hold files of any type, as they are.
const HOLDERS: [&str; 4] = ["video/matroska", "audio/matroska", "video/webm", "audio/webm"];

const PROGRAMS: [&str; 3] = [
    "application/vnd.microsoft.portable-executable",
    "application/x-executable",
    "application/x-mach-binary",
];

impl Host {
    /// What the first bytes say. The type that the core found counts, so that a text about a format is no file of it.
    pub(crate) fn of(head: &Head<'_>) -> Self {
        let bytes = head.bytes;
        let has_boxes = bytes.get(4..8).is_some_and(|kind| BOXES.contains(&kind));
        let name = head.media_type.map_or("", MediaType::as_str);
        let main = name.split('/').next().unwrap_or_default();
        match name {
            "image/jpeg" => Self::Jpeg,
            "image/png" => Self::Png,
            "image/gif" => Self::Gif,
            "image/webp" => Self::Webp,
            "application/pdf" => Self::Pdf,
            _ if PROGRAMS.contains(&name) => Self::Program,
            _ if bytes.starts_with(b"#!") && main != "audio" => Self::Program,
            "image/svg+xml" | "application/rtf" | "application/postscript" => Self::Text,
            // An image that has letters only is one if its sender says so: browsers take it for one.
            _ if main == "text" && is_gif(bytes) && is_called_a_medium(head) => Self::Gif,
            _ if main == "text" => Self::Text,
            // OpenRaster and others are images, and ZIP files.
            _ if HOLDERS.contains(&name) || bytes.starts_with(b"PK") => Self::Other,
            _ if has_boxes && matches!(main, "image" | "audio" | "video") => Self::Boxes,
            _ if main == "image" => Self::Image,
            _ if matches!(main, "audio" | "video" | "font") => Self::Medium,
            _ => Self::Other,
        }
    }

    /// Whether it is an image in bytes, and none in boxes.
    pub(crate) fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Gif | Self::Webp | Self::Image)
    }
}

fn is_gif(bytes: &[u8]) -> bool {
    bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a")
}

/// The endings of names that browsers and servers take for images, video, sound or PDF. A document of markup has none of them.
const MEDIA: [&str; 34] = [
    "aac", "apng", "avi", "avif", "bmp", "flac", "gif", "heic", "heif", "ico", "jfif", "jpe", "jpeg", "jpg", "jxl",
    "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "oga", "ogg", "ogv", "opus", "pdf", "png", "tif", "tiff", "wav", "weba",
    "webm", "webp", "wmv",
];

fn is_called_a_medium(head: &Head<'_>) -> bool {
    let declared = &head.upload.declared;
    let ending = declared.name.as_ref().and_then(|name| name.extension());
    let by_name = ending.is_some_and(|ending| MEDIA.contains(&ending.to_ascii_lowercase().as_str()));
    let by_type = declared.media_type.as_ref().is_some_and(|declared| {
        let is_medium = matches!(declared.main(), "image" | "audio" | "video") && !declared.sub().ends_with("+xml");
        is_medium && !["svg", "svg-xml"].contains(&declared.sub()) || declared.as_str() == "application/pdf"
    });
    by_name || by_type
}

/// Whether the content is markup, and its name or declared type says that it is an image, video, sound or PDF.
pub(crate) fn is_disguised(head: &Head<'_>) -> bool {
    let markup = ["image/svg+xml", "text/html", "text/xml"];
    let is_markup = head.media_type.is_some_and(|found| markup.contains(&found.as_str()));
    is_markup && is_called_a_medium(head)
}
