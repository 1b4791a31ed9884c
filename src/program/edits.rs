//! Changes of a project's settings; without access to a database.

use intake_core::{ConfigError, ManagedProject};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use crate::config::value_of;

/// A field and its new value; `None` removes it.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    field: String,
    value: Option<Value>,
}

pub(super) fn assignment(text: &str) -> Result<Assignment, String> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() => Ok(Assignment {
            field: field.to_owned(),
            value: (!value.is_empty()).then(|| value_of(value.to_owned())),
        }),
        _ => Err("expected FIELD=VALUE, or FIELD= to remove it".to_owned()),
    }
}

pub(super) fn assign(settings: &mut Map<String, Value>, fields: &[Assignment]) -> Result<(), ConfigError> {
    for Assignment { field, value } in fields {
        match (field.as_str(), value) {
            // A secret on a command line is visible to others, in lists of processes and in the history of the shell.
            ("secrets", _) => {
                let message = "secret keys are made by `add-key` and removed by `revoke-key`";
                return Err(ConfigError::at("secrets", message));
            }
            ("public_key", _) => {
                let message = "a project has its key for good; `create` makes another one";
                return Err(ConfigError::at("public_key", message));
            }
            (old, _) if let Some(new) = new_name(old) => {
                return Err(ConfigError::at(old, format!("is now called `{new}`")));
            }
            (_, Some(value)) => {
                settings.insert(field.clone(), value.clone());
            }
            (_, None) => {
                is_one(field)?;
                settings.remove(field);
            }
        }
    }
    Ok(())
}

/// The name of a setting now, if this is its name in earlier versions.
fn new_name(field: &str) -> Option<&'static str> {
    let mut renamed = ManagedProject::RENAMED.iter();
    renamed.find(|(old, _)| *old == field).map(|(_, new)| *new)
}

/// The assigned fields as a new table.
pub(super) fn claims(assignments: &[Assignment]) -> Map<String, Value> {
    let assigned = assignments.iter();
    let assigned = assigned.filter_map(|Assignment { field, value }| Some((field.clone(), value.clone()?)));
    assigned.collect()
}

/// Checks that projects have such a setting: a misspelt name would not be noticed if the setting is only removed.
fn is_one(field: &str) -> Result<(), ConfigError> {
    let probe = ManagedProject::new("any", 0, Map::from_iter([(field.to_owned(), Value::Null)]));
    let wrong = probe.project().err().unwrap_or_default();
    let unknown = wrong
        .0
        .into_iter()
        .find(|error| error.message().starts_with("unknown field"));
    unknown.map_or(Ok(()), Err)
}

/// Sets the status.
pub(super) fn set_status(settings: &mut Map<String, Value>, status: &str) -> Result<(), ConfigError> {
    settings.insert("status".to_owned(), status.into());
    Ok(())
}

/// A list among the settings, which begins empty.
fn list<'a>(settings: &'a mut Map<String, Value>, name: &str) -> Result<&'a mut Vec<Value>, ConfigError> {
    let list = settings.entry(name).or_insert_with(|| json!([]));
    list.as_array_mut()
        .ok_or_else(|| ConfigError::at(name, "is not a list"))
}

pub(super) fn add_secret(settings: &mut Map<String, Value>, name: &str, secret: &str) -> Result<(), ConfigError> {
    list(settings, "secrets")?.push(json!({"name": name, "secret": secret}));
    Ok(())
}

pub(super) fn remove_secret(settings: &mut Map<String, Value>, name: &str) -> Result<(), ConfigError> {
    let is_called = |secret: &Value| secret.get("name").and_then(Value::as_str) == Some(name);
    let secrets = list(settings, "secrets")?;
    let had = secrets.len();
    secrets.retain(|secret| !is_called(secret));
    if secrets.len() == had {
        let message = format!("no secret key is called `{name}`; `intake projects show` lists its names");
        return Err(ConfigError::at("secrets", message));
    }
    if secrets.is_empty() && settings.get("signed_uploads") == Some(&Value::Bool(true)) {
        let message =
            "this is the last one, and uploads have to be signed: add another one first, or block the project";
        return Err(ConfigError::at("secrets", message));
    }
    Ok(())
}

pub(super) fn revoke(settings: &mut Map<String, Value>, token_id: &str) -> Result<(), ConfigError> {
    let name = "revoked_tokens";
    if token_id.starts_with("eyJ") && token_id.matches('.').count() == 2 {
        let message = "this is a whole token; tell its id, which is its `jti`";
        return Err(ConfigError::at(name, message));
    }
    let revoked = list(settings, name)?;
    if !revoked.iter().any(|revoked| revoked.as_str() == Some(token_id)) {
        revoked.push(token_id.into());
    }
    Ok(())
}

/// A random secret, as long as the digest of the HMAC.
pub(super) fn random_secret() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Other(format!("the system has no random numbers: {error}")))?;
    Ok(hex::encode(bytes))
}
