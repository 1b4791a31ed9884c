//! Accepts or refuses media types, by content.
//!
//! The type is that of the first bytes. The name and the `Content-Type` of the sender are ignored: they are easy to change, so
//! a refusal by them protects from nothing.
//!
//! ```
//! use intake_plugin_media_type::MediaTypes;
//!
//! let pictures = MediaTypes::allow(["image/*"])?.deny(["image/svg+xml"])?;
//! # let _ = pictures;
//! # Ok::<(), intake_core::NotAMediaType>(())
//! ```

use intake_core::{
    Code, ConfigError, Facts, FromSettings, Head, MediaRange, MediaType, NotAMediaType, Plugin, Rejection, UploadInfo,
    Validator, Verdict,
};
use serde::Deserialize;

intake_core::inventory::submit! {
    Plugin::validator::<MediaTypes>("media-type", "accepts or refuses media types, by content")
        .version(env!("CARGO_PKG_VERSION"))
}

/// The type of the content is not accepted, or unknown.
pub const TYPE_FORBIDDEN: Code = intake_core::codes::TYPE_FORBIDDEN;

/// A validator that accepts contents of some types and refuses those of others.
///
/// The default accepts all types.
#[derive(Clone, Debug, Default)]
pub struct MediaTypes {
    /// Empty: all types.
    allow: Vec<MediaRange>,
    deny: Vec<MediaRange>,
    unknown: Option<Unknown>,
}

/// The verdict on content of an unknown type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unknown {
    /// It is accepted.
    Accept,
    /// It is refused.
    Refuse,
}

impl MediaTypes {
    /// Accepts only types in one of these ranges, such as `image/*` or `application/pdf`. Without a range, accepts all types.
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

    /// Refuses types in one of these ranges, even if they are allowed.
    ///
    /// # Errors
    ///
    /// The first that is neither a media type nor a range.
    pub fn deny<R: AsRef<str>>(mut self, ranges: impl IntoIterator<Item = R>) -> Result<Self, NotAMediaType> {
        self.deny.extend(parse(ranges)?);
        Ok(self)
    }

    /// The verdict on content of an unknown type. Unless set, it is refused if only some types are allowed, and accepted if
    /// all are.
    #[must_use]
    pub fn unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = Some(unknown);
        self
    }

    fn judge(&self, media_type: Option<&MediaType>) -> Verdict {
        match media_type {
            Some(media_type) if !self.takes(media_type) => {
                let message = format!("the content is {media_type}, which is not taken");
                Verdict::Reject(Rejection::new(TYPE_FORBIDDEN, message).with_subject(media_type.as_str()))
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
        if head.type_may_change {
            return Verdict::Accept;
        }
        self.judge(head.media_type)
    }

    /// The type of a document in markup may be known only here: its root element may follow a comment of any length.
    fn whole(&self, _upload: &UploadInfo<'_>, facts: &Facts) -> Verdict {
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
