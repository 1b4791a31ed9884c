//! The rules of every recorder's outbox about events.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::broken::{Answers, broken};
use super::sample::at;
use super::told::{
    ALL, claim, end_all, events, expected, insert, next_of, plan, seen, settle, target, to, told, unplanned, update,
};
use super::trial::Trial;
use crate::contract::stages::Recorder;
use crate::record::account::{Account, AccountDelta, Change, Quota};
use crate::record::accounting::UsageChange;
use crate::record::delivery::{DeliveryFilter, DeliveryState, EventPosition, KeptEvent, Settled};
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::id::UploadId;

/// Checks the rules of [`Outbox`](crate::Outbox) about events.
pub(super) async fn outbox(trial: &Trial, recorder: &dyn Recorder) {
    rules!(
        trial,
        events_are_written_with_their_change_or_not_at_all(recorder),
        events_of_changes_at_the_same_time_are_listed_in_order_and_none_is_skipped(recorder),
        an_event_is_planned_once(recorder),
        old_events_and_ended_deliveries_are_forgotten_and_what_waits_stays(recorder),
    );
}

async fn events_are_written_with_their_change_or_not_at_all(recorder: &dyn Recorder) {
    let [one, other] = [told(), told()];
    let ids = [one.id, other.id];
    insert(recorder, &one).await;
    same!(seen(&unplanned(recorder, &ids).await), expected(&one));
    let quiet = Record {
        events: Vec::new(),
        ..other.clone()
    };
    insert(recorder, &quiet).await;
    same!(
        unplanned(recorder, &[other.id]).await,
        [],
        "an event that no change has"
    );

    let (next, next_other) = (next_of(&one), next_of(&other));
    let late = Record {
        revision: next.revision + 1,
        ..next.clone()
    };
    same!(update(recorder, &late).await, Update::Conflict);
    let account = Account::project(&UploadId::random().to_string());
    let full = UsageChange {
        deltas: vec![AccountDelta {
            account,
            change: Change { bytes: 0, files: 2 },
            quota: Quota {
                bytes: None,
                files: Some(1),
            },
            until: None,
        }],
        daily_usage: None,
    };
    same!(recorder.update(&next, &full).await.answers(), Update::QuotaExceeded);
    let one_is_stale = [
        (late, UsageChange::default()),
        (next_other.clone(), UsageChange::default()),
    ];
    same!(recorder.update_all(&one_is_stale).await.answers(), Update::Conflict);
    same!(
        seen(&unplanned(recorder, &ids).await),
        expected(&one),
        "an event of a change that was not made"
    );

    let both = [
        (next.clone(), UsageChange::default()),
        (next_other.clone(), UsageChange::default()),
    ];
    same!(recorder.update_all(&both).await.answers(), Update::Applied);
    same!(
        seen(&unplanned(recorder, &[one.id]).await),
        [expected(&one), expected(&next)].concat()
    );
    same!(seen(&unplanned(recorder, &[other.id]).await), expected(&next_other));
    // A record that goes leaves its events.
    recorder.remove(one.id, next.revision).await.answers();
    let left = unplanned(recorder, &ids).await;
    same!(left.len(), 4);
    plan(recorder, &left, &[]).await;
    same!(unplanned(recorder, &ids).await, []);
}

async fn events_of_changes_at_the_same_time_are_listed_in_order_and_none_is_skipped(recorder: &dyn Recorder) {
    /// A transaction of somebody else may hold back what is listed.
    const LONGEST: Duration = Duration::from_secs(25);
    const FILES: usize = 24;
    const CHANGES: usize = 4;

    let files: Vec<_> = (0..FILES).map(|_| told()).collect();
    let is_ours = |event: &KeptEvent| files.iter().any(|file| file.id == event.record.id);
    let write = async {
        join_all(files.iter().map(async |file| {
            insert(recorder, file).await;
            let mut now = file.clone();
            for _ in 0..CHANGES {
                now = next_of(&now);
                same!(update(recorder, &now).await, Update::Applied);
            }
        }))
        .await;
    };
    // Listed while they are written: what is behind the last position is never missed.
    let read = async {
        let (mut position, mut read, began) = (EventPosition::default(), Vec::new(), Instant::now());
        while read.len() < FILES * (CHANGES + 2) {
            if began.elapsed() > LONGEST {
                broken("all events of all changes", format!("{} of them", read.len()));
            }
            let listed = recorder.outbox().events(position, 7).await.answers();
            for event in listed {
                holds!(event.position > position, "{:?} behind {position:?}", event.position);
                let text = event.position.to_string();
                same!(text.parse(), Ok(event.position));
                position = event.position;
                if is_ours(&event) {
                    read.push(event);
                }
            }
            tokio::task::yield_now().await;
        }
        read
    };
    let ((), read) = futures_util::join!(write, read);
    for file in &files {
        let of_file: Vec<_> = read.iter().filter(|event| event.record.id == file.id).collect();
        let revisions: Vec<_> = of_file.iter().map(|event| event.record.revision).collect();
        holds!(revisions.is_sorted(), "revisions {revisions:?}");
        same!(of_file.len(), CHANGES + 2, "events of one file");
    }
    let ids: Vec<_> = files.iter().map(|file| file.id).collect();
    plan(recorder, &unplanned(recorder, &ids).await, &[]).await;
}

async fn an_event_is_planned_once(recorder: &dyn Recorder) {
    let planned = events(recorder, 3).await;
    let target = target();
    let to_one = [target.as_str()];
    join_all((0..4).map(|_| plan(recorder, &planned, &to_one))).await;
    plan(recorder, &planned, &[&target]).await;
    let taken = claim(recorder, 2_001, ALL, ALL).await;
    same!(taken.len(), planned.len(), "deliveries of one plan");
    for event in &planned {
        let of_event = taken.iter().find(|delivery| delivery.event == event.id);
        let Some(delivery) = of_event else {
            broken("a delivery of each event", format!("none of {}", event.id));
        };
        same!((delivery.kind, delivery.file), (event.event.kind, event.record.id));
        same!(delivery.project, event.record.options.project);
        same!(delivery.to, to(&target));
        same!((delivery.attempts, delivery.due), (1, Some(at(2_011))));
    }
    end_all(recorder).await;
}

async fn old_events_and_ended_deliveries_are_forgotten_and_what_waits_stays(recorder: &dyn Recorder) {
    let outbox = recorder.outbox();
    // What the rules before have left.
    while outbox
        .forget_events(at(200_000_000), at(200_000_000), 50)
        .await
        .answers()
        > 0
    {}
    let kept = events(recorder, 4).await;
    let target = target();
    plan(recorder, &kept[..3], &[&target]).await;
    let taken = claim(recorder, 2_001, ALL, ALL).await;
    let failed = Settled::Failed { answer: String::new() };
    same!(
        settle(recorder, &taken[0], &Settled::Delivered, 5_000).await,
        Update::Applied
    );
    same!(settle(recorder, &taken[1], &failed, 5_000).await, Update::Applied);
    same!(
        outbox.forget_events(at(1_000), at(1_000), 50).await.answers(),
        0,
        "too early"
    );
    let backlog = outbox.delivery_backlog().await.answers();
    same!((backlog.waiting, backlog.oldest_due), (1, taken[2].due));
    // Three planned events, at most two at a time, and the delivery that was delivered.
    same!(outbox.forget_events(at(6_000), at(5_000), 2).await.answers(), 3);
    same!(outbox.forget_events(at(6_000), at(5_000), 2).await.answers(), 1);
    same!(outbox.forget_events(at(6_000), at(5_000), 2).await.answers(), 0);
    same!(
        unplanned(recorder, &[kept[3].record.id]).await,
        kept[3..],
        "what is not planned"
    );
    let left = outbox.deliveries(DeliveryFilter::default(), None, ALL).await.answers();
    let states: Vec<_> = left.iter().map(|delivery| delivery.state).collect();
    holds!(
        states.contains(&DeliveryState::Failed) && states.contains(&DeliveryState::Waiting),
        "{states:?}"
    );
    same!(
        outbox.forget_events(at(6_000), at(6_000), 2).await.answers(),
        1,
        "what was given up"
    );
    plan(recorder, &kept[3..], &[]).await;
    end_all(recorder).await;
    same!(outbox.delivery_backlog().await.answers().waiting, 0);
}
