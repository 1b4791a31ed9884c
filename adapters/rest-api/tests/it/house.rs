//! The API over stages in memory, and requests to it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::project::ProjectSecret;
use intake_core::testkit::ScriptedNotifier;
use intake_core::{
    Declared, Expirer, Facts, Incoming, Lifetime, Limits, Pipeline, Project, Retention, Secret, UploadId, UploadOptions,
};
use intake_rest_api::{Settings, UploadcareFormat};
use serde_json::Value;
use tower::ServiceExt as _;

/// Keeps what its sender asks to keep.
#[derive(Debug)]
struct AsAsked;

impl Expirer for AsAsked {
    fn lifetime(&self, _: &Facts, retention: Retention, _: SystemTime) -> Lifetime {
        Lifetime {
            kept: retention == Retention::Keep,
            expires: None,
        }
    }
}

pub(crate) struct House {
    pub(crate) pipeline: Pipeline,
    pub(crate) api: Router,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn project(key: &str) -> Project {
    let secret = ProjectSecret::new("one", Secret::new(format!("{key}secret")));
    Project::new(key).with(|project| project.secrets = vec![secret])
}

pub(crate) fn settings() -> Settings {
    Settings::default().with(|settings| {
        settings.allow_simple_over_http = true;
        settings.base_url = Some("https://api.example.com/".to_owned());
        settings.cdn_base = Some("https://cdn.example.com".to_owned());
    })
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(settings(), [project("demo"), project("other")])
    }

    pub(crate) fn with(settings: Settings, projects: impl IntoIterator<Item = Project>) -> Self {
        let limits = Limits::default().with(|limits| limits.trash = Duration::from_secs(1000));
        let builder = Pipeline::builder()
            .store(MemoryStore::default())
            .recorder(MemoryRecorder::default())
            .expirer(AsAsked)
            .limits(limits);
        let format = Arc::new(UploadcareFormat::new(Some(&settings)));
        let builder = builder
            .notifier("webhook", ScriptedNotifier::that_delivers())
            .event_format(UploadcareFormat::NAME, format);
        let builder = projects
            .into_iter()
            .fold(builder, |builder, project| builder.project(project).unwrap());
        let pipeline = builder.build().unwrap();
        let api = intake_rest_api::host(pipeline.clone(), settings).unwrap();
        Self { pipeline, api }
    }

    /// Takes a file, with a name, into a project.
    pub(crate) async fn take(&self, project: &str, name: &str, retention: Retention) -> UploadId {
        let options = UploadOptions::of_project(project).with(|options| options.retention = retention);
        let incoming = Incoming::from_bytes(Declared::named(name), name.as_bytes().to_vec());
        self.pipeline.ingest(incoming, options).await.unwrap().id
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.api.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Sends a request of the project `demo`.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_as("demo", method, path, body).await
    }

    pub(crate) async fn ask_as(&self, key: &str, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Uploadcare.Simple {key}:{key}secret"))
            .header("accept", "application/vnd.uploadcare-v0.7+json")
            .header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.json()
    }
}
