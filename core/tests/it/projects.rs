//! Uploads of projects: which are accepted, what they count on accounts, and which can be restored.

use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::{StreamExt, stream};
use intake_core::accounting::Account;
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::testkit::collect;
use intake_core::testkit::faulty::{Faulty, Moment, Plan};
use intake_core::{
    Authorization, ByteStream, Catalog as _, Error, Fault, Grant, Key, MediaType, Multipart, Project, Staged, Store,
    UploadOptions, async_trait, codes,
};

use crate::stores::{InPlace, Seen as _};
use crate::support::{Clock, LIMITS, builder, new_multipart, upload};

#[tokio::test]
async fn a_deleted_upload_can_be_restored_for_a_while_and_is_gone_then() {
    let (store, recorder, clock) = (MemoryStore::default(), MemoryRecorder::default(), Clock::default());
    let limits = LIMITS.with(|limits| limits.trash = Duration::from_secs(1000));
    let pipeline = builder(store.clone(), recorder, &clock).limits(limits).build().unwrap();
    let id = pipeline
        .ingest(upload(&[b"precious"]), UploadOptions::default())
        .await
        .unwrap()
        .id;
    pipeline.delete(id).await.unwrap();
    assert!(matches!(pipeline.get(id).await, Err(Error::NotFound(_))));
    assert!(
        matches!(pipeline.delete(id).await, Err(Error::NotFound(_))),
        "it is deleted already"
    );
    clock.advance(Duration::from_secs(999));
    pipeline.sweep().await.unwrap();
    pipeline.restore(id).await.unwrap();
    assert_eq!(collect(pipeline.read(id, None).await.unwrap()).await, &b"precious"[..]);
    assert!(
        matches!(pipeline.restore(id).await, Err(Error::NotFound(_))),
        "it is not deleted"
    );

    pipeline.delete(id).await.unwrap();
    clock.advance(Duration::from_secs(1000));
    assert!(
        matches!(pipeline.restore(id).await, Err(Error::NotFound(_))),
        "its time is over"
    );
    pipeline.sweep().await.unwrap();
    assert_eq!(store.keys(), []);

    let id = pipeline
        .ingest(upload(&[b"secret"]), UploadOptions::default())
        .await
        .unwrap()
        .id;
    pipeline.delete(id).await.unwrap();
    pipeline.delete_for_good(id).await.unwrap();
    assert_eq!(
        store.keys(),
        [],
        "bytes of an upload that was deleted for good are left"
    );
}

#[tokio::test]
async fn a_pipeline_with_projects_takes_no_upload_without_a_project() {
    let pipeline = builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default())
        .project(Project::new("shop"))
        .unwrap()
        .build()
        .unwrap();
    let take = async |project: Option<&str>| {
        let options = UploadOptions::default().with(|options| options.project = project.map(str::to_owned));
        pipeline
            .ingest(upload(&[b"x"]), options)
            .await
            .map(|record| record.options.project)
    };
    assert_eq!(take(Some("shop")).await.unwrap().as_deref(), Some("shop"));
    for stranger in [None, Some("another")] {
        assert_eq!(take(stranger).await.unwrap_err().code(), codes::PROJECT_UNKNOWN);
    }
}

#[tokio::test]
async fn an_upload_that_a_store_could_not_begin_uses_no_quota() {
    let recorder = MemoryRecorder::default();
    for moment in [Moment::Before, Moment::After] {
        let store = Faulty::new(InPlace::default(), &Plan::once(0, moment));
        let pipeline = builder(store, recorder.clone(), &Clock::default()).build().unwrap();
        let options = UploadOptions::of_project("p");
        let new_multipart = new_multipart(12, 5).with(|new| new.options = options);
        assert!(pipeline.start_multipart(new_multipart).await.is_err());
        assert_eq!(recorder.usage(&Account::project("p")).await.unwrap().files, 0);
    }
}

/// As on a full disk that the store and the recorder share: the recorder can write again once the bytes are deleted.
#[tokio::test]
async fn bytes_that_a_store_could_not_make_durable_are_deleted_even_if_the_recorder_fails() {
    let (store, recorder, clock) = (InPlace::default(), MemoryRecorder::default(), Clock::default());
    let calls = Plan::flawless();
    let counting = builder(Faulty::new(store.clone(), &calls), recorder.clone(), &clock)
        .build()
        .unwrap();
    counting
        .ingest(upload(&[b"bytes"]), UploadOptions::default())
        .await
        .unwrap();
    let kept = store.seen();

    let at_commit = Faulty::new(store.clone(), &Plan::once(calls.calls() - 1, Moment::Before));
    let behind_the_intent = Faulty::new(recorder, &Plan::from(1, Moment::Before));
    let full = builder(at_commit, behind_the_intent, &clock).build().unwrap();
    let ended = full.ingest(upload(&[b"bytes"]), UploadOptions::default()).await;
    assert!(matches!(ended, Err(Error::Fault(_))), "{ended:?}");
    assert_eq!(store.seen(), kept);
}

/// A store that returns other bytes than were written.
#[derive(Debug, Default)]
struct Liar(MemoryStore);

#[async_trait]
impl Store for Liar {
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        self.0.stage(key, media_type).await
    }
    async fn read(&self, _: &Key, _: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        Ok(stream::iter([Ok("something else".into())]).boxed())
    }
    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        self.0.size(key).await
    }
    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        self.0.delete(key).await
    }
    fn multipart(&self) -> Option<&dyn Multipart> {
        None
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test]
async fn moved_bytes_are_the_judged_ones_or_nothing() {
    let (recorder, there) = (MemoryRecorder::default(), MemoryStore::default());
    let shop = Project::new("shop").with(|project| project.store = Some("there".to_owned()));
    let pipeline = builder(Liar::default(), recorder.clone(), &Clock::default())
        .another_store("there", there.clone())
        .project(shop)
        .unwrap()
        .build()
        .unwrap();
    let options = UploadOptions::of_project("shop");
    let admitted = pipeline.admit(upload(&[b"what was judged"])).await.unwrap();
    let id = admitted.id();
    let error = admitted.commit(options).await.unwrap_err();
    assert_eq!(error.code(), codes::BYTES_MISSING);
    assert!(matches!(pipeline.get(id).await, Err(Error::NotFound(_))));
    assert_eq!(there.keys(), []);
    assert_eq!(recorder.usage(&Account::project("shop")).await.unwrap().files, 0);
}

#[tokio::test]
async fn a_token_that_ends_beyond_every_calendar_is_counted_too() {
    let far = UNIX_EPOCH + Duration::from_secs(i64::MAX as u64);
    let grant = Grant::new("t", far).with(|grant| grant.uses = Some(1));
    let pipeline = builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default());
    let pipeline = pipeline.build().unwrap();
    let take = async || {
        let authorization = Authorization::default().with(|authorization| authorization.grant = Some(grant.clone()));
        let options = UploadOptions::of_project("p").with(|options| {
            options.authorization = Some(authorization);
        });
        pipeline.ingest(upload(&[b"x"]), options).await
    };
    take().await.unwrap();
    assert_eq!(take().await.unwrap_err().code(), codes::TOKEN_USED_UP);
}
