//! The rules of every recorder's outbox about deliveries.

use futures_util::future::join_all;

use super::broken::Answers;
use super::sample::at;
use super::told::{ALL, claim, end_all, events, next_of, plan, settle, target, to, unplanned, update};
use super::trial::Trial;
use crate::contract::stages::Recorder;
use crate::record::delivery::{Delivery, DeliveryFilter, DeliveryState, NewDelivery, Replay, Settled};
use crate::record::update::Update;
use crate::value::id::UploadId;

/// Checks the rules of [`Outbox`](crate::Outbox) about deliveries.
pub(super) async fn deliveries(trial: &Trial, recorder: &dyn Recorder) {
    rules!(
        trial,
        deliveries_about_one_file_to_one_target_are_made_in_the_order_of_its_events(recorder),
        a_target_has_no_more_under_way_than_the_claim_allows_and_others_get_their_turn(recorder),
        single_places_go_round_the_targets(recorder),
        targets_whose_deliveries_wait_for_others_hold_up_no_other_target(recorder),
        of_claims_at_the_same_time_each_delivery_is_taken_by_one(recorder),
        a_delivery_whose_lease_has_ended_is_taken_again_and_the_earlier_attempt_settles_nothing(recorder),
        a_delivery_that_was_given_up_is_kept_and_replayed_as_it_was(recorder),
    );
}

async fn deliveries_about_one_file_to_one_target_are_made_in_the_order_of_its_events(recorder: &dyn Recorder) {
    let first = events(recorder, 1).await.remove(0);
    let second = next_of(&first.record);
    let third = next_of(&second);
    for next in [&second, &third] {
        same!(update(recorder, next).await, Update::Applied);
    }
    let mut all = vec![first.clone()];
    let later = unplanned(recorder, &[first.record.id]).await;
    all.extend(later.into_iter().filter(|event| event.id != first.id));
    same!(all.len(), 3);
    let (slow, fast) = (target(), target());
    plan(recorder, &all, &[&slow, &fast]).await;
    // Each round takes one of each target; one of them fails twice before it delivers.
    let mut got: Vec<(String, String)> = Vec::new();
    let mut fails = 2;
    for round in 0..7_u64 {
        let now = 2_000 + round * 100;
        let taken = claim(recorder, now, ALL, ALL).await;
        let mut targets: Vec<_> = taken.iter().map(|delivery| delivery.to.target.clone()).collect();
        targets.sort_unstable();
        targets.dedup();
        same!(targets.len(), taken.len(), "two of one file at the same time");
        same!(
            claim(recorder, now, ALL, ALL).await,
            [],
            "one more while the first is under way"
        );
        for delivery in &taken {
            let is_slow = delivery.to.target == slow;
            let settled = match is_slow && fails > 0 {
                true => {
                    fails -= 1;
                    Settled::Retry {
                        due: at(now + 50),
                        answer: "not now".to_owned(),
                    }
                }
                false => {
                    got.push((delivery.to.target.clone(), delivery.event.clone()));
                    Settled::Delivered
                }
            };
            same!(settle(recorder, delivery, &settled, now).await, Update::Applied);
            if matches!(settled, Settled::Retry { .. }) {
                let early = claim(recorder, now + 1, ALL, ALL).await;
                holds!(
                    early.iter().all(|other| other.to.target != slow),
                    "one behind it: {early:?}"
                );
                for other in early {
                    got.push((other.to.target.clone(), other.event.clone()));
                    same!(
                        settle(recorder, &other, &Settled::Delivered, now).await,
                        Update::Applied
                    );
                }
            }
        }
    }
    let in_order: Vec<_> = all.iter().map(|event| event.id.clone()).collect();
    for target in [slow, fast] {
        let of_target = got.iter().filter(|(at, _)| *at == target);
        let seen: Vec<_> = of_target.map(|(_, event)| event.clone()).collect();
        same!(seen, in_order);
    }
    end_all(recorder).await;
}

async fn a_target_has_no_more_under_way_than_the_claim_allows_and_others_get_their_turn(recorder: &dyn Recorder) {
    let many = events(recorder, 40).await;
    let (dead, other) = (target(), target());
    plan(recorder, &many, &[&dead]).await;
    let few = events(recorder, 3).await;
    plan(recorder, &few, &[&other]).await;
    let of = |taken: &[Delivery], target: &str| taken.iter().filter(|delivery| delivery.to.target == target).count();
    let taken = claim(recorder, 2_001, 4, 3).await;
    same!((of(&taken, &dead), of(&taken, &other)), (2, 2), "in turn");
    let more = claim(recorder, 2_002, ALL, 3).await;
    same!((of(&more, &dead), of(&more, &other)), (1, 1), "up to three of each");
    same!(claim(recorder, 2_003, ALL, 3).await, [], "more than three");
    for delivery in taken.iter().chain(&more).filter(|delivery| delivery.to.target == dead) {
        let retry = Settled::Retry {
            due: at(9_000),
            answer: String::new(),
        };
        same!(settle(recorder, delivery, &retry, 2_004).await, Update::Applied);
    }
    same!(
        of(&claim(recorder, 2_005, ALL, 3).await, &dead),
        3,
        "places that are free again"
    );
    same!(claim(recorder, 2_006, 0, 3).await, [], "none are asked for");
    end_all(recorder).await;
}

async fn single_places_go_round_the_targets(recorder: &dyn Recorder) {
    let (slow, other) = (target(), target());
    let many = events(recorder, 6).await;
    plan(recorder, &many, &[&slow]).await;
    let few = events(recorder, 3).await;
    plan(recorder, &few, &[&other]).await;
    let mut taken = Vec::new();
    for now in 2_001..2_005 {
        taken.extend(claim(recorder, now, 1, ALL).await);
    }
    let of_other = taken.iter().filter(|delivery| delivery.to.target == other).count();
    same!((taken.len(), of_other), (4, 2));
    end_all(recorder).await;
}

async fn targets_whose_deliveries_wait_for_others_hold_up_no_other_target(recorder: &dyn Recorder) {
    const DEAD: usize = 100;
    let first = events(recorder, 1).await.remove(0);
    let dead: Vec<_> = (0..DEAD).map(|_| target()).collect();
    let dead: Vec<_> = dead.iter().map(String::as_str).collect();
    plan(recorder, std::slice::from_ref(&first), &dead).await;
    let mut failed = 0;
    while failed < DEAD {
        let taken = claim(recorder, 2_001, ALL, ALL).await;
        holds!(!taken.is_empty(), "{failed} of {DEAD}");
        for delivery in &taken {
            let retry = Settled::Retry {
                due: at(9_000),
                answer: String::new(),
            };
            same!(settle(recorder, delivery, &retry, 2_002).await, Update::Applied);
        }
        failed += taken.len();
    }
    // Another event of the same file, which waits for the first at each of them.
    same!(update(recorder, &next_of(&first.record)).await, Update::Applied);
    let second = unplanned(recorder, &[first.record.id]).await;
    plan(recorder, &second, &dead).await;
    let (other, alive) = (events(recorder, 1).await, target());
    plan(recorder, &other, &[&alive]).await;
    let mut got = Vec::new();
    for now in 2_003..2_013 {
        got.extend(claim(recorder, now, 8, ALL).await);
    }
    let targets: Vec<_> = got.iter().map(|delivery| delivery.to.target.as_str()).collect();
    same!(targets, [alive.as_str()]);
    end_all(recorder).await;
}

async fn of_claims_at_the_same_time_each_delivery_is_taken_by_one(recorder: &dyn Recorder) {
    let many = events(recorder, 20).await;
    plan(recorder, &many, &[&target()]).await;
    let taken = join_all((0..4).map(|_| claim(recorder, 2_001, ALL, ALL)))
        .await
        .concat();
    let mut ids: Vec<_> = taken.iter().map(|delivery| delivery.id).collect();
    ids.sort_unstable();
    ids.dedup();
    same!((taken.len(), ids.len()), (20, 20));
    end_all(recorder).await;
}

async fn a_delivery_whose_lease_has_ended_is_taken_again_and_the_earlier_attempt_settles_nothing(
    recorder: &dyn Recorder,
) {
    let one = events(recorder, 1).await;
    plan(recorder, &one, &[&target()]).await;
    let first = claim(recorder, 2_001, ALL, 1).await.remove(0);
    same!(claim(recorder, 2_010, ALL, 1).await, [], "while it is under way");
    let second = claim(recorder, 2_011, ALL, 1).await.remove(0);
    same!((second.id, second.attempts), (first.id, 2));
    same!((&second.event, &second.to), (&first.event, &first.to));
    same!(
        settle(recorder, &first, &Settled::Delivered, 2_012).await,
        Update::Conflict
    );
    same!(
        settle(recorder, &second, &Settled::Delivered, 2_012).await,
        Update::Applied
    );
    same!(
        settle(recorder, &second, &Settled::Delivered, 2_012).await,
        Update::Conflict,
        "settled twice"
    );
    same!(claim(recorder, 9_000, ALL, 1).await, [], "after it was delivered");
}

async fn a_delivery_that_was_given_up_is_kept_and_replayed_as_it_was(recorder: &dyn Recorder) {
    let outbox = recorder.outbox();
    let subscription = i64::from(u32::from_be_bytes(
        *UploadId::random().to_string().as_bytes().first_chunk().unwrap(),
    ));
    let planned = events(recorder, 2).await;
    let of = |target| NewDelivery {
        subscription: Some(subscription),
        ..to(target)
    };
    let target = target();
    let plans: Vec<_> = planned.iter().map(|event| (event.clone(), vec![of(&target)])).collect();
    outbox.plan(&plans, at(2_000)).await.answers();
    let answer = "status 500: \"\u{1F980}\"\n".to_owned();
    let taken = claim(recorder, 2_001, ALL, ALL).await;
    same!(taken.len(), 2);
    for delivery in &taken {
        let given_up = Settled::Failed { answer: answer.clone() };
        same!(settle(recorder, delivery, &given_up, 2_002).await, Update::Applied);
    }
    same!(claim(recorder, 9_000, ALL, ALL).await, [], "after it was given up");
    let of_subscription = DeliveryFilter::of(subscription);
    let listed = outbox.deliveries(of_subscription.failed(), None, ALL).await.answers();
    same!(listed.len(), 2);
    holds!(listed[0].id > listed[1].id, "the newest first");
    same!(
        (listed[0].state, listed[0].ended),
        (DeliveryState::Failed, Some(at(2_002)))
    );
    same!(listed[0].answer, Some(answer));
    let page = outbox
        .deliveries(of_subscription, Some(listed[0].id), 1)
        .await
        .answers();
    same!(page, listed[1..], "the second page");
    same!(
        outbox.deliveries(DeliveryFilter::default(), None, 1).await.answers(),
        listed[..1]
    );

    same!(outbox.replay(Replay::One(listed[0].id), at(3_000)).await.answers(), 1);
    same!(
        outbox.replay(Replay::One(listed[0].id), at(3_000)).await.answers(),
        0,
        "it waits already"
    );
    let again = claim(recorder, 3_000, ALL, ALL).await.remove(0);
    same!(
        (again.id, &again.event, &again.to),
        (listed[0].id, &listed[0].event, &listed[0].to)
    );
    same!((again.attempts, again.attempt()), (2, 1), "the schedule begins anew");
    same!(
        settle(recorder, &again, &Settled::Delivered, 3_001).await,
        Update::Applied
    );

    let failed = |since| Replay::Failed {
        subscription,
        since: at(since),
    };
    same!(
        outbox.replay(failed(2_001), at(4_000)).await.answers(),
        0,
        "planned before that"
    );
    same!(outbox.replay(failed(2_000), at(4_000)).await.answers(), 1);
    same!(claim(recorder, 4_000, ALL, ALL).await.len(), 1);
    end_all(recorder).await;
}
