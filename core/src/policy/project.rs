//! Projects and their rules. Pure: `provider` has the sources of projects.
//!
//! A request may name its project after the file. So the rules are checked at the commit, on the facts. If the project is known
//! before, they are checked early too, so that a refused upload is not read to its end.

use crate::value::lifetime::UploadMethod;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::record::account::Quota;
use crate::value::authorization::Authorization;
pub use crate::value::authorization::with_granted;
use crate::value::codes;
use crate::value::config_error::ConfigError;
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::media_type::MediaRange;
use crate::value::metadata::MetadataLimits;
pub use crate::value::rate::Rate;
use crate::value::secret::Secret;
use crate::value::settings::Settings;
use crate::value::verdict::Rejection;

/// A project: it owns uploads, and its rules hold for them alone. If a field is `None`, the limit of the pipeline holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Project {
    /// The key that clients send with every request: 1 to 64 letters, digits, `-`, `_` and `.`. It is no secret.
    pub public_key: String,
    /// Whether the project accepts uploads, and why not.
    #[serde(default)]
    pub status: ProjectStatus,
    /// The secrets that sign uploads and tokens. There may be several, so that one can be replaced while another is in use.
    #[serde(default)]
    pub secrets: Vec<ProjectSecret>,
    /// Whether every upload needs a signature or a token, made with one of the secrets.
    #[serde(default)]
    pub signed_uploads: bool,
    /// Whether MD5 signatures are accepted too (`docs/upload-api.md`, "Signed uploads").
    #[serde(default)]
    pub legacy_signatures: bool,
    /// The ids or second names of revoked tokens.
    #[serde(default)]
    pub revoked_tokens: Vec<String>,
    /// What to do if a sender asks for `auto`. `None`: the default of the expirer.
    #[serde(default)]
    pub autostore: Option<Autostore>,
    /// The origins of web pages that may upload, such as `https://example.com`. If the list is empty, every page may.
    #[serde(default)]
    pub origins: Vec<String>,
    /// The most bytes of a file, in whatever way it arrives.
    #[serde(default, with = "crate::value::byte_count::option")]
    pub max_size: Option<u64>,
    /// The most bytes of a file that arrives in one request.
    #[serde(default, with = "crate::value::byte_count::option")]
    pub max_direct_size: Option<u64>,
    /// The most bytes of a multipart upload.
    #[serde(default, with = "crate::value::byte_count::option")]
    pub max_multipart_size: Option<u64>,
    /// The most bytes of a file that is fetched from a URL.
    #[serde(default, with = "crate::value::byte_count::option")]
    pub max_url_size: Option<u64>,
    /// The allowed media types, by content. If the list is empty, every type is allowed.
    #[serde(default)]
    pub allow_types: Vec<MediaRange>,
    /// The refused media types, by content. They are refused even if they are allowed too.
    #[serde(default)]
    pub deny_types: Vec<MediaRange>,
    /// The allowed endings of file names, without their dot. If the list is empty, every name is allowed.
    #[serde(default)]
    pub allow_extensions: Vec<String>,
    /// The refused endings of file names. They are refused even if they are allowed too.
    #[serde(default)]
    pub deny_extensions: Vec<String>,
    /// The most metadata entries of a file.
    #[serde(default)]
    pub max_metadata_keys: Option<usize>,
    /// The most characters of the name of a metadata entry.
    #[serde(default)]
    pub max_metadata_key_length: Option<usize>,
    /// The most characters of the value of a metadata entry.
    #[serde(default)]
    pub max_metadata_value_length: Option<usize>,
    /// The most files of a group.
    #[serde(default)]
    pub max_group_files: Option<usize>,
    /// The most groups of the project.
    #[serde(default)]
    pub max_groups: Option<u64>,
    /// How long a group is kept, counted from when it is made.
    #[serde(default, with = "humantime_serde")]
    pub group_ttl: Option<Duration>,
    /// How long a file is kept that no client asked to keep.
    #[serde(default, with = "humantime_serde")]
    pub keep_unstored: Option<Duration>,
    /// How long a file is kept that a client asked to keep.
    #[serde(default, with = "humantime_serde")]
    pub keep_stored: Option<Duration>,
    /// The name in `[[stores]]` of the store for the bytes. `None`: the store in `[store]`.
    #[serde(default)]
    pub store: Option<String>,
    /// The prefix of the keys in the store: 1 to 32 lower-case letters and digits.
    #[serde(default)]
    pub prefix: Option<String>,
    /// The most bytes of all files of the project. Uploads in progress count.
    #[serde(default, with = "crate::value::byte_count::option")]
    pub max_stored: Option<u64>,
    /// The most files of the project. Uploads in progress count.
    #[serde(default)]
    pub max_files: Option<u64>,
    /// The rate of requests that the project may make, such as `600/min`.
    #[serde(default)]
    pub max_requests: Option<Rate>,
    /// The most uploads of the project that one node takes at the same time.
    #[serde(default)]
    pub max_uploads: Option<usize>,
    /// Who may read the files of the project.
    #[serde(default)]
    pub delivery: Access,
    /// The secrets that sign addresses of files, in hexadecimal. There may be several, so that one can be replaced while another
    /// is in use.
    #[serde(default)]
    pub delivery_secrets: Vec<ProjectSecret>,
}

/// Who may read the files of a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// Everyone who knows an address. Ids cannot be guessed.
    #[default]
    Public,
    /// Who shows a token in the address, signed with one of [`Project::delivery_secrets`], that has not ended.
    Signed,
}

/// A secret of a project.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { name = \"2026\", secret = { env = \"SHOP_SECRET\" } }"
)]
#[non_exhaustive]
pub struct ProjectSecret {
    /// The name of the secret, for operators.
    pub name: String,
    /// The secret itself.
    pub secret: Secret,
}

impl ProjectSecret {
    /// A secret under this name.
    pub fn new(name: impl Into<String>, secret: Secret) -> Self {
        Self {
            name: name.into(),
            secret,
        }
    }

    /// The fingerprint of the secret, for the records of uploads that it authorized. It identifies the secret, and does not help
    /// to guess it.
    ///
    /// # Errors
    ///
    /// If the secret cannot be read.
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

/// Whether a project accepts uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProjectStatus {
    /// The project accepts uploads.
    #[default]
    Active,
    /// The project is blocked until an operator unblocks it.
    Blocked,
    /// The project is blocked until it is paid for.
    Unpaid,
    /// The project has reached its limits.
    LimitsExceeded,
    /// The project is marked as removed: it accepts no uploads, and answers no questions about its files. The files are kept until
    /// they expire or an operator deletes them.
    Removed,
}

impl ProjectStatus {
    /// The refusal of uploads. `None` if the project accepts them.
    #[must_use]
    pub fn refusal(self, key: &str) -> Option<Rejection> {
        let (code, message) = match self {
            Self::Active => return None,
            Self::Blocked => (codes::PROJECT_BLOCKED, "the project is blocked"),
            Self::Unpaid => (codes::PROJECT_UNPAID, "the project is blocked for non payment"),
            Self::LimitsExceeded => (codes::PROJECT_LIMITS, "the project has reached its limits"),
            Self::Removed => (codes::PROJECT_REMOVED, "the project is marked as removed"),
        };
        Some(Rejection::new(code, message).with_subject(key))
    }
}

/// What a project does if a sender asks for `auto` retention (`UPLOADCARE_STORE` in `docs/upload-api.md`, "Direct uploads, and
/// asking after a file").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Autostore {
    /// Keeps the file.
    On,
    /// Keeps the file for a while only.
    Off,
    /// Refuses the upload.
    Forbidden,
}

impl Project {
    /// A project with this public key and no rules: every client that knows the key may upload.
    ///
    /// # Panics
    ///
    /// If the text is not a valid key: see [`Project::public_key`].
    #[must_use]
    pub fn new(public_key: impl Into<String>) -> Self {
        let settings = Map::from_iter([("public_key".to_owned(), Value::String(public_key.into()))]);
        match Self::from_settings(Settings::new(settings)) {
            Ok(project) => project,
            Err(error) => panic!("{error}"),
        }
    }

    /// Sets some of the rules.
    ///
    /// ```
    /// use intake_core::Project;
    /// use intake_core::project::Autostore;
    ///
    /// let project = Project::new("demopublickey").with(|project| {
    ///     project.autostore = Some(Autostore::Off);
    ///     project.max_files = Some(1000);
    /// });
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The quota of bytes and files.
    #[must_use]
    pub fn quota(&self) -> Quota {
        Quota {
            bytes: self.max_stored,
            files: self.max_files,
        }
    }

    /// The most bytes of a file that arrives in this way, if the project has a limit.
    #[must_use]
    pub fn at_most(&self, method: UploadMethod) -> Option<u64> {
        let of_method = match method {
            UploadMethod::Direct => self.max_direct_size,
            UploadMethod::Multipart => self.max_multipart_size,
            UploadMethod::FromUrl => self.max_url_size,
        };
        let sizes = [self.max_size, of_method];
        sizes.into_iter().flatten().min()
    }

    /// The limits of the metadata of its files.
    #[must_use]
    pub fn metadata_limits(&self) -> MetadataLimits {
        MetadataLimits::HIGHEST.lowered(
            self.max_metadata_keys,
            self.max_metadata_key_length,
            self.max_metadata_value_length,
        )
    }

    /// Checks whether the project accepts an upload now, and whether the authorization of the upload is still valid.
    ///
    /// # Errors
    ///
    /// The reason why not.
    pub fn lets_in(&self, authorization: Option<&Authorization>, now: SystemTime) -> Result<(), Rejection> {
        if let Some(refusal) = self.status.refusal(&self.public_key) {
            return Err(refusal);
        }
        let secret = authorization.and_then(|authorization| authorization.secret.as_deref());
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
            let token = authorization.and_then(|authorization| authorization.grant.as_ref());
            return Err(token
                .into_iter()
                .fold(rejection, |rejection, token| rejection.with_subject(&token.id)));
        }
        match authorization.and_then(|authorization| authorization.grant.as_ref()) {
            Some(grant) if grant.is_among(&self.revoked_tokens) => {
                let message = "the token of this upload was revoked";
                Err(Rejection::new(codes::TOKEN_REVOKED, message).with_subject(&grant.id))
            }
            Some(grant) => grant.still_holds(now),
            None => Ok(()),
        }
    }

    /// The lifetime of a file, given the lifetime `usual` that the expirer decided.
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

    /// The retention for a sender that asks for `auto`. `None`: the upload is refused.
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

/// The settings of a project for display: secrets by their names only.
#[must_use]
pub fn shown(settings: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = settings.clone();
    for list in ["secrets", "delivery_secrets"] {
        let Some(Value::Array(secrets)) = shown.get_mut(list) else {
            continue;
        };
        for secret in secrets.iter_mut().filter_map(Value::as_object_mut) {
            if secret.get("secret").is_some_and(Value::is_string) {
                secret.insert("secret".to_owned(), Value::String("(not shown)".to_owned()));
            }
        }
    }
    shown
}
