//! The contract of every store, wherever the bytes are.

use intake_core::{Key, Store, UploadId, testkit};
use intake_plugin_opendal::OpendalStore;
use intake_plugin_opendal::testkit::S3Server;
use opendal::{Operator, services};
use serde_json::json;
use tempfile::tempdir;

use crate::{build, fs};

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let folder = tempdir().unwrap();
    testkit::store(&*fs(folder.path())).await;
}

#[tokio::test]
async fn a_folder_that_is_not_synced_keeps_the_contract() {
    let folder = tempdir().unwrap();
    let store = build(json!({"scheme": "fs", "root": folder.path(), "durable": false})).unwrap();
    testkit::store(&*store).await;
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    testkit::store(&*build(json!({"scheme": "memory"})).unwrap()).await;
    testkit::store(&OpendalStore::memory()).await;
}

#[tokio::test]
async fn a_bucket_keeps_the_contract() {
    let bucket = S3Server::shared().await.bucket().await;
    testkit::store(&*build(bucket.settings()).unwrap()).await;
    assert_eq!(bucket.objects().await, [""; 0], "nothing stays in the bucket");
    assert_eq!(bucket.unfinished().await, [""; 0]);
}

/// OpenDAL's own `fs`, where it keeps attempts in a folder of their own. Without one it makes a file after everything was
/// removed, if its writer was dropped in that moment, which is why a folder of ours is not kept by it.
#[tokio::test]
async fn an_operator_of_the_embedder_keeps_the_contract() {
    let (folder, attempts) = (tempdir().unwrap(), tempdir().unwrap());
    let fs = services::Fs::default().root(folder.path().to_str().unwrap());
    let operator = Operator::new(fs.atomic_write_dir(attempts.path().to_str().unwrap())).unwrap();
    testkit::store(&OpendalStore::new(operator).unwrap()).await;
    assert_eq!(crate::files(folder.path()), [""; 0]);
}

/// It shows bytes while they come, and cannot abort.
#[tokio::test]
async fn what_an_operator_cannot_abort_is_removed_when_it_is_discarded() {
    let folder = tempdir().unwrap();
    let operator = Operator::new(services::Fs::default().root(folder.path().to_str().unwrap())).unwrap();
    let store = OpendalStore::new(operator).unwrap();
    let mut staged = store.stage(&Key::whole(UploadId::random()), None).await.unwrap();
    staged.write(testkit::noise(1, 3_000_000)).await.unwrap();
    staged.discard().await.unwrap();
    assert_eq!(crate::files(folder.path()), [""; 0]);
}
