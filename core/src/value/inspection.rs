//! What each stage says of one content: with which plugin and engine, of how much of it, and how long that took.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::value::verdict::Rejection;

/// How much of the content a scanner read. Without it, a verdict would claim more than the scanner knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Coverage {
    /// The scanner read everything that could change its verdict.
    Whole,
    /// The scanner did not read everything, for this reason.
    Partial(String),
}

/// What one stage said of a content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The name of the stage in the pipeline.
    pub stage: String,
    /// How much of the content the verdict covers.
    pub coverage: Coverage,
    /// How many bytes were looked at, if the stage counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What looked at the content.
    #[serde(default, skip_serializing_if = "Maker::is_unknown")]
    pub maker: Maker,
    /// The engine behind the plugin, such as a virus scanner, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// Why the stage refused the content, if it did: it is in quarantine then, or was released from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Rejection>,
    /// How long the stage worked, in milliseconds, if that was measured: validators are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
}

impl Inspection {
    /// A stage that looked at everything.
    #[must_use]
    pub fn new(stage: impl Into<String>, coverage: Coverage) -> Self {
        Self {
            stage: stage.into(),
            coverage,
            bytes: None,
            maker: Maker::default(),
            engine: None,
            refusal: None,
            millis: None,
        }
    }

    /// The same, by this plugin.
    #[must_use]
    pub(crate) fn by(self, maker: &Maker) -> Self {
        Self {
            maker: maker.clone(),
            ..self
        }
    }

    /// The same, within this time.
    #[must_use]
    pub(crate) fn within(self, took: Duration) -> Self {
        Self {
            millis: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            ..self
        }
    }
}

/// The plugin that a stage was built from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Maker {
    /// The name of the plugin, as in a configuration. Empty for a stage that was built in code.
    #[serde(default, rename = "plugin")]
    pub name: String,
    /// The version of the plugin. Empty if it does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The first 16 hexadecimal digits of the SHA-256 of its settings, as the configuration has them: the same digits, the same
    /// settings. A secret that is written out there could be guessed by them; one that is named by `env` cannot.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub settings: String,
}

impl Maker {
    fn is_unknown(&self) -> bool {
        self.name.is_empty()
    }
}

impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.version.is_empty() {
            write!(f, " {}", self.version)?;
        }
        Ok(())
    }
}

/// An engine with signatures, such as a virus scanner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Engine {
    /// Its name, such as `ClamAV`.
    pub name: String,
    /// The version of its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of its signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<String>,
    /// When its signatures were made, as `YYYY-MM-DDTHH:MM:SS`. It has no time zone, because engines do not name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures_date: Option<String>,
}

impl Engine {
    /// An engine of which the name is known.
    ///
    /// ```
    /// use intake_core::inspection::Engine;
    ///
    /// let engine = Engine::named("ClamAV").with(|engine| engine.version = Some("1.4.6".to_owned()));
    /// assert_eq!(engine.to_string(), "ClamAV 1.4.6");
    /// ```
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets some of what is known.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        if let Some(signatures) = &self.signatures {
            write!(f, ", signatures {signatures}")?;
        }
        if let Some(date) = &self.signatures_date {
            write!(f, " of {date}")?;
        }
        Ok(())
    }
}

/// What a scanner that walks archives found a content to be.
///
/// Other scanners have [limits](ScanLimits) for archives, and some do not say when they stop at one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Walked {
    /// The scanner does not walk archives.
    #[default]
    Not,
    /// It is no archive.
    NoArchive,
    /// It is an archive of this extent.
    Archive(Extent),
    /// It is an archive, and how much is in it is not known, such as because it is damaged.
    Unknown,
}

impl Walked {
    /// What two scanners found together: the worse of it.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Not, known) | (known, Self::Not) => known,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Archive(one), Self::Archive(other)) => Self::Archive(Extent {
                largest_member: one.largest_member.max(other.largest_member),
                inflated: one.inflated.max(other.inflated),
                members: one.members.max(other.members),
                depth: one.depth.max(other.depth),
            }),
            (Self::Archive(extent), Self::NoArchive) | (Self::NoArchive, Self::Archive(extent)) => {
                Self::Archive(extent)
            }
            (Self::NoArchive, Self::NoArchive) => Self::NoArchive,
        }
    }
}

/// How large an archive is once everything in it is unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extent {
    /// The unpacked size in bytes of its largest member.
    pub largest_member: u64,
    /// The unpacked size in bytes of all its members.
    pub inflated: u64,
    /// How many members it has, at all levels.
    pub members: u64,
    /// How deep archives lie in archives; 1 for one without another in it.
    pub depth: u64,
}

impl Extent {
    /// Sets some of the numbers.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// What a scanner looks at of an archive, at most. It may not say when it stops there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanLimits {
    /// The unpacked size in bytes of one member.
    pub member: u64,
    /// The size in bytes of everything: the upload, and what is unpacked of it at each level.
    pub inflated: u64,
    /// The members, at all levels.
    pub members: u64,
    /// The archives within archives, of which the upload is the first.
    pub depth: u64,
}

impl Default for ScanLimits {
    /// No limits.
    fn default() -> Self {
        Self {
            member: u64::MAX,
            inflated: u64::MAX,
            members: u64::MAX,
            depth: u64::MAX,
        }
    }
}

impl ScanLimits {
    /// Sets some of the limits.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// What the scanner may not have looked at of an archive with this size in bytes and this extent.
    #[must_use]
    pub fn gap(&self, size: u64, extent: &Extent) -> Option<String> {
        // Of a packed TAR the TAR counts and its members, so each level may count all bytes once more.
        let all = extent.inflated.saturating_mul(extent.depth).saturating_add(size);
        let gap = |what: &str, is: u64, unit: &str, most: u64| {
            (is > most).then(|| format!("{what} {is} {unit}, and the scanner looks at no more than {most}"))
        };
        gap(
            "its largest member unpacks to",
            extent.largest_member,
            "bytes",
            self.member,
        )
        .or_else(|| gap("at all its levels together it has", all, "bytes", self.inflated))
        .or_else(|| gap("it has", extent.members, "members", self.members))
        .or_else(|| gap("archives lie in it", extent.depth, "deep", self.depth))
    }
}

/// Reads the inspections of a record. Earlier versions wrote only the coverage, by the name of the scanner.
pub(crate) fn as_ever<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Inspection>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Now(Vec<Inspection>),
        Earlier(BTreeMap<String, Coverage>),
    }

    Ok(match Written::deserialize(deserializer)? {
        Written::Now(inspections) => inspections,
        Written::Earlier(coverage) => {
            let inspections = coverage.into_iter();
            inspections
                .map(|(stage, coverage)| Inspection::new(stage, coverage))
                .collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_larger_than_a_scanner_looks_at_is_a_gap() {
        let limits = ScanLimits::default().with(|limits| {
            (limits.member, limits.inflated, limits.members, limits.depth) = (10, 100, 5, 2);
        });
        let extent = Extent {
            largest_member: 10,
            inflated: 40,
            members: 5,
            depth: 2,
        };
        assert_eq!(limits.gap(20, &extent), None);
        assert!(limits.gap(21, &extent).is_some(), "the upload counts, too");
        for larger in [
            extent.with(|extent| extent.largest_member = 11),
            extent.with(|extent| extent.inflated = 41),
            extent.with(|extent| extent.members = 6),
            extent.with(|extent| extent.depth = 3),
        ] {
            assert!(limits.gap(20, &larger).is_some(), "{larger:?}");
            assert_eq!(ScanLimits::default().gap(20, &larger), None);
        }
    }

    #[test]
    fn of_two_walks_the_worse_counts() {
        let [small, large] =
            [1, 2].map(|members| Walked::Archive(Extent::default().with(|extent| extent.members = members)));
        for (one, other, both) in [
            (Walked::Not, Walked::Not, Walked::Not),
            (Walked::Not, Walked::NoArchive, Walked::NoArchive),
            (Walked::NoArchive, small, small),
            (small, large, large),
            (large, Walked::Unknown, Walked::Unknown),
            (Walked::NoArchive, Walked::Unknown, Walked::Unknown),
        ] {
            assert_eq!((one.and(other), other.and(one)), (both, both));
        }
    }
}
