//! `Content-Type`, whether a browser may show a file, and what it may do while it shows it.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use intake_core::{Facts, MediaRange, MediaType};
use serde::Deserialize;

/// The policy of every answer without one of its own: nothing is loaded, run or sent.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
/// Of sound and video, which the document that a browser makes around them loads again.
const MEDIA_POLICY: &str = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; img-src data:; sandbox";
/// Of PDF, whose viewers do not work in a sandbox in every browser. No script of the file's origin runs either way.
const PDF_POLICY: &str = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; img-src data:";

const PDF: &str = "application/pdf";
const PLAIN: &str = "text/plain";

/// Types that contain nothing that a browser runs, by all their names. Everything else is saved.
const INACTIVE: [&str; 32] = [
    "application/ogg",
    PDF,
    "audio/aac",
    "audio/flac",
    "audio/matroska",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "image/apng",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/heic-sequence",
    "image/heif",
    "image/heif-sequence",
    "image/jpeg",
    "image/jxl",
    "image/png",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/webp",
    PLAIN,
    "video/3gpp",
    "video/3gpp2",
    "video/matroska",
    "video/mp4",
    "video/ogg",
    "video/quicktime",
    "video/webm",
];

static SHOWN: LazyLock<Vec<MediaRange>> =
    LazyLock::new(|| INACTIVE.iter().filter_map(|name| name.parse().ok()).collect());

/// Whether a browser may show a file of this type: it contains nothing active, or the operator says so.
pub(crate) fn may_be_shown(media_type: Option<&MediaType>, also: &[MediaType]) -> bool {
    let shown = |media_type: &MediaType| SHOWN.iter().any(|range| range.contains(media_type));
    media_type.is_some_and(|media_type| shown(media_type) || also.contains(media_type))
}

/// What a browser may do with a file of this type.
pub(crate) fn policy(media_type: Option<&MediaType>) -> HeaderValue {
    HeaderValue::from_static(match media_type {
        Some(media_type) if media_type.as_str() == PDF => PDF_POLICY,
        Some(media_type)
            if matches!(media_type.main(), "audio" | "video") || media_type.as_str() == "application/ogg" =>
        {
            MEDIA_POLICY
        }
        _ => POLICY,
    })
}

/// What a scanner of texts notes under this subject.
const TEXT_NOTE: &str = "text";

#[derive(Deserialize)]
struct Text {
    encoding: String,
    is_guess: bool,
}

/// The type of the content, as it was detected. The encoding of a text is given only if a scanner has read all of it and did not
/// guess: a browser finds a better name than a wrong one.
pub(crate) fn content_type(facts: &Facts) -> HeaderValue {
    const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");
    let Some(media_type) = &facts.media_type else {
        return UNKNOWN;
    };
    let known = facts
        .note::<Text>(TEXT_NOTE)
        .filter(|text| !text.is_guess && is_name(&text.encoding));
    let value = match known.filter(|_| media_type.main() == "text") {
        Some(text) => format!("{media_type}; charset={}", text.encoding.to_ascii_lowercase()),
        None => media_type.to_string(),
    };
    HeaderValue::try_from(value).unwrap_or(UNKNOWN)
}

/// Whether a text is the name of an encoding, as far as its letters go.
fn is_name(encoding: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    !encoding.is_empty() && encoding.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use intake_core::Digest;

    use super::*;

    fn named(name: &str) -> MediaType {
        name.parse().unwrap()
    }

    #[test]
    fn no_type_that_a_browser_runs_is_shown_unless_an_operator_says_so() {
        for name in [
            "text/html",
            "image/svg+xml",
            "text/xml",
            "application/xml",
            "application/xhtml+xml",
            "text/javascript",
            "application/javascript",
            "application/json",
            "text/css",
            "text/csv",
            "application/x-shockwave-flash",
            "application/postscript",
            "application/mathml+xml",
            "text/cache-manifest",
            "application/zip",
            "text/rtf",
            "application/octet-stream",
            "message/rfc822",
            "multipart/related",
            "text/vtt",
        ] {
            assert!(!may_be_shown(Some(&named(name)), &[]), "{name}");
            assert!(may_be_shown(Some(&named(name)), &[named(name)]), "{name}");
        }
        assert!(!may_be_shown(None, &[]));
    }

    #[test]
    fn pictures_sound_video_pdf_and_plain_text_are_shown() {
        assert_eq!(SHOWN.len(), INACTIVE.len());
        for name in INACTIVE
            .into_iter()
            .chain(["image/x-icon", "audio/x-flac", "audio/mp3", "video/x-matroska"])
        {
            assert!(may_be_shown(Some(&named(name)), &[]), "{name}");
        }
    }

    #[test]
    fn no_policy_lets_a_script_run() {
        for policy in [POLICY, MEDIA_POLICY, PDF_POLICY] {
            assert!(
                policy.starts_with("default-src 'none'; ") && !policy.contains("script-src"),
                "{policy}"
            );
        }
        assert_eq!(policy(Some(&named("application/pdf"))), PDF_POLICY);
        assert_eq!(policy(Some(&named("video/mp4"))), MEDIA_POLICY);
        assert_eq!(policy(Some(&named("image/svg+xml"))), POLICY);
        assert_eq!(policy(None), POLICY);
    }

    #[test]
    fn the_encoding_of_a_text_is_given_if_it_is_known() {
        let with = |name: &str, note: Option<serde_json::Value>| {
            let facts = Facts::new(1, Digest::from([0; 32])).with(|facts| {
                facts.media_type = name.parse().ok();
                facts.notes.extend(note.map(|note| (TEXT_NOTE.to_owned(), note)));
            });
            content_type(&facts).to_str().unwrap().to_owned()
        };
        let note =
            |encoding: &str, is_guess: bool| Some(serde_json::json!({"encoding": encoding, "is_guess": is_guess}));
        assert_eq!(with("text/plain", None), "text/plain");
        assert_eq!(with("text/plain", note("UTF-8", false)), "text/plain; charset=utf-8");
        assert_eq!(with("text/plain", note("windows-1252", true)), "text/plain");
        assert_eq!(with("text/plain", note("a\"; x", false)), "text/plain");
        assert_eq!(with("image/png", note("UTF-8", false)), "image/png");
        assert_eq!(with("nothing", None), "application/octet-stream");
    }
}
