//! A pipeline with files, and requests for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::{Builder, Declared, Incoming, Pipeline, Project, Record, UploadId, UploadOptions};
use intake_delivery::Settings;
use tower::ServiceExt as _;

/// The project of all files.
pub const PROJECT: &str = "demopublickey";
/// When each file is made.
pub const MADE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// A clock that tests set.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
    }

    pub fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl Default for Clock {
    /// Half a second after [`MADE`], because a header has no room for half seconds.
    fn default() -> Self {
        let made = httpdate::parse_http_date(MADE).unwrap();
        let since = made.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Self(Arc::new(AtomicU64::new(since.as_millis() as u64 + 500)))
    }
}

/// Files and the way out for them.
pub struct Host {
    pub pipeline: Pipeline,
    pub router: Router,
    pub clock: Clock,
    pub store: MemoryStore,
    pub recorder: MemoryRecorder,
}

/// The answer to a request.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The only value of a header; "" if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.headers.get_all(name).iter();
        let value = lines.next().map_or("", |line| line.to_str().unwrap());
        assert!(lines.next().is_none(), "{name} is there twice");
        value
    }

    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

impl Host {
    pub fn new() -> Self {
        Self::with(|builder| builder, Settings::default())
    }

    pub fn with(change: impl FnOnce(Builder) -> Builder, settings: Settings) -> Self {
        Self::over(MemoryStore::default(), MemoryRecorder::default(), change, settings)
    }

    /// A host with the records and files of another one.
    pub fn sharing(other: &Self, project: Project) -> Self {
        let (store, recorder) = (other.store.clone(), other.recorder.clone());
        let change = |builder: Builder| builder.project(project).unwrap();
        Self::over(store, recorder, change, Settings::default())
    }

    /// The same after a restart: with its records and files, and nothing in memory.
    pub fn again(&self, change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::over(self.store.clone(), self.recorder.clone(), change, Settings::default())
    }

    fn over(
        store: MemoryStore,
        recorder: MemoryRecorder,
        change: impl FnOnce(Builder) -> Builder,
        settings: Settings,
    ) -> Self {
        let clock = Clock::default();
        let builder = Pipeline::builder()
            .store(store.clone())
            .recorder(recorder.clone())
            .expirer(KeepAll)
            .clock({
                let clock = clock.clone();
                move || clock.now()
            });
        let pipeline = change(builder).build().unwrap();
        let router = intake_delivery::host(pipeline.clone(), settings).unwrap();
        Self {
            pipeline,
            router,
            clock,
            store,
            recorder,
        }
    }

    /// A host with one project that has no rules.
    pub fn of_project(project: Project) -> Self {
        Self::with(|builder| builder.project(project).unwrap(), Settings::default())
    }

    pub async fn upload(&self, name: &str, content: impl Into<Bytes>) -> Record {
        let mut options = UploadOptions::default();
        options.project = Some(PROJECT.to_owned());
        let incoming = Incoming::from_bytes(Declared::named(name), content.into());
        self.pipeline.ingest(incoming, options).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[]).await
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

/// The address of a file.
pub fn address(id: UploadId) -> String {
    format!("/{id}/")
}

/// The beginnings of files of some types, from which their types are detected.
pub fn sample(kind: &str) -> &'static [u8] {
    match kind {
        "png" => b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89",
        "pdf" => b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "mp4" => b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\0\0\0\x08free",
        "html" => b"<!DOCTYPE html><html><script>alert(1)</script></html>",
        "svg" => b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        "text" => b"plain words, and no more\n",
        "zip" => b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        other => panic!("no sample of {other}"),
    }
}
