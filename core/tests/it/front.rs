//! Reading ahead: completing an upload in parts reads only what was not read while they arrived, and never judges other bytes
//! than those that are kept.

use std::time::Duration;

use intake_core::testkit::{collect, noise};
use intake_core::{Record, codes};
use sha2::{Digest as _, Sha256};

use crate::parts::House;
use crate::stores::InPlace;
use crate::support::{BAD, RUDE, new_multipart};

const PART: usize = 100_000;
/// What validators see again at the end.
const HEAD: u64 = 16 * 1024;

async fn opened(house: &House<InPlace>, parts: &[&[u8]]) -> Record {
    let size = parts.iter().map(|part| part.len()).sum();
    house
        .pipeline
        .start_multipart(new_multipart(size, PART as u64))
        .await
        .unwrap()
}

/// Sends a part, and lets the task that reads ahead do what it can.
async fn put(house: &House<InPlace>, opened: &Record, number: u16, bytes: &[u8]) {
    house.put(opened, number, bytes).await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Completes an upload, checks that it is this, and returns how many bytes of the whole were read for that.
async fn complete(house: &House<InPlace>, opened: &Record, bytes: &[u8]) -> u64 {
    house.store.read_of_wholes();
    let facts = house.pipeline.complete(opened.id).await.unwrap().facts.unwrap();
    let read = house.store.read_of_wholes();
    assert_eq!(facts.size, bytes.len() as u64);
    assert_eq!(facts.digest.to_string(), hex::encode(Sha256::digest(bytes)));
    assert_eq!(
        collect(house.pipeline.read(opened.id, None).await.unwrap()).await,
        bytes
    );
    read
}

#[tokio::test(start_paused = true)]
async fn completing_reads_what_was_not_read_while_parts_arrived() {
    let parts: Vec<_> = (0..4).map(|seed| noise(seed, PART)).collect();
    let parts: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
    // The order in which the parts come; how many of them are read at the end. That of the last one is read with the rest only
    // if it came before the one in front of it.
    for (order, at_the_end) in [([1, 2, 3, 4], 0), ([2, 1, 4, 3], 0), ([4, 3, 2, 1], 0)] {
        let house = House::new();
        let opened = opened(&house, &parts).await;
        for number in order {
            put(&house, &opened, number, parts[usize::from(number) - 1]).await;
        }
        let read = complete(&house, &opened, &parts.concat()).await;
        assert!(read <= at_the_end * PART as u64 + HEAD, "{order:?}: {read}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_sent_again_after_it_was_read_is_judged_as_it_is_in_the_end() {
    let (first, second, again) = (noise(1, PART), noise(2, PART), noise(3, PART));
    let house = House::new();
    let upload = opened(&house, &[&first, &second]).await;
    for (number, bytes) in [(1, &first), (2, &second), (1, &again)] {
        put(&house, &upload, number, bytes).await;
    }
    let read = complete(&house, &upload, &[&again[..], &second].concat()).await;
    assert_eq!(read, 2 * PART as u64, "all of it");

    // And if a scanner has to find something in it.
    let mut bad = noise(4, PART).to_vec();
    bad[PART - 9..PART - 6].copy_from_slice(b"bad");
    let upload = opened(&house, &[&first, &second]).await;
    for (number, bytes) in [(1, &first[..]), (2, &second), (2, &bad)] {
        put(&house, &upload, number, bytes).await;
    }
    let refused = house.pipeline.complete(upload.id).await.unwrap_err();
    assert_eq!(refused.code(), BAD, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_a_stage_refuses_is_refused_when_the_upload_is_completed_and_not_before() {
    let (good, rest) = (noise(5, PART), noise(6, PART));
    let mut bad = good.to_vec();
    bad[50_000..50_003].copy_from_slice(b"bad");
    let mut rude = good.to_vec();
    rude[..9].copy_from_slice(b"rude head");
    for (first, code) in [(bad, BAD), (rude, RUDE)] {
        let house = House::new();
        let upload = opened(&house, &[&first, &rest]).await;
        put(&house, &upload, 1, &first).await;
        // The sender may still replace it.
        put(&house, &upload, 1, &good).await;
        put(&house, &upload, 2, &rest).await;
        complete(&house, &upload, &[&good[..], &rest].concat()).await;

        let upload = opened(&house, &[&first, &rest]).await;
        put(&house, &upload, 1, &first).await;
        put(&house, &upload, 2, &rest).await;
        assert_eq!(house.pipeline.complete(upload.id).await.unwrap_err().code(), code);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_parts_come_slowly_or_that_is_one_of_many_is_read_at_the_end() {
    let (first, second) = (noise(7, PART), noise(8, PART));
    let house = House::new();
    let slow = opened(&house, &[&first, &second]).await;
    put(&house, &slow, 1, &first).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    put(&house, &slow, 2, &second).await;
    assert_eq!(
        complete(&house, &slow, &[&first[..], &second].concat()).await,
        2 * PART as u64
    );

    // Another part than the next one puts nothing off.
    let third = noise(11, PART);
    let held = opened(&house, &[&first, &second, &third]).await;
    put(&house, &held, 1, &first).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        put(&house, &held, 3, &third).await;
    }
    put(&house, &held, 2, &second).await;
    let whole = [&first[..], &second, &third].concat();
    assert_eq!(complete(&house, &held, &whole).await, 3 * PART as u64);

    // Two of this sender are read ahead already, and more are not; when one of them is completed, there is room again.
    let mut many = Vec::new();
    for _ in 0..3 {
        let upload = opened(&house, &[&first, &second]).await;
        put(&house, &upload, 1, &first).await;
        many.push(upload);
    }
    for (upload, is_ahead) in many.iter().rev().zip([false, true, true]) {
        put(&house, upload, 2, &second).await;
        let read = complete(&house, upload, &[&first[..], &second].concat()).await;
        assert_eq!(read <= HEAD, is_ahead, "{read}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_not_complete_can_go_on() {
    let (first, second) = (noise(9, PART), noise(10, PART));
    let house = House::new();
    let upload = opened(&house, &[&first, &second]).await;
    put(&house, &upload, 1, &first).await;
    let missing = house.pipeline.complete(upload.id).await.unwrap_err();
    assert_eq!(missing.code(), codes::PARTS_MISSING);
    put(&house, &upload, 2, &second).await;
    complete(&house, &upload, &[&first[..], &second].concat()).await;
}
