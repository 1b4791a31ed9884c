//! The events of files: which change of a record means what to others, and that each is told once.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use intake_core::events::{EventPosition, FileEventKind, Initiator, event_id};
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::record::Periods;
use intake_core::{EventSettings, Lifetime, Record, Recorder, UploadId, UploadOptions};
use proptest::prelude::*;

use crate::record::{EVENTS, PERIODS, at, event, intent, opened, queued};
use crate::support::{Clock, builder, upload};

fn telling() -> Periods {
    PERIODS.with(|periods| periods.events = true)
}

/// The record after these events, the last of which happens at a time.
fn after(first: Record, way: &[&str], last: u64) -> Record {
    let count = way.len();
    way.iter().enumerate().fold(first, |record, (number, name)| {
        let now = at(if number + 1 == count { last } else { 2 });
        record.apply(event(name), now, &telling()).unwrap()
    })
}

fn told(record: &Record) -> Vec<(&'static str, Initiator)> {
    record
        .events
        .iter()
        .map(|event| (event.kind.name(), event.initiator))
        .collect()
}

#[test]
fn each_change_means_to_others_what_it_says() {
    use Initiator::{Api, System};

    type Case = (&'static [&'static str], u64, &'static [(&'static str, Initiator)]);
    let cases: [Case; 27] = [
        (&["commit"], 2, &[("file.uploaded", Api)]),
        (&["reject"], 2, &[]),
        (&["relocate"], 2, &[]),
        (&["abandon"], 2, &[]),
        (&["commit", "keep"], 2, &[("file.stored", Api)]),
        (&["commit", "keep", "keep"], 2, &[]),
        (&["commit", "inspected"], 2, &[]),
        (&["commit", "tidied"], 2, &[]),
        (&["commit", "trash"], 2, &[("file.deleted", Api)]),
        (&["commit", "delete"], 2, &[("file.deleted", Api)]),
        (&["commit", "claim"], 600, &[("file.deleted", System)]),
        (&["commit", "delete", "bytes_deleted"], 2, &[]),
        (&["commit", "trash", "delete"], 2, &[]),
        (&["commit", "trash", "claim"], 600, &[]),
        (&["commit", "trash", "restore"], 2, &[("file.stored", Api)]),
        (&["commit", "withdraw"], 2, &[("file.infected", System)]),
        (&["commit", "withdraw", "approve"], 2, &[("file.info_updated", Api)]),
        (&["commit", "withdraw", "discard"], 2, &[("file.deleted", Api)]),
        (
            &["commit", "withdraw", "approve", "withdraw", "approve"],
            2,
            &[("file.info_updated", Api)],
        ),
        (&["quarantine"], 2, &[("file.infected", System)]),
        (&["quarantine", "approve"], 2, &[("file.uploaded", Api)]),
        (&["quarantine", "approve", "delete"], 2, &[("file.deleted", Api)]),
        (&["quarantine", "discard"], 2, &[]),
        (&["quarantine", "claim"], 800, &[]),
        (&["hold"], 2, &[]),
        (&["hold", "rescan"], 600, &[]),
        (&["hold", "withdraw"], 2, &[("file.infected", System)]),
    ];
    for (way, last, expected) in cases {
        let record = after(intent(), way, last);
        assert_eq!(told(&record), expected, "{way:?}");
        assert!(record.events.iter().all(|event| event.at == at(last)), "{way:?}");
        if way.first() != Some(&"relocate") && way.first() != Some(&"abandon") {
            let parts = after(opened(true), &["assemble"], 2);
            assert_eq!(told(&after(parts, way, last)), expected, "a multipart upload: {way:?}");
        }
    }
    for way in [
        &["fetch"][..],
        &["fetch", "progress"],
        &["fetch", "fetched"],
        &["fetch", "postpone"],
    ] {
        assert_eq!(told(&after(queued(), way, 2)), [], "{way:?}");
    }
}

#[test]
fn a_file_that_is_kept_from_the_start_is_told_to_be_stored_too() {
    let kept = Lifetime {
        kept: true,
        expires: None,
    };
    let commit = match event("commit") {
        intake_core::Event::Commit { facts, options, .. } => intake_core::Event::Commit {
            facts,
            options,
            lifetime: kept,
        },
        other => other,
    };
    let record = intent().apply(commit, at(2), &telling()).unwrap();
    let expected = [("file.uploaded", Initiator::Api), ("file.stored", Initiator::Api)];
    assert_eq!(told(&record), expected);
    let ids: Vec<_> = (0..2)
        .map(|number| event_id(record.id, record.revision, number))
        .collect();
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        assert!(id.is_ascii() && !id.contains('.') && id.len() <= 64, "{id}");
    }
    // A change has a few events.
    let longest = event_id(UploadId::random(), u64::MAX, 999);
    assert!(longest.len() <= 64, "{longest}");
}

#[test]
fn without_anybody_to_tell_a_change_leaves_no_event() {
    let record = intent().apply(event("commit"), at(2), &PERIODS).unwrap();
    assert_eq!(record.events, []);
    // Also after one that had events, as when they are turned off.
    let told = after(intent(), &["commit"], 2);
    assert_ne!(told.events, []);
    let next = told.apply(event("keep"), at(3), &PERIODS).unwrap();
    assert_eq!(next.events, []);
}

proptest! {
    #[test]
    fn a_file_is_uploaded_once_and_deleted_at_most_once_more_than_restored(
        in_parts in any::<bool>(),
        history in prop::collection::vec((0usize..EVENTS.len(), 0u64..400), 0..60),
    ) {
        let (mut record, mut now) = (if in_parts { opened(true) } else { intent() }, 0);
        let mut counts: BTreeMap<FileEventKind, i32> = BTreeMap::new();
        let mut is_there = false;
        for (name, passed) in history {
            now += passed;
            let Ok(next) = record.apply(event(EVENTS[name]), at(now), &telling()) else { continue };
            for event in &next.events {
                *counts.entry(event.kind).or_default() += 1;
                match event.kind {
                    FileEventKind::Uploaded => is_there = true,
                    FileEventKind::Deleted => {
                        prop_assert!(is_there, "deleted before it was uploaded");
                        is_there = false;
                    }
                    FileEventKind::Stored => is_there = true,
                    _ => {}
                }
            }
            // Whoever only listens knows whether there is a file.
            if next.state.name() == "ready" {
                prop_assert!(is_there);
            }
            if ["trashed", "deleting", "gone"].contains(&next.state.name()) {
                prop_assert!(!is_there);
            }
            record = next;
        }
        prop_assert!(counts.get(&FileEventKind::Uploaded).copied().unwrap_or_default() <= 1);
    }
}

#[tokio::test]
async fn a_stream_of_events_has_each_change_of_each_file_and_goes_on_where_it_was() {
    let (recorder, clock) = (MemoryRecorder::default(), Clock::default());
    let pipeline = builder(MemoryStore::default(), recorder.clone(), &clock)
        .events(EventSettings::default())
        .build()
        .unwrap();
    let id = pipeline
        .ingest(upload(&[b"some"]), UploadOptions::default())
        .await
        .unwrap()
        .id;
    let mut events = pin!(pipeline.events(EventPosition::default()));
    let mut kinds = Vec::new();
    let mut next = async || {
        let event = events.try_next().await.unwrap().unwrap();
        assert_eq!(event.record.id, id);
        kinds.push(event.event.kind.name());
        event.position
    };
    next().await;
    let behind = next().await;
    pipeline.delete(id).await.unwrap();
    next().await;
    assert_eq!(kinds, ["file.uploaded", "file.stored", "file.deleted"]);
    let mut again = pin!(pipeline.events(behind.to_string().parse().unwrap()));
    let event = again.try_next().await.unwrap().unwrap();
    assert_eq!(event.event.kind, FileEventKind::Deleted);
}

#[tokio::test]
async fn a_pipeline_that_tells_nobody_keeps_no_events() {
    let (recorder, clock) = (MemoryRecorder::default(), Clock::default());
    let pipeline = builder(MemoryStore::default(), recorder.clone(), &clock)
        .build()
        .unwrap();
    pipeline
        .ingest(upload(&[b"some"]), UploadOptions::default())
        .await
        .unwrap();
    assert_eq!(recorder.outbox().unplanned(10).await.unwrap(), []);
    assert!(
        pin!(pipeline.events(EventPosition::default()))
            .try_next()
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_sweep_forgets_events_after_their_time() {
    let (recorder, clock) = (MemoryRecorder::default(), Clock::default());
    let settings = EventSettings::default().with(|settings| settings.keep = Duration::from_secs(1_000));
    let pipeline = builder(MemoryStore::default(), recorder.clone(), &clock)
        .events(settings)
        .build()
        .unwrap();
    pipeline
        .ingest(upload(&[b"some"]), UploadOptions::default())
        .await
        .unwrap();
    let events = recorder.outbox().unplanned(10).await.unwrap();
    let plans: Vec<_> = events.into_iter().map(|event| (event, Vec::new())).collect();
    recorder.outbox().plan(&plans, clock.now()).await.unwrap();
    clock.advance(Duration::from_secs(900));
    assert_eq!(pipeline.sweep().await.unwrap().events, 0);
    clock.advance(Duration::from_secs(200));
    assert_eq!(pipeline.sweep().await.unwrap().events, 2);
    assert_eq!(
        recorder.outbox().events(EventPosition::default(), 10).await.unwrap(),
        []
    );
}
