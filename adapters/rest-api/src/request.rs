//! One authorized request, as the endpoints see it.

use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use intake_core::{Authorization, Error, Project, Record, UploadId};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::error::ApiError;
use crate::links::Links;

/// One authorized request.
pub(crate) struct Request<'a> {
    pub(crate) api: &'a Api,
    pub(crate) method: &'a Method,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) project: Arc<Project>,
    /// With which secret of the project it is authorized.
    pub(crate) authorization: Authorization,
    pub(crate) links: Links,
}

impl Request<'_> {
    /// A file of the project that can be read or restored. A file of another project is not found.
    pub(crate) async fn file(&self, id: UploadId) -> Result<Record, ApiError> {
        let record = self.api.pipeline.get_file(id).await?;
        match record.options.project.as_deref() == Some(&*self.project.public_key) {
            true => Ok(record),
            false => Err(ApiError::not_found()),
        }
    }

    /// The same for a file that its owner has not deleted.
    pub(crate) async fn present_file(&self, id: UploadId) -> Result<Record, ApiError> {
        let record = self.file(id).await?;
        match record.times.removed {
            None => Ok(record),
            Some(_) => Err(Error::NotFound(id).into()),
        }
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            ApiError::malformed_body(format!("JSON parse error at line {line}, column {column}."))
        })
    }

    /// The body as named values: an object in JSON, or a form.
    pub(crate) fn fields(&self) -> Result<Map<String, Value>, ApiError> {
        let kind = self.headers.get(axum::http::header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.trim_start().starts_with("application/x-www-form-urlencoded") {
            let fields = form_urlencoded::parse(&self.body);
            return Ok(fields
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect());
        }
        match self.json()? {
            Value::Object(fields) => Ok(fields),
            _ => Err(ApiError::malformed_body("Expected a JSON object.")),
        }
    }

    /// Whether the client asks for the data of add-ons.
    pub(crate) fn wants_appdata(&self) -> bool {
        let mut params = form_urlencoded::parse(self.query.as_bytes());
        params.any(|(name, value)| name == "include" && value.split(',').any(|name| name.trim() == "appdata"))
    }
}
