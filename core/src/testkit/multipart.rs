//! The rules of a store that supports multipart uploads. The suite of stores checks them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;

use super::broken::Answers;
use super::keys::{has_bytes, key};
use super::trial::Trial;
use super::{collect, noise};
use crate::contract::stages::{Multipart, Staged, Store};
use crate::value::codes;
use crate::value::id::Key;
use crate::value::parts::{Part, PartPlan};

/// The least size that S3 accepts of a part that is not the last one.
const PART: usize = 5 << 20;

pub(super) async fn multipart(trial: &Trial, store: &dyn Store, multipart: &dyn Multipart) {
    rules!(
        trial,
        parts_become_the_whole_in_the_order_of_their_numbers(store, multipart),
        a_part_that_is_sent_again_replaces_the_earlier_one(store, multipart),
        a_part_without_a_commit_is_not_listed(store, multipart),
        a_part_that_is_read_before_all_are_joined_is_the_one_that_was_listed(store, multipart),
        assembled_parts_can_be_assembled_again(store, multipart),
        nothing_changes_an_assembled_upload(store, multipart),
        the_last_commit_of_a_part_wins_unmixed(store, multipart),
        an_attempt_that_breaks_off_keeps_the_earlier_part(store, multipart),
        deleting_removes_parts_that_were_never_assembled(store, multipart),
    );
    let name = stringify!(assembling_does_not_wait_for_an_attempt_that_hangs);
    let check = assembling_does_not_wait_for_an_attempt_that_hangs(store, multipart);
    trial.rule(name, true, check).await;
}

/// A multipart upload in the store under test.
struct Upload<'a> {
    store: &'a dyn Store,
    multipart: &'a dyn Multipart,
    parts: PartPlan,
    key: Key,
    name: String,
}

impl<'a> Upload<'a> {
    async fn begin(store: &'a dyn Store, multipart: &'a dyn Multipart, size: usize) -> Self {
        let key = key();
        Self {
            store,
            multipart,
            parts: PartPlan::new(size as u64, PART as u64).unwrap(),
            name: multipart.begin(&key).await.answers(),
            key,
        }
    }

    async fn stage(&self, number: u16, size: usize) -> Box<dyn Staged> {
        let range = self.parts.range(number).expect("there is such a part");
        let staged = self
            .multipart
            .stage(&self.key, &self.name, &range, Some(size as u64))
            .await;
        staged.answers()
    }

    async fn put(&self, number: u16, bytes: &Bytes) {
        let mut staged = self.stage(number, bytes.len()).await;
        for piece in bytes.chunks(700_001) {
            staged.write(bytes.slice_ref(piece)).await.answers();
        }
        staged.commit().await.answers();
    }

    /// Sends a part again, until the store lists it. A service with a coarse clock may not be able to order two writes of a part, and
    /// then list neither.
    async fn put_again(&self, number: u16, bytes: &Bytes) {
        /// Some clocks tick once per second.
        const TRIES: usize = 1000;
        for _ in 0..TRIES {
            self.put(number, bytes).await;
            if self.sizes().await.contains(&(number, bytes.len() as u64)) {
                return;
            }
        }
        panic!("the store never lists part {number}, however often it is sent");
    }

    async fn list(&self) -> Vec<Part> {
        self.multipart.list(&self.key, &self.name).await.answers()
    }

    async fn sizes(&self) -> Vec<(u16, u64)> {
        self.list().await.iter().map(|part| (part.number, part.size)).collect()
    }

    async fn assemble(&self) {
        let parts = self.list().await;
        let assembled = self.multipart.assemble(&self.key, &self.name, &parts).await;
        assembled.answers();
    }

    async fn read(&self) -> Bytes {
        let size = self.store.size(&self.key).await.answers();
        same!(size, Some(self.parts.size), "the size of the whole");
        collect(self.store.read(&self.key, None).await.answers()).await
    }

    async fn delete(&self) {
        self.store.delete(&self.key).await.answers();
        holds!(
            !has_bytes(self.store, &self.key).await,
            "bytes are still there after a delete"
        );
    }
}

async fn parts_become_the_whole_in_the_order_of_their_numbers(store: &dyn Store, multipart: &dyn Multipart) {
    // The rest is so short that it could be appended to the part before it. Here it is a part of its own.
    let bytes = noise(1, 2 * PART + 1000);
    let upload = Upload::begin(store, multipart, bytes.len()).await;
    same!(upload.sizes().await, []);
    holds!(!has_bytes(store, &upload.key).await, "bytes before there was a part");
    let slices = [(3, 2 * PART..bytes.len()), (1, 0..PART), (2, PART..2 * PART)];
    join_all(
        slices
            .iter()
            .map(async |(number, range)| upload.put(*number, &bytes.slice(range.clone())).await),
    )
    .await;
    same!(upload.sizes().await, [(1, PART as u64), (2, PART as u64), (3, 1000)]);
    holds!(
        !has_bytes(store, &upload.key).await,
        "the whole is there before the parts were assembled"
    );
    upload.assemble().await;
    holds!(upload.read().await == bytes, "the whole has other bytes than its parts");
    upload.delete().await;
}

async fn a_part_that_is_sent_again_replaces_the_earlier_one(store: &dyn Store, multipart: &dyn Multipart) {
    let bytes = noise(2, PART + 1000);
    let upload = Upload::begin(store, multipart, bytes.len()).await;
    upload.put(1, &noise(3, PART)).await;
    upload.put(2, &noise(4, 10)).await;
    upload.put_again(2, &noise(5, 1000)).await;
    upload.put_again(1, &bytes.slice(..PART)).await;
    upload.put_again(2, &bytes.slice(PART..)).await;
    same!(upload.sizes().await, [(1, PART as u64), (2, 1000)]);
    upload.assemble().await;
    holds!(upload.read().await == bytes, "an earlier part is in the whole");
    upload.delete().await;
}

async fn a_part_without_a_commit_is_not_listed(store: &dyn Store, multipart: &dyn Multipart) {
    let upload = Upload::begin(store, multipart, PART + 1000).await;
    let mut discarded = upload.stage(1, PART).await;
    discarded.write(noise(6, 1000)).await.answers();
    discarded.discard().await.answers();
    let mut dropped = upload.stage(2, 1000).await;
    dropped.write(noise(7, 500)).await.answers();
    drop(dropped);
    same!(upload.sizes().await, [], "a part that was not committed");
    upload.delete().await;
}

/// Only of stores that let parts be read.
async fn a_part_that_is_read_before_all_are_joined_is_the_one_that_was_listed(
    store: &dyn Store,
    multipart: &dyn Multipart,
) {
    let (first, second, again) = (noise(31, PART), noise(32, 1000), noise(33, PART));
    let upload = Upload::begin(store, multipart, PART + 1000).await;
    upload.put(1, &first).await;
    upload.put(2, &second).await;
    let before = upload.list().await;
    let read = async |part: &Part| {
        let range = upload.parts.range(part.number).expect("a part of the plan");
        multipart.read_part(&upload.key, &upload.name, &range, part).await
    };
    let Some(bytes) = read(&before[0]).await.answers() else {
        upload.delete().await;
        return;
    };
    same!(collect(bytes).await, first, "the bytes of a part that is read early");
    upload.put(1, &again).await;
    let after = upload.list().await;
    holds!(
        before[0].tag != after[0].tag && before[1].tag == after[1].tag,
        "a part that is sent again has the tag of the one before"
    );
    if let Ok(Some(bytes)) = read(&before[0]).await {
        // Bytes of before are right, too.
        same!(collect(bytes).await, first, "the bytes of a part under its old tag");
    }
    let assembled = multipart.assemble(&upload.key, &upload.name, &before).await;
    holds!(assembled.is_err(), "parts were joined that are not those of the list");
    upload.assemble().await;
    same!(upload.read().await, [&again[..], &second].concat(), "the whole");
    upload.delete().await;
}

async fn assembled_parts_can_be_assembled_again(store: &dyn Store, multipart: &dyn Multipart) {
    let bytes = noise(8, 1000);
    let upload = Upload::begin(store, multipart, bytes.len()).await;
    upload.put(1, &bytes).await;
    let parts = upload.list().await;
    for _ in 0..2 {
        // As a node does that takes over from a crashed one.
        let assembled = multipart.assemble(&upload.key, &upload.name, &parts).await;
        assembled.answers();
        holds!(upload.read().await == bytes);
    }
    upload.delete().await;
    upload.delete().await;
}

async fn nothing_changes_an_assembled_upload(store: &dyn Store, multipart: &dyn Multipart) {
    let bytes = noise(9, 100_000);
    let upload = Upload::begin(store, multipart, bytes.len()).await;
    upload.put(1, &bytes).await;
    upload.assemble().await;
    let range = upload.parts.range(1).expect("there is such a part");
    // A sender still sends a part. The store chooses whether that fails, and when.
    match multipart.stage(&upload.key, &upload.name, &range, Some(100_000)).await {
        Ok(mut late) => {
            if late.write(noise(10, 100_000)).await.is_ok() {
                let _refused = late.commit().await;
            }
        }
        Err(fault) => same!(fault.code, codes::NOT_OPEN, "{}", fault.report()),
    }
    holds!(
        upload.read().await == bytes,
        "a part that came late has changed the whole"
    );
    upload.delete().await;
}

async fn the_last_commit_of_a_part_wins_unmixed(store: &dyn Store, multipart: &dyn Multipart) {
    let (first, last) = (noise(12, 150_000), noise(13, 200_000));
    let beginning = noise(14, PART);
    for older_is_last in [false, true] {
        let upload = Upload::begin(store, multipart, PART + last.len()).await;
        upload.put(1, &beginning).await;
        // Both are written at the same time, each in two pieces.
        let (mut one, mut other);
        if older_is_last {
            other = upload.stage(2, last.len()).await;
            one = upload.stage(2, first.len()).await;
        } else {
            one = upload.stage(2, first.len()).await;
            other = upload.stage(2, last.len()).await;
        }
        other.write(last.slice(..140_000)).await.answers();
        one.write(first.slice(..140_000)).await.answers();
        one.write(first.slice(140_000..)).await.answers();
        one.commit().await.answers();
        other.write(last.slice(140_000..)).await.answers();
        other.commit().await.answers();
        let sizes = upload.sizes().await;
        if sizes.len() == 1 || sizes.contains(&(2, first.len() as u64)) {
            // The clock of the store is too coarse to order the two writes.
            upload.put_again(2, &last).await;
        }
        same!(upload.sizes().await, [(1, PART as u64), (2, last.len() as u64)]);
        upload.assemble().await;
        let whole = upload.read().await;
        holds!(whole[..PART] == beginning, "another part has changed");
        holds!(
            whole[PART..] == last,
            "the part is not the one of the last commit, or a mixture of both"
        );
        upload.delete().await;
    }
}

async fn an_attempt_that_breaks_off_keeps_the_earlier_part(store: &dyn Store, multipart: &dyn Multipart) {
    let bytes = noise(15, PART + 1000);
    let upload = Upload::begin(store, multipart, bytes.len()).await;
    upload.put(1, &bytes.slice(..PART)).await;
    upload.put(2, &bytes.slice(PART..)).await;
    let mut discarded = upload.stage(1, PART).await;
    discarded.write(noise(16, PART / 2)).await.answers();
    discarded.discard().await.answers();
    let mut dropped = upload.stage(2, 1000).await;
    dropped.write(noise(17, 500)).await.answers();
    drop(dropped);
    same!(upload.sizes().await, [(1, PART as u64), (2, 1000)]);
    upload.assemble().await;
    holds!(
        upload.read().await == bytes,
        "an attempt that broke off has changed a part that was kept"
    );
    upload.delete().await;
}

async fn assembling_does_not_wait_for_an_attempt_that_hangs(store: &dyn Store, multipart: &dyn Multipart) {
    /// Enough for a slow disk, and less than the pipeline waits for any sender.
    const AT_ONCE: Duration = Duration::from_secs(8);

    let bytes = noise(18, PART + 1000);
    let upload = Upload::begin(store, multipart, bytes.len()).await;
    // The first attempt at one part, and the second one at the other.
    let mut first = upload.stage(1, PART).await;
    first.write(noise(19, PART / 2)).await.answers();
    upload.put(1, &bytes.slice(..PART)).await;
    upload.put(2, &bytes.slice(PART..)).await;
    let mut second = upload.stage(2, 1000).await;
    second.write(noise(20, 500)).await.answers();
    let began = Instant::now();
    upload.assemble().await;
    let took = began.elapsed();
    holds!(took < AT_ONCE, "assembling the parts took {took:?}");
    holds!(
        upload.read().await == bytes,
        "an attempt that hangs has changed the whole"
    );
    // The store chooses whether this fails, as long as it changes nothing.
    for (mut hung, rest) in [(first, PART - PART / 2), (second, 500)] {
        match hung.write(noise(21, rest)).await {
            Ok(()) => drop(hung.commit().await),
            Err(_) => drop(hung.discard().await),
        }
    }
    holds!(
        upload.read().await == bytes,
        "an attempt that came to its end late has changed the whole"
    );
    upload.delete().await;
}

async fn deleting_removes_parts_that_were_never_assembled(store: &dyn Store, multipart: &dyn Multipart) {
    let upload = Upload::begin(store, multipart, 2 * PART).await;
    upload.put(1, &noise(11, PART)).await;
    upload.delete().await;
    // The store may list no parts, or may not know the upload any more.
    if let Ok(parts) = multipart.list(&upload.key, &upload.name).await {
        same!(parts, [], "parts are still there after a delete");
    }
}
