//! The rules of every store.

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{FutureExt, TryStreamExt, pin_mut};
use uuid::Uuid;

use super::broken::Answers;
use super::keys::{has_bytes, key, plain_key};
use super::trial::{Checked, Patience, Trial};
use super::{collect, noise};
use crate::contract::around::Wrapped;
use crate::contract::stages::{KeyList, Multipart, Store};
use crate::value::id::{DerivedGroup, Key, UploadId};
use crate::value::parts::MOST_PARTS;

/// Checks every rule of [`Store`]. The store may have other bytes: the suite uses random keys.
///
/// # Panics
///
/// If a rule is broken, with the rule, what was asked, what was expected and what was seen. A store that never gives its
/// thread back ends the test program, with the same report.
pub async fn store(store: &dyn Store) -> Checked {
    Patience::default().store(store).await
}

impl Patience {
    /// As [`store`](super::store()), with other limits.
    ///
    /// # Panics
    ///
    /// If a rule is broken.
    pub async fn store(self, store: &dyn Store) -> Checked {
        let trial = Trial::new(self);
        let watched = Wrapped::around(store, trial.clone());
        let suite = check(&trial, &watched);
        trial.clone().here(suite).await
    }
}

async fn check(trial: &Trial, store: &dyn Store) {
    rules!(
        trial,
        it_is_ready(store),
        committed_bytes_read_back_unchanged(store),
        a_range_reads_that_range(store),
        reading_a_key_without_bytes_says_so(store),
        discarded_bytes_are_deleted(store),
        discarding_after_a_cancelled_write_succeeds(store),
        deleting_removes_committed_bytes(store),
        deleting_a_key_without_bytes_succeeds(store),
        deleting_removes_the_bytes_of_a_dropped_attempt(store),
        attempts_do_not_mix(store),
        a_second_commit_replaces_the_first(store),
    );
    let has_every_part = |multipart: &dyn Multipart| multipart.most_parts() >= MOST_PARTS;
    match store.multipart().is_some_and(has_every_part) {
        true => trial.leave_out("two attempts under one key: no part has a key of its own in this store"),
        false => {
            rules!(trial, of_two_attempts_the_last_commit_wins_unmixed(store));
        }
    }
    match store.key_list() {
        Some(list) => {
            rules!(trial, keys_are_listed_as_long_as_they_have_bytes(store, list));
        }
        None => trial.leave_out("the list of keys: this store has none"),
    }
    match store.multipart() {
        Some(multipart) => super::multipart::multipart(trial, store, multipart).await,
        None => trial.leave_out("parts: the store does not support multipart uploads"),
    }
}

async fn it_is_ready(store: &dyn Store) {
    store.ready().await.answers();
}

async fn put(store: &dyn Store, key: &Key, pieces: &[Bytes]) {
    let mut staged = store
        .stage(key, Some(&"application/octet-stream".parse().unwrap()))
        .await
        .answers();
    for piece in pieces {
        staged.write(piece.clone()).await.answers();
    }
    staged.commit().await.answers();
}

async fn committed_bytes_read_back_unchanged(store: &dyn Store) {
    let odd: Vec<_> = (0..40)
        .map(|seed| noise(seed, 1 + (seed as usize * 7919) % 5000))
        .collect();
    let large: Vec<_> = (0..24).map(|seed| noise(seed, 256 * 1024)).collect();
    let cases: [&[Bytes]; 5] = [&[], &[Bytes::new()], &[Bytes::from_static(b"x")], &odd, &large];
    for (pieces, key) in cases
        .into_iter()
        .flat_map(|pieces| [(pieces, key()), (pieces, plain_key())])
    {
        put(store, &key, pieces).await;
        let read = collect(store.read(&key, None).await.answers()).await;
        holds!(
            read == pieces.concat(),
            "{} bytes were committed, {} other bytes read",
            pieces.concat().len(),
            read.len()
        );
        let size = store.size(&key).await.answers();
        same!(size, Some(read.len() as u64), "the size is wrong");
        store.delete(&key).await.answers();
    }
}

async fn a_range_reads_that_range(store: &dyn Store) {
    let (key, bytes) = (key(), noise(1, 100_000));
    put(store, &key, std::slice::from_ref(&bytes)).await;
    for range in [0..0, 0..1, 5..70_000, 99_999..100_000, 99_990..200_000, 0..u64::MAX] {
        let read = collect(store.read(&key, Some(range.clone())).await.answers()).await;
        let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(bytes.len());
        holds!(
            read == bytes.slice(range.start as usize..end),
            "{range:?} read {} bytes",
            read.len()
        );
    }
    store.delete(&key).await.answers();
}

async fn reading_a_key_without_bytes_says_so(store: &dyn Store) {
    holds!(
        !has_bytes(store, &key()).await,
        "bytes under a key that was never written"
    );
}

async fn discarded_bytes_are_deleted(store: &dyn Store) {
    for size in [0, 10, 3_000_000] {
        let key = key();
        let mut staged = store.stage(&key, None).await.answers();
        staged.write(noise(2, size)).await.answers();
        staged.discard().await.answers();
        holds!(
            !has_bytes(store, &key).await,
            "{size} bytes are still there after a discard"
        );
    }
}

async fn discarding_after_a_cancelled_write_succeeds(store: &dyn Store) {
    let key = key();
    let mut staged = store.stage(&key, None).await.answers();
    for seed in 0..8 {
        // The write is polled once, then dropped, as when a time limit ends an upload while the disk is busy.
        let write = staged.write(noise(seed, 1_500_000));
        pin_mut!(write);
        let _unfinished = write.as_mut().now_or_never();
    }
    staged.discard().await.answers();
    holds!(!has_bytes(store, &key).await, "bytes are still there after a discard");
}

async fn deleting_removes_committed_bytes(store: &dyn Store) {
    let key = key();
    put(store, &key, &[noise(3, 1000)]).await;
    store.delete(&key).await.answers();
    holds!(!has_bytes(store, &key).await, "bytes are still there after a delete");
    store.delete(&key).await.answers();
}

async fn deleting_a_key_without_bytes_succeeds(store: &dyn Store) {
    store.delete(&key()).await.answers();
}

async fn deleting_removes_the_bytes_of_a_dropped_attempt(store: &dyn Store) {
    let key = key();
    let mut staged = store.stage(&key, None).await.answers();
    staged.write(noise(4, 3_000_000)).await.answers();
    drop(staged);
    store.delete(&key).await.answers();
    holds!(!has_bytes(store, &key).await, "bytes are still there after a delete");
}

async fn attempts_do_not_mix(store: &dyn Store) {
    let files: Vec<_> = (10..18)
        .map(|seed| (key(), noise(seed, 200_000 + seed as usize)))
        .collect();
    join_all(files.iter().map(|(key, bytes)| async move {
        let pieces: Vec<_> = bytes.chunks(7_000).map(|piece| bytes.slice_ref(piece)).collect();
        put(store, key, &pieces).await;
    }))
    .await;
    for (key, bytes) in &files {
        holds!(
            collect(store.read(key, None).await.answers()).await == bytes,
            "bytes of several attempts are mixed"
        );
        store.delete(key).await.answers();
    }
}

async fn a_second_commit_replaces_the_first(store: &dyn Store) {
    // The pipeline writes a key again if a part is sent again and the store does not support multipart uploads.
    let key = Key::part(UploadId::random(), 10_000);
    for (seed, size) in [(1, 300_000), (2, 200_000), (3, 400_000)] {
        put(store, &key, &[noise(seed, size)]).await;
        let read = collect(store.read(&key, None).await.answers()).await;
        holds!(
            read == noise(seed, size),
            "{} bytes of an earlier commit are still there",
            read.len()
        );
    }
    store.delete(&key).await.answers();
    holds!(!has_bytes(store, &key).await, "bytes are still there after a delete");
}

async fn keys_are_listed_as_long_as_they_have_bytes(store: &dyn Store, list: &dyn KeyList) {
    let listed = async |prefix: &str| {
        let keys: Vec<_> = list.list(prefix).try_collect().await.answers();
        let mut found: Vec<_> = keys.into_iter().map(|listed| (listed.key, listed.size)).collect();
        found.sort();
        found
    };
    let [one, other] = [(); 2].map(|()| DerivedGroup(*Uuid::new_v4().as_bytes()));
    let mut kept = Vec::new();
    for (group, name, size) in [(one, 1, 1_000), (one, 2, 0), (other, 1, 70_000)] {
        let key = Key::derived(group, &[name; 16]);
        put(store, &key, &[noise(5, size)]).await;
        kept.push((key, size as u64));
    }
    kept[..2].sort();
    same!(
        listed(&one.prefix()).await,
        kept[..2],
        "the keys that begin so are others"
    );
    same!(
        listed(&other.prefix()).await,
        kept[2..],
        "the keys that begin so are others"
    );
    let all = listed("").await;
    for entry in &kept {
        holds!(all.contains(entry), "the list of all keys lacks {}", entry.0);
        store.delete(&entry.0).await.answers();
    }
    same!(listed(&one.prefix()).await, [], "a key without bytes is listed");
}

async fn of_two_attempts_the_last_commit_wins_unmixed(store: &dyn Store) {
    // The pipeline writes a key twice at the same time if a part is sent twice and the store does not support multipart uploads.
    let (first, last) = (noise(1, 300_000), noise(2, 200_000));
    for older_is_last in [false, true] {
        let key = Key::part(UploadId::random(), 1);
        let mut attempts = Vec::new();
        for _ in 0..2 {
            attempts.push(store.stage(&key, None).await.answers());
        }
        if older_is_last {
            attempts.reverse();
        }
        let [mut one, mut other] = attempts.try_into().unwrap_or_else(|_| panic!("there are two"));
        other.write(last.slice(..140_000)).await.answers();
        one.write(first.slice(..140_000)).await.answers();
        one.write(first.slice(140_000..)).await.answers();
        one.commit().await.answers();
        other.write(last.slice(140_000..)).await.answers();
        other.commit().await.answers();
        let read = collect(store.read(&key, None).await.answers()).await;
        holds!(
            read == last,
            "the bytes are not those of the last commit, or a mixture of both"
        );
        store.delete(&key).await.answers();
    }
}
