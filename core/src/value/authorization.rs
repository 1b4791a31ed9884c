//! What authorized an upload: a secret of its project, or a token that was signed with one. It is recorded with the upload and
//! checked again at the commit, because rules and secrets may have changed by then.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::value::codes;
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::media_type::MediaRange;
use crate::value::verdict::Rejection;

/// What authorized an upload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Authorization {
    /// The [fingerprint](crate::project::ProjectSecret::fingerprint) of the secret that made the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// What the token grants, if a token authorized the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// Whether it authorized a fetch job, and this upload is an attempt of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", rename = "ordered")]
    pub via_fetch_job: bool,
}

impl Authorization {
    /// Sets some of what authorized the upload.
    ///
    /// ```
    /// use intake_core::Authorization;
    ///
    /// let authorization = Authorization::default().with(|authorization| authorization.via_fetch_job = true);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// What a token grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grant {
    /// The id of the token, unique among the tokens of its project.
    pub id: String,
    /// A second name, which the maker of the token chose. Either name can be used to revoke the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many uploads it authorizes. `None`: any number until it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// The fewest bytes that a file may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_size: Option<u64>,
    /// The most bytes that a file may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// The allowed media types, by content. If the list is empty, every type is allowed that the project allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<MediaRange>,
    /// Metadata for the file. It replaces metadata of the sender with the same name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// How long to keep the file. It replaces what the sender asks for.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "wish")]
    pub retention: Option<Retention>,
    /// How long the file is kept at most, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stays: Option<u64>,
    /// When the token expires. Uploads that began before may be completed.
    pub expires: SystemTime,
    /// When uploads that the token authorized must be complete. `None`: no such bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_by: Option<SystemTime>,
}

impl Grant {
    /// What the token with this id grants if it restricts nothing but the time.
    pub fn new(id: impl Into<String>, expires: SystemTime) -> Self {
        Self {
            id: id.into(),
            name: None,
            uses: None,
            min_size: None,
            max_size: None,
            types: Vec::new(),
            metadata: BTreeMap::new(),
            retention: None,
            stays: None,
            expires,
            complete_by: None,
        }
    }

    /// Sets some of what the token grants.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use intake_core::Grant;
    ///
    /// let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    /// let once = Grant::new("token-1", in_an_hour).with(|grant| grant.uses = Some(1));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Whether one of these names is the id or the second name of the token.
    #[must_use]
    pub fn is_among(&self, names: &[String]) -> bool {
        let is_ours = |name: &String| *name == self.id || self.name.as_ref() == Some(name);
        names.iter().any(is_ours)
    }

    /// Checks whether uploads that the token authorized may still be completed.
    ///
    /// # Errors
    ///
    /// If they may not.
    pub fn still_holds(&self, now: SystemTime) -> Result<(), Rejection> {
        if self.complete_by.is_some_and(|by| by <= now) {
            let message = "the token of this upload had a time to complete it by, which is over";
            return Err(Rejection::new(codes::SIGNATURE_EXPIRED, message).with_subject(&self.id));
        }
        Ok(())
    }

    /// The lifetime of the file, given the lifetime `usual` that it has without the token.
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

/// Adds the metadata of the token to that of the sender. The token wins if both have a name.
#[must_use]
pub fn with_granted(
    mut metadata: BTreeMap<String, String>,
    authorization: Option<&Authorization>,
) -> BTreeMap<String, String> {
    if let Some(grant) = authorization.and_then(|authorization| authorization.grant.as_ref()) {
        metadata.extend(grant.metadata.clone());
    }
    metadata
}
