//! Deliveries of events: who gets them, when they are tried again, in which order, and that no target waits for another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use intake_core::events::{DeliveryFilter, DeliveryState, FileEventKind, Replay, Subscription};
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::testkit::ScriptedNotifier;
use intake_core::{
    Builder, Declared, EventSettings, Incoming, Intervals, Message, Pipeline, Recorder, Secret, Sent, UploadId,
    UploadOptions, codes,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

pub const PROJECT: &str = "demo";

/// A builder whose clock is the paused clock of the test's runtime.
pub fn builder(recorder: impl Recorder + 'static) -> Builder {
    let began = Instant::now();
    Pipeline::builder()
        .store(MemoryStore::default())
        .recorder(recorder)
        .expirer(KeepAll)
        .clock(move || clock(began))
}

fn clock(began: Instant) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000) + began.elapsed()
}

async fn take(pipeline: &Pipeline) -> UploadId {
    let incoming = Incoming::from_bytes(Declared::named("a.txt"), "content");
    let record = pipeline.ingest(incoming, UploadOptions::of_project(PROJECT)).await;
    record.unwrap().id
}

pub fn wants(kind: FileEventKind, target: &str) -> Subscription {
    Subscription::new(PROJECT, kind, target)
}

/// Runs the background work for so long.
pub async fn run_for(pipeline: &Pipeline, time: Duration) {
    let stopped = tokio::time::sleep(time);
    pipeline.run_background(Intervals::default(), stopped).await;
}

/// Settings with short pauses.
fn hurried() -> EventSettings {
    EventSettings::default().with(|settings| settings.schedule = vec![Duration::from_secs(1); 9])
}

pub const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn each_event_goes_to_those_who_subscribed_before_it_happened() {
    let (notifier, recorder) = (ScriptedNotifier::that_delivers(), MemoryRecorder::default());
    let pipeline = builder(recorder).notifier("hooks", notifier.clone()).build().unwrap();
    let early = take(&pipeline).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    for (kind, target) in [
        (FileEventKind::Uploaded, "one"),
        (FileEventKind::Deleted, "one"),
        (FileEventKind::Uploaded, "two"),
    ] {
        let secrets = vec![Secret::new("new"), Secret::new("old")];
        let subscription = wants(kind, target).with(|subscription| subscription.secrets = secrets);
        pipeline.subscribe(subscription).await.unwrap();
    }
    let other = Subscription::new("other", FileEventKind::Uploaded, "three");
    pipeline.subscribe(other).await.unwrap();
    let late = take(&pipeline).await;
    pipeline.delete(late).await.unwrap();
    pipeline.delete(early).await.unwrap();
    run_for(&pipeline, MINUTE).await;
    let mut seen: Vec<_> = notifier
        .messages()
        .into_iter()
        .map(|message| {
            let whose = if message.file == early { "early" } else { "late" };
            assert_eq!((message.secrets.len(), message.attempt), (2, 1));
            assert_eq!(message.project.as_deref(), Some(PROJECT));
            let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
            assert_eq!(body["type"], message.kind);
            assert_eq!(body["data"]["id"], message.file.to_string());
            assert_eq!(
                (&body["data"]["name"], &body["data"]["size"]),
                (&"a.txt".into(), &7.into())
            );
            format!("{whose} {} to {}", message.kind, message.target)
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            "early file.deleted to one",
            "late file.deleted to one",
            "late file.uploaded to one",
            "late file.uploaded to two",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_notifier_with_a_target_of_its_own_gets_every_event_of_every_project() {
    let (notifier, recorder) = (
        ScriptedNotifier::that_delivers().with_own_target(),
        MemoryRecorder::default(),
    );
    let pipeline = builder(recorder).notifier("queue", notifier.clone()).build().unwrap();
    take(&pipeline).await;
    let incoming = Incoming::from_bytes(Declared::default(), "content");
    pipeline.ingest(incoming, UploadOptions::default()).await.unwrap();
    run_for(&pipeline, MINUTE).await;
    let messages = notifier.messages();
    assert_eq!(messages.len(), 4, "uploaded and stored of both");
    assert!(
        messages
            .iter()
            .all(|message| message.target.is_empty() && message.secrets.is_empty())
    );
    let refused = pipeline
        .subscribe(wants(FileEventKind::Uploaded, "target"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), codes::TARGET_INVALID);
}

/// Delivers, but fails the first attempts of each event.
fn failing(times: u32, retry_after: Option<Duration>) -> ScriptedNotifier {
    ScriptedNotifier::new(move |message| {
        let sent = match message.attempt > times {
            true => Sent::Delivered,
            false => Sent::Failed {
                reason: format!("status 500, {}", "x".repeat(5_000)),
                retry_after,
            },
        };
        Box::pin(async move { sent })
    })
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_followed_by_others_with_the_same_id_and_body_and_growing_pauses() {
    let (notifier, recorder, began) = (failing(3, None), MemoryRecorder::default(), Instant::now());
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (inner, kept) = (notifier, Arc::clone(&times));
    let recording = ScriptedNotifier::new(move |message| {
        kept.lock()
            .unwrap()
            .push((began.elapsed(), message.id.clone(), message.body.clone()));
        let (inner, message) = (inner.clone(), message.clone());
        Box::pin(async move { intake_core::Notifier::send(&inner, &message).await })
    });
    let pipeline = builder(recorder).notifier("hooks", recording).build().unwrap();
    pipeline
        .subscribe(wants(FileEventKind::Uploaded, "target"))
        .await
        .unwrap();
    take(&pipeline).await;
    run_for(&pipeline, 120 * MINUTE).await;
    let attempts = times.lock().unwrap().clone();
    assert_eq!(attempts.len(), 4);
    assert!(
        attempts
            .windows(2)
            .all(|pair| (&pair[0].1, &pair[0].2) == (&pair[1].1, &pair[1].2))
    );
    for (pair, pause) in attempts.windows(2).zip([5.0, 300.0, 1800.0]) {
        let passed = (pair[1].0 - pair[0].0).as_secs_f64();
        assert!(
            (pause * 0.84..pause * 1.16 + 2.0).contains(&passed),
            "{passed} instead of {pause}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_always_fails_is_given_up_listed_and_replayed() {
    let works = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&works);
    let notifier = ScriptedNotifier::new(move |_| {
        let sent = match answers.load(Ordering::SeqCst) {
            true => Sent::Delivered,
            false => Sent::Failed {
                reason: "x".repeat(5_000),
                retry_after: None,
            },
        };
        Box::pin(async move { sent })
    });
    let pipeline = builder(MemoryRecorder::default())
        .notifier("hooks", notifier.clone())
        .events(hurried())
        .build()
        .unwrap();
    let subscription = pipeline
        .subscribe(wants(FileEventKind::Uploaded, "target"))
        .await
        .unwrap();
    take(&pipeline).await;
    run_for(&pipeline, 2 * MINUTE).await;
    let tried = notifier.messages();
    assert_eq!(tried.len(), 10);
    let list = async |filter| pipeline.deliveries(filter, None, 10).await.unwrap();
    let failed = list(DeliveryFilter::of(subscription.id).failed()).await;
    assert_eq!((failed.len(), failed[0].attempts), (1, 10));
    assert_eq!(
        failed[0].answer.as_ref().unwrap().len(),
        1_000,
        "of a long answer the beginning"
    );
    works.store(true, Ordering::SeqCst);
    assert_eq!(pipeline.replay(Replay::One(failed[0].id)).await.unwrap(), 1);
    run_for(&pipeline, MINUTE).await;
    let messages = notifier.messages();
    assert_eq!(messages.len(), 11);
    assert_eq!((&messages[10].id, &messages[10].body), (&tried[0].id, &tried[0].body));
    assert_eq!(list(DeliveryFilter::default()).await[0].state, DeliveryState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_wants_no_more_gets_no_more() {
    let notifier = ScriptedNotifier::new(|_| {
        let reason = "status 410".to_owned();
        Box::pin(async move { Sent::Ended { reason } })
    });
    let pipeline = builder(MemoryRecorder::default())
        .notifier("hooks", notifier.clone())
        .build()
        .unwrap();
    let subscription = pipeline
        .subscribe(wants(FileEventKind::Uploaded, "target"))
        .await
        .unwrap();
    take(&pipeline).await;
    run_for(&pipeline, MINUTE).await;
    take(&pipeline).await;
    run_for(&pipeline, MINUTE).await;
    assert_eq!(notifier.messages().len(), 1);
    let ended = pipeline.subscription(subscription.id).await.unwrap().unwrap();
    assert_eq!(
        (ended.is_active, ended.ended_because.as_deref()),
        (false, Some("status 410"))
    );
    // It is for its owner to make it active again.
    let again = ended.with(|again| again.is_active = true);
    let again = pipeline.change_subscription(again).await.unwrap().unwrap();
    assert_eq!((again.is_active, again.ended_because), (true, None));
}

#[tokio::test(start_paused = true)]
async fn a_dead_target_holds_nobody_else() {
    for way in ["hangs", "panics", "fails"] {
        let began = Instant::now();
        let arrived = Arc::new(std::sync::Mutex::new(Vec::new()));
        let kept = Arc::clone(&arrived);
        let notifier = ScriptedNotifier::new(move |message| {
            let is_dead = message.target == "dead";
            if !is_dead {
                kept.lock().unwrap().push((message.file, began.elapsed()));
            }
            Box::pin(async move {
                match way {
                    _ if !is_dead => Sent::Delivered,
                    "hangs" => std::future::pending().await,
                    "panics" => panic!("on command"),
                    _ => Sent::Failed {
                        reason: String::new(),
                        retry_after: None,
                    },
                }
            })
        });
        let pipeline = builder(MemoryRecorder::default())
            .notifier("hooks", notifier)
            .build()
            .unwrap();
        for target in ["dead", "alive"] {
            pipeline
                .subscribe(wants(FileEventKind::Uploaded, target))
                .await
                .unwrap();
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let background = pipeline.clone();
        let running = tokio::spawn(async move {
            background
                .run_background(Intervals::default(), async { drop(stopped.await) })
                .await;
        });
        // An hour, in which a file arrives every ten seconds.
        let mut taken = BTreeMap::new();
        for _ in 0..360 {
            taken.insert(take(&pipeline).await, began.elapsed());
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        drop(stop);
        running.await.unwrap();
        let arrived = arrived.lock().unwrap().clone();
        assert_eq!(arrived.len(), taken.len(), "{way}");
        for (file, at) in arrived {
            let waited = at - taken[&file];
            assert!(waited < Duration::from_secs(1), "{way}: {file} waited {waited:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_one_file_arrive_in_their_order_although_attempts_fail() {
    let calls = AtomicUsize::new(0);
    let notifier = ScriptedNotifier::new(move |_| {
        let fails = calls.fetch_add(1, Ordering::SeqCst) % 3 != 2;
        Box::pin(async move {
            match fails {
                true => Sent::Failed {
                    reason: String::new(),
                    retry_after: None,
                },
                false => Sent::Delivered,
            }
        })
    });
    let limits = intake_core::Limits::default().with(|limits| limits.trash = Duration::from_secs(10_000_000));
    let pipeline = builder(MemoryRecorder::default())
        .limits(limits)
        .notifier("hooks", notifier.clone())
        .events(hurried())
        .build()
        .unwrap();
    for kind in FileEventKind::ALL {
        pipeline.subscribe(wants(kind, "target")).await.unwrap();
    }
    let ids = [take(&pipeline).await, take(&pipeline).await];
    for id in ids {
        for _ in 0..5 {
            pipeline.delete(id).await.unwrap();
            pipeline.restore(id).await.unwrap();
        }
    }
    run_for(&pipeline, 10 * MINUTE).await;
    let revisions = |message: &Message| -> u64 {
        let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        body["data"]["revision"].as_u64().unwrap()
    };
    for id in ids {
        let of_file: Vec<_> = notifier
            .messages()
            .into_iter()
            .filter(|message| message.file == id)
            .collect();
        assert!(of_file.iter().map(revisions).is_sorted());
        let mut events: Vec<_> = of_file.iter().map(|message| message.id.clone()).collect();
        events.dedup();
        assert_eq!(
            events.len(),
            12,
            "uploaded, stored, and five times deleted and restored"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_checked_before_they_are_kept() {
    let notifier = ScriptedNotifier::that_delivers();
    let pipeline = builder(MemoryRecorder::default())
        .notifier("hooks", notifier)
        .build()
        .unwrap();
    let sample = || wants(FileEventKind::Uploaded, "target");
    let kept = pipeline.subscribe(sample()).await.unwrap();
    assert_eq!((kept.notifier.as_str(), kept.format.as_str()), ("hooks", "standard"));
    for (wrong, code) in [
        (sample(), codes::SUBSCRIPTION_EXISTS),
        (sample().with(|wrong| wrong.target.clear()), codes::TARGET_INVALID),
        (
            sample().with(|wrong| wrong.target = "a\nb".to_owned()),
            codes::TARGET_INVALID,
        ),
        (
            sample().with(|wrong| wrong.target = "x".repeat(2_001)),
            codes::TARGET_INVALID,
        ),
        (
            sample().with(|wrong| wrong.notifier = "none".to_owned()),
            codes::TARGET_INVALID,
        ),
        (
            sample().with(|wrong| wrong.format = "none".to_owned()),
            codes::TARGET_INVALID,
        ),
        (
            sample().with(|wrong| wrong.secrets = vec![Secret::new("x"); 5]),
            codes::TARGET_INVALID,
        ),
    ] {
        let refused = pipeline.subscribe(wrong.clone()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{wrong:?}");
    }
    for number in 1..100 {
        let more = sample().with(|more| more.target = number.to_string());
        pipeline.subscribe(more).await.unwrap();
    }
    let one_more = sample().with(|more| more.target = "more".to_owned());
    assert_eq!(
        pipeline.subscribe(one_more).await.unwrap_err().code(),
        codes::QUOTA_EXCEEDED
    );
    assert_eq!(pipeline.subscriptions(PROJECT).await.unwrap().len(), 100);
    // A change meets the same checks, and one of an older revision changes nothing.
    let changed = kept.clone().with(|changed| changed.target = "1".to_owned());
    let refused = pipeline.change_subscription(changed).await.unwrap_err();
    assert_eq!(refused.code(), codes::SUBSCRIPTION_EXISTS);
    let next = pipeline.change_subscription(kept.clone()).await.unwrap().unwrap();
    assert_eq!(next.revision, kept.revision + 1);
    assert!(pipeline.change_subscription(kept.clone()).await.unwrap().is_none());
    assert!(pipeline.unsubscribe(kept.id).await.unwrap());
    assert!(!pipeline.unsubscribe(kept.id).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_settings_of_the_schedule_are_kept_to() {
    let notifier = ScriptedNotifier::new(|_| Box::pin(std::future::pending()));
    let settings = EventSettings::default().with(|settings| {
        settings.schedule = vec![Duration::from_secs(1)];
        settings.attempt_timeout = Duration::from_secs(2);
    });
    let pipeline = builder(MemoryRecorder::default())
        .notifier("hooks", notifier.clone())
        .events(settings)
        .build()
        .unwrap();
    pipeline
        .subscribe(wants(FileEventKind::Uploaded, "target"))
        .await
        .unwrap();
    take(&pipeline).await;
    run_for(&pipeline, 10 * MINUTE).await;
    assert_eq!(notifier.messages().len(), 2);
    let failed = pipeline
        .deliveries(DeliveryFilter::default().failed(), None, 10)
        .await
        .unwrap();
    assert_eq!(failed[0].answer.as_deref(), Some("no answer within 2 s"));
}

#[test]
fn two_notifiers_of_one_name_and_unknown_formats_are_refused() {
    let notifier = ScriptedNotifier::that_delivers();
    let twice = builder(MemoryRecorder::default())
        .notifier("hooks", notifier.clone())
        .notifier("hooks", notifier.clone());
    assert!(twice.build().is_err());
    let unknown = builder(MemoryRecorder::default()).notifier_with("none", "hooks", notifier);
    let error = unknown.build().unwrap_err();
    assert!(
        error.to_string().contains("no format of events is called `none`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_test_is_sent_now_as_its_events_are_and_recorded_nowhere() {
    let notifier = ScriptedNotifier::that_delivers();
    let recorder = MemoryRecorder::default();
    let pipeline = builder(recorder).notifier("hooks", notifier.clone()).build().unwrap();
    let wanted = wants(FileEventKind::Deleted, "target").with(|wanted| wanted.secrets = vec![Secret::new("secret")]);
    let id = pipeline.subscribe(wanted).await.unwrap().id;
    assert_eq!(pipeline.test_subscription(id).await.unwrap(), Some(Sent::Delivered));
    let messages = notifier.messages();
    let [message] = messages.as_slice() else {
        panic!("{messages:?}");
    };
    assert!(
        message.id.starts_with("test_") && !message.id.contains('.'),
        "{}",
        message.id
    );
    assert_eq!(
        (message.kind, &*message.target, message.secrets.len()),
        ("file.deleted", "target", 1)
    );
    assert!(String::from_utf8_lossy(&message.body).contains("file.deleted"));
    assert_eq!(
        pipeline.deliveries(DeliveryFilter::default(), None, 10).await.unwrap(),
        []
    );
    assert_eq!(pipeline.test_subscription(id + 1).await.unwrap(), None);
}
