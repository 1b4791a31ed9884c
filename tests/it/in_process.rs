//! A service in this process whose projects change while it runs: the whole Upload API over HTTP, on stages in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use intake::core::memory::{MemoryRecorder, MemoryStore};
use intake::core::{
    Builder, Catalog as _, Declared, Error, Fault, Fetcher, Incoming, Limits, ManagedProject, Pipeline, Recorder as _,
    Update, async_trait,
};
use intake::plugins::Retain;
use intake::server::{ServerSettings, serve};
use intake::upload_api::{Settings, host};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::runtime::Runtime;

use crate::support::{self, Answer, Form};

/// A service, its store, its recorder and its clock.
pub struct InProcess {
    pub address: String,
    pub pipeline: Pipeline,
    pub recorder: MemoryRecorder,
    pub store: MemoryStore,
    /// The store that is called `eu`.
    pub eu: MemoryStore,
    later: Arc<AtomicU64>,
    runtime: Runtime,
}

/// A receiver that returns ten bytes of text for every source.
#[derive(Debug)]
struct TenBytes;

#[async_trait]
impl Fetcher for TenBytes {
    async fn judge(&self, _source: &str) -> Result<(), Error> {
        Ok(())
    }
    async fn receive(&self, _source: &str) -> Result<Incoming, Error> {
        Ok(Incoming::from_bytes(Declared::named("ten.txt"), "ten bytes."))
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl InProcess {
    /// A service with these projects, by their keys.
    pub fn of(projects: &[(&str, Value)]) -> Self {
        Self::with(projects, Settings::default(), |builder| builder)
    }

    /// A service with other settings and more stages in its pipeline.
    pub fn with(projects: &[(&str, Value)], settings: Settings, more: impl FnOnce(Builder) -> Builder) -> Self {
        let (store, eu, recorder) = (
            MemoryStore::default(),
            MemoryStore::default(),
            MemoryRecorder::default(),
        );
        let later = Arc::new(AtomicU64::new(0));
        let clock = later.clone();
        let builder = Pipeline::builder()
            .store(store.clone())
            .another_store("eu", eu.clone())
            .recorder(recorder.clone())
            .fetcher("ten-bytes", TenBytes)
            .expirer(Retain::default())
            .limits(Limits::default())
            .clock(move || SystemTime::now() + Duration::from_secs(clock.load(Ordering::SeqCst)))
            .managed_projects();
        let pipeline = more(builder).build().unwrap();
        let runtime = Runtime::new().unwrap();
        let app = host(pipeline.clone(), settings).unwrap();
        let address = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let bounds = ServerSettings::default();
            tokio::spawn(async move { serve(listener, app, &bounds, std::future::pending()).await });
            address
        });
        let server = Self {
            address,
            pipeline,
            recorder,
            store,
            eu,
            later,
            runtime,
        };
        for (key, settings) in projects {
            server.set(key, settings.clone());
        }
        server
    }

    /// Makes a project, or changes everything about it.
    pub fn set(&self, key: &str, settings: Value) {
        let before = self.block_on(self.recorder.project(key)).unwrap();
        let Value::Object(settings) = settings else {
            panic!("a table")
        };
        let project = ManagedProject::new(key, before.map_or(0, |before| before.revision + 1), settings);
        project.project().expect("makes sense");
        assert_eq!(
            self.block_on(self.recorder.put_project(&project)).unwrap(),
            Update::Applied
        );
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Lets time pass for the pipeline.
    pub fn pass(&self, time: Duration) {
        self.later.fetch_add(time.as_secs(), Ordering::SeqCst);
    }

    pub fn send(&self, head: &str, body: &str) -> Answer {
        support::send(&self.address, head, body.as_bytes())
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    /// A request with urlencoded parameters.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.send(&format!("POST {path}?jsonerrors=1 HTTP/1.1\r\n"), body)
    }

    /// A form to `/base/`.
    pub fn base(&self, form: &Form) -> Answer {
        support::send(&self.address, &form.head("/base/?jsonerrors=1"), &form.body())
    }

    /// Uploads a file to a project, and returns its id.
    pub fn upload(&self, key: &str, content: &[u8]) -> String {
        let answer = self.base(&form(key).file("file", "a.txt", content));
        answer.json()["file"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", answer.text()))
            .to_owned()
    }

    /// Starts a multipart upload of two parts, sends both, and returns its id.
    pub fn parts(&self, key: &str, beside: &str) -> String {
        let begun = self.begin(key, beside);
        for part in &begun.parts {
            let put = support::send(&self.address, &format!("PUT {part} HTTP/1.1\r\n"), &[b'x'; PART]);
            assert_eq!(put.status, 200, "{}", put.text());
        }
        begun.uuid
    }

    pub fn begin(&self, key: &str, beside: &str) -> support::Begun {
        let answer = self.post("/multipart/start/", &starting(key, beside));
        assert!(answer.json().get("parts").is_some(), "{}", answer.text());
        support::Begun::of(&answer.json())
    }

    pub fn complete(&self, key: &str, uuid: &str) -> Answer {
        self.post("/multipart/complete/", &format!("UPLOADCARE_PUB_KEY={key}&uuid={uuid}"))
    }

    /// The files and bytes on the account of a project.
    pub fn usage(&self, key: &str) -> (u64, u64) {
        let account = intake::core::accounting::Account::project(key);
        let has = self.block_on(self.recorder.usage(&account)).unwrap();
        (has.files, has.bytes)
    }

    pub fn record(&self, id: &str) -> intake::core::Record {
        let found = self.block_on(self.recorder.get(id.parse().unwrap())).unwrap();
        found.expect("is recorded")
    }
}

/// Bytes of each of two parts.
pub const PART: usize = 5 << 20;

/// Parameters that start a multipart upload of two parts.
pub fn starting(key: &str, beside: &str) -> String {
    let size = 2 * PART;
    format!("UPLOADCARE_PUB_KEY={key}&filename=a.bin&size={size}&content_type=text/plain{beside}")
}

/// A form with the key first.
pub fn form(key: &str) -> Form {
    Form::default().field("UPLOADCARE_PUB_KEY", key)
}

/// A form with the key after the file, as one client sends it.
pub fn file_first(key: &str, name: &str, content: &[u8]) -> Form {
    Form::default()
        .file("file", name, content)
        .field("UPLOADCARE_PUB_KEY", key)
}

/// The code of the error in an answer, or `accepted`.
pub fn code(answer: &Answer) -> String {
    let json = answer.json();
    json["error"]["error_code"].as_str().unwrap_or("accepted").to_owned()
}

/// A signature with a secret, valid for an hour, as parameters.
pub fn signed(secret: &str) -> String {
    let expire = (seconds_from_now(3600)).to_string();
    format!(
        "&signature={}&expire={expire}",
        hex::encode(mac(secret.as_bytes(), expire.as_bytes()))
    )
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

pub fn seconds_from_now(seconds: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + seconds
}

/// A policy token, valid for an hour unless the claims say otherwise.
pub fn token(secret: &str, id: &str, claims: Value) -> String {
    token_with_head(secret, json!({"alg": "HS256", "typ": "JWT"}), id, claims)
}

pub fn token_with_head(secret: &str, head: Value, id: &str, claims: Value) -> String {
    let mut all = json!({"jti": id, "exp": seconds_from_now(3600)});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    jwt(secret.as_bytes(), head, all)
}

/// A JSON Web Token, signed with HMAC-SHA256 whatever its head says.
pub fn jwt(key: &[u8], head: Value, claims: impl ToString) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(head.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = URL_SAFE_NO_PAD.encode(mac(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// A project with one secret, `secret`, that requires signatures.
pub fn signing() -> Value {
    json!({"signed_uploads": true, "secrets": [{"name": "one", "secret": "secret"}]})
}
