//! A deployment of several nodes: one PostgreSQL, one bucket of a real S3 server, and as many programs as a test starts.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt;
use intake::core::{Code, Error, FromSettings, Pipeline, Store, UploadId};
use intake::plugins::{OpendalStore, Retain, SqlRecorder};
use intake_plugin_opendal::testkit::{Bucket, S3Proxy, S3Server};
use intake_plugin_sql::testkit::Postgres;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::Server;

/// The database and the bucket that all nodes share.
pub struct Cluster {
    pub runtime: Runtime,
    /// The database server, which runs until this is dropped.
    _postgres: Arc<Postgres>,
    pub database: String,
    pub bucket: Bucket,
    /// A proxy between the nodes and the bucket, if a test needs one.
    pub proxy: Option<S3Proxy>,
    /// Whether senders send parts directly to the bucket.
    direct: bool,
}

/// The way that parts take to the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    ThroughTheServer,
    StraightIntoTheBucket,
}

/// Settings with which another node soon takes over after a crash.
pub const QUICK: &[(&str, &str)] = &[
    ("INTAKE_RECEIVE__LEASE", "1s"),
    ("INTAKE_SERVER__RECOVERY_INTERVAL", "100ms"),
];

/// Longer than a lease, than parts may take to arrive, and than any record of an ended upload is kept.
pub const A_DAY: Duration = Duration::from_secs(30 * 3600);

impl Cluster {
    pub fn new(parts: Parts) -> Self {
        let runtime = runtime();
        let postgres = runtime.block_on(Postgres::shared());
        let database = runtime.block_on(postgres.database());
        let bucket = runtime.block_on(async { S3Server::shared().await.bucket().await });
        Self {
            runtime,
            _postgres: postgres,
            database,
            bucket,
            proxy: None,
            direct: parts == Parts::StraightIntoTheBucket,
        }
    }

    /// The same, with a proxy in the way.
    pub fn with_proxy(parts: Parts) -> Self {
        let mut cluster = Self::new(parts);
        cluster.proxy = Some(cluster.runtime.block_on(S3Proxy::before(&cluster.bucket)));
        cluster
    }

    fn store(&self) -> Value {
        let mut settings = match &self.proxy {
            Some(proxy) => self.bucket.through(proxy).settings(),
            None => self.bucket.settings(),
        };
        settings["direct"] = self.direct.into();
        settings
    }

    /// Starts another node.
    pub fn node(&self, more: &str, variables: &[(&str, &str)]) -> Server {
        let mut config = format!(
            "projects = [{{ public_key = \"demopublickey\" }}]\n\
             [server]\nlisten = \"127.0.0.1:0\"\nadmin = \"off\"\nsweep_interval = \"1h\"\n\
             [record]\nuse = \"sql\"\nurl = \"{}\"\n\
             [expire]\nuse = \"retention\"\n\
             [store]\nuse = \"opendal\"\n",
            self.database
        );
        for (key, value) in self.store().as_object().unwrap() {
            writeln!(config, "{key} = {value}").unwrap();
        }
        Server::start_in(TempDir::new().unwrap(), &(config + more), variables)
    }

    fn bytes(&self) -> OpendalStore {
        let Value::Object(settings) = self.bucket.settings() else {
            panic!("settings are a table")
        };
        OpendalStore::from_settings(settings).unwrap()
    }

    /// The pipeline of the cluster, at a time at which everything has expired.
    pub fn later(&self, by: Duration) -> Pipeline {
        Pipeline::builder()
            .store(self.bytes())
            .recorder(SqlRecorder::postgres(&self.database).unwrap())
            .expirer(Retain::default())
            .clock(move || SystemTime::now() + by)
            .build()
            .unwrap()
    }

    /// SHA-256 of the readable bytes, or the reason why there are none.
    pub fn digest(&self, id: &str) -> Result<String, Code> {
        let pipeline = self.later(Duration::ZERO);
        self.runtime.block_on(async {
            let id: UploadId = id.parse().unwrap();
            let bytes = pipeline.read(id, None).await.map_err(|error: Error| error.code())?;
            let hashed = bytes.try_fold(Sha256::new(), |mut hasher, piece| async move {
                hasher.update(&piece);
                Ok(hasher)
            });
            Ok(hex::encode(hashed.await.unwrap().finalize()))
        })
    }

    /// Ends everything whose time is over by then, and checks that the bucket has exactly these objects.
    pub fn is_left_with(&self, ids: &[&str]) {
        let mut expected: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
        expected.sort();
        self.runtime.block_on(async {
            // First leases and abandoned parts, then their records.
            for by in [A_DAY, 2 * A_DAY] {
                let pipeline = self.later(by);
                pipeline.resume().await.unwrap();
                let swept = pipeline.sweep().await.unwrap();
                assert_eq!(swept.failed, 0, "{swept:?}");
            }
            assert_eq!(self.bucket.objects().await, expected, "the bucket holds other objects");
            assert_eq!(self.bucket.unfinished().await, [""; 0], "unfinished uploads are left");
            let store: &dyn Store = &self.bytes();
            store.ready().await.unwrap();
        });
    }
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}
