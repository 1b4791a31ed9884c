//! `POST /base/`: files, and parameters before or after them. See `docs/upload-api.md`, "Direct uploads".
//!
//! The official JavaScript client sends the file before the key. So each file is judged as it arrives, is not readable yet, and
//! is committed once the last field is read: all files of the request, or none.

use axum::http::header::CONTENT_LENGTH;
use intake_core::{Admitted, Declared, Error, FileName, Incoming, Project, Record, UploadOptions};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::body_params::{next_part, open_form, read_field, read_urlencoded, unreadable};
use crate::codes;
use crate::error::ApiError;
use crate::form::{Form, Part};
use crate::limiter::HeldPermits;
use crate::options::{STORE, upload_options};
use crate::params::Params;
use crate::request::Request;

/// Takes the files of a request, and judges it as a whole: the project and the authorization first, then the refusal of a file.
/// So a sender that is not authorized learns nothing of the project's rules.
pub(crate) async fn upload(request: &mut Request<'_>) -> Result<Value, ApiError> {
    let mut files = Files::begin(request).await?;
    let authorized = match take_files(request, &mut files).await {
        Ok(()) => request.authorize().await,
        // The form was not read to its end because a file was refused: the key may be missing for that reason.
        Err(error) => Err(files.refused.clone().unwrap_or(error)),
    };
    let options = authorized.and_then(|authorized| {
        files.acquire_of_project(request.api, &authorized.project)?;
        let options = upload_options(&authorized, &mut request.params, STORE)?;
        files.all_accepted()?;
        Ok(options)
    });
    match options {
        Ok(options) => {
            let (fields, admitted): (Vec<_>, Vec<_>) = files.admitted.into_iter().unzip();
            // In a box, as everything that comes after the body: a slow sender keeps no memory for it.
            let committed = Box::pin(request.pipeline().commit_together(admitted, options)).await;
            let records = committed.map_err(|error| ApiError::from_upload_error(&error))?;
            Ok(ids_by_field(fields, &records))
        }
        Err(error) => {
            Box::pin(files.discard(&error)).await;
            Err(error)
        }
    }
}

/// The files of a request that every stage has accepted, and the first refusal.
#[derive(Default)]
struct Files {
    /// With the names of their fields.
    admitted: Vec<(String, Admitted)>,
    count: usize,
    refused: Option<ApiError>,
    /// The permits of the files as uploads under way: for memory, and for open files of the store.
    held: HeldPermits,
    /// The permit of the project, once it is known.
    held_of_project: Option<HeldPermits>,
}

impl Files {
    /// A request without a file counts as one upload; each further file counts as one more.
    async fn begin(request: &Request<'_>) -> Result<Self, ApiError> {
        let (api, client) = (request.api, request.client.as_ref());
        let held = api.limiter.acquire_upload(client, api.settings.queue_timeout).await?;
        let length = request.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > api.settings.max_request_size()) {
            return Err(codes::REQUEST_TOO_LARGE.into());
        }
        Ok(Self {
            held,
            ..Self::default()
        })
    }

    /// Takes the project's permit for the request, once.
    fn acquire_of_project(&mut self, api: &Api, project: &Project) -> Result<(), ApiError> {
        if self.held_of_project.is_none() {
            let held = api
                .limiter
                .try_acquire_of_project(&project.public_key, project.max_uploads)?;
            self.held_of_project = Some(held);
        }
        Ok(())
    }

    /// Checks that all files were accepted, and that there is at least one.
    fn all_accepted(&self) -> Result<(), ApiError> {
        match &self.refused {
            _ if self.count == 0 => Err(codes::FILE_MISSING.into()),
            Some(refused) => Err(refused.clone()),
            None => Ok(()),
        }
    }

    async fn discard(self, why: &ApiError) {
        let why = why.to_rejection();
        for (_, admitted) in self.admitted {
            admitted.discard(why.clone()).await;
        }
    }
}

/// Reads the form to its end, and has each file judged as it arrives. A refused file does not end the form: the key may follow.
async fn take_files(request: &mut Request<'_>, files: &mut Files) -> Result<(), ApiError> {
    let settings = &request.api.settings;
    let (max_fields, max_files) = (settings.max_fields, settings.max_files);
    let Some(mut form) = open_form(request.headers, &request.body, max_fields, max_files)? else {
        return read_urlencoded(&mut request.params, request.body.clone()).await;
    };
    while let Some(part) = next_file(&mut form, &mut request.params).await? {
        files.count += 1;
        if files.count > max_files {
            return Err(codes::TOO_MANY_FILES.into());
        }
        if files.refused.is_some() {
            continue;
        }
        let field = part.name.clone();
        let admitted = match prepare(request, part, files).await {
            Ok(incoming) => request.pipeline().admit(incoming).await.map_err(not_admitted),
            Err(error) => Err(error),
        };
        match admitted {
            Ok(admitted) => files.admitted.push((field, admitted)),
            Err(error) => {
                request.body.start_draining();
                files.refused = Some(error);
            }
        }
    }
    Ok(())
}

/// The next file of a form. Reads the fields before it as parameters.
async fn next_file(form: &mut Form, params: &mut Params) -> Result<Option<Part>, ApiError> {
    while let Some(mut part) = next_part(form).await? {
        let Some(file_name) = &part.file_name else {
            read_field(part, params).await?;
            continue;
        };
        let has_no_name = file_name.is_empty();
        if !has_no_name || !part.is_empty().await.map_err(|error| unreadable(&error))? {
            return Ok(Some(part));
        }
        // Browsers send this if no file was chosen. It counts as an empty field.
        params.take(&part.name, Some(""))?;
    }
    Ok(None)
}

/// The upload of a part, with the options that are known by now.
async fn prepare(request: &mut Request<'_>, part: Part, files: &mut Files) -> Result<Incoming, ApiError> {
    let sent_as = part.file_name.as_deref().unwrap_or_default();
    if part.name.contains('\0') || sent_as.contains('\0') {
        return Err(codes::NULL_CHARACTER.into());
    }
    // The permits of the first file were acquired with the request.
    if files.count > 1 {
        let more = request.api.limiter.try_acquire_upload(request.client.as_ref())?;
        files.held.extend(more);
    }
    let declared = Declared::default().with(|declared| {
        declared.name = FileName::new(sent_as);
        declared.media_type = part
            .media_type
            .as_deref()
            .and_then(|media_type| media_type.parse().ok());
    });
    // If the key came before the file, the project may refuse the file unread, and its rules judge the file as it arrives. The
    // authorization may still follow.
    let mut options = UploadOptions::default().with(|options| {
        options.sender = request.sender();
        options.origin = request.origin();
    });
    if request.has_key() {
        let found = request.active_project().await?;
        files.acquire_of_project(request.api, &found)?;
        options.authorization = request.authorize_early(&found)?;
        options.project = Some(found.public_key.clone());
    }
    let most = request.api.settings.max_direct_size;
    Ok(Incoming::from_stream(declared, part.into_stream())
        .at_most(most)
        .with(|incoming| incoming.options = options))
}

/// The error for a file that the pipeline did not accept.
fn not_admitted(error: Error) -> ApiError {
    match error {
        Error::Interrupted(why) => unreadable(why.as_ref()),
        error => ApiError::from_upload_error(&error),
    }
}

/// The answer: the id of each file under the name of its field. A plain HTML form sends several files with one name, so the
/// later ones get a number.
fn ids_by_field(fields: Vec<String>, records: &[Record]) -> Value {
    let mut answer = Map::new();
    for (field, record) in fields.into_iter().zip(records) {
        answer.insert(unused(&answer, field), Value::String(record.id.to_string()));
    }
    Value::Object(answer)
}

fn unused(answer: &Map<String, Value>, field: String) -> String {
    if !answer.contains_key(&field) {
        return field;
    }
    let numbered = (1..=answer.len()).map(|number| format!("{field}[{number}]"));
    numbered
        .into_iter()
        .find(|name| !answer.contains_key(name))
        .unwrap_or(field)
}
