//! Attempts at parts that hang, are overtaken, or arrive too late: no other request waits for them, and they leave nothing.

use futures_util::FutureExt;
use futures_util::future::join;
use intake_core::memory::MemoryStore;
use intake_core::{Error, State, codes};

use crate::parts::{House, futures_channel};
use crate::stores::{InPlace, Seen};
use crate::support::new_multipart;

/// One process, over each kind of store.
macro_rules! over_both {
    ($($name:ident)+) => {
        mod own_way {
            use super::*;
            $(#[tokio::test(start_paused = true)] async fn $name() { super::$name::<InPlace>().await })+
        }

        mod separate_keys {
            use super::*;
            $(#[tokio::test(start_paused = true)] async fn $name() { super::$name::<MemoryStore>().await })+
        }
    };
}

over_both! {
    a_newer_attempt_cuts_off_the_older_one_and_counts
    an_attempt_that_waits_for_a_permit_cuts_off_the_older_one_first
    an_attempt_that_hangs_is_cut_off_when_the_upload_is_completed
    an_attempt_at_another_part_goes_on
    a_part_that_arrives_after_its_upload_ended_leaves_nothing
}

async fn a_newer_attempt_cuts_off_the_older_one_and_counts<S: Seen>() {
    let house = House::<S>::new();
    let opened = house.pipeline.start_multipart(new_multipart(6, 5)).await.unwrap();
    let (hangs, body) = futures_channel();
    hangs.send(b"old").await;
    let older = house.pipeline.put_part(&opened, 1, None, body);
    let (older, newer) = join(older, house.put(&opened, 1, b"newer")).await;
    newer.unwrap();
    assert_eq!(older.unwrap_err().code(), codes::PART_REPLACED);
    house.put(&opened, 2, b"!").await.unwrap();
    house.pipeline.complete(opened.id).await.unwrap();
    assert_eq!(house.read(opened.id).await, b"newer!");
}

async fn an_attempt_that_waits_for_a_permit_cuts_off_the_older_one_first<S: Seen>() {
    let house = House::<S>::new();
    let opened = house.pipeline.start_multipart(new_multipart(6, 5)).await.unwrap();
    let (hangs, body) = futures_channel();
    hangs.send(b"old").await;
    let older = house.pipeline.put_part(&opened, 1, None, body);
    let (older, ()) = join(older, house.pipeline.replace_part(&opened, 1)).await;
    assert_eq!(older.unwrap_err().code(), codes::PART_REPLACED);
}

async fn an_attempt_that_hangs_is_cut_off_when_the_upload_is_completed<S: Seen>() {
    let house = House::<S>::new();
    let opened = house.pipeline.start_multipart(new_multipart(6, 5)).await.unwrap();
    house.put(&opened, 1, b"whole").await.unwrap();
    house.put(&opened, 2, b"!").await.unwrap();
    let (hangs, body) = futures_channel();
    hangs.send(b"xx").await;
    let hung = house.pipeline.put_part(&opened, 1, None, body);
    let (hung, completed) = join(hung, house.pipeline.complete(opened.id)).await;
    assert_eq!(completed.unwrap().state, State::Ready);
    assert_eq!(hung.unwrap_err().code(), codes::NOT_OPEN);
    assert_eq!(house.read(opened.id).await, b"whole!");
}

async fn an_attempt_at_another_part_goes_on<S: Seen>() {
    let house = House::<S>::new();
    let opened = house.pipeline.start_multipart(new_multipart(6, 5)).await.unwrap();
    let other = house.pipeline.start_multipart(new_multipart(6, 5)).await.unwrap();
    let (slow, body) = futures_channel();
    let slow_put = house.pipeline.put_part(&opened, 1, None, body);
    let meanwhile = async {
        slow.send(b"sl").await;
        house.put(&opened, 2, b"!").await.unwrap();
        house.put(&other, 1, b"other").await.unwrap();
        house.put(&other, 2, b"!").await.unwrap();
        house.pipeline.complete(other.id).await.unwrap();
        slow.send(b"ow.").await;
        drop(slow);
    };
    let (put, ()) = join(slow_put, meanwhile).await;
    put.unwrap();
    house.pipeline.complete(opened.id).await.unwrap();
    assert_eq!(house.read(opened.id).await, b"slow.!");
}

async fn a_part_that_arrives_after_its_upload_ended_leaves_nothing<S: Seen>() {
    let house = House::<S>::new();
    let opened = house.pipeline.start_multipart(new_multipart(6, 5)).await.unwrap();
    let (late, body) = futures_channel();
    let mut put = Box::pin(house.pipeline.put_part(&opened, 1, None, body));
    assert!((&mut put).now_or_never().is_none(), "no byte has arrived yet");
    house.pipeline.abort_multipart(opened.id).await;
    late.send(b"late!").await;
    drop(late);
    let refused = put.await.unwrap_err();
    assert!(matches!(&refused, Error::Rejected { .. }), "{refused}");
    assert_eq!(refused.code(), codes::NOT_OPEN);
    assert!(house.store.seen().is_empty(), "a late part is left");
}
