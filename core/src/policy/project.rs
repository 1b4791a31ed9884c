//! Projects: whose uploads are taken, and by which rules. Pure: where projects come from is in `directory`.
//!
//! A project's key may come behind its file, so the rules are judged at the commit, on facts. Where the key is known before,
//! they are judged before too, which saves everyone the bytes.

use crate::value::lifetime::Door;
use std::time::{Duration, SystemTime};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::record::books::Quota;
use crate::value::codes;
use crate::value::config_error::ConfigError;
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::media_type::MediaRange;
use crate::value::pass::Pass;
pub use crate::value::pass::with_granted;
pub use crate::value::rate::Rate;
use crate::value::secret::Secret;
use crate::value::settings::Settings;
use crate::value::verdict::Rejection;

/// One product's place: its uploads are its own, and its rules hold for them alone. What is not said here is as the
/// pipeline has it for everyone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// What its clients send with every request. Not a secret. 1 to 64 letters, digits, `-`, `_` and `.`.
    pub public_key: String,
    /// Whether its uploads are taken, and why not.
    #[serde(default)]
    pub standing: Standing,
    /// What uploads may be signed with, and tokens. Several, so that one can be replaced while another works.
    #[serde(default)]
    pub secrets: Vec<ProjectSecret>,
    /// Whether every upload has to be let in by a signature or a token of one of the secrets.
    #[serde(default)]
    pub signed_uploads: bool,
    /// Whether signatures of the older kind are taken too (MD5; see wire facts, section 7).
    #[serde(default)]
    pub legacy_signatures: bool,
    /// Tokens that let nobody in any more, by their ids.
    #[serde(default)]
    pub revoked_tokens: Vec<String>,
    /// What it means if a sender asks for `auto`; if not said, what the expirer does by default.
    #[serde(default)]
    pub autostore: Option<Autostore>,
    /// The origins of pages that may upload, such as `https://example.com`. None at all is any.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Bytes of one file, whichever way it comes.
    #[serde(default)]
    pub max_size: Option<ByteSize>,
    /// Bytes of a file that comes in one request.
    #[serde(default)]
    pub max_direct_size: Option<ByteSize>,
    /// Bytes of a file that comes in parts.
    #[serde(default)]
    pub max_multipart_size: Option<ByteSize>,
    /// Bytes of a file that is fetched from elsewhere.
    #[serde(default)]
    pub max_url_size: Option<ByteSize>,
    /// The types that are taken, by content. None at all is every type.
    #[serde(default)]
    pub allow_types: Vec<MediaRange>,
    /// The types that are refused, by content, whatever is allowed.
    #[serde(default)]
    pub forbid_types: Vec<MediaRange>,
    /// The endings of names that are taken, without their dot. None at all is every name.
    #[serde(default)]
    pub allow_extensions: Vec<String>,
    /// The endings of names that are refused, whatever is allowed.
    #[serde(default)]
    pub forbid_extensions: Vec<String>,
    /// Names of metadata that a file may have.
    #[serde(default)]
    pub max_metadata_keys: Option<usize>,
    /// Characters of such a name.
    #[serde(default)]
    pub max_metadata_key_length: Option<usize>,
    /// Characters of such a value.
    #[serde(default)]
    pub max_metadata_value_length: Option<usize>,
    /// Files in a group.
    #[serde(default)]
    pub max_group_files: Option<usize>,
    /// Groups that it may have in all.
    #[serde(default)]
    pub max_groups: Option<u64>,
    /// How long a group stays from when it is made.
    #[serde(default, with = "humantime_serde")]
    pub keep_groups: Option<Duration>,
    /// How long a file stays that nobody asked to keep.
    #[serde(default, with = "humantime_serde")]
    pub keep_unstored: Option<Duration>,
    /// How long a file stays that somebody asked to keep.
    #[serde(default, with = "humantime_serde")]
    pub keep_stored: Option<Duration>,
    /// The store that its bytes go to, by its name in `[[stores]]`; if not said, `[store]`.
    #[serde(default)]
    pub store: Option<String>,
    /// What the keys of its bytes begin with in that store: 1 to 32 lower-case letters and digits.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Bytes that it may have in all; uploads under way count.
    #[serde(default)]
    pub max_stored: Option<ByteSize>,
    /// Files that it may have in all; uploads under way count.
    #[serde(default)]
    pub max_files: Option<u64>,
    /// Requests that it may make, such as `600/min`.
    #[serde(default)]
    pub max_requests: Option<Rate>,
    /// Uploads that one node takes of it at a time.
    #[serde(default)]
    pub max_uploads: Option<usize>,
}

/// A secret of a project's.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { name = \"2026\", secret = { env = \"SHOP_SECRET\" } }"
)]
pub struct ProjectSecret {
    /// What people call it.
    pub name: String,
    /// The secret itself.
    pub secret: Secret,
}

impl ProjectSecret {
    /// What a record says of the secret that has let an upload in: enough to know it again, and not to guess it.
    ///
    /// # Errors
    ///
    /// If the secret could not be fetched.
    pub fn fingerprint(&self) -> Result<String, ConfigError> {
        const BYTES: usize = 8;
        self.secret.expose(|secret| {
            let mut hasher = Sha256::new();
            hasher.update(b"intake secret\0");
            hasher.update(secret.as_bytes());
            hex::encode(&hasher.finalize()[..BYTES])
        })
    }
}

/// Whether a project's uploads are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// They are.
    #[default]
    Active,
    /// Not until an operator says otherwise.
    Blocked,
    /// Not until it is paid for.
    Unpaid,
    /// Not until it has more room.
    LimitsExceeded,
    /// It is marked as removed: nothing is taken, and nothing that it has is told of. Its files stay until they expire or somebody
    /// deletes them.
    Removed,
}

impl Standing {
    /// Why uploads are not taken; `None` if they are.
    #[must_use]
    pub fn refusal(self, key: &str) -> Option<Rejection> {
        let (code, message) = match self {
            Self::Active => return None,
            Self::Blocked => (codes::PROJECT_BLOCKED, "the project is blocked"),
            Self::Unpaid => (codes::PROJECT_UNPAID, "the project is blocked for non payment"),
            Self::LimitsExceeded => (codes::PROJECT_LIMITS, "the project has reached its limits"),
            Self::Removed => (codes::PROJECT_REMOVED, "the project is marked as removed"),
        };
        Some(Rejection::new(code, message).about(key))
    }
}

/// What a project does where a sender leaves it to it how long a file is kept (wire facts, section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Autostore {
    /// Keeps the file.
    On,
    /// Keeps it for a while only.
    Off,
    /// Refuses to be asked.
    Forbidden,
}

impl Project {
    /// A project of this key that anybody who knows it may upload to, with no rules of its own.
    ///
    /// # Panics
    ///
    /// If it is no key: see [`Project::public_key`].
    #[must_use]
    pub fn new(public_key: impl Into<String>) -> Self {
        let settings = Map::from_iter([("public_key".to_owned(), Value::String(public_key.into()))]);
        match Self::from_settings(Settings::new(settings)) {
            Ok(project) => project,
            Err(error) => panic!("{error}"),
        }
    }

    /// What it may have in all.
    #[must_use]
    pub fn quota(&self) -> Quota {
        Quota {
            bytes: self.max_stored.map(|size| size.as_u64()),
            files: self.max_files,
        }
    }

    /// Bytes that a file may have which comes this way, if the project bounds that.
    #[must_use]
    pub fn at_most(&self, door: Door) -> Option<u64> {
        let of_door = match door {
            Door::Direct => self.max_direct_size,
            Door::Parts => self.max_multipart_size,
            Door::Pull => self.max_url_size,
        };
        let sizes = [self.max_size, of_door];
        sizes.into_iter().flatten().map(|size| size.as_u64()).min()
    }

    /// Whether it lets an upload in now, and whether what has let it in still holds.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn lets_in(&self, pass: Option<&Pass>, now: SystemTime) -> Result<(), Rejection> {
        if let Some(refusal) = self.standing.refusal(&self.public_key) {
            return Err(refusal);
        }
        let secret = pass.and_then(|pass| pass.secret.as_deref());
        if self.signed_uploads && secret.is_none() {
            let message = "uploads of this project have to be signed";
            return Err(Rejection::new(codes::SIGNATURE_MISSING, message));
        }
        if let Some(fingerprint) = secret
            && !self
                .secrets
                .iter()
                .any(|secret| secret.fingerprint().is_ok_and(|known| known == fingerprint))
        {
            let message = "the secret that this upload was signed with was revoked";
            let rejection = Rejection::new(codes::SIGNATURE_INVALID, message);
            let token = pass.and_then(|pass| pass.grant.as_ref());
            return Err(token
                .into_iter()
                .fold(rejection, |rejection, token| rejection.about(&token.id)));
        }
        match pass.and_then(|pass| pass.grant.as_ref()) {
            Some(grant) if grant.is_among(&self.revoked_tokens) => {
                let message = "the token of this upload was revoked";
                Err(Rejection::new(codes::TOKEN_REVOKED, message).about(&grant.id))
            }
            Some(grant) => grant.still_holds(now),
            None => Ok(()),
        }
    }

    /// How long its files stay, where the expirer says this.
    #[must_use]
    pub fn lifetime(&self, usual: Lifetime, now: SystemTime) -> Lifetime {
        let period = if usual.kept {
            self.keep_stored
        } else {
            self.keep_unstored
        };
        match period {
            None => usual,
            Some(period) => Lifetime {
                expires: now.checked_add(period),
                ..usual
            },
        }
    }

    /// What it takes a sender to wish for who leaves it to the project. `None`: it refuses to be asked.
    #[must_use]
    pub fn auto(&self) -> Option<Retention> {
        match self.autostore {
            None => Some(Retention::Default),
            Some(Autostore::On) => Some(Retention::Keep),
            Some(Autostore::Off) => Some(Retention::Temporary),
            Some(Autostore::Forbidden) => None,
        }
    }
}

/// Settings of a project as somebody may see them: its secrets by name only.
#[must_use]
pub fn shown(settings: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = settings.clone();
    if let Some(Value::Array(secrets)) = shown.get_mut("secrets") {
        for secret in secrets.iter_mut().filter_map(Value::as_object_mut) {
            if secret.get("secret").is_some_and(Value::is_string) {
                secret.insert("secret".to_owned(), Value::String("(not shown)".to_owned()));
            }
        }
    }
    shown
}
