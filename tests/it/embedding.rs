//! The Upload API and the maintenance inside an application of one's own.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use intake::core::memory::{MemoryRecorder, MemoryStore};
use intake::core::{Declared, Incoming, Intervals, Pipeline, Project, Retention, UploadOptions};
use intake::plugins::Retain;
use intake::server::{ServerSettings, serve};
use intake::upload_api::{Settings, router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::support::{self, Answer, Form};

/// How an application serves its router.
#[derive(Clone, Copy, Debug)]
enum By {
    Intake,
    AxumWithAddress,
    AxumWithout,
}

/// An application that is being served.
struct Application {
    address: String,
    _runtime: Runtime,
}

fn pipeline() -> Pipeline {
    Pipeline::builder()
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(Retain::default())
        .project(Project::new("demopublickey"))
        .unwrap()
        .build()
        .unwrap()
}

fn uploads() -> Router {
    router(pipeline(), Settings::default()).unwrap()
}

fn two_requests_a_minute() -> Router {
    let settings = Settings::default().with(|settings| settings.max_requests_per_ip = Some("2/min".parse().unwrap()));
    router(pipeline(), settings).unwrap()
}

impl Application {
    fn serve(app: Router, by: By) -> Self {
        let runtime = Runtime::new().unwrap();
        let address = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            match by {
                By::Intake => {
                    let bounds = ServerSettings::default();
                    tokio::spawn(async move { serve(listener, app, &bounds, pending()).await });
                }
                By::AxumWithAddress => {
                    let app = app.into_make_service_with_connect_info::<SocketAddr>();
                    tokio::spawn(async move { axum::serve(listener, app).await });
                }
                By::AxumWithout => {
                    tokio::spawn(async move { axum::serve(listener, app).await });
                }
            }
            address
        });
        Self {
            address,
            _runtime: runtime,
        }
    }

    fn get(&self, path: &str) -> Answer {
        support::send(&self.address, &format!("GET {path} HTTP/1.1\r\n"), b"")
    }

    fn upload(&self, path: &str) -> Answer {
        let form = Form::default().key().file("file", "a.txt", b"text");
        let head = form.head(path);
        support::send(&self.address, &head, &form.body())
    }
}

fn own_routes() -> Router {
    Router::new()
        .route("/", get(|| async { "own page" }))
        .fallback(|| async { "own fallback" })
}

#[test]
fn the_router_is_merged_beside_own_routes_and_a_fallback() {
    for by in [By::Intake, By::AxumWithAddress] {
        let app = Application::serve(own_routes().merge(uploads()), by);
        assert_eq!(app.get("/").text(), "own page", "{by:?}");
        assert_eq!(app.get("/elsewhere").text(), "own fallback", "{by:?}");
        assert!(app.upload("/base/").json()["file"].is_string(), "{by:?}");
        assert!(app.upload("//base").json()["file"].is_string(), "{by:?}");
    }
}

#[test]
fn the_router_is_nested_under_a_path_and_its_addresses_name_the_path() {
    let app = Application::serve(own_routes().nest("/uploads", uploads()), By::AxumWithAddress);
    assert_eq!(app.get("/base/").text(), "own fallback");
    assert!(app.upload("/uploads/base/").json()["file"].is_string());
    let start = "UPLOADCARE_PUB_KEY=demopublickey&filename=a.bin&size=12582912&content_type=text%2Fplain";
    let started = support::send(
        &app.address,
        "POST /uploads/multipart/start/ HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        start.as_bytes(),
    );
    let parts = started.json()["parts"].clone();
    let first = parts[0].as_str().unwrap_or_else(|| panic!("{}", started.text()));
    let path = first
        .strip_prefix(&format!("http://{}", app.address))
        .unwrap_or_else(|| panic!("{first}"));
    assert!(path.starts_with("/uploads/parts/"), "{path}");
    let put = support::send(&app.address, &format!("PUT {path} HTTP/1.1\r\n"), &vec![7; 5 << 20]);
    assert_eq!(put.status, 200, "{}", put.text());
}

#[test]
fn limits_per_address_hold_under_axums_own_server_if_it_tells_the_address() {
    for (by, third) in [
        (By::Intake, 429),
        (By::AxumWithAddress, 429),
        // The log says once that there is no address by which to count.
        (By::AxumWithout, 400),
    ] {
        let app = Application::serve(two_requests_a_minute(), by);
        let ask = || app.get("/info/?pub_key=demopublickey&file_id=x").status;
        assert_eq!([ask(), ask(), ask()][2], third, "{by:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_call_does_the_maintenance_until_it_is_stopped() {
    let (store, recorder) = (MemoryStore::default(), MemoryRecorder::default());
    let began = tokio::time::Instant::now();
    let pipeline = Pipeline::builder()
        .store(store.clone())
        .recorder(recorder.clone())
        .expirer(Retain::default())
        .clock(move || std::time::UNIX_EPOCH + began.elapsed())
        .build()
        .unwrap();
    let options = UploadOptions::default().with(|options| options.retention = Retention::Temporary);
    let incoming = Incoming::from_bytes(Declared::named("a.txt"), "text");
    let id = pipeline.ingest(incoming, options).await.unwrap().id;
    let (stop, stopped) = oneshot::channel::<()>();
    let background = pipeline.clone();
    let running = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        background.run_background(Intervals::default(), stopped).await;
    });

    tokio::time::sleep(Duration::from_secs(23 * 3600)).await;
    assert_eq!(store.keys().len(), 1, "kept for its 24 hours");
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert!(store.keys().is_empty(), "deleted by a sweep after them");
    assert!(pipeline.get(id).await.is_err());
    drop(stop);
    running.await.unwrap();
}

#[test]
fn an_embedded_upload_api_answers_as_the_program_does() {
    let app = Application::serve(uploads(), By::AxumWithAddress);
    let id = app.upload("/base/").json()["file"].clone();
    let info: Value = app
        .get(&format!(
            "/info/?pub_key=demopublickey&file_id={}",
            id.as_str().unwrap()
        ))
        .json();
    assert_eq!(info["original_filename"], "a.txt");
}
