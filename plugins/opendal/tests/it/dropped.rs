//! Futures that are dropped while the disk, or the service, is busy with what they asked for.

use std::future::Future;
use std::sync::mpsc;

use futures_util::FutureExt;
use intake_core::{Bytes, Store};
use intake_plugin_opendal::OpendalStore;
use tempfile::tempdir;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

use crate::{files, fs, is_missing, key, much, some_bytes};

/// Runs a test where one thread waits for the disk, and does one thing after another.
fn with_one_slow_thread(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(test);
}

/// Keeps that thread busy until the end is dropped.
fn busy() -> mpsc::Sender<()> {
    let (end, ended) = mpsc::channel::<()>();
    spawn_blocking(move || ended.recv());
    end
}

/// Waits until that thread has done all it was asked to.
async fn idle() {
    spawn_blocking(|| ()).await.unwrap();
}

#[test]
fn what_was_dropped_before_its_file_was_there_leaves_nothing() {
    with_one_slow_thread(async {
        let folder = tempdir().unwrap();
        for (bytes, commits) in [(much(), false), (Bytes::from_static(b"few"), true)] {
            let (store, key) = (fs(folder.path()), key());
            let mut staged = store.stage(&key, None).await.unwrap();
            let busy = busy();
            // Small pieces are written with the commit, and large ones while more are waited for.
            staged.write(bytes).now_or_never().unwrap().unwrap();
            match commits {
                true => assert!(staged.commit().now_or_never().is_none(), "the thread is busy"),
                false => drop(staged),
            }
            drop(busy);
            idle().await;
            assert_eq!(files(folder.path()), [""; 0], "although it is not deleted");
        }
    });
}

#[test]
fn a_start_that_was_dropped_leaves_nothing() {
    with_one_slow_thread(async {
        let folder = tempdir().unwrap();
        assert!(fs(folder.path()).ready().now_or_never().is_none());
        idle().await;
        assert_eq!(files(folder.path()), [""; 0]);
    });
}

#[test]
fn a_write_that_was_dropped_makes_no_file_after_the_end() {
    with_one_slow_thread(async {
        let folder = tempdir().unwrap();
        let store = fs(folder.path());
        for ends in ["discard", "delete"] {
            let key = key();
            let mut staged = store.stage(&key, None).await.unwrap();
            let busy = busy();
            staged.write(much()).now_or_never().unwrap().unwrap();
            assert!(staged.write(much()).now_or_never().is_none(), "the thread is busy");
            drop(busy);
            if ends == "discard" {
                staged.discard().await.unwrap();
            } else {
                drop(staged);
                store.delete(&key).await.unwrap();
            }
            idle().await;
            assert_eq!(files(folder.path()), [""; 0], "{ends}");
        }
    });
}

#[test]
fn a_commit_that_was_dropped_is_undone_by_a_delete() {
    with_one_slow_thread(async {
        let folder = tempdir().unwrap();
        let (store, key) = (fs(folder.path()), key());
        let mut staged = store.stage(&key, None).await.unwrap();
        staged.write(some_bytes()).await.unwrap();
        let busy = busy();
        assert!(staged.commit().now_or_never().is_none(), "the thread is busy");
        drop(busy);
        store.delete(&key).await.unwrap();
        idle().await;
        assert_eq!(files(folder.path()), [""; 0]);
    });
}

#[tokio::test]
async fn a_commit_to_a_service_whose_caller_is_gone_is_undone() {
    let (store, key) = (OpendalStore::memory(), key());
    let mut staged = store.stage(&key, None).await.unwrap();
    staged.write(some_bytes()).await.unwrap();
    // The task that writes runs on this very thread, so it is not done yet.
    assert!(staged.commit().now_or_never().is_none());
    store.delete(&key).await.unwrap();
    // All it does is ready at once: it is through long before this.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(is_missing(&store, &key).await);
}
