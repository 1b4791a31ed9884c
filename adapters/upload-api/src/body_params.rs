//! Reads the parameters in a request's body: `docs/upload-api.md`, "Every request".

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use futures_util::StreamExt;

use crate::body::{BodyError, LimitedBody};
use crate::codes;
use crate::error::ApiError;
use crate::form::{Flaw, Form, FormError, Limits, Part, begins, boundary};
use crate::params::{LONGEST, Params};
use crate::settings::Settings;

/// The bytes of a body with parameters only: room for the most metadata, each character percent-encoded.
pub(crate) const PARAMS_BODY: usize = 512 * 1024;

/// Reads the parameters of a request to an endpoint that takes no files. Files are counted and skipped.
pub(crate) async fn read_params(
    settings: &Settings,
    headers: &HeaderMap,
    body: LimitedBody,
    params: &mut Params,
) -> Result<(), ApiError> {
    let Some(mut form) = open_form(headers, &body, settings.max_fields, settings.max_group_files)? else {
        return read_urlencoded(params, body).await;
    };
    while let Some(part) = next_part(&mut form).await? {
        match part.file_name {
            // A group has an error of its own for a file in place of a file's name.
            Some(_) if params.reads(&part.name) && !params.names_a_file(&part.name) => {
                let flaw = Flaw::new("it is a file where a parameter is meant; send it without a `filename`");
                return Err(malformed(&flaw.in_part(part.place).of_field(&part.name)));
            }
            Some(_) => params.take(&part.name, None)?,
            None => read_field(part, params).await?,
        }
    }
    Ok(())
}

/// The form in a body, if its `Content-Type` is that of a form. `None`: it is another one, or missing.
pub(crate) fn open_form(
    headers: &HeaderMap,
    body: &LimitedBody,
    max_fields: usize,
    max_files: usize,
) -> Result<Option<Form>, ApiError> {
    let Some(boundary) = multipart_boundary(headers) else {
        return Ok(None);
    };
    let boundary = boundary.map_err(|error| unreadable(&error))?;
    // Fields and files have limits of their own, with codes of their own; this limit is above them.
    let parts = max_fields.saturating_add(max_files).saturating_add(1);
    let limits = Limits {
        parts,
        ..Limits::default()
    };
    Ok(Some(Form::new(boundary, body.clone().boxed(), limits)))
}

/// The next part of a form.
pub(crate) async fn next_part(form: &mut Form) -> Result<Option<Part>, ApiError> {
    form.next_part().await.map_err(|error| unreadable(&error))
}

/// Reads the part of a field as a parameter.
pub(crate) async fn read_field(part: Part, params: &mut Params) -> Result<(), ApiError> {
    const FILES: [&str; 4] = ["image/", "audio/", "video/", "application/octet-stream"];
    let (place, name) = (part.place, part.name.clone());
    let media_type = part.media_type.as_deref().unwrap_or_default();
    let is_of_a_file = FILES.iter().any(|file| begins(media_type, file));
    let value = part.text(LONGEST).await.map_err(|error| unreadable(&error))?;
    // A field that no endpoint reads is dropped. This one may be a file whose sender left out the file name.
    if (is_of_a_file || value.is_none()) && !params.reads(&name) {
        let flaw = Flaw::new("it looks like a file and has no file name; send a file with a `filename`");
        return Err(malformed(&flaw.in_part(place).of_field(&name)));
    }
    params.take(&name, value.as_deref())
}

/// The boundary of a multipart form. `None`: the body is no such form.
fn multipart_boundary(headers: &HeaderMap) -> Option<Result<Vec<u8>, FormError>> {
    const FORM: &[u8] = b"multipart/form-data";
    let content_type = headers.get(CONTENT_TYPE)?.as_bytes();
    let begins = content_type.trim_ascii_start().get(..FORM.len())?;
    begins
        .eq_ignore_ascii_case(FORM)
        .then(|| match headers.get(CONTENT_ENCODING) {
            Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
                let why = "packed bodies are not read; send the body as it is";
                Err(FormError::Malformed(Flaw::of_header(
                    "Content-Encoding of the request",
                    why,
                )))
            }
            _ => boundary(content_type),
        })
}

/// Reads a body that is no multipart form as URL-encoded parameters. Bytes beyond the limit are dropped.
pub(crate) async fn read_urlencoded(params: &mut Params, mut body: LimitedBody) -> Result<(), ApiError> {
    let mut text = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| unreadable(error.as_ref()))?;
        let room = PARAMS_BODY.saturating_sub(text.len());
        text.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    params.take_urlencoded(&text)
}

/// The error for a body or a form that could not be read to its end.
pub(crate) fn unreadable(error: &(dyn std::error::Error + 'static)) -> ApiError {
    // A shared error does not appear in the chain of sources, so its content is looked up by name.
    let below = match error.downcast_ref() {
        Some(FormError::Body(body)) => BodyError::below(body.as_ref()),
        Some(FormError::TooManyParts) => return codes::TOO_MANY_FIELDS.into(),
        Some(FormError::Malformed(flaw)) => return malformed(flaw),
        _ => BodyError::below(error),
    };
    match below {
        Some(BodyError::TooLarge) => codes::REQUEST_TOO_LARGE.into(),
        Some(BodyError::TooLong) => codes::REQUEST_TOO_SLOW.into(),
        Some(BodyError::TooSlow(least)) => {
            let least = least.bytes_per_second;
            ApiError::new(&codes::REQUEST_TOO_SLOW).with_detail(&format!("Send at least {least} bytes a second."))
        }
        Some(BodyError::TinyChunks) => codes::CHUNKS_TOO_SMALL.into(),
        Some(BodyError::Broken(_) | BodyError::Short) => {
            ApiError::new(&codes::FORM_MALFORMED).with_detail("The connection broke before the end of the request.")
        }
        None => codes::FORM_MALFORMED.into(),
    }
}

/// The error for a flaw of the form, which follows the message of the reference as one more sentence.
fn malformed(flaw: &Flaw) -> ApiError {
    let flaw = flaw.to_string();
    let mut letters = flaw.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let sentence: String = first.chain(letters).collect();
    ApiError::new(&codes::FORM_MALFORMED).with_detail(&format!("{sentence}."))
}
