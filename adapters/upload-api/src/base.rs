//! `POST /base/`: files, and what is said of them before or after (wire facts, section 3).
//!
//! The official JavaScript client sends the file before the key. So each file is admitted as it comes, which nobody can
//! see, and committed once the last field is read: all files of the request, or none.

use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt;
use intake_core::{Admitted, Declared, Error, FileName, Incoming, Project, Terms};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::error::{Refusal, codes};
use crate::form::{Form, Limits, Part};
use crate::gate::Held;
use crate::key_names::BASE_KEY;
use crate::options::{STORE, terms};
use crate::params::Params;
use crate::reading::{multipart_boundary, read_field, read_urlencoded, refusal_of};
use crate::token;
use crate::visit::Visit;

/// Takes the files of a request.
pub(crate) async fn upload(api: &Api, visit: &Visit<'_>, params: &mut Params) -> Result<Value, Refusal> {
    let Visit { headers, source, .. } = visit;
    // A request that brings no file yet is one upload; each further file is one more.
    let patience = api.settings.queue_timeout;
    let first = api.gate.upload(visit.client.as_ref(), patience).await?;
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > api.settings.max_request_size()) {
        return Err(codes::REQUEST_TOO_LARGE.into());
    }

    let mut files = Files {
        held: first,
        ..Files::default()
    };
    let judged = match multipart_boundary(headers) {
        Some(boundary) => {
            let boundary = boundary.map_err(|error| refusal_of(&error))?;
            // Fields and files have bounds of their own, with codes of their own; this one is behind them.
            let parts = api
                .settings
                .max_fields
                .saturating_add(api.settings.max_files)
                .saturating_add(1);
            let form = Form::new(
                boundary,
                (*source).clone().boxed(),
                Limits {
                    parts,
                    ..Limits::default()
                },
            );
            let read = read_form(api, visit, form, params, &mut files).await;
            judge(api, visit, params, &mut files, read).await
        }
        None => {
            let read = read_urlencoded(params, (*source).clone()).await;
            judge(api, visit, params, &mut files, read).await
        }
    };
    match judged {
        Ok(terms) => files.commit(api, terms).await,
        Err(refusal) => {
            files.discard(&refusal).await;
            Err(refusal)
        }
    }
}

/// The files of a request that every stage has accepted, and the first reason why one was not.
#[derive(Default)]
struct Files {
    admitted: Vec<(String, Admitted)>,
    count: usize,
    refused: Option<Refusal>,
    /// What the files hold as uploads that are under way: memory, and open files of the store.
    held: Held,
    /// The same among those of its project, once it is known whose they are.
    held_of_project: Option<Held>,
}

impl Files {
    /// Counts the request among those of the project, once.
    fn enter(&mut self, api: &Api, project: &Project) -> Result<(), Refusal> {
        if self.held_of_project.is_none() {
            self.held_of_project = Some(api.gate.upload_of(&project.public_key, project.max_uploads)?);
        }
        Ok(())
    }

    /// Makes all readable, or none: the sender is told of all, or of none.
    async fn commit(self, api: &Api, terms: Terms) -> Result<Value, Refusal> {
        let (fields, admitted): (Vec<_>, Vec<_>) = self.admitted.into_iter().unzip();
        let committed = api.pipeline.commit_together(admitted, terms).await;
        let records = committed.map_err(|error| Refusal::of_upload(&error))?;
        let mut answer = Map::new();
        for (field, record) in fields.into_iter().zip(records) {
            answer.insert(unused(&answer, field), Value::String(record.id.to_string()));
        }
        Ok(Value::Object(answer))
    }

    async fn discard(self, why: &Refusal) {
        let why = why.rejection();
        for (_, admitted) in self.admitted {
            admitted.discard(why.clone()).await;
        }
    }
}

/// A plain HTML form sends several files under one name. Each is to be told of, so the later ones get a number.
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

/// Reads the form to its end. A file that is refused does not end it: whose it is may be said behind it, and a stranger is
/// told that he is one before he is told anything else.
async fn read_form(
    api: &Api,
    visit: &Visit<'_>,
    mut form: Form,
    params: &mut Params,
    files: &mut Files,
) -> Result<(), Refusal> {
    while let Some(mut part) = form.next_part().await.map_err(|error| refusal_of(&error))? {
        if part.file_name.is_none() {
            read_field(part, params).await?;
            continue;
        }
        let has_no_name = part.file_name.as_deref() == Some("");
        if has_no_name && part.is_empty().await.map_err(|error| refusal_of(&error))? {
            // What browsers send for a choice of files in which none was chosen. It counts as an empty field.
            params.take(&part.name, Some(""))?;
            continue;
        }
        files.count += 1;
        if files.count > api.settings.max_files {
            return Err(codes::TOO_MANY_FILES.into());
        }
        if files.refused.is_none() {
            match take_file(api, visit, params, part, files).await {
                Ok(file) => files.admitted.push(file),
                Err(refusal) => {
                    visit.source.wind_down();
                    files.refused = Some(refusal);
                }
            }
        }
    }
    Ok(())
}

async fn take_file(
    api: &Api,
    visit: &Visit<'_>,
    params: &Params,
    part: Part,
    files: &mut Files,
) -> Result<(String, Admitted), Refusal> {
    let sent_as = part.file_name.as_deref().unwrap_or_default();
    if part.name.contains('\0') || sent_as.contains('\0') {
        return Err(codes::NULL_CHARACTER.into());
    }
    // The first file's was taken with the request.
    if files.count > 1 {
        files.held.extend(api.gate.further_upload(visit.client.as_ref())?);
    }
    // If the key was said before the file, the file need not be looked at if it is none of ours, and is judged by its project's
    // rules as it comes. What lets it in may still follow.
    let mut known = None;
    if params.get(BASE_KEY.0).or(params.get(BASE_KEY.1)).is_some() {
        let project = visit.active_project(api, params, BASE_KEY).await?;
        files.enter(api, &project)?;
        let pass = match params.get("signature") {
            // Of a signature it is said beside it until when it is good; that may follow too. So may a signature, in which case an
            // access token does not count.
            Some(sent) if token::is_one(sent) || params.get("expire").is_some() => visit.pass(&project, params)?,
            _ => None,
        };
        known = Some((project.public_key.clone(), pass));
    }
    let (project, pass) = known.map_or((None, None), |(project, pass)| (Some(project), pass));
    let declared = Declared {
        name: FileName::new(sent_as),
        size: None,
        media_type: part
            .media_type
            .as_deref()
            .and_then(|media_type| media_type.parse().ok()),
    };
    let field = part.name.clone();
    let incoming = Incoming::from_stream(declared, part.into_stream()).at_most(api.settings.max_direct_size.as_u64());
    let incoming = Incoming {
        project,
        pass,
        sender: visit.sender(),
        ..incoming
    };
    match api.pipeline.admit(incoming).await {
        Ok(admitted) => Ok((field, admitted)),
        Err(Error::Interrupted(why)) => Err(refusal_of(why.as_ref())),
        Err(error) => Err(Refusal::of_upload(&error)),
    }
}

/// Everything that hangs on the whole request. Whose it is comes first.
async fn judge(
    api: &Api,
    visit: &Visit<'_>,
    params: &mut Params,
    files: &mut Files,
    read: Result<(), Refusal>,
) -> Result<Terms, Refusal> {
    match (&read, &files.refused) {
        (Err(refusal), None) => return Err(refusal.clone()),
        // Not read to its end because of the refusal: the key may not have been said yet, and that is not the sender's fault.
        (Err(_), Some(refusal)) => return Err(refusal.clone()),
        (Ok(()), _) => {}
    }
    let let_in = visit.let_in(api, params, BASE_KEY).await?;
    files.enter(api, &let_in.project)?;
    let terms = terms(&let_in, params, STORE)?;
    if files.count == 0 {
        return Err(codes::FILE_MISSING.into());
    }
    files.refused.clone().map_or(Ok(terms), Err)
}
