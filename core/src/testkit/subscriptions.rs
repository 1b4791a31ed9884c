//! The rules of every recorder's outbox about subscriptions.

use futures_util::future::join_all;

use super::broken::{Answers, broken, shown};
use super::sample::at;
use super::trial::Trial;
use crate::contract::stages::Recorder;
use crate::record::file_event::FileEventKind;
use crate::record::subscription::Subscription;
use crate::record::update::Update;
use crate::value::id::UploadId;
use crate::value::secret::Secret;

/// Checks the rules of [`Outbox`](crate::Outbox) about subscriptions.
pub(super) async fn subscriptions(trial: &Trial, recorder: &dyn Recorder) {
    rules!(
        trial,
        a_subscription_reads_back_unchanged(recorder),
        a_project_has_one_subscription_for_a_kind_and_a_target(recorder),
        a_change_of_a_subscription_needs_the_revision_before(recorder),
        a_subscription_that_was_removed_is_gone(recorder),
    );
}

fn sample() -> Subscription {
    let project = format!("project-{}", UploadId::random());
    Subscription::new(project, FileEventKind::InfoUpdated, "https://example.com/\"ü\"?a=b").with(|subscription| {
        subscription.notifier = "a \"notifier\"".to_owned();
        subscription.format = "standard".to_owned();
        subscription.secrets = vec![Secret::new("new \"ü\""), Secret::new("old")];
        (subscription.created, subscription.updated) = (at(1_000), at(2_000));
    })
}

async fn add(recorder: &dyn Recorder, subscription: &Subscription) -> Subscription {
    match recorder.outbox().add_subscription(subscription).await.answers() {
        Some(added) => added,
        None => broken("the subscription with its id", "another one that asks for the same"),
    }
}

/// Everything of a subscription, with its secrets.
fn all_of(subscription: &Subscription) -> (String, Vec<String>) {
    let secrets = subscription.secrets.iter();
    let secrets = secrets.map(|secret| secret.expose(str::to_owned).unwrap());
    (format!("{subscription:?}"), secrets.collect())
}

async fn get(recorder: &dyn Recorder, id: i64) -> Subscription {
    match recorder.outbox().subscription(id).await.answers() {
        Some(found) => found,
        None => broken(format!("the subscription {id}"), "none"),
    }
}

async fn a_subscription_reads_back_unchanged(recorder: &dyn Recorder) {
    for kind in FileEventKind::ALL {
        let subscription = sample().with(|subscription| {
            subscription.kind = kind;
            subscription.is_active = kind == FileEventKind::Stored;
            subscription.ended_because = (kind == FileEventKind::Deleted).then(|| "\"gone\"".to_owned());
        });
        let added = add(recorder, &subscription).await;
        holds!(added.id > 0, "the id {}", added.id);
        let expected = subscription.with(|subscription| subscription.id = added.id);
        same!(all_of(&added), all_of(&expected));
        same!(all_of(&get(recorder, added.id).await), all_of(&expected));
    }
    holds!(
        recorder.outbox().subscription(i64::MAX).await.answers().is_none(),
        "one that was never added"
    );
}

async fn a_project_has_one_subscription_for_a_kind_and_a_target(recorder: &dyn Recorder) {
    let subscription = sample();
    let added = join_all((0..4).map(|_| recorder.outbox().add_subscription(&subscription))).await;
    let added: Vec<_> = added.into_iter().filter_map(Answers::answers).collect();
    same!(added.len(), 1, "the same four times");
    let others = [
        subscription.clone().with(|other| other.kind = FileEventKind::Deleted),
        subscription.clone().with(|other| other.target.push('c')),
    ];
    let mut ids = vec![added[0].id];
    for other in &others {
        ids.push(add(recorder, other).await.id);
    }
    let _stranger = add(recorder, &sample()).await;
    let list = async |limit| -> Vec<i64> {
        let listed = recorder.outbox().subscriptions(&subscription.project, limit).await;
        listed.answers().iter().map(|listed| listed.id).collect()
    };
    same!(list(10).await, ids);
    same!(list(2).await, ids[..2]);
    // Nor does a change make two of one.
    let twice = get(recorder, ids[2]).await.with(|twice| {
        twice.revision += 1;
        twice.target.clone_from(&subscription.target);
    });
    let changed = recorder.outbox().change_subscription(&twice, at(3_000)).await;
    same!(changed.answers(), Update::Conflict);
}

async fn a_change_of_a_subscription_needs_the_revision_before(recorder: &dyn Recorder) {
    let added = add(recorder, &sample()).await;
    let next = added.clone().with(|next| {
        next.revision += 1;
        next.kind = FileEventKind::Uploaded;
        next.target.push('x');
        next.secrets.truncate(1);
        next.is_active = false;
        next.ended_because = Some("it wants no more".to_owned());
        next.updated = at(3_000);
    });
    let late = next.clone().with(|late| late.revision += 1);
    let change = async |next: &Subscription| recorder.outbox().change_subscription(next, at(3_000)).await.answers();
    same!(change(&late).await, Update::Conflict);
    same!(change(&added).await, Update::Conflict);
    same!(change(&next).await, Update::Applied);
    same!(change(&next).await, Update::Conflict, "the same once more");
    same!(all_of(&get(recorder, added.id).await), all_of(&next));
}

async fn a_subscription_that_was_removed_is_gone(recorder: &dyn Recorder) {
    let added = add(recorder, &sample()).await;
    let outbox = recorder.outbox();
    same!(
        outbox.remove_subscription(added.id, at(3_000)).await.answers(),
        Update::Applied
    );
    same!(
        outbox.remove_subscription(added.id, at(3_000)).await.answers(),
        Update::Conflict
    );
    let found = outbox.subscription(added.id).await.answers();
    holds!(found.is_none(), "{}", shown(&found));
    // Its number is not given again.
    holds!(add(recorder, &added).await.id > added.id, "an id that was there before");
}
