//! Reads the settings of a project, and checks that they make sense together.

use std::time::Duration;

use crate::policy::project::Project;
use crate::record::managed::ManagedProject;
use crate::value::config_error::{ConfigError, ConfigErrors};
use crate::value::id::is_prefix;
use crate::value::settings::Settings;

/// The most entries of each list of a project: secrets, origins, types, extensions. Each list is read at every upload.
const LONGEST_LIST: usize = 1000;
/// The most revoked tokens, the one list that only grows.
const MOST_REVOKED: usize = 10_000;

impl Project {
    /// Reads a project and checks its settings. Reads its secrets too.
    ///
    /// # Errors
    ///
    /// All errors, each with its place.
    pub fn from_settings(settings: Settings) -> Result<Self, ConfigErrors> {
        settings.make_unless_renamed(ManagedProject::RENAMED, Self::checked)
    }

    fn checked(mut project: Self) -> Result<Self, ConfigErrors> {
        check(&project)?;
        for (at, secret) in project.secrets.iter_mut().enumerate() {
            let within = |error: ConfigError| error.within("secret").within(at).within("secrets");
            secret.secret = secret.secret.fetched().map_err(within)?;
            if secret.secret.expose(str::is_empty).map_err(within)? {
                return Err(within(ConfigError::new("must not be empty")).into());
            }
        }
        Ok(project)
    }
}

/// Checks whether the settings of a project make sense together.
pub(crate) fn check(project: &Project) -> Result<(), ConfigErrors> {
    let mut errors = Vec::new();
    errors.extend(key(&project.public_key));
    errors.extend(lists(project));
    errors.extend(secrets(project));
    for (list, extensions) in [
        ("allow_extensions", &project.allow_extensions),
        ("deny_extensions", &project.deny_extensions),
    ] {
        if let Some(at) = extensions.iter().position(|extension| extension.contains('.')) {
            let message = "must be written without a dot, such as `png`";
            errors.push(ConfigError::at(at, message).within(list));
        }
    }
    if let Some(at) = project.origins.iter().position(|origin| !is_origin(origin)) {
        let message = "must be a scheme and a host as browsers write them, such as `https://example.com` or \
             `http://localhost:8080`: no `*`, no usual port, `xn--` for other letters";
        errors.push(ConfigError::at(at, message).within("origins"));
    }
    if project.prefix.as_deref().is_some_and(|prefix| !is_prefix(prefix)) {
        let message = "must have 1 to 32 lower-case letters and digits";
        errors.push(ConfigError::at("prefix", message));
    }
    let is_nothing = |period: Option<Duration>| period.is_some_and(|period| period.is_zero());
    for (name, is_nothing) in [
        ("max_uploads", project.max_uploads == Some(0)),
        ("keep_unstored", is_nothing(project.keep_unstored)),
        ("keep_stored", is_nothing(project.keep_stored)),
        ("group_ttl", is_nothing(project.group_ttl)),
    ] {
        if is_nothing {
            errors.push(ConfigError::at(name, "must be greater than zero"));
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(ConfigErrors(errors))
    }
}

fn key(key: &str) -> Option<ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let message = if key.is_empty() {
        "must not be empty"
    } else if key.len() > 64 || !key.bytes().all(plain) {
        "must have at most 64 letters, digits, `-`, `_` and `.`"
    } else {
        return None;
    };
    Some(ConfigError::at("public_key", message))
}

fn lists(project: &Project) -> impl Iterator<Item = ConfigError> {
    let lists = [
        ("secrets", project.secrets.len(), LONGEST_LIST),
        ("revoked_tokens", project.revoked_tokens.len(), MOST_REVOKED),
        ("origins", project.origins.len(), LONGEST_LIST),
        ("allow_types", project.allow_types.len(), LONGEST_LIST),
        ("deny_types", project.deny_types.len(), LONGEST_LIST),
        ("allow_extensions", project.allow_extensions.len(), LONGEST_LIST),
        ("deny_extensions", project.deny_extensions.len(), LONGEST_LIST),
    ];
    let too_long = lists.into_iter().filter(|(_, length, most)| length > most);
    too_long.map(|(name, _, most)| ConfigError::at(name, format!("has more than {most} entries")))
}

fn secrets(project: &Project) -> Option<ConfigError> {
    if project.signed_uploads && project.secrets.is_empty() {
        let message = "missing, so no upload can be signed; write one such as \
             [{ name = \"2026\", secret = { env = \"SHOP_SECRET\" } }]";
        return Some(ConfigError::at("secrets", message));
    }
    for (at, secret) in project.secrets.iter().enumerate() {
        let message = if secret.name.is_empty() || secret.name.len() > 100 || secret.name.contains(char::is_control) {
            "must have 1 to 100 characters, and no control characters"
        } else if project.secrets[..at].iter().any(|other| other.name == secret.name) {
            "another secret has the same name"
        } else {
            continue;
        };
        return Some(ConfigError::at("name", message).within(at).within("secrets"));
    }
    None
}

fn is_origin(origin: &str) -> bool {
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    // Browsers write an origin in ASCII, and without the default port.
    let usual_port = if origin.starts_with("https:") { ":443" } else { ":80" };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(plain) && !host.ends_with(usual_port))
}
