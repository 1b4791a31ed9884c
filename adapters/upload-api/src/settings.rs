//! `[upload_api]`: whose uploads are taken, and what a request may cost.

use std::collections::HashMap;
use std::time::Duration;

use bytesize::ByteSize;
use intake_core::{ConfigError, Retention, Secret};
use serde::Deserialize;

/// The settings of the adapter. Nothing is opened by them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Who may upload. At least one.
    pub projects: Vec<Project>,
    /// What the world reaches this server by, such as `https://upload.example.com`: the beginning of the addresses to which
    /// senders put parts. If it is not set, they begin with `http://` and the host that the request names.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Bytes of one file in a `POST /base/`. What is larger goes in parts.
    #[serde(default = "Settings::direct_size")]
    pub max_direct_size: ByteSize,
    /// Files in a request.
    #[serde(default = "Settings::files")]
    pub max_files: usize,
    /// Fields in a request that are no files, in body and query together.
    #[serde(default = "Settings::fields")]
    pub max_fields: usize,
    /// Uploads under way at a time; more are told to come again.
    #[serde(default = "Settings::uploads")]
    pub max_uploads: usize,
    /// How long a sender may send nothing.
    #[serde(default = "Settings::idle", with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// Bytes that are read and dropped so that a sender who is refused can hear it: many read only after they have sent.
    #[serde(default = "Settings::drain")]
    pub drain_size: ByteSize,
    /// How long to do so.
    #[serde(default = "Settings::drain_for", with = "humantime_serde")]
    pub drain_timeout: Duration,
}

/// One product's place: its uploads are its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// What its clients send with every request. Not a secret.
    pub public_key: String,
    /// What `UPLOADCARE_STORE=auto` means; if not said, what the expirer does by default.
    #[serde(default)]
    pub autostore: Option<Autostore>,
    /// Whether every upload has to be signed with one of the secrets.
    #[serde(default)]
    pub signed_uploads: bool,
    /// What uploads may be signed with. Several, so that one can be replaced while another works.
    #[serde(default)]
    pub secrets: Vec<ProjectSecret>,
}

/// A secret of a project's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectSecret {
    /// What people call it.
    pub name: String,
    /// The secret itself.
    pub secret: Secret,
}

/// What a project does with `auto` (wire facts, section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Autostore {
    /// Keeps the file.
    On,
    /// Keeps it for a while only.
    Off,
    /// Refuses to be asked.
    Forbidden,
}

impl Settings {
    /// The settings with which a project of this key may upload, all else as usual.
    #[must_use]
    pub fn for_key(public_key: impl Into<String>) -> Self {
        Self {
            projects: vec![Project::new(public_key)],
            public_url: None,
            max_direct_size: Self::direct_size(),
            max_files: Self::files(),
            max_fields: Self::fields(),
            max_uploads: Self::uploads(),
            idle_timeout: Self::idle(),
            drain_size: Self::drain(),
            drain_timeout: Self::drain_for(),
        }
    }

    /// The reference: "files smaller than 100 megabytes only".
    fn direct_size() -> ByteSize {
        ByteSize::mib(100)
    }

    /// Each waits, accepted and not yet committed, until the last one of the request is read.
    fn files() -> usize {
        20
    }

    /// All fields there are, and 50 of metadata.
    fn fields() -> usize {
        100
    }

    fn uploads() -> usize {
        256
    }

    fn idle() -> Duration {
        Duration::from_secs(30)
    }

    fn drain() -> ByteSize {
        ByteSize::mib(100)
    }

    fn drain_for() -> Duration {
        Duration::from_secs(30)
    }

    /// Bytes of a request: a file of the most bytes it may have, and room for what is said beside it.
    pub(crate) fn max_request_size(&self) -> u64 {
        const BESIDE: u64 = 1 << 20;
        self.max_direct_size.as_u64().saturating_add(BESIDE)
    }

    /// Whether the settings make sense together.
    ///
    /// # Errors
    ///
    /// What does not, with its place.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.by_key().map(drop)
    }

    pub(crate) fn by_key(&self) -> Result<HashMap<String, Project>, ConfigError> {
        let positive = [
            ("max_direct_size", self.max_direct_size.as_u64() > 0),
            ("max_files", self.max_files > 0),
            ("max_fields", self.max_fields > 0),
            (
                "max_uploads",
                self.max_uploads > 0 && self.max_uploads <= tokio::sync::Semaphore::MAX_PERMITS,
            ),
            ("idle_timeout", !self.idle_timeout.is_zero()),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, fits)| !fits) {
            return Err(ConfigError::at(*key, "must be more than nothing"));
        }
        if let Some(url) = &self.public_url {
            check_public_url(url)?;
        }
        let mut projects = HashMap::new();
        for (at, project) in self.projects.iter().enumerate() {
            let wrong = |message: &str| ConfigError::at("public_key", message).within(at).within("projects");
            if project.public_key.is_empty() {
                return Err(wrong("must not be empty"));
            }
            let project = project
                .with_secrets_fetched()
                .map_err(|error| error.within(at).within("projects"))?;
            if projects.insert(project.public_key.clone(), project).is_some() {
                return Err(wrong("another project has the same key"));
            }
        }
        if projects.is_empty() {
            return Err(ConfigError::at("projects", "there is none, so nobody could upload"));
        }
        Ok(projects)
    }
}

fn check_public_url(url: &str) -> Result<(), ConfigError> {
    let wrong = |what: &str| Err(ConfigError::at("public_url", what));
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return wrong("must begin with https:// or http://");
    };
    if rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#', '@', ' ']) {
        return wrong("must be a host, maybe with a port and a path, such as https://upload.example.com");
    }
    Ok(())
}

impl Project {
    /// A project of this key, which anybody who knows it may upload to.
    pub fn new(public_key: impl Into<String>) -> Self {
        Self {
            public_key: public_key.into(),
            autostore: None,
            signed_uploads: false,
            secrets: Vec::new(),
        }
    }

    /// The same, with its secrets at hand.
    fn with_secrets_fetched(&self) -> Result<Self, ConfigError> {
        let mut project = self.clone();
        if project.signed_uploads && project.secrets.is_empty() {
            let message = "there is none, so no upload could be signed";
            return Err(ConfigError::at("secrets", message));
        }
        for (at, secret) in project.secrets.iter_mut().enumerate() {
            let within = |error: ConfigError| error.within("secret").within(at).within("secrets");
            secret.secret = secret.secret.fetched().map_err(within)?;
            if secret.secret.expose(str::is_empty).map_err(within)? {
                return Err(within(ConfigError::new("must not be empty")));
            }
        }
        Ok(project)
    }

    /// What the sender's flag asks for (wire facts, section 2.5). `None`: to ask for `auto` is forbidden here.
    pub(crate) fn retention(&self, flag: Option<&str>) -> Option<Retention> {
        match flag {
            Some("auto") => match self.autostore {
                None => Some(Retention::Default),
                Some(Autostore::On) => Some(Retention::Keep),
                Some(Autostore::Off) => Some(Retention::Temporary),
                Some(Autostore::Forbidden) => None,
            },
            // Not in the reference, but what people type must not cost them the file a day later.
            Some("1" | "true") => Some(Retention::Keep),
            _ => Some(Retention::Temporary),
        }
    }
}
