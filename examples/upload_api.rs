//! An application with routes and sessions of its own, and the Upload API under `/uploads`: clients upload straight to the
//! application, and only those who are logged in.
//!
//! `cargo run --example upload_api -- FOLDER`, then, with the address that it prints:
//!
//! ```sh
//! curl -c jar -X POST http://ADDRESS/login
//! curl -b jar -F UPLOADCARE_PUB_KEY=shop -F file=@cat.jpeg http://ADDRESS/uploads/base/
//! ```
//!
//! Clients of the Upload API are given `http://ADDRESS/uploads` as their base address.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use intake::core::{Intervals, Pipeline, Project};
use intake::plugins::{ImageInfo, MediaTypes, OpendalStore, Retain, SqlRecorder};
use intake::upload_api;
use tokio::net::TcpListener;

/// The one session of this small application, if a user is logged in.
#[derive(Clone, Default)]
struct Session(Arc<RwLock<Option<String>>>);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "upload-api-data".to_owned()));
    let pipeline = Pipeline::builder()
        .validator("media-type", MediaTypes::allow(["image/*"])?.deny(["image/svg+xml"])?)
        .scanner("image-info", ImageInfo::default().refuse_unreadable())
        .store(OpendalStore::fs(folder.join("files")))
        .recorder(SqlRecorder::sqlite(folder.join("records.db")))
        .expirer(Retain::default())
        .project(Project::new("shop"))?
        .build()?;
    let session = Session::default();
    let uploads = upload_api::router(pipeline.clone(), upload_api::Settings::default())?
        .layer(from_fn_with_state(session.clone(), only_logged_in));
    let app = Router::new()
        .route("/", get(|| async { "the application's own page" }))
        .route("/login", post(log_in))
        .with_state(session)
        .fallback(|| async { (StatusCode::NOT_FOUND, "the application's own answer") })
        .nest("/uploads", uploads);

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("uploads go to http://{}/uploads/base/", listener.local_addr()?);
    let maintenance = pipeline.run_background(Intervals::default(), std::future::pending());
    // The addresses of clients are what limits per address count by.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        () = maintenance => {}
    }
    Ok(())
}

/// Stands for whatever an application does to know its users.
async fn log_in(State(session): State<Session>) -> Result<Response, StatusCode> {
    let name = intake::core::UploadId::random().to_string();
    let cookie = format!("session={name}; HttpOnly; SameSite=Strict; Path=/");
    *session.0.write().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)? = Some(name);
    Ok(([(header::SET_COOKIE, cookie)], "logged in\n").into_response())
}

async fn only_logged_in(State(session): State<Session>, request: Request, next: Next) -> Response {
    let sent = request
        .headers()
        .get(header::COOKIE)
        .and_then(|cookies| cookies.to_str().ok());
    let sent = sent.and_then(|cookies| cookies.split("; ").find_map(|cookie| cookie.strip_prefix("session=")));
    let known = session
        .0
        .read()
        .is_ok_and(|session| session.is_some() && session.as_deref() == sent);
    match known {
        true => next.run(request).await,
        false => (StatusCode::UNAUTHORIZED, "log in first\n").into_response(),
    }
}
