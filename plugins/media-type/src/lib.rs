//! Takes or refuses media types, by content.
//!
//! What counts is what the first bytes look like. What the sender calls them is not asked: a name or a `Content-Type` is
//! one click to change, and a refusal that believes them protects nobody.
//!
//! ```
//! use intake_plugin_media_type::MediaTypes;
//!
//! let pictures = MediaTypes::allow(["image/*"])?.deny(["image/svg+xml"])?;
//! # let _ = pictures;
//! # Ok::<(), intake_core::NotAMediaType>(())
//! ```

use intake_core::{
    Code, ConfigError, Declared, Facts, FromSettings, Head, MediaRange, MediaType, NotAMediaType, Plugin, Rejection,
    Validator, Verdict,
};
use serde::Deserialize;

intake_core::inventory::submit! {
    Plugin::validator::<MediaTypes>("media-type", "takes or refuses media types, by content")
}

/// The content is of a type that is not taken, or of none that is known.
pub const TYPE_FORBIDDEN: Code = intake_core::codes::TYPE_FORBIDDEN;

/// A validator that takes contents of some types and refuses those of others.
///
/// The default takes everything.
#[derive(Clone, Debug, Default)]
pub struct MediaTypes {
    /// Empty: everything.
    allow: Vec<MediaRange>,
    deny: Vec<MediaRange>,
    unknown: Option<Unknown>,
}

/// What becomes of content that looks like nothing known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It is taken.
    Accept,
    /// It is refused.
    Refuse,
}

impl MediaTypes {
    /// Takes only what lies in one of these ranges, such as `image/*` or `application/pdf`. No range at all is every type.
    ///
    /// # Errors
    ///
    /// The first that is neither a media type nor a range.
    pub fn allow<R: AsRef<str>>(ranges: impl IntoIterator<Item = R>) -> Result<Self, NotAMediaType> {
        Ok(Self {
            allow: parse(ranges)?,
            ..Self::default()
        })
    }

    /// Refuses what lies in one of these ranges too, whatever is allowed.
    ///
    /// # Errors
    ///
    /// The first that is neither a media type nor a range.
    pub fn deny<R: AsRef<str>>(mut self, ranges: impl IntoIterator<Item = R>) -> Result<Self, NotAMediaType> {
        self.deny.extend(parse(ranges)?);
        Ok(self)
    }

    /// What becomes of content that looks like nothing known. Unless said, it is refused where only some types are allowed,
    /// and taken where all are.
    #[must_use]
    pub fn unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = Some(unknown);
        self
    }

    fn judge(&self, media_type: Option<&MediaType>) -> Verdict {
        match media_type {
            Some(media_type) if !self.takes(media_type) => {
                let message = format!("the content is {media_type}, which is not taken");
                Verdict::Reject(Rejection::new(TYPE_FORBIDDEN, message).about(media_type.as_str()))
            }
            None if !self.takes_unknown() => Verdict::reject(
                TYPE_FORBIDDEN,
                "the content is of no known type, and only known ones are taken",
            ),
            _ => Verdict::Accept,
        }
    }

    fn takes(&self, media_type: &MediaType) -> bool {
        let within = |ranges: &[MediaRange]| ranges.iter().any(|range| range.contains(media_type));
        !within(&self.deny) && (self.allow.is_empty() || within(&self.allow))
    }

    fn takes_unknown(&self) -> bool {
        match self.unknown {
            Some(unknown) => unknown == Unknown::Accept,
            None => self.allow.is_empty(),
        }
    }
}

fn parse<R: AsRef<str>>(ranges: impl IntoIterator<Item = R>) -> Result<Vec<MediaRange>, NotAMediaType> {
    ranges.into_iter().map(|range| range.as_ref().parse()).collect()
}

impl Validator for MediaTypes {
    fn head(&self, head: &Head<'_>) -> Verdict {
        self.judge(head.media_type)
    }

    /// What a document in markup is may be known only here: its root may stand behind a comment of any length.
    fn whole(&self, _declared: &Declared, facts: &Facts) -> Verdict {
        self.judge(facts.media_type.as_ref())
    }
}

/// The settings of `use = "media-type"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    allow: Vec<MediaRange>,
    #[serde(default)]
    deny: Vec<MediaRange>,
    unknown: Option<Unknown>,
}

impl FromSettings for MediaTypes {
    type Settings = Settings;

    fn from_settings(Settings { allow, deny, unknown }: Settings) -> Result<Self, ConfigError> {
        Ok(Self { allow, deny, unknown })
    }
}
