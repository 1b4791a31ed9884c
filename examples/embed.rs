//! A product team's own service with the pipeline inside: `PUT /pictures` takes pictures and nothing else.
//!
//! `cargo run --example embed -- FOLDER`, then `curl -T cat.jpeg http://ADDRESS/pictures`.

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Router, routing::put};
use intake::core::{Declared, Error, Incoming, Pipeline, Terms};
use intake::plugins::{MediaTypes, OpendalStore, Retain, SqlRecorder};
use intake::server::{ServerSettings, serve};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "embed-data".to_owned()));
    let pipeline = Pipeline::builder()
        .validator("media-type", MediaTypes::allow(["image/*"])?)
        .store(OpendalStore::fs(folder.join("files")))
        .recorder(SqlRecorder::sqlite(folder.join("records.db")))
        .expirer(Retain::default())
        .build()?;
    let app = Router::new().route("/pictures", put(take)).with_state(pipeline);

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("PUT pictures to http://{}/pictures", listener.local_addr()?);
    serve(listener, app, &ServerSettings::default(), std::future::pending()).await?;
    Ok(())
}

async fn take(State(pipeline): State<Pipeline>, body: Body) -> Result<String, (StatusCode, String)> {
    let incoming = Incoming::from_stream(Declared::default(), body.into_data_stream());
    match pipeline.ingest(incoming, Terms::default()).await {
        Ok(record) => Ok(format!("{}\n", record.id)),
        Err(Error::Rejected { rejection, .. }) => Err((StatusCode::UNPROCESSABLE_ENTITY, rejection.message)),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.code().to_string())),
    }
}
