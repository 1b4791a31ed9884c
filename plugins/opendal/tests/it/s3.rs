//! A bucket, on a server in this process that checks signatures and notes what it is asked.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode, body::Incoming, header};
use hyper_util::rt::TokioIo;
use intake_core::Store;
use intake_core::testkit::{collect, noise};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse};
use s3s_fs::FileSystem;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::{build, files, is_missing, key, put, some_bytes};

const ID: &str = "an-id";
const SECRET: &str = "not-to-be-seen";

pub(crate) struct Server {
    endpoint: String,
    folder: TempDir,
    state: Arc<State>,
}

struct State {
    s3: S3Service,
    /// What was asked, in words.
    asked: watch::Sender<Vec<String>>,
    /// This many requests of a method are still to be answered with a failure that passes.
    stumbles: Mutex<(Method, usize)>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("uploads")).unwrap();
        let mut s3 = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        s3.set_auth(SimpleAuth::from_single(ID, SECRET));
        let state = Arc::new(State {
            s3: s3.build(),
            asked: watch::Sender::new(Vec::new()),
            stumbles: Mutex::new((Method::PUT, 0)),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, state.clone()));
        Self {
            endpoint,
            folder,
            state,
        }
    }

    pub(crate) fn store(&self) -> Box<dyn Store> {
        self.store_with(json!({}))
    }

    fn store_with(&self, more: Value) -> Box<dyn Store> {
        let mut settings = json!({
            "scheme": "s3",
            "bucket": "uploads",
            "endpoint": self.endpoint,
            "access_key_id": ID,
            "secret_access_key": SECRET,
        });
        settings
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        build(settings).unwrap()
    }

    /// Everything that is kept: objects, unfinished uploads and their parts. What the server notes beside objects, it
    /// does not remove with them.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let mut files = files(self.folder.path());
        files.retain(|file| !file.starts_with(".bucket-"));
        files
    }

    fn asked(&self) -> Vec<String> {
        self.state.asked.borrow().clone()
    }

    /// Waits until something is asked.
    async fn is_asked(&self, what: &str) {
        let mut asked = self.state.asked.subscribe();
        let heard = asked.wait_for(|asked| asked.iter().any(|line| line.starts_with(what)));
        let long = Duration::from_secs(60);
        tokio::time::timeout(long, heard)
            .await
            .unwrap_or_else(|_| panic!("not asked: {what}"))
            .unwrap();
    }

    fn stumble(&self, method: Method, times: usize) {
        *self.state.stumbles.lock().unwrap() = (method, times);
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        let state = state.clone();
        let service = service_fn(move |request| {
            let state = state.clone();
            async move { Ok::<_, Infallible>(state.answer(request).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> HttpResponse {
        let stumbles = {
            let (method, times) = &mut *self.stumbles.lock().unwrap();
            let stumbles = method == request.method() && *times > 0;
            *times -= usize::from(stumbles);
            stumbles
        };
        let said = words(&request);
        let answer = if stumbles {
            let mut answer = HttpResponse::new(Body::empty());
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            answer
        } else {
            self.s3.call(request.map(Body::from)).await.unwrap()
        };
        let status = answer.status().as_u16();
        self.asked.send_modify(|asked| asked.push(format!("{said}: {status}")));
        answer
    }
}

/// `PUT /path?names image/png`, without the values in the query.
fn words(request: &Request<Incoming>) -> String {
    let query = request.uri().query().unwrap_or_default();
    let names: Vec<_> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    let media_type = request.headers().get(header::CONTENT_TYPE);
    let media_type = media_type.map_or("-", |value| value.to_str().unwrap());
    format!(
        "{} {}?{} {media_type}",
        request.method(),
        request.uri().path(),
        names.join("&")
    )
}

#[tokio::test]
async fn a_small_upload_is_one_request() {
    let server = Server::start().await;
    let (store, key) = (server.store_with(json!({"prefix": "in/here"})), key());
    put(&*store, &key, &some_bytes()).await;
    assert_eq!(server.asked(), [format!("PUT /uploads/in/here/{key}? image/png: 200")]);
    assert!(collect(store.read(&key, None).await.unwrap()).await == some_bytes());
}

#[tokio::test]
async fn a_large_upload_is_sent_in_parts() {
    let server = Server::start().await;
    let (store, key, bytes) = (
        server.store_with(json!({"part_size": "8 MiB"})),
        key(),
        noise(1, 20 << 20),
    );
    put(&*store, &key, &bytes).await;
    let part = format!("PUT /uploads/{key}?partNumber&uploadId -: 200");
    assert_eq!(
        server.asked(),
        [
            format!("POST /uploads/{key}?uploads image/png: 200"),
            part.clone(),
            part.clone(),
            part,
            format!("POST /uploads/{key}?uploadId application/xml: 200"),
        ]
    );
    assert!(collect(store.read(&key, None).await.unwrap()).await == bytes);
}

#[tokio::test]
async fn a_discarded_upload_is_aborted() {
    let server = Server::start().await;
    let (store, key) = (server.store(), key());
    let mut staged = store.stage(&key, None).await.unwrap();
    staged.write(noise(1, 12 << 20)).await.unwrap();
    staged.discard().await.unwrap();
    let aborted = format!("DELETE /uploads/{key}?uploadId -: 204");
    assert_eq!(server.asked().last(), Some(&aborted));
    assert_eq!(server.leftovers(), [""; 0]);
}

#[tokio::test]
async fn an_upload_whose_sender_is_gone_is_aborted() {
    let server = Server::start().await;
    let (store, key) = (server.store(), key());
    let mut staged = store.stage(&key, None).await.unwrap();
    staged.write(noise(1, 12 << 20)).await.unwrap();
    drop(staged);
    server.is_asked(&format!("DELETE /uploads/{key}?uploadId -: 204")).await;
    assert_eq!(server.leftovers(), [""; 0]);
}

#[tokio::test]
async fn a_service_that_stumbles_is_asked_again() {
    let server = Server::start().await;
    let (store, key, bytes) = (server.store(), key(), noise(1, 6 << 20));
    server.stumble(Method::PUT, 2);
    put(&*store, &key, &bytes).await;
    assert!(collect(store.read(&key, None).await.unwrap()).await == bytes);
}

#[tokio::test]
async fn an_upload_that_a_service_did_not_take_is_not_committed_and_can_be_discarded() {
    let server = Server::start().await;
    let store = server.store();
    for ends in ["commit", "discard"] {
        let key = key();
        let mut staged = store.stage(&key, None).await.unwrap();
        server.stumble(Method::PUT, usize::MAX);
        // The part is on its way while this goes on, so it is the next call that hears of it.
        staged.write(noise(1, 11 << 20)).await.unwrap();
        if ends == "commit" {
            let fault = staged.commit().await.unwrap_err();
            assert_eq!(fault.code.as_str(), "store_failed");
            assert!(fault.retryable);
            assert!(fault.chain().contains("503"), "{}", fault.chain());
        } else {
            staged.discard().await.unwrap();
        }
        assert_eq!(server.leftovers(), [""; 0], "{ends}");
        assert!(is_missing(&*store, &key).await);
    }
}

#[tokio::test]
async fn a_secret_is_not_in_what_is_said() {
    let server = Server::start().await;
    let store = server.store_with(json!({"secret_access_key": "another-secret"}));
    let fault = store.ready().await.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_failed");
    assert!(!fault.retryable, "{}", fault.chain());
    let said = format!("{} {fault:?} {store:?}", fault.chain());
    assert!(said.contains("SignatureDoesNotMatch"), "{said}");
    assert!(!said.contains("another-secret"), "{said}");
}

#[tokio::test]
async fn a_secret_may_come_from_a_file_that_is_read_at_first_use() {
    let server = Server::start().await;
    let file: PathBuf = server.folder.path().join("secret");
    let store = server.store_with(json!({"secret_access_key": {"file": file}}));
    std::fs::write(&file, SECRET).unwrap();
    store.ready().await.unwrap();
}

#[tokio::test]
async fn a_service_that_is_not_there_may_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::start().await;
    let store = server.store_with(json!({"endpoint": format!("http://{}", listener.local_addr().unwrap())}));
    drop(listener);
    let fault = store.ready().await.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_failed");
    assert!(fault.retryable);
}
