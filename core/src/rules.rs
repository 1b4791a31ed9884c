//! The rules that projects and tokens share, and what makes sense in a project's settings.

use std::time::Duration;

use crate::file_name::Endings;
use crate::project::Project;
use crate::{ConfigError, ConfigErrors, Declared, FileName, MediaRange, MediaType, Rejection, codes};

/// Secrets, revoked tokens, origins, types and extensions that one project may list, each: a list is read at every upload.
const LONGEST_LIST: usize = 1000;
/// The one list that only grows.
const MOST_REVOKED: usize = 10_000;

pub(crate) fn size(size: Option<u64>, at_most: Option<u64>) -> Result<(), Rejection> {
    match (size, at_most) {
        (Some(size), Some(at_most)) if size > at_most => Err(crate::pump::too_large(size, at_most)),
        _ => Ok(()),
    }
}

pub(crate) fn media_type(
    allow: &[MediaRange],
    forbid: &[MediaRange],
    found: Option<&MediaType>,
) -> Result<(), Rejection> {
    let within = |ranges: &[MediaRange]| found.is_some_and(|found| ranges.iter().any(|range| range.contains(found)));
    // What looks like nothing known is none of those that are allowed.
    let taken = !within(forbid) && (allow.is_empty() || within(allow));
    if taken {
        return Ok(());
    }
    let rejection = match found {
        Some(found) => Rejection::new(
            codes::TYPE_FORBIDDEN,
            format!("the content is {found}, which is not taken"),
        ),
        None => Rejection::new(
            codes::TYPE_FORBIDDEN,
            "the content is of no known type, and only known ones are taken",
        ),
    };
    Err(rejection.about(found.map_or("unknown", MediaType::as_str)))
}

pub(crate) fn extension(project: &Project, declared: &Declared) -> Result<(), Rejection> {
    let Endings {
        sent,
        in_address,
        before_colon,
    } = declared.name.as_ref().map(FileName::endings).unwrap_or_default();
    let within = |list: &[String], ending: &str| list.iter().any(|known| known.to_lowercase() == ending);
    let forbidden = |ending: &&String| within(&project.forbid_extensions, ending);
    let not_allowed =
        |ending: &&String| !project.allow_extensions.is_empty() && !within(&project.allow_extensions, ending);
    // The name is judged as it was sent and as an address shows it: `x.e-xe` is shown as `x.exe`.
    let refused = [&sent, &in_address]
        .into_iter()
        .chain(&before_colon)
        .find(forbidden)
        .or_else(|| Some(&sent).filter(not_allowed))
        .or_else(|| Some(&in_address).filter(|ending| !ending.is_empty() && not_allowed(ending)));
    let Some(extension) = refused else {
        return Ok(());
    };
    let message = match extension.as_str() {
        "" => "names without an ending are not taken".to_owned(),
        extension => format!("names that end in .{extension} are not taken"),
    };
    Err(Rejection::new(codes::EXTENSION_FORBIDDEN, message).about(extension.as_str()))
}

/// Whether a project's settings make sense together.
pub(crate) fn check(project: &Project) -> Result<(), ConfigErrors> {
    let mut errors = Vec::new();
    errors.extend(key(&project.public_key));
    errors.extend(lists(project));
    errors.extend(secrets(project));
    for (list, extensions) in [
        ("allow_extensions", &project.allow_extensions),
        ("forbid_extensions", &project.forbid_extensions),
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
        ("keep_groups", is_nothing(project.keep_groups)),
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
        ("forbid_types", project.forbid_types.len(), LONGEST_LIST),
        ("allow_extensions", project.allow_extensions.len(), LONGEST_LIST),
        ("forbid_extensions", project.forbid_extensions.len(), LONGEST_LIST),
    ];
    let too_long = lists.into_iter().filter(|(_, length, most)| length > most);
    too_long.map(|(name, _, most)| ConfigError::at(name, format!("has more than {most} entries")))
}

fn secrets(project: &Project) -> Option<ConfigError> {
    if project.signed_uploads && project.secrets.is_empty() {
        let message = "there is none, so no upload could be signed; write one such as \
             [{ name = \"2026\", secret = { env = \"SHOP_SECRET\" } }]";
        return Some(ConfigError::at("secrets", message));
    }
    for (at, secret) in project.secrets.iter().enumerate() {
        let message = if secret.name.is_empty() || secret.name.len() > 100 || secret.name.contains(char::is_control) {
            "must have 1 to 100 characters, none of control"
        } else if project.secrets[..at].iter().any(|other| other.name == secret.name) {
            "another secret has the same name"
        } else {
            continue;
        };
        return Some(ConfigError::at("name", message).within(at).within("secrets"));
    }
    None
}

/// What may stand before an id in a key: as safe there as the id itself.
pub(crate) fn is_prefix(prefix: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=32).contains(&prefix.len()) && prefix.bytes().all(plain)
}

fn is_origin(origin: &str) -> bool {
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    // As browsers write them: without the port that goes without saying, and in ASCII.
    let usual_port = if origin.starts_with("https:") { ":443" } else { ":80" };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(plain) && !host.ends_with(usual_port))
}
