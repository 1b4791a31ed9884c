//! Reads the settings of a project, and checks that they make sense together.

use std::time::Duration;

use crate::policy::project::{Access, Project, ProjectSecret};
use crate::record::managed::ManagedProject;
use crate::value::config_error::{ConfigError, ConfigErrors};
use crate::value::id::is_prefix;
use crate::value::settings::Settings;

/// The most entries of each list of a project: secrets, origins, types, extensions. Each list is read at every upload.
const LONGEST_LIST: usize = 1000;
/// The most revoked tokens, the one list that only grows.
const MOST_REVOKED: usize = 10_000;
/// The most secrets for addresses: each is tried for every request.
const MOST_DELIVERY_SECRETS: usize = 16;
/// The fewest hexadecimal digits of one: 8 bytes.
const LEAST_HEX_DIGITS: usize = 16;

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
        fetch(&mut project.secrets, "secrets", |secret| {
            secret.is_empty().then_some("must not be empty")
        })?;
        fetch(&mut project.delivery_secrets, "delivery_secrets", |secret| {
            let is_hex = secret.len().is_multiple_of(2) && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
            let fits = is_hex && secret.len() >= LEAST_HEX_DIGITS;
            (!fits).then_some("must have an even number of hexadecimal digits, at least 16")
        })?;
        Ok(project)
    }
}

/// Reads the values of secrets, so that none can be missing later, and checks each.
fn fetch(
    secrets: &mut [ProjectSecret],
    list: &'static str,
    flaw: impl Fn(&str) -> Option<&'static str>,
) -> Result<(), ConfigErrors> {
    for (at, secret) in secrets.iter_mut().enumerate() {
        let within = |error: ConfigError| error.within("secret").within(at).within(list);
        secret.secret = secret.secret.fetched().map_err(within)?;
        if let Some(flaw) = secret.secret.expose(&flaw).map_err(within)? {
            return Err(within(ConfigError::new(flaw)).into());
        }
    }
    Ok(())
}

/// Checks whether the settings of a project make sense together.
pub(crate) fn check(project: &Project) -> Result<(), ConfigErrors> {
    let mut errors = Vec::new();
    errors.extend(key(&project.public_key));
    errors.extend(lists(project));
    errors.extend(signed(project));
    errors.extend(names(&project.secrets, "secrets"));
    errors.extend(names(&project.delivery_secrets, "delivery_secrets"));
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
        (
            "delivery_secrets",
            project.delivery_secrets.len(),
            MOST_DELIVERY_SECRETS,
        ),
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

/// The list of secrets that is missing although something has to be signed.
fn signed(project: &Project) -> Option<ConfigError> {
    if project.signed_uploads && project.secrets.is_empty() {
        let message = "missing, so no upload can be signed; write one such as \
             [{ name = \"2026\", secret = { env = \"SHOP_SECRET\" } }]";
        return Some(ConfigError::at("secrets", message));
    }
    if project.delivery == Access::Signed && project.delivery_secrets.is_empty() {
        let message = "missing, so no address can be signed; write one such as \
             [{ name = \"2026\", secret = { env = \"SHOP_DELIVERY_SECRET\" } }]";
        return Some(ConfigError::at("delivery_secrets", message));
    }
    None
}

fn names(secrets: &[ProjectSecret], list: &'static str) -> Option<ConfigError> {
    for (at, secret) in secrets.iter().enumerate() {
        let message = if secret.name.is_empty() || secret.name.len() > 100 || secret.name.contains(char::is_control) {
            "must have 1 to 100 characters, and no control characters"
        } else if secrets[..at].iter().any(|other| other.name == secret.name) {
            "another secret has the same name"
        } else {
            continue;
        };
        return Some(ConfigError::at("name", message).within(at).within(list));
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
