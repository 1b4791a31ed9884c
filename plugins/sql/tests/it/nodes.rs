//! Several processes with the same records: one file, such as the command line beside the server, or one database.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use async_trait::async_trait;
use futures_util::future::join_all;
use intake_core::testkit::{self, sample_record};
use intake_core::{Backlog, Booking, Catalog, Duty, Fault, Record, Recorder, Swap, UploadId, codes};
use intake_plugin_sql::SqlRecorder;
use intake_plugin_sql::testkit::Postgres;

/// Several recorders with the same records, asked in turn: each call goes to another one than the last.
#[derive(Debug)]
struct Nodes {
    nodes: [SqlRecorder; 2],
    calls: AtomicUsize,
}

impl Nodes {
    fn next(&self) -> &SqlRecorder {
        &self.nodes[self.calls.fetch_add(1, Ordering::Relaxed) % self.nodes.len()]
    }
}

#[async_trait]
impl Recorder for Nodes {
    async fn insert(&self, record: &Record, booking: &Booking) -> Result<Swap, Fault> {
        self.next().insert(record, booking).await
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        self.next().get(id).await
    }

    async fn update(&self, record: &Record, booking: &Booking) -> Result<Swap, Fault> {
        self.next().update(record, booking).await
    }

    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault> {
        self.next().remove(id, revision).await
    }

    async fn due(&self, duty: Duty, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        self.next().due(duty, now, limit).await
    }

    async fn known_as(&self, name: &str) -> Result<Option<Record>, Fault> {
        self.next().known_as(name).await
    }
    async fn pulls_of(&self, project: &str) -> Result<u64, Fault> {
        self.next().pulls_of(project).await
    }
    async fn files_of(
        &self,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.next().files_of(project, behind, limit).await
    }

    async fn refused_of(
        &self,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.next().refused_of(project, behind, limit).await
    }
    async fn backlog(&self) -> Result<Backlog, Fault> {
        self.next().backlog().await
    }
    fn catalog(&self) -> &dyn Catalog {
        self.next().catalog()
    }
    async fn ready(&self) -> Result<(), Fault> {
        self.next().ready().await
    }
}

/// Nodes of a new file, and of a new database.
async fn all_nodes(folder: &tempfile::TempDir, server: &Postgres) -> [Nodes; 2] {
    let (path, url) = (folder.path().join("records.db"), server.database().await);
    let sqlite = [(); 2].map(|()| SqlRecorder::sqlite(&path));
    let postgres = [(); 2].map(|()| SqlRecorder::postgres(&url).unwrap());
    [sqlite, postgres].map(|nodes| Nodes {
        nodes,
        calls: AtomicUsize::new(0),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn several_nodes_keep_the_contract_together() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Postgres::shared().await);
    for nodes in all_nodes(&folder, &server).await {
        testkit::recorder(&nodes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_nodes_that_take_one_id_one_has_it() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Postgres::shared().await);
    let all = all_nodes(&folder, &server).await;
    for nodes in all.iter().cycle().take(40) {
        let record = sample_record();
        let inserted = join_all((0..8).map(|_| nodes.insert(&record, Booking::none()))).await;
        let (taken, refused): (Vec<_>, Vec<_>) = inserted.into_iter().partition(Result::is_ok);
        assert_eq!((taken.len(), refused.len()), (1, 7));
        for fault in refused {
            assert_eq!(fault.unwrap_err().code, codes::ID_TAKEN);
        }
    }
}
