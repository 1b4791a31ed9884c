//! A product team's own service with the pipeline inside: pictures, and nothing else, are taken, read, listed and deleted.
//!
//! `cargo run --example embed -- FOLDER`, then `curl -T cat.jpeg http://ADDRESS/pictures`.

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use intake::core::{
    Declared, Error, Incoming, Intervals, Pipeline, Project, State as RecordState, UploadId, UploadOptions,
};
use intake::plugins::{MediaTypes, OpendalStore, Retain, SqlRecorder};
use intake::server::{ServerSettings, serve};
use tokio::net::TcpListener;

/// Whose the pictures are. A service with several customers has a project for each.
const OWNER: &str = "pictures";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "embed-data".to_owned()));
    let pipeline = Pipeline::builder()
        .validator("media-type", MediaTypes::allow(["image/*"])?)
        .store(OpendalStore::fs(folder.join("files")))
        .recorder(SqlRecorder::sqlite(folder.join("records.db")))
        .expirer(Retain::default())
        .project(Project::new(OWNER))?
        .build()?;
    let app = Router::new()
        .route("/pictures", get(list).put(take))
        .route("/pictures/{id}", get(read).delete(remove))
        .with_state(pipeline.clone());

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("PUT pictures to http://{}/pictures", listener.local_addr()?);
    let bounds = ServerSettings::default();
    // Deletes what expired and what clients left incomplete, for as long as the service runs.
    let maintenance = pipeline.run_background(Intervals::default(), std::future::pending());
    tokio::select! {
        served = serve(listener, app, &bounds, stop()) => served?,
        () = maintenance => {}
    }
    Ok(())
}

/// Ready when the service is asked to stop: then requests under way may end.
async fn stop() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("cannot listen for Ctrl-C: {error}");
        std::future::pending::<()>().await;
    }
}

async fn take(State(pipeline): State<Pipeline>, body: Body) -> Result<String, Refused> {
    let incoming = Incoming::from_stream(Declared::default(), body.into_data_stream());
    let options = UploadOptions::of_project(OWNER);
    let record = pipeline.ingest(incoming, options).await?;
    Ok(format!("{}\n", record.id))
}

/// The whole picture, or the bytes that `Range: bytes=FIRST-LAST` asks for.
async fn read(
    State(pipeline): State<Pipeline>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let id = upload_id(&id)?;
    let facts = pipeline.get(id).await?.facts.ok_or(Error::NotFound(id))?;
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let range = asked.and_then(|asked| {
        let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last && first < facts.size).then(|| first..facts.size.min(last + 1))
    });
    let length = range.as_ref().map_or(facts.size, |range| range.end - range.start);
    let bytes = Body::from_stream(pipeline.read(id, range.clone()).await?);
    let media_type = facts
        .media_type
        .map_or("application/octet-stream".to_owned(), String::from);
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_LENGTH, length.to_string()),
        // A picture that is a page to some browser stays a picture.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    let mut response = (headers, bytes).into_response();
    if let Some(range) = range {
        let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, facts.size);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        response
            .headers_mut()
            .insert(header::CONTENT_RANGE, content_range.parse().map_err(Refused::own)?);
    }
    Ok(response)
}

fn upload_id(text: &str) -> Result<UploadId, Refused> {
    let no_such = |_| Refused(StatusCode::NOT_FOUND, "there is no such picture".to_owned());
    text.parse().map_err(no_such)
}

/// The newest hundred; what was deleted is listed by the pipeline for as long as it can be restored.
async fn list(State(pipeline): State<Pipeline>) -> Result<String, Refused> {
    let records = pipeline.files_of(OWNER, None, 100).await.map_err(Error::from)?;
    Ok(records
        .iter()
        .filter(|record| record.state == RecordState::Ready)
        .map(|record| format!("{}\n", record.id))
        .collect())
}

async fn remove(State(pipeline): State<Pipeline>, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    let id = upload_id(&id)?;
    pipeline.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the service says when a request fails. A refusal is for the client; any other failure is for the log.
struct Refused(StatusCode, String);

impl Refused {
    fn own(error: impl std::fmt::Display) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected { rejection, .. } => Self(StatusCode::UNPROCESSABLE_ENTITY, rejection.message),
            Error::NotFound(_) => Self(StatusCode::NOT_FOUND, "there is no such picture".to_owned()),
            Error::Interrupted(_) => Self(StatusCode::BAD_REQUEST, "the upload broke off".to_owned()),
            error => Self::own(error.code()),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}
