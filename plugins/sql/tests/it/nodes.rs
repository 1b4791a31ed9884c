//! Several processes with the same records: one file, such as the command line beside the server, or one database.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use async_trait::async_trait;
use futures_util::future::join_all;
use intake_core::accounting::Account;
use intake_core::memory::{KeepAll, MemoryStore};
use intake_core::testkit::{self, sample_record};
use intake_core::{
    Backlog, Catalog, Declared, Error, Fault, FetchJob, Fetcher, FileList, Incoming, Limits, Listing, ListingOfAll,
    NewFetch, NewMultipart, Outbox, Pipeline, Record, Recorder, Task, Update, UploadId, UploadOptions, UsageChange,
    codes,
};
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
    async fn insert(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        self.next().insert(record, usage_change).await
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        self.next().get(id).await
    }

    async fn update(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        self.next().update(record, usage_change).await
    }

    async fn update_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault> {
        self.next().update_all(changes).await
    }

    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault> {
        self.next().remove(id, revision).await
    }

    async fn due(&self, task: Task, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        self.next().due(task, now, limit).await
    }

    async fn find_by_source_key(&self, name: &str) -> Result<Option<Record>, Fault> {
        self.next().find_by_source_key(name).await
    }
    async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.next().list(kind, project, behind, limit).await
    }
    async fn list_all(
        &self,
        kind: ListingOfAll,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.next().list_all(kind, behind, limit).await
    }

    async fn files(&self, list: &FileList<'_>) -> Result<Vec<Record>, Fault> {
        self.next().files(list).await
    }

    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault> {
        self.next().oldest_refused(project, limit).await
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        self.next().backlog().await
    }
    fn catalog(&self) -> &dyn Catalog {
        self.next().catalog()
    }

    fn outbox(&self) -> &dyn Outbox {
        self.next().outbox()
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

/// Fetches nothing: what is ordered from it waits.
#[derive(Debug)]
struct Never;

#[async_trait]
impl Fetcher for Never {
    async fn judge(&self, _source: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn receive(&self, _source: &str) -> Result<Incoming, Error> {
        std::future::pending().await
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_orders_and_200_uploads_that_two_nodes_take_at_once_so_many_are_kept_as_may_be() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Postgres::shared().await);
    for nodes in all_nodes(&folder, &server).await {
        let limits = Limits::default().with(|limits| {
            limits.max_queued_fetches_per_project = 5;
            limits.max_multiparts_per_project = 7;
            limits.max_multiparts_per_ip = 3;
        });
        let pipeline = Pipeline::builder()
            .store(MemoryStore::default())
            .recorder(nodes)
            .expirer(KeepAll)
            .fetcher("never", Never)
            .limits(limits)
            .build()
            .unwrap();
        let project = format!("project-{}", UploadId::random());
        let options = |number: usize| {
            UploadOptions::default().with(|options| {
                options.project = Some(project.clone());
                options.sender = Some(format!("192.0.2.{}", number % 2));
            })
        };
        let ordered =
            join_all((0..200).map(|number| pipeline.queue_fetch(NewFetch::new(FetchJob::new("x"), options(number)))))
                .await;
        let opened = join_all((0..200).map(|number| {
            pipeline.start_multipart(
                NewMultipart::new(Declared::default(), 10, 5).with(|new| new.options = options(number)),
            )
        }))
        .await;
        let kept = |results: Vec<Result<Record, Error>>, code| {
            let refused = results.iter().filter_map(|result| result.as_ref().err());
            assert!(refused.map(Error::code).all(|refused| refused == code));
            results.into_iter().filter_map(Result::ok).collect::<Vec<_>>()
        };
        assert_eq!(kept(ordered, codes::TOO_MANY_ORDERS).len(), 5);
        let opened = kept(opened, codes::TOO_MANY_UNFINISHED);
        assert_eq!(opened.len(), 6, "three of each of two addresses");
        pipeline.abort(opened[0].id).await.unwrap();
        let sender = opened[0].options.sender.as_deref().unwrap();
        let has = pipeline.catalog().usage(&Account::sender(sender)).await.unwrap();
        assert_eq!(has.files, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_nodes_that_take_one_id_one_has_it() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Postgres::shared().await);
    let all = all_nodes(&folder, &server).await;
    for nodes in all.iter().cycle().take(40) {
        let record = sample_record();
        let inserted = join_all((0..8).map(|_| nodes.insert(&record, UsageChange::none()))).await;
        let (taken, refused): (Vec<_>, Vec<_>) = inserted.into_iter().partition(Result::is_ok);
        assert_eq!((taken.len(), refused.len()), (1, 7));
        for fault in refused {
            assert_eq!(fault.unwrap_err().code, codes::ID_TAKEN);
        }
    }
}
