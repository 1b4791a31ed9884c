//! The rules of every recorder's catalog: accounts, projects, groups.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::{Map, json};

use super::broken::{Answers, Fails};
use super::sample::sample_record;
use super::trial::Trial;
use crate::contract::stages::{Order, Recorder};
use crate::record::account::{Account, AccountDelta, Change, Quota, Usage};
use crate::record::accounting::{DailyUsage, Day, UsageChange};
use crate::record::group::{Group, Member};
use crate::record::managed::ManagedProject;
use crate::record::update::Update::{Applied, Conflict, QuotaExceeded};
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::id::UploadId;

/// Checks every rule of [`Catalog`](crate::Catalog).
pub(super) async fn catalog(trial: &Trial, recorder: &dyn Recorder) {
    rules!(
        trial,
        a_booking_is_written_with_its_change_or_not_at_all(recorder),
        updates_of_one_transaction_are_all_written_or_none(recorder),
        bookings_at_the_same_time_never_exceed_a_quota(recorder),
        flows_are_summed_up_by_day(recorder),
        accounts_are_removed_when_their_time_is_over(recorder),
        an_update_of_a_project_needs_the_revision_before(recorder),
        a_group_reads_back_unchanged(recorder),
        groups_of_a_project_are_listed_in_either_order_until_they_are_removed(recorder),
        a_group_is_written_with_its_booking_or_not_at_all(recorder),
    );
}

fn unique() -> String {
    format!("project-{}", UploadId::random())
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn delta(account: &Account, bytes: i64, files: i64, quota: Quota) -> AccountDelta {
    let change = Change { bytes, files };
    let (account, until) = (account.clone(), None);
    AccountDelta {
        account,
        change,
        quota,
        until,
    }
}

fn change(deltas: &[AccountDelta]) -> UsageChange {
    UsageChange {
        deltas: deltas.to_vec(),
        daily_usage: None,
    }
}

const ROOM: Quota = Quota {
    bytes: Some(100),
    files: Some(3),
};

async fn has(recorder: &dyn Recorder, account: &Account) -> (u64, u64) {
    let Usage { bytes, files } = recorder.catalog().usage(account).await.answers();
    (bytes, files)
}

async fn a_booking_is_written_with_its_change_or_not_at_all(recorder: &dyn Recorder) {
    let (one, other) = (Account::project(&unique()), Account::token(&unique(), "ü"));
    let record = sample_record();
    let insert = async |record: &Record, deltas: &[AccountDelta]| recorder.insert(record, &change(deltas)).await;
    let both = [delta(&one, 60, 1, ROOM), delta(&other, 0, 1, ROOM)];
    same!(insert(&record, &both).await.answers(), Applied);
    same!(
        (has(recorder, &one).await, has(recorder, &other).await),
        ((60, 1), (0, 1))
    );

    same!(insert(&record, &both).await.fails().code, codes::ID_TAKEN);
    let next = Record {
        revision: record.revision + 2,
        ..record.clone()
    };
    // A stale update is lost, whether its usage change fits or not.
    let little = [delta(&one, 1, 1, ROOM)];
    for deltas in [&both[..], &little] {
        let lost = recorder.update(&next, &change(deltas)).await.answers();
        same!(lost, Conflict);
        let taken = insert(&record, deltas).await.fails();
        same!(taken.code, codes::ID_TAKEN);
    }
    same!(has(recorder, &one).await, (60, 1), "a lost update was booked");

    // If one of two deltas exceeds its quota, nothing is written.
    let next = Record {
        revision: record.revision + 1,
        ..record.clone()
    };
    for full in [delta(&one, 41, 0, ROOM), delta(&one, 0, 3, ROOM)] {
        let deltas = [delta(&other, 0, 1, ROOM), full];
        same!(recorder.update(&next, &change(&deltas)).await.answers(), QuotaExceeded);
        let another = Record {
            id: UploadId::random(),
            ..record.clone()
        };
        same!(insert(&another, &deltas).await.answers(), QuotaExceeded);
        same!(recorder.get(another.id).await.answers(), None);
    }
    same!(
        (has(recorder, &one).await, has(recorder, &other).await),
        ((60, 1), (0, 1))
    );
    same!(recorder.get(record.id).await.answers().as_ref(), Some(&record));

    // A usage change may use the quota up exactly, and one that gives back is never refused.
    let fits = [delta(&one, 40, 2, ROOM)];
    same!(recorder.update(&next, &change(&fits)).await.answers(), Applied);
    let less = [delta(
        &one,
        -70,
        -3,
        Quota {
            bytes: Some(1),
            files: Some(0),
        },
    )];
    let last = Record {
        revision: next.revision + 1,
        ..next
    };
    same!(recorder.update(&last, &change(&less)).await.answers(), Applied);
    same!(has(recorder, &one).await, (30, 0));
    recorder.remove(last.id, last.revision).await.answers();
}

async fn updates_of_one_transaction_are_all_written_or_none(recorder: &dyn Recorder) {
    let (one, other) = (Account::project(&unique()), Account::project(&unique()));
    let mut records = Vec::new();
    for _ in 0..3 {
        let record = Record {
            id: UploadId::random(),
            ..sample_record()
        };
        same!(recorder.insert(&record, UsageChange::none()).await.answers(), Applied);
        records.push(record);
    }
    let after = |record: &Record, by: u64| Record {
        revision: record.revision + by,
        ..record.clone()
    };
    let as_they_were = async |what: &str| {
        for record in &records {
            same!(recorder.get(record.id).await.answers().as_ref(), Some(record), "{what}");
        }
        same!(
            (has(recorder, &one).await, has(recorder, &other).await),
            ((0, 0), (0, 0)),
            "{what}"
        );
    };
    // Two of the three usage changes fit; all three do not.
    let of_one = |bytes| change(&[delta(&one, bytes, 1, ROOM)]);
    let too_many: Vec<_> = records.iter().map(|record| (after(record, 1), of_one(40))).collect();
    same!(recorder.update_all(&too_many).await.answers(), QuotaExceeded);
    as_they_were("the bookings exceeded a quota").await;

    // The last update is stale, whether its usage change fits or not.
    for bytes in [10, 60] {
        let mut changes: Vec<_> = records.iter().map(|record| (after(record, 1), of_one(bytes))).collect();
        changes[2].0 = after(&records[2], 2);
        same!(recorder.update_all(&changes).await.answers(), Conflict);
        as_they_were("one of the updates was stale").await;
    }
    let mut changes: Vec<_> = records.iter().map(|record| (after(record, 1), of_one(10))).collect();
    changes[1].0.id = UploadId::random();
    same!(recorder.update_all(&changes).await.answers(), Conflict);
    as_they_were("one of the records does not exist").await;

    let mut changes: Vec<_> = records.iter().map(|record| (after(record, 1), of_one(30))).collect();
    changes[1].1 = change(&[delta(&other, 100, 3, ROOM)]);
    same!(recorder.update_all(&changes).await.answers(), Applied);
    for (next, _) in &changes {
        same!(recorder.get(next.id).await.answers().as_ref(), Some(next));
    }
    same!(
        (has(recorder, &one).await, has(recorder, &other).await),
        ((60, 2), (100, 3))
    );
    same!(recorder.update_all(&changes).await.answers(), Conflict);

    // Of several equal transactions at the same time, one succeeds as a whole.
    let again: Vec<_> = changes
        .iter()
        .map(|(record, _)| (after(record, 1), UsageChange::default()))
        .collect();
    let rivals = (0..4).map(|_| recorder.update_all(&again));
    let won = join_all(rivals).await.into_iter().map(Answers::answers);
    same!(won.filter(|swap| *swap == Applied).count(), 1);
    same!(recorder.update_all(&[]).await.answers(), Applied);
    for (record, _) in &again {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn bookings_at_the_same_time_never_exceed_a_quota(recorder: &dyn Recorder) {
    let account = Account::project(&unique());
    let records: Vec<_> = (0..200).map(|_| sample_record()).collect();
    let quota = Quota {
        bytes: Some(70),
        files: None,
    };
    let want = change(&[delta(&account, 10, 1, quota)]);
    let got = join_all(records.iter().map(|record| recorder.insert(record, &want))).await;
    let got: Vec<_> = got.into_iter().map(|got| got.answers()).collect();
    same!(got.iter().filter(|got| **got == Applied).count(), 7);
    same!(has(recorder, &account).await, (70, 7));
    for (record, got) in records.iter().zip(got) {
        let found = recorder.get(record.id).await.answers();
        same!(found.is_some(), got == Applied, "answer and record differ");
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn flows_are_summed_up_by_day(recorder: &dyn Recorder) {
    let (one, other) = (unique(), unique());
    let daily_usage = |project: &str, day, received_bytes| DailyUsage {
        project: project.to_owned(),
        day: Day(day),
        asked: 1,
        received: 1,
        received_bytes,
        removed: 2,
        removed_bytes: 5 << 40,
    };
    for daily_usage in [
        daily_usage(&one, 10, 7),
        daily_usage(&one, 10, 8),
        daily_usage(&one, 12, 9),
        daily_usage(&other, 10, 1),
    ] {
        let record = sample_record();
        let usage_change = UsageChange {
            deltas: Vec::new(),
            daily_usage: Some(daily_usage),
        };
        same!(recorder.insert(&record, &usage_change).await.answers(), Applied);
        recorder.remove(record.id, record.revision).await.answers();
    }
    let look = async |project: &str, days| recorder.catalog().daily_usage(Some(project), days).await.answers();
    let both = DailyUsage {
        asked: 2,
        received: 2,
        removed: 4,
        removed_bytes: 10 << 40,
        ..daily_usage(&one, 10, 15)
    };
    same!(
        look(&one, Day(10)..=Day(12)).await,
        [both.clone(), daily_usage(&one, 12, 9)]
    );
    same!(look(&one, Day(0)..=Day(11)).await, [both]);
    same!(look(&unique(), Day(0)..=Day(100)).await, []);
    let all = recorder.catalog().daily_usage(None, Day(10)..=Day(10)).await.answers();
    let theirs = all
        .iter()
        .filter(|daily_usage| [&one, &other].contains(&&daily_usage.project));
    same!(theirs.count(), 2);
}

async fn accounts_are_removed_when_their_time_is_over(recorder: &dyn Recorder) {
    let (over, not_yet, never) = (unique(), unique(), unique());
    for (project, until) in [(&over, Some(at(100))), (&not_yet, Some(at(200))), (&never, None)] {
        let record = sample_record();
        let delta = AccountDelta {
            until,
            ..delta(&Account::token(project, "id"), 0, 1, ROOM)
        };
        same!(recorder.insert(&record, &change(&[delta])).await.answers(), Applied);
        recorder.remove(record.id, record.revision).await.answers();
    }
    same!(recorder.catalog().forget_accounts(at(100), 10).await.answers(), 1);
    same!(recorder.catalog().forget_accounts(at(100), 10).await.answers(), 0);
    for (project, uses) in [(&over, 0), (&not_yet, 1), (&never, 1)] {
        same!(has(recorder, &Account::token(project, "id")).await, (0, uses));
    }
    same!(recorder.catalog().forget_accounts(at(300), 10).await.answers(), 1);

    // A refused usage change leaves no account behind, and of several `until` times the last one counts.
    let (refused, twice) = (Account::token(&unique(), "id"), Account::token(&unique(), "id"));
    let until = |account: &Account, seconds, quota| AccountDelta {
        until: Some(at(seconds)),
        ..delta(account, 0, 1, quota)
    };
    let none = Quota {
        bytes: None,
        files: Some(0),
    };
    for (delta, expected) in [
        (until(&refused, 400, none), QuotaExceeded),
        (until(&twice, 500, ROOM), Applied),
        (until(&twice, 400, ROOM), Applied),
    ] {
        let record = sample_record();
        same!(recorder.insert(&record, &change(&[delta])).await.answers(), expected);
        recorder.remove(record.id, record.revision).await.answers();
    }
    recorder.catalog().forget_accounts(at(400), 10).await.answers();
    same!(has(recorder, &twice).await, (0, 2));
    recorder.catalog().forget_accounts(at(500), 10).await.answers();
    same!(has(recorder, &twice).await, (0, 0));

    // An account at zero is deleted, because every client may be a sender.
    let (given_back, never) = (Account::sender(&unique()), Account::sender(&unique()));
    let record = sample_record();
    let all = [until(&given_back, 600, ROOM)];
    same!(recorder.insert(&record, &change(&all)).await.answers(), Applied);
    let refused = [until(&never, 600, none)];
    let next = Record {
        revision: record.revision + 1,
        ..record.clone()
    };
    same!(recorder.update(&next, &change(&refused)).await.answers(), QuotaExceeded);
    let back = AccountDelta {
        until: Some(at(600)),
        ..delta(&given_back, 0, -1, ROOM)
    };
    same!(recorder.update(&next, &change(&[back])).await.answers(), Applied);
    recorder.remove(next.id, next.revision).await.answers();
    same!(recorder.catalog().forget_accounts(at(100_000), 10).await.answers(), 0);
}

async fn an_update_of_a_project_needs_the_revision_before(recorder: &dyn Recorder) {
    let catalog = recorder.catalog();
    let key = unique();
    let project = |revision, text: &str| ManagedProject {
        public_key: key.clone(),
        revision,
        settings: Map::from_iter([("ü".to_owned(), json!({"a": [1, text]}))]),
    };
    same!(catalog.project(&key).await.answers(), None);
    same!(
        catalog.put_project(&project(1, "none before")).await.answers(),
        Conflict
    );
    same!(catalog.put_project(&project(0, "first")).await.answers(), Applied);
    same!(catalog.put_project(&project(0, "again")).await.answers(), Conflict);
    same!(catalog.put_project(&project(2, "too far")).await.answers(), Conflict);
    let found = catalog.project(&key).await.answers();
    same!(found, Some(project(0, "first")));
    same!(catalog.put_project(&project(1, "second")).await.answers(), Applied);
    same!(catalog.project(&key).await.answers(), Some(project(1, "second")));

    let mut found = Vec::new();
    let mut behind = String::new();
    loop {
        let page = catalog.projects(&behind, 1).await.answers();
        let Some(last) = page.last() else { break };
        behind.clone_from(&last.public_key);
        found.push(behind.clone());
    }
    holds!(found.contains(&key) && found.is_sorted(), "{found:?}");
}

fn group(project: &str, seconds: u64, expires: Option<u64>) -> Group {
    let member = |effects: &str| Member {
        id: UploadId::random(),
        effects: effects.to_owned(),
    };
    Group {
        id: UploadId::random(),
        project: project.to_owned(),
        created: at(seconds) + Duration::from_micros(1),
        expires: expires.map(at),
        members: vec![member(""), member("resize/x800/"), member("ü\"")],
    }
}

async fn a_group_reads_back_unchanged(recorder: &dyn Recorder) {
    let catalog = recorder.catalog();
    let project = unique();
    for expires in [None, Some(2_000)] {
        let group = group(&project, 1_000, expires);
        same!(catalog.group(group.id).await.answers(), None);
        same!(catalog.add_group(&group, UsageChange::none()).await.answers(), Applied);
        same!(catalog.group(group.id).await.answers().as_ref(), Some(&group));
        let again = Group {
            members: Vec::new(),
            ..group.clone()
        };
        same!(
            catalog.add_group(&again, UsageChange::none()).await.fails().code,
            codes::ID_TAKEN
        );
        same!(catalog.group(group.id).await.answers().as_ref(), Some(&group));
        same!(
            catalog.remove_group(group.id, UsageChange::none()).await.answers(),
            Applied
        );
        same!(catalog.group(group.id).await.answers(), None);
    }
}

async fn groups_of_a_project_are_listed_in_either_order_until_they_are_removed(recorder: &dyn Recorder) {
    let catalog = recorder.catalog();
    let project = unique();
    let all = [
        group(&project, 1_000, Some(500)),
        group(&project, 2_000, None),
        group(&project, 2_000, Some(400)),
        group(&unique(), 3_000, Some(600)),
    ];
    for group in &all {
        same!(catalog.add_group(group, UsageChange::none()).await.answers(), Applied);
    }
    let mut expected: Vec<_> = all[..3].iter().collect();
    for order in [Order::NewestFirst, Order::OldestFirst] {
        order.sort(&mut expected, |group| (group.created, group.id));
        let mut found = Vec::new();
        let mut behind = None;
        loop {
            let page = catalog.groups(&project, order, behind, 2).await.answers();
            let Some(last) = page.last() else { break };
            holds!(page.len() <= 2);
            behind = Some((last.created, last.id));
            found.extend(page);
        }
        same!(found.iter().collect::<Vec<_>>(), expected, "{order:?}");
    }
    for (now, limit, over) in [(399, 10, 0), (400, 10, 1), (1_000, 10, 3), (1_000, 2, 2)] {
        let expired = catalog.expired_groups(at(now), limit).await.answers();
        let expected = [&all[2], &all[0], &all[3]];
        same!(
            expired.iter().collect::<Vec<_>>(),
            expected[..over],
            "at {now}, at most {limit}"
        );
    }
    for group in &all {
        same!(
            catalog.remove_group(group.id, UsageChange::none()).await.answers(),
            Applied
        );
    }
    same!(
        catalog.groups(&project, Order::NewestFirst, None, 10).await.answers(),
        []
    );
    same!(catalog.expired_groups(at(1_000), 10).await.answers(), []);
}

async fn a_group_is_written_with_its_booking_or_not_at_all(recorder: &dyn Recorder) {
    let catalog = recorder.catalog();
    let project = unique();
    let account = Account::groups(&project);
    let groups: Vec<_> = (0..40).map(|_| group(&project, 1_000, None)).collect();
    let size = groups[0].held().bytes;
    for quota in [
        Quota::of(7),
        Quota {
            bytes: Some(8 * size - 1),
            files: None,
        },
    ] {
        let usage_changes: Vec<_> = groups
            .iter()
            .map(|group| UsageChange::of_group(None, Some(group), quota))
            .collect();
        let adding = groups
            .iter()
            .zip(&usage_changes)
            .map(|(group, usage_change)| catalog.add_group(group, usage_change));
        let added: Vec<_> = join_all(adding)
            .await
            .into_iter()
            .map(|added| added.answers())
            .collect();
        same!(added.iter().filter(|added| **added == Applied).count(), 7, "{quota:?}");
        same!(has(recorder, &account).await, (7 * size, 7), "{quota:?}");
        for (group, added) in groups.iter().zip(added) {
            let found = catalog.group(group.id).await.answers();
            same!(found.is_some(), added == Applied, "answer and group differ");
        }
        // Of several deletions at the same time, one gives back the usage change.
        let removal = |group: &Group| UsageChange::of_group(Some(group), None, Quota::default());
        let removals: Vec<_> = groups.iter().map(removal).collect();
        let removing = groups.iter().zip(&removals).chain(groups.iter().zip(&removals));
        let removed =
            join_all(removing.map(|(group, usage_change)| catalog.remove_group(group.id, usage_change))).await;
        let removed = removed.into_iter().map(|removed| removed.answers());
        same!(removed.filter(|removed| *removed == Applied).count(), 7);
        same!(has(recorder, &account).await, (0, 0));
    }
}
