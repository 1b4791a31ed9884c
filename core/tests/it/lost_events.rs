//! Each call of the recorder is made to fail while events are written and delivered: none is lost, and none is invented.

use std::collections::BTreeSet;
use std::time::Duration;

use intake_core::events::{EventPosition, FileEventKind};
use intake_core::memory::MemoryRecorder;
use intake_core::testkit::ScriptedNotifier;
use intake_core::testkit::faulty::{Faulty, Moment, Plan};
use intake_core::{Declared, Incoming, Pipeline, Recorder, Retention, UploadOptions};

use crate::deliveries::{MINUTE, PROJECT, builder, run_for, wants};

/// What happens to some files, whatever fails meanwhile.
async fn story(pipeline: &Pipeline) {
    let take = async || {
        let incoming = Incoming::from_bytes(Declared::default(), "content");
        let options = UploadOptions::of_project(PROJECT).with(|options| options.retention = Retention::Keep);
        pipeline.ingest(incoming, options).await.ok().map(|record| record.id)
    };
    let (first, second) = (take().await, take().await);
    for id in first.into_iter().chain(second) {
        let _deleted_or_not = pipeline.delete(id).await;
    }
}

/// Runs the story with a plan of failures, then lets another node do what is left, and checks what has arrived. Returns how many
/// calls there were.
async fn run(plan: Plan) -> usize {
    let (notifier, recorder) = (ScriptedNotifier::that_delivers(), MemoryRecorder::default());
    let sound = builder(recorder.clone()).notifier("hooks", notifier.clone());
    let sound = sound.build().unwrap();
    for kind in FileEventKind::ALL {
        sound.subscribe(wants(kind, "target")).await.unwrap();
    }
    let broken = builder(Faulty::new(recorder.clone(), &plan)).notifier("hooks", notifier.clone());
    let broken = broken.build().unwrap();
    story(&broken).await;
    run_for(&broken, Duration::from_secs(3)).await;
    let calls = plan.calls();
    plan.heal();
    // Longer than a lease.
    run_for(&sound, MINUTE).await;

    let expected = recorder.outbox().events(EventPosition::default(), 1_000).await.unwrap();
    let arrived = notifier.messages().into_iter().map(|message| {
        let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        (message.file, body["data"]["revision"].as_u64().unwrap(), message.id)
    });
    let arrived: Vec<_> = arrived.collect();
    let ids: BTreeSet<_> = arrived.iter().map(|(_, _, id)| id).collect();
    let wanted: BTreeSet<_> = expected.iter().map(|event| &event.id).collect();
    assert_eq!(ids, wanted, "{plan:?}");
    for event in &expected {
        let of_file = arrived.iter().filter(|(file, ..)| *file == event.record.id);
        assert!(of_file.map(|(_, revision, _)| *revision).is_sorted(), "{plan:?}");
    }
    let backlog = recorder.outbox().delivery_backlog().await.unwrap();
    assert_eq!(backlog.waiting, 0, "{plan:?}");
    calls
}

#[tokio::test(start_paused = true)]
async fn whatever_call_fails_each_event_of_each_change_arrives_and_no_other() {
    let calls = run(Plan::flawless()).await;
    assert!(calls > 15, "{calls}");
    for call in 0..calls {
        for moment in [Moment::Before, Moment::After] {
            run(Plan::once(call, moment)).await;
            run(Plan::from(call, moment)).await;
        }
    }
}
