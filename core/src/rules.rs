//! The rules that projects and tokens share, and what makes sense in a project's settings.

use crate::file_name::Endings;
use crate::project::Project;
use crate::{ConfigError, Declared, FileName, MediaRange, MediaType, Rejection, codes};

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
pub(crate) fn check(project: &Project) -> Result<(), ConfigError> {
    let key = &project.public_key;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if key.is_empty() {
        return Err(ConfigError::at("public_key", "must not be empty"));
    }
    if key.len() > 64 || !key.bytes().all(plain) {
        let message = "must have at most 64 letters, digits, `-`, `_` and `.`";
        return Err(ConfigError::at("public_key", message));
    }
    if project.signed_uploads && project.secrets.is_empty() {
        return Err(ConfigError::at(
            "secrets",
            "there is none, so no upload could be signed",
        ));
    }
    if let Some(prefix) = &project.prefix
        && !is_prefix(prefix)
    {
        return Err(ConfigError::at(
            "prefix",
            "must have 1 to 32 lower-case letters and digits",
        ));
    }
    for (name, length) in [
        ("secrets", project.secrets.len()),
        ("revoked_tokens", project.revoked_tokens.len()),
        ("origins", project.origins.len()),
        ("allow_types", project.allow_types.len()),
        ("forbid_types", project.forbid_types.len()),
        ("allow_extensions", project.allow_extensions.len()),
        ("forbid_extensions", project.forbid_extensions.len()),
    ] {
        let most = if name == "revoked_tokens" {
            MOST_REVOKED
        } else {
            LONGEST_LIST
        };
        if length > most {
            return Err(ConfigError::at(name, format!("has more than {most} entries")));
        }
    }
    for (at, secret) in project.secrets.iter().enumerate() {
        let wrong = |what: &str| Err(ConfigError::at("name", what).within(at).within("secrets"));
        if secret.name.is_empty() || secret.name.len() > 100 || secret.name.contains(char::is_control) {
            return wrong("must have 1 to 100 characters, none of control");
        }
        if project.secrets[..at].iter().any(|other| other.name == secret.name) {
            return wrong("another secret has the same name");
        }
    }
    for (list, extensions) in [
        ("allow_extensions", &project.allow_extensions),
        ("forbid_extensions", &project.forbid_extensions),
    ] {
        if let Some(at) = extensions.iter().position(|extension| extension.contains('.')) {
            let message = "must be written without a dot, such as `png`";
            return Err(ConfigError::at(at, message).within(list));
        }
    }
    if let Some(at) = project.origins.iter().position(|origin| !is_origin(origin)) {
        let message = "must be a scheme and a host as browsers write them, such as `https://example.com` or \
             `http://localhost:8080`: no `*`, no usual port, `xn--` for other letters";
        return Err(ConfigError::at(at, message).within("origins"));
    }
    let nothing = [
        ("max_uploads", project.max_uploads == Some(0)),
        (
            "keep_unstored",
            project.keep_unstored.is_some_and(|period| period.is_zero()),
        ),
        (
            "keep_stored",
            project.keep_stored.is_some_and(|period| period.is_zero()),
        ),
    ];
    match nothing.iter().find(|(_, is_nothing)| *is_nothing) {
        Some((name, _)) => Err(ConfigError::at(*name, "must be more than nothing")),
        None => Ok(()),
    }
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
