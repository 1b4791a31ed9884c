//! What has let an upload in: a secret of its project's, or a token made with one. It is recorded with the upload, and looked
//! at again when the upload is committed, as rules and secrets may have changed by then.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::value::codes;
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::media_type::MediaRange;
use crate::value::verdict::Rejection;

/// What has let an upload in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The secret that signed, by its [fingerprint](crate::project::ProjectSecret::fingerprint).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// What a token has granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// Whether it has let an order in, of which this is, or is going to be, the upload.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ordered: bool,
}

/// What a token grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Names the token among those of its project.
    pub id: String,
    /// Another name, which its maker gave it: it is revoked by either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Uploads that it may let in. `None`: as many as come before it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// Bytes that a file has to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_size: Option<u64>,
    /// Bytes that a file may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// Types that are taken, by content. None at all is every type that the project takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<MediaRange>,
    /// Metadata that the file gets, over whatever its sender says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// How long the file is to be kept, over whatever its sender says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Retention>,
    /// How long the file stays at most; in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stays: Option<u64>,
    /// When it lets nobody in any more. Uploads that began before may be completed.
    pub expires: SystemTime,
    /// When uploads that it has let in have to be complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_by: Option<SystemTime>,
}

impl Grant {
    /// Whether one of these names is the token's.
    #[must_use]
    pub fn is_among(&self, names: &[String]) -> bool {
        let is_ours = |name: &String| *name == self.id || self.name.as_ref() == Some(name);
        names.iter().any(is_ours)
    }

    /// Whether what it has let in may still be completed.
    ///
    /// # Errors
    ///
    /// That it may not.
    pub fn still_holds(&self, now: SystemTime) -> Result<(), Rejection> {
        if self.complete_by.is_some_and(|by| by <= now) {
            let message = "the token of this upload had a time to complete it by, which is over";
            return Err(Rejection::new(codes::SIGNATURE_EXPIRED, message).about(&self.id));
        }
        Ok(())
    }

    /// How long the file stays, where it would stay so long without the token.
    #[must_use]
    pub fn lifetime(&self, usual: Lifetime, now: SystemTime) -> Lifetime {
        let Some(end) = self
            .stays
            .and_then(|seconds| now.checked_add(Duration::from_secs(seconds)))
        else {
            return usual;
        };
        let expires = usual.expires.map_or(end, |expires| expires.min(end));
        Lifetime {
            expires: Some(expires),
            ..usual
        }
    }
}

/// Metadata as a token wants it: what it names is as it says.
#[must_use]
pub fn with_granted(mut metadata: BTreeMap<String, String>, pass: Option<&Pass>) -> BTreeMap<String, String> {
    if let Some(grant) = pass.and_then(|pass| pass.grant.as_ref()) {
        metadata.extend(grant.metadata.clone());
    }
    metadata
}
