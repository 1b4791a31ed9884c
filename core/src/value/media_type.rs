//! Media types (RFC 6838), without their parameters, and ranges of them (RFC 9110, section 12.5.1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::value::aliases;

/// A media type such as `image/png`: lower case, no parameters.
///
/// ```
/// use intake_core::MediaType;
///
/// let declared: MediaType = "Image/PNG; q=1".parse()?;
/// assert_eq!(declared.as_str(), "image/png");
/// assert_eq!((declared.main(), declared.sub()), ("image", "png"));
/// # Ok::<(), intake_core::NotAMediaType>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MediaType(Box<str>);

/// RFC 6838, section 4.2 allows 127 characters on each side of the slash.
const LONGEST: usize = 255;

impl MediaType {
    /// `type/subtype`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The main type, before the slash.
    #[must_use]
    pub fn main(&self) -> &str {
        self.0.split_once('/').map_or("", |(main, _)| main)
    }

    /// The subtype, after the slash.
    #[must_use]
    pub fn sub(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, sub)| sub)
    }
}

impl FromStr for MediaType {
    type Err = NotAMediaType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NotAMediaType(text.chars().take(LONGEST).collect());
        let parsed: mime::Mime = text.trim().parse().map_err(|_| refuse())?;
        let essence = parsed.essence_str();
        if essence.len() > LONGEST || essence.contains('*') || essence.ends_with('/') {
            return Err(refuse());
        }
        Ok(Self(essence.into()))
    }
}

impl TryFrom<String> for MediaType {
    type Error = NotAMediaType;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MediaType> for String {
    fn from(media_type: MediaType) -> Self {
        media_type.0.into()
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a media type, or not a range of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a media type such as `image/png` nor a range such as `image/*`")]
pub struct NotAMediaType(String);

/// A media type or a range of them: `image/png`, `image/*`, `*/*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MediaRange {
    /// `*/*`.
    All,
    /// `image/*`: every type with this main type.
    Main(Box<str>),
    /// One type.
    One(MediaType),
}

impl MediaRange {
    /// Whether the type is in the range, by any of its names. The name of a family, such as `image/heif`, includes its members,
    /// such as `image/heic`.
    ///
    /// ```
    /// use intake_core::{MediaRange, MediaType};
    ///
    /// let images: MediaRange = "image/*".parse()?;
    /// assert!(images.contains(&"image/png".parse()?));
    /// assert!(!images.contains(&"text/html".parse()?));
    ///
    /// let lossless: MediaRange = "audio/x-flac".parse()?;
    /// assert!(lossless.contains(&"audio/flac".parse()?));
    /// # Ok::<(), intake_core::NotAMediaType>(())
    /// ```
    #[must_use]
    pub fn contains(&self, media_type: &MediaType) -> bool {
        match self {
            Self::All => true,
            Self::Main(main) => **main == *media_type.main(),
            Self::One(one) => aliases::means(one.as_str(), media_type.as_str()),
        }
    }
}

impl FromStr for MediaRange {
    type Err = NotAMediaType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(main) = text.trim().strip_suffix("/*") else {
            return text.parse().map(Self::One);
        };
        if main == "*" {
            return Ok(Self::All);
        }
        // A main type is valid here if it is valid in a media type.
        let probe: MediaType = format!("{main}/x")
            .parse()
            .map_err(|_| NotAMediaType(text.to_owned()))?;
        Ok(Self::Main(probe.main().into()))
    }
}

impl TryFrom<String> for MediaRange {
    type Error = NotAMediaType;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MediaRange> for String {
    fn from(range: MediaRange) -> Self {
        range.to_string()
    }
}

impl fmt::Display for MediaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*/*"),
            Self::Main(main) => write!(f, "{main}/*"),
            Self::One(one) => one.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_media_type_is_refused() {
        let long = format!("image/{}", "x".repeat(300));
        for text in [
            "",
            "image",
            "image/",
            "/png",
            "*/*",
            "image/*",
            "a b/c",
            "image/p\0ng",
            long.as_str(),
        ] {
            assert!(text.parse::<MediaType>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn a_range_contains_its_types() {
        let png: MediaType = "image/png".parse().unwrap();
        for (range, holds) in [
            ("*/*", true),
            ("image/*", true),
            ("IMAGE/*", true),
            ("image/png", true),
            ("image/gif", false),
            ("text/*", false),
        ] {
            assert_eq!(range.parse::<MediaRange>().unwrap().contains(&png), holds, "{range}");
        }
        for wrong in ["*", "*/png", "image*", "/*", "im age/*"] {
            assert!(wrong.parse::<MediaRange>().is_err(), "{wrong:?} was taken");
        }
    }
}
