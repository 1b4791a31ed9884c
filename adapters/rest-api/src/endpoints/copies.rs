//! `/files/local_copy/` and `POST /files/`: makes a file with the bytes of another one. See `docs/rest-api.md`, "Copies".

use std::collections::BTreeMap;

use intake_core::{Retention, UploadId, UploadOptions};
use serde_json::{Map, Value};

use crate::codes;
use crate::error::ApiError;
use crate::request::Request;
use crate::response::Answer;
use crate::wire::{Copied, FileObject, json};

/// Copies a file within the project.
pub(crate) async fn local(request: &Request<'_>) -> Result<Answer, ApiError> {
    let fields = request.fields()?;
    if fields.get("target").is_some_and(|target| !target.is_null()) {
        return Err(ApiError::new(&codes::UNSUPPORTED).arg("Copying to another storage"));
    }
    let source = source(&fields)?;
    request.present_file(source).await?;
    let metadata = metadata(&fields)?;
    request.project.metadata_limits().check(&metadata)?;
    let options = UploadOptions::of_project(&request.project.public_key).with(|options| {
        options.authorization = Some(request.authorization.clone());
        options.retention = if is_stored(&fields) {
            Retention::Keep
        } else {
            Retention::Temporary
        };
        options.metadata = metadata;
    });
    let pipeline = request.api.pipeline.knowing(request.project.clone());
    let copy = pipeline.copy(source, options).await?;
    let answer = json(&Copied {
        kind: "file",
        result: FileObject::of(&copy, &request.links),
    });
    Ok(Answer::Created(answer, Some(request.links.file(&copy))))
}

/// The file that is copied: its id, or an address that has the id as its first step.
fn source(fields: &Map<String, Value>) -> Result<UploadId, ApiError> {
    let invalid = || ApiError::new(&codes::COPY_SOURCE_INVALID);
    let missing = || ApiError::new(&codes::COPY_SOURCE_MISSING);
    let sent = fields
        .get("source")
        .filter(|source| !source.is_null())
        .ok_or_else(missing)?;
    let sent = sent.as_str().ok_or_else(invalid)?;
    let path = match sent.split_once("://") {
        Some((_, rest)) => rest.split_once('/').ok_or_else(invalid)?.1,
        None => sent.trim_start_matches('/'),
    };
    let (id, rest) = path.split_once('/').unwrap_or((path, ""));
    let id = id.to_ascii_lowercase().parse().map_err(|_| invalid())?;
    match rest.starts_with("-/") && rest.len() > 2 {
        true => Err(codes::COPY_OPERATIONS_UNSUPPORTED.into()),
        false => Ok(id),
    }
}

/// Whether the copy is kept for good.
fn is_stored(fields: &Map<String, Value>) -> bool {
    match fields.get("store") {
        Some(Value::Bool(store)) => *store,
        Some(Value::String(store)) => matches!(&**store, "true" | "True" | "1"),
        _ => false,
    }
}

/// The metadata of the copy; it does not have that of its source.
fn metadata(fields: &Map<String, Value>) -> Result<BTreeMap<String, String>, ApiError> {
    let invalid = || ApiError::malformed_body("`metadata` must be an object of strings.");
    let Some(metadata) = fields.get("metadata").filter(|metadata| !metadata.is_null()) else {
        return Ok(BTreeMap::new());
    };
    let entries = metadata.as_object().ok_or_else(invalid)?.iter();
    let entries = entries.map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    entries.collect::<Option<_>>().ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_source_is_an_id_or_an_address_without_operations() {
        let id = "2254146d-3652-4419-abf6-305d36ef30a8";
        for sent in [
            id.to_owned(),
            format!("/{id}/"),
            format!("{id}/-/"),
            format!("https://ucarecdn.com/{id}/cat.png"),
            id.to_uppercase(),
        ] {
            let fields = json!({"source": sent});
            let found = source(fields.as_object().unwrap()).unwrap();
            assert_eq!(found.to_string(), id, "{sent}");
        }
        for (fields, code) in [
            (json!({}), "copy_source_missing"),
            (json!({"source": null}), "copy_source_missing"),
            (json!({"source": "cat"}), "copy_source_invalid"),
            (json!({"source": 5}), "copy_source_invalid"),
            (json!({"source": "https://ucarecdn.com"}), "copy_source_invalid"),
            (
                json!({"source": format!("{id}/-/resize/5x5/")}),
                "copy_operations_unsupported",
            ),
        ] {
            let refused = source(fields.as_object().unwrap()).unwrap_err();
            assert_eq!(refused.code.as_str(), code, "{fields}");
        }
    }
}
