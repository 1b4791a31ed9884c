//! The name that a sender gives a file. It is read once, where it arrives, so that rules, answers, URLs and logs all use the same
//! name.

use std::fmt;
use std::ops::Deref;

use encoding_rs::WINDOWS_1252;
use serde::{Deserialize, Serialize};

/// A file's name as its sender gave it, made safe to keep: the last step of a path, at most [`FileName::MAX_BYTES`] long,
/// without control characters, never empty, `.` or `..`.
///
/// A name is a claim of the sender: rules judge it, and answers show it. It never becomes part of a path: see [`Key`](crate::Key).
///
/// ```
/// use intake_core::FileName;
///
/// let name = FileName::new(r"C:\photos\holiday (1).JPG").expect("it has a last step");
/// assert_eq!(name.as_str(), "holiday (1).JPG");
/// assert_eq!(name.extension(), Some("JPG"));
/// assert_eq!(name.ascii(), "holiday1.JPG");
///
/// // A name that is too long is cut in front of its ending.
/// let long = FileName::new(&format!("{}.png", "x".repeat(300))).expect("it has a last step");
/// assert!(long.as_str().len() == 255 && long.extension() == Some("png"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(Box<str>);

impl FileName {
    /// The longest name, in bytes of UTF-8: what file systems take (`NAME_MAX` of POSIX systems).
    pub const MAX_BYTES: usize = 255;

    /// The longest ending that a cut keeps, in bytes including its dot. Programs use no longer one.
    const MAX_ENDING: usize = 64;

    /// Reads a name: the last step of a path with `/` or `\`, without white space around it. Control characters become U+FFFD. A
    /// name that is too long is cut before its ending.
    ///
    /// `None` if no name is left.
    #[must_use]
    pub fn new(sent: &str) -> Option<Self> {
        let path = sent.trim().trim_end_matches(SEPARATORS);
        let step = path.rsplit(SEPARATORS).next().unwrap_or_default().trim();
        // Judged as it is kept: a cut may leave dots only.
        let name = cut(step.replace(char::is_control, "\u{FFFD}"));
        (!matches!(name.as_str(), "" | "." | "..")).then(|| Self(name.into()))
    }

    /// Reads a name from bytes. It decodes them as UTF-8, or else as Windows-1252, as browsers decode text whose encoding is not
    /// declared (WHATWG Encoding). So every name can be read, and keeps its ending.
    #[must_use]
    pub fn from_bytes(sent: &[u8]) -> Option<Self> {
        match str::from_utf8(sent) {
            Ok(text) => Self::new(text),
            Err(_) => Self::new(&WINDOWS_1252.decode_without_bom_handling(sent).0),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text after the last dot, if there is any. Dots and spaces at the end do not count: some systems drop them.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        ending(&self.0)
    }

    /// The name for a URL: only `A-Z`, `a-z`, `0-9` and `_` before and after its last dot. A stem of which nothing is left becomes
    /// `noroot`. The service that clients know writes names in this way (`docs/upload-api.md`, "File names").
    #[must_use]
    pub fn ascii(&self) -> String {
        let keep = |part: &str| {
            part.chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect()
        };
        let (stem, ending) = match self.0.rsplit_once('.') {
            Some((stem, ending)) => (keep(stem), keep(ending)),
            None => (keep(&self.0), String::new()),
        };
        let stem = if stem.is_empty() { NO_STEM.to_owned() } else { stem };
        if ending.is_empty() {
            stem
        } else {
            format!("{stem}.{ending}")
        }
    }

    /// Every ending that a program might use: that of the name as it was sent, that of its form for a URL, and the one that NTFS
    /// finds before a colon. Endings are in lower case. An empty one means that the name has no ending.
    pub(crate) fn endings(&self) -> Endings {
        let lower = |ending: Option<&str>| ending.unwrap_or_default().to_lowercase();
        let stream = self.0.split_once(':').and_then(|(file, _)| ending(file));
        Endings {
            sent: lower(self.extension()),
            in_address: lower(ending(&self.ascii())),
            before_colon: stream.map(str::to_lowercase),
        }
    }
}

/// The endings of one name: see [`FileName::endings`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Endings {
    pub(crate) sent: String,
    pub(crate) in_address: String,
    pub(crate) before_colon: Option<String>,
}

const SEPARATORS: [char; 2] = ['/', '\\'];
const NO_STEM: &str = "noroot";

fn ending(name: &str) -> Option<&str> {
    let (_, ending) = name.trim_end_matches(['.', ' ']).rsplit_once('.')?;
    (!ending.is_empty()).then_some(ending)
}

fn cut(name: String) -> String {
    if name.len() <= FileName::MAX_BYTES {
        return name;
    }
    let dot = name.rfind('.').filter(|dot| name.len() - dot <= FileName::MAX_ENDING);
    let (stem, ending) = name.split_at(dot.unwrap_or(name.len()));
    let room = FileName::MAX_BYTES - ending.len();
    let stem = stem[..stem.floor_char_boundary(room)].trim_end();
    format!("{stem}{ending}")
}

impl fmt::Debug for FileName {
    /// Writes the name in quotes and escaped, so that no name breaks a log line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Deref for FileName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0.into()
    }
}

/// The text names no file: its last step is empty, `.` or `..`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text names no file")]
pub struct NotAFileName;

/// Reads the name in a record. One that an earlier version kept, and that is none by the rules of today, is left out: a record
/// must not become unreadable because of it.
pub(crate) fn if_it_is_one<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<FileName>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    Ok(name.and_then(|name| FileName::new(&name)))
}

impl TryFrom<String> for FileName {
    type Error = NotAFileName;

    fn try_from(text: String) -> Result<Self, NotAFileName> {
        Self::new(&text).ok_or(NotAFileName)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(sent: &str) -> FileName {
        FileName::new(sent).unwrap_or_else(|| panic!("{sent:?} is a name"))
    }

    #[test]
    fn an_address_has_names_as_the_service_was_recorded_to_write_them() {
        for (original, expected) in [
            (
                "WhatsApp Image 2023-06-26 at 8.56.32 AM.jpeg",
                "WhatsAppImage20230626at85632AM.jpeg",
            ),
            ("instellar_logo_main (1).png", "instellar_logo_main1.png"),
            ("Северина_паспорт.pdf", "_.pdf"),
            ("Щедрин Евгений.pdf", "noroot.pdf"),
            ("-17.0°С (2).png", "1702.png"),
            ("2250", "2250"),
            ("IMG-0412_123.JPG", "IMG0412_123.JPG"),
            ("gar\u{e7}on.txt", "garon.txt"),
            ("garc\u{327}on.txt", "garcon.txt"),
            // These follow the same rule, and are not recorded.
            (".htaccess", "noroot.htaccess"),
            ("name.", "name"),
        ] {
            assert_eq!(name(original).ascii(), expected, "{original:?}");
        }
    }

    #[test]
    fn a_path_is_only_its_last_step() {
        for (sent, expected) in [
            ("../../x", Some("x")),
            ("/etc/passwd", Some("passwd")),
            ("C:\\fake path\\photo.png", Some("photo.png")),
            ("photo\\", Some("photo")),
            ("a/", Some("a")),
            (" photo.png ", Some("photo.png")),
            ("a\r\nb.png", Some("a\u{FFFD}\u{FFFD}b.png")),
            ("a/..", None),
            ("..", None),
            (".", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(FileName::new(sent).as_ref().map(FileName::as_str), expected, "{sent:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        for (sent, ending) in [
            ("文".repeat(120) + ".exe", Some("exe")),
            ("x".repeat(252) + ".exe", Some("exe")),
            ("x".repeat(300) + ".tar.gz", Some("gz")),
            // An ending as long as this is not kept as one.
            ("x.".to_owned() + &"y".repeat(300), None),
            ("x".repeat(300), None),
        ] {
            let name = name(&sent);
            assert!(name.as_str().len() <= FileName::MAX_BYTES, "{name:?}");
            let first: String = name.as_str().chars().take(60).collect();
            assert!(sent.starts_with(&first), "{name:?}");
            if let Some(ending) = ending {
                assert_eq!(name.extension(), Some(ending));
            }
        }
    }

    #[test]
    fn a_cut_that_leaves_dots_only_leaves_no_name() {
        let gap = " ".repeat(300);
        for sent in [format!(".{gap}x"), format!("..{gap}x"), format!(".{gap}.")] {
            assert_eq!(FileName::new(&sent), None, "{sent:?}");
        }
        // As the fuzzer found it: spaces of Windows-1252.
        assert_eq!(
            FileName::from_bytes(&[b".".as_slice(), &[0xA0; 130], b"x"].concat()),
            None
        );
    }

    #[test]
    fn a_record_whose_name_is_none_any_more_can_be_read() {
        for name in [".", "..", "", " "] {
            let json = serde_json::json!({"name": name, "size": 1, "media_type": null});
            let declared: crate::Declared = serde_json::from_value(json).unwrap();
            assert_eq!((declared.name, declared.size), (None, Some(1)), "{name:?}");
        }
        let declared: crate::Declared = serde_json::from_str("{}").unwrap();
        assert_eq!(declared.name, None);
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_read_as_windows_1252() {
        for (sent, expected) in [
            (b"na\xefve.png".as_slice(), "naïve.png"),
            ("naïve.png".as_bytes(), "naïve.png"),
            (b"\xd6\xd0\xce\xc4.png", "ÖÐÎÄ.png"),
            (b"\xe4.png", "ä.png"),
        ] {
            let name = FileName::from_bytes(sent).expect("a name");
            assert_eq!(name.as_str(), expected);
        }
    }

    #[test]
    fn every_ending_that_a_program_might_go_by_is_known() {
        for (sent, expected) in [
            ("x.EXE", ["exe", "exe"]),
            ("x.e-xe", ["e-xe", "exe"]),
            ("x.exe#", ["exe#", "exe"]),
            ("x.exe\u{200B}", ["exe\u{200B}", "exe"]),
            ("x.éexe", ["éexe", "exe"]),
            ("x.exe. .", ["exe", ""]),
            ("x", ["", ""]),
        ] {
            let endings = name(sent).endings();
            assert_eq!([endings.sent, endings.in_address], expected, "{sent:?}");
        }
        assert_eq!(name("x.exe::$DATA").endings().before_colon.as_deref(), Some("exe"));
    }

    #[test]
    fn a_log_shows_a_name_on_one_line() {
        assert_eq!(format!("{:?}", name("a\u{202E}gnp.exe")), r#""a\u{202e}gnp.exe""#);
    }

    proptest! {
        #[test]
        fn a_name_that_was_made_stays_as_it_is(sent in "(?s).{0,300}") {
            if let Some(name) = FileName::new(&sent) {
                prop_assert_eq!(FileName::new(name.as_str()), Some(name.clone()));
                prop_assert!(!name.as_str().is_empty() && name.as_str().len() <= FileName::MAX_BYTES);
                prop_assert!(!name.as_str().contains(['/', '\\']) && !name.as_str().contains(char::is_control));
            }
        }
    }
}
