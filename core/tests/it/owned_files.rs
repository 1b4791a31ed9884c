//! What the owner of files does with them: describes, stores, counts, copies.

use std::time::Duration;

use intake_core::accounting::Account;
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::testkit::collect;
use intake_core::{
    Catalog as _, Error, FileFilter, FileList, Lifetime, Limits, Order, Pipeline, Project, Rejection, Retention,
    UploadId, UploadOptions, codes,
};

use crate::support::{Clock, LIMITS, builder, upload};

fn house(limits: Limits, project: Project) -> (Pipeline, MemoryStore, MemoryRecorder, Clock) {
    let (store, recorder, clock) = (MemoryStore::default(), MemoryRecorder::default(), Clock::default());
    let builder = builder(store.clone(), recorder.clone(), &clock).limits(limits);
    let builder = builder.expirer(AsAsked).project(project).unwrap();
    (builder.build().unwrap(), store, recorder, clock)
}

/// Keeps what its sender asks to keep.
#[derive(Debug)]
struct AsAsked;

impl intake_core::Expirer for AsAsked {
    fn lifetime(&self, _: &intake_core::Facts, retention: Retention, _: std::time::SystemTime) -> Lifetime {
        Lifetime {
            kept: retention == Retention::Keep,
            expires: None,
        }
    }
}

fn with_trash() -> Limits {
    LIMITS.with(|limits| limits.trash = Duration::from_secs(1000))
}

async fn take(pipeline: &Pipeline, retention: Retention) -> UploadId {
    let options = UploadOptions::of_project("demo").with(|options| {
        options.retention = retention;
        options.metadata.insert("pet".to_owned(), "cat".to_owned());
    });
    let taken = pipeline.ingest(upload(&[b"some bytes"]), options).await;
    taken.unwrap().id
}

#[tokio::test]
async fn the_owner_changes_metadata_and_tags_of_a_file_and_of_nothing_else() {
    let (pipeline, ..) = house(with_trash(), Project::new("demo"));
    let id = take(&pipeline, Retention::Default).await;
    let described = pipeline.describe(id, |description| {
        description.metadata.insert("pet".to_owned(), "dog".to_owned());
        description.tags.push("new".to_owned());
        Ok(())
    });
    let described = described.await.unwrap();
    assert_eq!(described.options.metadata["pet"], "dog");
    assert_eq!(described.options.tags, ["new"]);
    assert_eq!(pipeline.get(id).await.unwrap(), described);
    let same = pipeline.describe(id, |_| Ok(())).await.unwrap();
    assert_eq!(same.revision, described.revision, "nothing changed, and it was written");
    let refuses = |_: &mut intake_core::Description| Err(Rejection::new(codes::TAGS_INVALID, "no"));
    let refused = pipeline.describe(id, refuses).await.unwrap_err();
    assert_eq!(refused.code(), codes::TAGS_INVALID);
    pipeline.delete(id).await.unwrap();
    for id in [id, UploadId::random()] {
        let missing = pipeline.describe(id, |_| Ok(())).await;
        assert!(matches!(missing, Err(Error::NotFound(_))));
    }
}

#[tokio::test]
async fn changes_of_metadata_at_the_same_time_are_all_made() {
    let (pipeline, ..) = house(*LIMITS, Project::new("demo"));
    let id = take(&pipeline, Retention::Default).await;
    let changes = ["one", "two", "three"].map(|key| {
        pipeline.describe(id, move |description| {
            description.metadata.insert(key.to_owned(), "1".to_owned());
            Ok(())
        })
    });
    for change in futures_util::future::join_all(changes).await {
        change.unwrap();
    }
    assert_eq!(pipeline.get(id).await.unwrap().options.metadata.len(), 4);
}

#[tokio::test]
async fn a_file_knows_since_when_it_is_uploaded_stored_and_removed() {
    let (pipeline, _, _, clock) = house(with_trash(), Project::new("demo"));
    let began = clock.now();
    let id = take(&pipeline, Retention::Temporary).await;
    let times = async |id| {
        let file = pipeline.get_file(id).await.unwrap();
        (file.uploaded(), file.stored(), file.times.removed)
    };
    assert_eq!(times(id).await, (began, None, None));
    clock.advance(Duration::from_secs(10));
    let stored = clock.now();
    pipeline.keep(id, Retention::Keep).await.unwrap();
    clock.advance(Duration::from_secs(10));
    pipeline.keep(id, Retention::Keep).await.unwrap();
    assert_eq!(times(id).await, (began, Some(stored), None), "stored again");
    let removed = clock.now();
    pipeline.delete(id).await.unwrap();
    assert_eq!(times(id).await, (began, Some(stored), Some(removed)));
    pipeline.restore(id).await.unwrap();
    assert_eq!(times(id).await, (began, Some(stored), None));
    pipeline.keep(id, Retention::Temporary).await.unwrap();
    assert_eq!(times(id).await, (began, None, None));
}

#[tokio::test]
async fn files_are_counted_by_their_status_from_their_upload_to_their_end() {
    let (pipeline, _, recorder, _) = house(with_trash(), Project::new("demo"));
    let counts = async || {
        let totals = pipeline.count_files("demo").await.unwrap();
        (totals.stored, totals.unstored, totals.removed)
    };
    assert_eq!(counts().await, (0, 0, 0));
    let one = take(&pipeline, Retention::Keep).await;
    let other = take(&pipeline, Retention::Temporary).await;
    let refused = pipeline.ingest(upload(&[b"bad"]), UploadOptions::of_project("demo"));
    refused.await.unwrap_err();
    assert_eq!(counts().await, (1, 1, 0));
    pipeline.keep(other, Retention::Keep).await.unwrap();
    assert_eq!(counts().await, (2, 0, 0));
    pipeline.delete(one).await.unwrap();
    assert_eq!(counts().await, (1, 0, 1));
    let listed = async |filter| {
        let list = FileList::of("demo", 10).with(|list| list.filter = filter);
        let files = pipeline.list_files(&list).await.unwrap();
        files.into_iter().map(|file| file.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(FileFilter::Present).await, [other]);
    assert_eq!(listed(FileFilter::Removed).await, [one]);
    pipeline.delete_for_good(one).await.unwrap();
    pipeline.delete_for_good(other).await.unwrap();
    assert_eq!(counts().await, (0, 0, 0));
    let unknown = Account::files("demo", intake_core::FileStatus::Stored);
    assert_eq!(recorder.usage(&unknown).await.unwrap().files, 0);
}

#[tokio::test]
async fn a_list_of_files_has_at_most_a_thousand() {
    let (pipeline, ..) = house(*LIMITS, Project::new("demo"));
    for _ in 0..1001 {
        take(&pipeline, Retention::Keep).await;
    }
    let list = FileList::of("demo", usize::MAX).with(|list| list.order = Order::OldestFirst);
    assert_eq!(pipeline.list_files(&list).await.unwrap().len(), 1000);
}

#[tokio::test]
async fn a_copy_has_the_bytes_and_the_facts_and_a_life_of_its_own() {
    let (pipeline, store, ..) = house(*LIMITS, Project::new("demo"));
    let id = take(&pipeline, Retention::Keep).await;
    let source = pipeline.get(id).await.unwrap();
    let copy = pipeline.copy(id, UploadOptions::of_project("demo")).await.unwrap();
    assert_ne!(copy.id, id);
    assert_eq!(copy.facts, source.facts);
    assert!(copy.options.metadata.is_empty());
    assert_eq!(copy.stored(), None);
    pipeline.delete(id).await.unwrap();
    let bytes = pipeline.read(copy.id, None).await.unwrap();
    assert_eq!(collect(bytes).await, &b"some bytes"[..]);
    assert_eq!(store.keys().len(), 1);
    let missing = pipeline.copy(id, UploadOptions::of_project("demo")).await;
    assert!(matches!(missing, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_copy_is_refused_by_the_rules_of_now_and_leaves_nothing() {
    let project = Project::new("demo").with(|project| project.max_files = Some(2));
    let (pipeline, store, ..) = house(*LIMITS, project);
    let id = take(&pipeline, Retention::Keep).await;
    pipeline.copy(id, UploadOptions::of_project("demo")).await.unwrap();
    let full = pipeline.copy(id, UploadOptions::of_project("demo")).await.unwrap_err();
    assert_eq!(full.code(), codes::QUOTA_EXCEEDED);
    let stranger = pipeline.copy(id, UploadOptions::of_project("nobody")).await;
    assert_eq!(stranger.unwrap_err().code(), codes::PROJECT_UNKNOWN);
    assert_eq!(store.keys().len(), 2);
    assert_eq!(pipeline.count_files("demo").await.unwrap().of(FileFilter::Present), 2);
}
