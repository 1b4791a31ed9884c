//! The sender's options: how long to keep a file, metadata and tags. See `docs/upload-api.md`, "Direct uploads".

use intake_core::{Retention, UploadOptions};

use crate::auth::Authorized;
use crate::codes;
use crate::error::ApiError;
use crate::params::Params;
use crate::tags;

/// The store flag of `/base/` and `/multipart/start/`.
pub(crate) const STORE: &str = "UPLOADCARE_STORE";
/// The store flag of `/from_url/`.
pub(crate) const STORE_OF_URL: &str = "store";

/// The options of a request, whose store flag has this name.
pub(crate) fn upload_options(
    authorized: &Authorized,
    params: &mut Params,
    store: &'static str,
) -> Result<UploadOptions, ApiError> {
    let Authorized {
        project,
        authorization,
        sender,
        origin,
    } = authorized;
    let metadata = std::mem::take(&mut params.metadata).finish(project, authorization.as_ref())?;
    let tags = tags::read(params.get("tags").unwrap_or_default())?;
    let retention = match params.get(store) {
        Some("auto") => project
            .auto()
            .ok_or_else(|| ApiError::new(&codes::AUTOSTORE_FORBIDDEN))?,
        // Not in the reference: the file of a client that sends `true` must not expire a day later.
        Some("1" | "true") => Retention::Keep,
        _ => Retention::Temporary,
    };
    Ok(UploadOptions::default().with(|options| {
        options.project = Some(project.public_key.clone());
        options.authorization = authorization.clone();
        options.sender = sender.clone();
        options.origin = origin.clone();
        options.retention = retention;
        options.metadata = metadata;
        options.tags = tags;
    }))
}
