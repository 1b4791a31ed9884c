//! Interleavings: another caller acts between two steps of one. The crash story, in which steps fail, does not cover them.

use std::time::{Duration, SystemTime};

use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::testkit::collect;
use intake_core::{
    Backlog, Catalog, Error, Expirer, Facts, Fault, FileList, Lifetime, Listing, ListingOfAll, Outbox, Pipeline,
    Record, Recorder, Retention, State, Swept, Task, Update, UploadId, UploadOptions, UsageChange, async_trait, codes,
};
use tokio::sync::Mutex;

use crate::stores::InPlace;
use crate::support::{Clock, OVER_LEASE, OVER_NOTE, builder, upload};

/// Keeps uploads for good if the sender asks for it, and all others for ten seconds.
#[derive(Debug)]
struct TenSeconds;

impl Expirer for TenSeconds {
    fn lifetime(&self, _facts: &Facts, retention: Retention, now: SystemTime) -> Lifetime {
        let kept = retention == Retention::Keep;
        Lifetime {
            kept,
            expires: (!kept).then(|| now + Duration::from_secs(10)),
        }
    }
}

/// A recorder whose `due` lets another caller act after it has read the records and before it returns them.
#[derive(Debug, Default)]
struct Meanwhile {
    inner: MemoryRecorder,
    keep: Mutex<Option<(Pipeline, UploadId)>>,
}

#[async_trait]
impl Recorder for Meanwhile {
    async fn insert(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        self.inner.insert(record, usage_change).await
    }
    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        self.inner.get(id).await
    }
    async fn update(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        self.inner.update(record, usage_change).await
    }
    async fn update_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault> {
        self.inner.update_all(changes).await
    }
    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault> {
        self.inner.remove(id, revision).await
    }
    async fn due(&self, task: Task, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        let due = self.inner.due(task, now, limit).await?;
        if let Some((pipeline, id)) = self.keep.lock().await.take() {
            pipeline.keep(id, Retention::Keep).await.expect("it can still be kept");
        }
        Ok(due)
    }
    async fn find_by_source_key(&self, name: &str) -> Result<Option<Record>, Fault> {
        self.inner.find_by_source_key(name).await
    }
    async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.inner.list(kind, project, behind, limit).await
    }
    async fn list_all(
        &self,
        kind: ListingOfAll,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.inner.list_all(kind, behind, limit).await
    }

    async fn files(&self, list: &FileList<'_>) -> Result<Vec<Record>, Fault> {
        self.inner.files(list).await
    }

    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault> {
        self.inner.oldest_refused(project, limit).await
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        self.inner.backlog().await
    }
    fn catalog(&self) -> &dyn Catalog {
        self.inner.catalog()
    }

    fn outbox(&self) -> &dyn Outbox {
        self.inner.outbox()
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test]
async fn an_upload_that_is_kept_just_before_the_sweeper_claims_it_stays() {
    let (store, recorder, clock) = (InPlace::default(), MemoryRecorder::default(), Clock::default());
    // The clock of the caller that keeps the upload is before the upload's end; the clock of the sweeper is past it.
    let early = builder(store.clone(), recorder.clone(), &Clock::default())
        .expirer(TenSeconds)
        .build()
        .unwrap();
    let id = early
        .ingest(upload(&[b"worth keeping"[..12].as_ref()]), UploadOptions::default())
        .await
        .unwrap()
        .id;
    let meanwhile = Meanwhile {
        inner: recorder,
        keep: Mutex::new(Some((early.clone(), id))),
    };
    let sweeper = builder(store, meanwhile, &clock).build().unwrap();
    clock.advance(Duration::from_secs(11));
    assert_eq!(
        sweeper.sweep().await.unwrap(),
        Swept::default(),
        "the sweeper lost, and did nothing"
    );
    assert_eq!(collect(early.read(id, None).await.unwrap()).await, &b"worth keepin"[..]);
}

#[tokio::test]
async fn an_attempt_that_outlives_its_lease_is_refused_and_leaves_nothing() {
    let (store, recorder, clock) = (MemoryStore::default(), MemoryRecorder::default(), Clock::default());
    let pipeline = builder(store.clone(), recorder.clone(), &clock).build().unwrap();
    let admitted = pipeline.admit(upload(&[b"late"])).await.unwrap();
    let id = admitted.id();
    clock.advance(OVER_LEASE);
    assert_eq!(
        pipeline.sweep().await.unwrap(),
        Swept::default().with(|swept| swept.abandoned = 1)
    );
    let error = admitted.commit(UploadOptions::default()).await.unwrap_err();
    assert!([codes::LEASE_LOST, codes::TIMED_OUT].contains(&error.code()), "{error}");
    assert!(matches!(pipeline.get(id).await, Err(Error::NotFound(_))));
    assert!(store.keys().is_empty(), "late bytes stayed");
}

#[tokio::test]
async fn a_sweeper_leaves_an_upload_in_progress_alone() {
    let (store, recorder, clock) = (InPlace::default(), MemoryRecorder::default(), Clock::default());
    let pipeline = builder(store, recorder, &clock).build().unwrap();
    let admitted = pipeline.admit(upload(&[b"in time"])).await.unwrap();
    clock.advance(Duration::from_secs(119));
    assert!(pipeline.sweep().await.unwrap().is_empty());
    let record = admitted.commit(UploadOptions::default()).await.unwrap();
    assert_eq!(
        collect(pipeline.read(record.id, None).await.unwrap()).await,
        &b"in time"[..]
    );
}

#[tokio::test]
async fn an_upload_whose_time_is_over_cannot_be_read_even_before_a_sweep() {
    let (store, recorder, clock) = (InPlace::default(), MemoryRecorder::default(), Clock::default());
    let pipeline = builder(store.clone(), recorder.clone(), &clock)
        .expirer(TenSeconds)
        .build()
        .unwrap();
    let id = pipeline
        .ingest(upload(&[b"short lived"]), UploadOptions::default())
        .await
        .unwrap()
        .id;
    clock.advance(Duration::from_secs(10));
    assert!(matches!(pipeline.read(id, None).await, Err(Error::NotFound(_))));
    assert_eq!(
        pipeline.sweep().await.unwrap(),
        Swept::default().with(|swept| swept.expired = 1)
    );
    assert!(store.keys().is_empty());
    assert_eq!(pipeline.status(id).await.unwrap().unwrap().state, State::Deleted);
    clock.advance(OVER_NOTE);
    assert_eq!(
        pipeline.sweep().await.unwrap(),
        Swept::default().with(|swept| swept.forgotten = 1)
    );
    assert_eq!(pipeline.status(id).await.unwrap(), None);
}

#[tokio::test]
async fn any_number_of_sweepers_do_the_work_of_one() {
    let (store, recorder, clock) = (InPlace::default(), MemoryRecorder::default(), Clock::default());
    let pipeline = builder(store.clone(), recorder.clone(), &clock)
        .expirer(TenSeconds)
        .build()
        .unwrap();
    for _ in 0..600 {
        pipeline
            .ingest(upload(&[b"x"]), UploadOptions::default())
            .await
            .unwrap();
    }
    clock.advance(Duration::from_secs(10));
    let sweeps = futures_util::future::join_all((0..8).map(|_| pipeline.sweep())).await;
    let expired: u64 = sweeps.into_iter().map(|swept| swept.unwrap().expired).sum();
    assert_eq!(expired, 600, "each upload is ended once");
    assert!(store.keys().is_empty());
}
