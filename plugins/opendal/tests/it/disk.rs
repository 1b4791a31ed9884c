//! What is in the folder, and when.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use intake_core::testkit::collect;
use intake_core::{Bytes, PartRange, codes};
use intake_plugin_opendal::OpendalStore;
use tempfile::tempdir;

use crate::{files, fs, is_missing, key, put, some_bytes, write_much};

#[tokio::test]
async fn an_upload_is_one_file_whose_name_follows_from_its_key() {
    let folder = tempdir().unwrap();
    let (store, key) = (fs(folder.path()), key());
    put(&*store, &key, &some_bytes()).await;
    let name = format!("{}/{key}", &key.as_str()[..2]);
    assert_eq!(files(folder.path()), std::slice::from_ref(&name));
    assert!(std::fs::read(folder.path().join(name)).unwrap() == some_bytes());
    store.delete(&key).await.unwrap();
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn nothing_can_be_read_before_the_commit() {
    let folder = tempdir().unwrap();
    let (store, key) = (fs(folder.path()), key());
    let mut staged = store.stage(&key, None).await.unwrap();
    assert_eq!(files(folder.path()), [""; 0], "there is no file before the first bytes");
    write_much(&mut *staged).await;
    assert_eq!(files(folder.path()), [format!("{}/{key}.part", &key.as_str()[..2])]);
    assert!(is_missing(&*store, &key).await);
    staged.commit().await.unwrap();
    assert!(!is_missing(&*store, &key).await);
}

#[tokio::test]
async fn a_discarded_upload_leaves_no_file() {
    let folder = tempdir().unwrap();
    let (store, key) = (fs(folder.path()), key());
    let mut staged = store.stage(&key, None).await.unwrap();
    write_much(&mut *staged).await;
    staged.discard().await.unwrap();
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn what_a_dead_process_left_is_found_by_its_key() {
    let folder = tempdir().unwrap();
    let (dead, key, other) = (fs(folder.path()), key(), key());
    put(&*dead, &other, &some_bytes()).await;
    let mut staged = dead.stage(&key, None).await.unwrap();
    write_much(&mut *staged).await;
    // As far as files go, this is what a killed process does: it does nothing any more.
    std::mem::forget(staged);

    let alive = fs(folder.path());
    assert_eq!(files(folder.path()).len(), 2);
    alive.delete(&key).await.unwrap();
    assert_eq!(files(folder.path()), [format!("{}/{other}", &other.as_str()[..2])]);
    alive.delete(&other).await.unwrap();
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn building_a_store_makes_nothing() {
    let folder = tempdir().unwrap();
    let root = folder.path().join("deep").join("down");
    let store = fs(&root);
    let _also = OpendalStore::fs(&root);
    assert!(!folder.path().join("deep").exists());
    store.ready().await.unwrap();
    assert!(root.is_dir(), "the probe makes the folder");
    assert_eq!(files(folder.path()), [""; 0], "and leaves nothing else");
}

#[tokio::test]
async fn reading_and_deleting_work_before_anything_was_written() {
    let folder = tempdir().unwrap();
    let store = fs(&folder.path().join("new"));
    store.delete(&key()).await.unwrap();
    assert!(is_missing(&*store, &key()).await);
}

#[tokio::test]
async fn folders_that_an_operator_removed_are_created_again() {
    let folder = tempdir().unwrap();
    let root = folder.path().join("root");
    let (store, key) = (fs(&root), key());
    put(&*store, &key, &some_bytes()).await;
    std::fs::remove_dir_all(&root).unwrap();
    put(&*store, &key, &some_bytes()).await;
    assert!(collect(store.read(&key, None).await.unwrap()).await == some_bytes());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_a_fault_with_its_reason() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let store = fs(&file);
    let fault = store.ready().await.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_failed");
    assert!(!fault.retryable);
    let says = format!(
        "cannot keep files in the folder {} (store_failed): Not a directory (os error 20)",
        file.display()
    );
    assert_eq!(fault.report(), says);
    assert_ne!(store.read(&key(), None).await.err().unwrap().code, codes::BYTES_MISSING);
}

#[tokio::test]
async fn what_a_start_that_was_cut_off_left_goes_with_the_next_one() {
    const TRIED: &str = "00/00000000-0000-0000-0000-000000000000";

    let folder = tempdir().unwrap();
    std::fs::create_dir(folder.path().join("00")).unwrap();
    // Whatever it has come to.
    for left in [&[".list"][..], &[".list", ".part"], &[".list", ""], &[".part"], &[""]] {
        for ending in left {
            std::fs::write(folder.path().join(format!("{TRIED}{ending}")), "intake").unwrap();
        }
        fs(folder.path()).ready().await.unwrap();
        assert_eq!(files(folder.path()), [""; 0], "{left:?}");
    }
}

#[tokio::test]
async fn an_upload_in_parts_has_no_file_before_its_first_part_and_one_when_it_is_whole() {
    let folder = tempdir().unwrap();
    let (store, key) = (fs(folder.path()), key());
    let multipart = store.multipart().unwrap();
    let upload = multipart.begin(&key).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(multipart.list(&key, &upload).await.unwrap(), []);
    store.delete(&key).await.unwrap();
    let range = PartRange::new(1, 0, 1 << 20);
    for _ in 0..2 {
        let mut staged = multipart.stage(&key, &upload, &range, None).await.unwrap();
        staged.write(some_bytes()).await.unwrap();
        staged.commit().await.unwrap();
    }
    let name = format!("{}/{key}", &key.as_str()[..2]);
    let all = ["", ".0.part", ".list", ".parts"].map(|ending| format!("{name}{ending}"));
    assert_eq!(files(folder.path()), all[1..]);
    let parts = multipart.list(&key, &upload).await.unwrap();
    multipart.assemble(&key, &upload, &parts).await.unwrap();
    assert_eq!(files(folder.path()), all[..1]);
}

#[tokio::test]
async fn nodes_that_start_at_the_same_time_do_not_disturb_each_other() {
    let folder = tempdir().unwrap();
    for _ in 0..8 {
        let nodes: Vec<_> = (0..8).map(|_| fs(folder.path())).collect();
        let ready = nodes.iter().map(|store| store.ready());
        futures_util::future::try_join_all(ready).await.unwrap();
    }
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_reader_goes_on_while_the_upload_is_deleted() {
    use futures_util::TryStreamExt;

    let folder = tempdir().unwrap();
    let (store, key, bytes) = (fs(folder.path()), key(), some_bytes());
    put(&*store, &key, &bytes).await;
    let mut stream = store.read(&key, None).await.unwrap();
    let first: Bytes = stream.try_next().await.unwrap().unwrap();
    assert!(first.len() <= 256 * 1024, "{} bytes at a time", first.len());
    store.delete(&key).await.unwrap();
    assert!(collect(stream).await == bytes.slice(first.len()..));
}

#[tokio::test]
async fn a_list_of_parts_that_a_dead_process_left_beside_the_file_goes_with_the_next_call() {
    let folder = tempdir().unwrap();
    let (store, key) = (fs(folder.path()), key());
    put(&*store, &key, &some_bytes()).await;
    let file = folder.path().join(format!("{}/{key}", &key.as_str()[..2]));
    std::fs::write(file.with_extension("list"), "\n1 4 .").unwrap();
    assert_eq!(store.size(&key).await.unwrap(), Some(some_bytes().len() as u64));
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test]
async fn what_a_crashed_attempt_has_left_is_listed_so_that_it_can_be_removed() {
    let folder = tempdir().unwrap();
    let store = fs(folder.path());
    let listed = async || {
        let listed: Vec<_> = store.key_list().unwrap().list("").try_collect().await.unwrap();
        listed
            .into_iter()
            .map(|listed| (listed.key, listed.size))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [], "before there is a folder, too");
    let (left, kept) = (key(), key());
    let mut staged = store.stage(&left, None).await.unwrap();
    write_much(&mut *staged).await;
    drop(staged);
    let mut staged = store.stage(&kept, None).await.unwrap();
    staged.write(Bytes::from_static(b"few")).await.unwrap();
    staged.commit().await.unwrap();
    std::fs::write(folder.path().join("README"), "not a key").unwrap();

    let keys: BTreeSet<_> = listed().await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, BTreeSet::from([left.clone(), kept.clone()]));
    store.delete(&left).await.unwrap();
    assert_eq!(listed().await, [(kept, 3)]);
}
