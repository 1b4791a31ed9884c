//! Sample events and deliveries for the rules of outboxes.

use bytes::Bytes;

use super::broken::{Answers, broken};
use super::sample::{PERIODS, at, of_project, sample_record};
use crate::contract::stages::Recorder;
use crate::record::accounting::UsageChange;
use crate::record::delivery::{Claim, Delivery, KeptEvent, NewDelivery, Settled};
use crate::record::event::Event;
use crate::record::file_event::event_id;
use crate::record::update::Update;
use crate::record::upload::{Periods, Record};
use crate::value::id::UploadId;
use crate::value::lifetime::Lifetime;

/// More than there are of others.
pub(super) const ALL: usize = 100_000;

fn telling() -> Periods {
    PERIODS.with(|periods| periods.events = true)
}

/// A record whose last change has two events.
pub(super) fn told() -> Record {
    let record = of_project(Some(format!("project-{}", UploadId::random())), sample_record());
    let kept = Lifetime {
        kept: true,
        expires: None,
    };
    let trashed = record.apply(Event::Trash, at(1_020), &telling()).unwrap();
    let restored = trashed.apply(Event::Restore, at(1_030), &telling()).unwrap();
    let mut kept = restored.apply(Event::Keep(kept), at(1_040), &telling()).unwrap();
    let more = trashed.events[0].clone();
    kept.events.push(more);
    kept
}

/// The next revision of a record, with one event.
pub(super) fn next_of(record: &Record) -> Record {
    let trashed = record.apply(Event::Trash, at(1_050), &telling());
    trashed
        .or_else(|_| record.apply(Event::Restore, at(1_060), &telling()))
        .unwrap()
}

/// The events that a recorder should keep of this revision.
pub(super) fn expected(record: &Record) -> Vec<(String, Record)> {
    let id = |number| event_id(record.id, record.revision, number);
    (0..record.events.len())
        .map(|number| (id(number), record.clone()))
        .collect()
}

pub(super) fn seen(events: &[KeptEvent]) -> Vec<(String, Record)> {
    events
        .iter()
        .map(|event| (event.id.clone(), event.record.clone()))
        .collect()
}

/// The unplanned events of these files.
pub(super) async fn unplanned(recorder: &dyn Recorder, of: &[UploadId]) -> Vec<KeptEvent> {
    let mut found = recorder.outbox().unplanned(ALL).await.answers();
    found.retain(|event| of.contains(&event.record.id));
    found
}

pub(super) async fn insert(recorder: &dyn Recorder, record: &Record) {
    let inserted = recorder.insert(record, UsageChange::none()).await.answers();
    same!(inserted, Update::Applied);
}

pub(super) async fn update(recorder: &dyn Recorder, record: &Record) -> Update {
    recorder.update(record, UsageChange::none()).await.answers()
}

/// Records with one event each in the outbox, as it keeps them.
pub(super) async fn events(recorder: &dyn Recorder, count: usize) -> Vec<KeptEvent> {
    let files: Vec<_> = (0..count).map(|_| next_of(&told())).collect();
    for file in &files {
        insert(recorder, file).await;
    }
    let ids: Vec<_> = files.iter().map(|file| file.id).collect();
    let kept = unplanned(recorder, &ids).await;
    same!(kept.len(), count);
    kept
}

/// A target of the rule's own, so that nothing of others goes there.
pub(super) fn target() -> String {
    format!("https://example.com/ü?{}", UploadId::random())
}

pub(super) fn to(target: &str) -> NewDelivery {
    NewDelivery::new("notifier", target, Some(7), Bytes::from_static(b"{\"\xc3\xbc\":0}"))
}

/// Plans these events for these targets.
pub(super) async fn plan(recorder: &dyn Recorder, events: &[KeptEvent], targets: &[&str]) {
    let deliveries: Vec<_> = targets.iter().map(|target| to(target)).collect();
    let plans: Vec<_> = events.iter().map(|event| (event.clone(), deliveries.clone())).collect();
    recorder.outbox().plan(&plans, at(2_000)).await.answers();
}

/// Takes what is due at a time, with a lease of ten seconds.
pub(super) async fn claim(recorder: &dyn Recorder, now: u64, limit: usize, most_per_target: usize) -> Vec<Delivery> {
    let claim = Claim::new(at(now), at(now + 10), limit, most_per_target);
    recorder.outbox().claim(claim).await.answers()
}

pub(super) async fn settle(recorder: &dyn Recorder, delivery: &Delivery, settled: &Settled, now: u64) -> Update {
    let outbox = recorder.outbox();
    outbox
        .settle(delivery.id, delivery.attempts, settled, at(now))
        .await
        .answers()
}

/// Ends all that waits, so that the next rule finds nothing.
pub(super) async fn end_all(recorder: &dyn Recorder) {
    for round in 0..1_000 {
        let taken = claim(recorder, 100_000_000 + round * 100, ALL, ALL).await;
        for delivery in &taken {
            same!(
                settle(recorder, delivery, &Settled::Cancelled, 100_000_000).await,
                Update::Applied
            );
        }
        if taken.is_empty() {
            return;
        }
    }
    broken(
        "an end of what is due",
        "more due deliveries in each of a thousand rounds",
    );
}
