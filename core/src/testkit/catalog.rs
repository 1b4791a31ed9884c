//! The rules of every recorder's catalog: accounts, projects, groups.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::{Map, json};

use super::broken::{Answers, Fails};
use super::sample::sample_record;
use super::trial::Trial;
use crate::contract::stages::Recorder;
use crate::record::books::Swap;
use crate::record::books::{Account, Booking, Change, Day, Flow, Holdings, Line, Quota};
use crate::record::group::{Group, Member};
use crate::record::managed::ManagedProject;
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
        groups_of_a_project_are_listed_the_newest_first_until_they_are_removed(recorder),
        a_group_is_written_with_its_booking_or_not_at_all(recorder),
    );
}

fn unique() -> String {
    format!("project-{}", UploadId::random())
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn line(account: &Account, bytes: i64, files: i64, quota: Quota) -> Line {
    let change = Change { bytes, files };
    let (account, until) = (account.clone(), None);
    Line {
        account,
        change,
        quota,
        until,
    }
}

fn booking(lines: &[Line]) -> Booking {
    Booking {
        lines: lines.to_vec(),
        flow: None,
    }
}

const ROOM: Quota = Quota {
    bytes: Some(100),
    files: Some(3),
};

async fn has(recorder: &dyn Recorder, account: &Account) -> (u64, u64) {
    let Holdings { bytes, files } = recorder.catalog().holdings(account).await.answers();
    (bytes, files)
}

async fn a_booking_is_written_with_its_change_or_not_at_all(recorder: &dyn Recorder) {
    let (one, other) = (Account::project(&unique()), Account::token(&unique(), "ü"));
    let record = sample_record();
    let insert = async |record: &Record, lines: &[Line]| recorder.insert(record, &booking(lines)).await;
    let both = [line(&one, 60, 1, ROOM), line(&other, 0, 1, ROOM)];
    same!(insert(&record, &both).await.answers(), Swap::Done);
    same!(
        (has(recorder, &one).await, has(recorder, &other).await),
        ((60, 1), (0, 1))
    );

    same!(insert(&record, &both).await.fails().code, codes::ID_TAKEN);
    let next = Record {
        revision: record.revision + 2,
        ..record.clone()
    };
    // A stale update is lost, whether its booking fits or not.
    let little = [line(&one, 1, 1, ROOM)];
    for lines in [&both[..], &little] {
        let lost = recorder.update(&next, &booking(lines)).await.answers();
        same!(lost, Swap::Lost);
        let taken = insert(&record, lines).await.fails();
        same!(taken.code, codes::ID_TAKEN);
    }
    same!(has(recorder, &one).await, (60, 1), "a lost update was booked");

    // If one of two lines exceeds its quota, nothing is written.
    let next = Record {
        revision: record.revision + 1,
        ..record.clone()
    };
    for full in [line(&one, 41, 0, ROOM), line(&one, 0, 3, ROOM)] {
        let lines = [line(&other, 0, 1, ROOM), full];
        same!(recorder.update(&next, &booking(&lines)).await.answers(), Swap::Full);
        let another = Record {
            id: UploadId::random(),
            ..record.clone()
        };
        same!(insert(&another, &lines).await.answers(), Swap::Full);
        same!(recorder.get(another.id).await.answers(), None);
    }
    same!(
        (has(recorder, &one).await, has(recorder, &other).await),
        ((60, 1), (0, 1))
    );
    same!(recorder.get(record.id).await.answers().as_ref(), Some(&record));

    // A booking may use the quota up exactly, and one that gives back is never refused.
    let fits = [line(&one, 40, 2, ROOM)];
    same!(recorder.update(&next, &booking(&fits)).await.answers(), Swap::Done);
    let less = [line(
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
    same!(recorder.update(&last, &booking(&less)).await.answers(), Swap::Done);
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
        same!(recorder.insert(&record, Booking::none()).await.answers(), Swap::Done);
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
    // Two of the three bookings fit; all three do not.
    let of_one = |bytes| booking(&[line(&one, bytes, 1, ROOM)]);
    let too_many: Vec<_> = records.iter().map(|record| (after(record, 1), of_one(40))).collect();
    same!(recorder.update_all(&too_many).await.answers(), Swap::Full);
    as_they_were("the bookings exceeded a quota").await;

    // The last update is stale, whether its booking fits or not.
    for bytes in [10, 60] {
        let mut changes: Vec<_> = records.iter().map(|record| (after(record, 1), of_one(bytes))).collect();
        changes[2].0 = after(&records[2], 2);
        same!(recorder.update_all(&changes).await.answers(), Swap::Lost);
        as_they_were("one of the updates was stale").await;
    }
    let mut changes: Vec<_> = records.iter().map(|record| (after(record, 1), of_one(10))).collect();
    changes[1].0.id = UploadId::random();
    same!(recorder.update_all(&changes).await.answers(), Swap::Lost);
    as_they_were("one of the records does not exist").await;

    let mut changes: Vec<_> = records.iter().map(|record| (after(record, 1), of_one(30))).collect();
    changes[1].1 = booking(&[line(&other, 100, 3, ROOM)]);
    same!(recorder.update_all(&changes).await.answers(), Swap::Done);
    for (next, _) in &changes {
        same!(recorder.get(next.id).await.answers().as_ref(), Some(next));
    }
    same!(
        (has(recorder, &one).await, has(recorder, &other).await),
        ((60, 2), (100, 3))
    );
    same!(recorder.update_all(&changes).await.answers(), Swap::Lost);

    // Of several equal transactions at the same time, one succeeds as a whole.
    let again: Vec<_> = changes
        .iter()
        .map(|(record, _)| (after(record, 1), Booking::default()))
        .collect();
    let rivals = (0..4).map(|_| recorder.update_all(&again));
    let won = join_all(rivals).await.into_iter().map(Answers::answers);
    same!(won.filter(|swap| *swap == Swap::Done).count(), 1);
    same!(recorder.update_all(&[]).await.answers(), Swap::Done);
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
    let want = booking(&[line(&account, 10, 1, quota)]);
    let got = join_all(records.iter().map(|record| recorder.insert(record, &want))).await;
    let got: Vec<_> = got.into_iter().map(|got| got.answers()).collect();
    same!(got.iter().filter(|got| **got == Swap::Done).count(), 7);
    same!(has(recorder, &account).await, (70, 7));
    for (record, got) in records.iter().zip(got) {
        let found = recorder.get(record.id).await.answers();
        same!(found.is_some(), got == Swap::Done, "answer and record differ");
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn flows_are_summed_up_by_day(recorder: &dyn Recorder) {
    let (one, other) = (unique(), unique());
    let flow = |project: &str, day, received_bytes| Flow {
        project: project.to_owned(),
        day: Day(day),
        asked: 1,
        received: 1,
        received_bytes,
        removed: 2,
        removed_bytes: 5 << 40,
    };
    for flow in [
        flow(&one, 10, 7),
        flow(&one, 10, 8),
        flow(&one, 12, 9),
        flow(&other, 10, 1),
    ] {
        let record = sample_record();
        let booking = Booking {
            lines: Vec::new(),
            flow: Some(flow),
        };
        same!(recorder.insert(&record, &booking).await.answers(), Swap::Done);
        recorder.remove(record.id, record.revision).await.answers();
    }
    let look = async |project: &str, days| recorder.catalog().flows(Some(project), days).await.answers();
    let both = Flow {
        asked: 2,
        received: 2,
        removed: 4,
        removed_bytes: 10 << 40,
        ..flow(&one, 10, 15)
    };
    same!(look(&one, Day(10)..=Day(12)).await, [both.clone(), flow(&one, 12, 9)]);
    same!(look(&one, Day(0)..=Day(11)).await, [both]);
    same!(look(&unique(), Day(0)..=Day(100)).await, []);
    let all = recorder.catalog().flows(None, Day(10)..=Day(10)).await.answers();
    let theirs = all.iter().filter(|flow| [&one, &other].contains(&&flow.project));
    same!(theirs.count(), 2);
}

async fn accounts_are_removed_when_their_time_is_over(recorder: &dyn Recorder) {
    let (over, not_yet, never) = (unique(), unique(), unique());
    for (project, until) in [(&over, Some(at(100))), (&not_yet, Some(at(200))), (&never, None)] {
        let record = sample_record();
        let line = Line {
            until,
            ..line(&Account::token(project, "id"), 0, 1, ROOM)
        };
        same!(recorder.insert(&record, &booking(&[line])).await.answers(), Swap::Done);
        recorder.remove(record.id, record.revision).await.answers();
    }
    same!(recorder.catalog().forget_accounts(at(100), 10).await.answers(), 1);
    same!(recorder.catalog().forget_accounts(at(100), 10).await.answers(), 0);
    for (project, uses) in [(&over, 0), (&not_yet, 1), (&never, 1)] {
        same!(has(recorder, &Account::token(project, "id")).await, (0, uses));
    }
    same!(recorder.catalog().forget_accounts(at(300), 10).await.answers(), 1);

    // A refused booking leaves no account behind, and of several `until` times the last one counts.
    let (refused, twice) = (Account::token(&unique(), "id"), Account::token(&unique(), "id"));
    let until = |account: &Account, seconds, quota| Line {
        until: Some(at(seconds)),
        ..line(account, 0, 1, quota)
    };
    let none = Quota {
        bytes: None,
        files: Some(0),
    };
    for (line, expected) in [
        (until(&refused, 400, none), Swap::Full),
        (until(&twice, 500, ROOM), Swap::Done),
        (until(&twice, 400, ROOM), Swap::Done),
    ] {
        let record = sample_record();
        same!(recorder.insert(&record, &booking(&[line])).await.answers(), expected);
        recorder.remove(record.id, record.revision).await.answers();
    }
    recorder.catalog().forget_accounts(at(400), 10).await.answers();
    same!(has(recorder, &twice).await, (0, 2));
    recorder.catalog().forget_accounts(at(500), 10).await.answers();
    same!(has(recorder, &twice).await, (0, 0));

    // An account at zero is no account, because anybody may be a sender.
    let (given_back, never) = (Account::sender(&unique()), Account::sender(&unique()));
    let record = sample_record();
    let all = [until(&given_back, 600, ROOM)];
    same!(recorder.insert(&record, &booking(&all)).await.answers(), Swap::Done);
    let refused = [until(&never, 600, none)];
    let next = Record {
        revision: record.revision + 1,
        ..record.clone()
    };
    same!(recorder.update(&next, &booking(&refused)).await.answers(), Swap::Full);
    let back = Line {
        until: Some(at(600)),
        ..line(&given_back, 0, -1, ROOM)
    };
    same!(recorder.update(&next, &booking(&[back])).await.answers(), Swap::Done);
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
        Swap::Lost
    );
    same!(catalog.put_project(&project(0, "first")).await.answers(), Swap::Done);
    same!(catalog.put_project(&project(0, "again")).await.answers(), Swap::Lost);
    same!(catalog.put_project(&project(2, "too far")).await.answers(), Swap::Lost);
    let found = catalog.project(&key).await.answers();
    same!(found, Some(project(0, "first")));
    same!(catalog.put_project(&project(1, "second")).await.answers(), Swap::Done);
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
        same!(catalog.add_group(&group, Booking::none()).await.answers(), Swap::Done);
        same!(catalog.group(group.id).await.answers().as_ref(), Some(&group));
        let again = Group {
            members: Vec::new(),
            ..group.clone()
        };
        same!(
            catalog.add_group(&again, Booking::none()).await.fails().code,
            codes::ID_TAKEN
        );
        same!(catalog.group(group.id).await.answers().as_ref(), Some(&group));
        same!(
            catalog.remove_group(group.id, Booking::none()).await.answers(),
            Swap::Done
        );
        same!(catalog.group(group.id).await.answers(), None);
    }
}

async fn groups_of_a_project_are_listed_the_newest_first_until_they_are_removed(recorder: &dyn Recorder) {
    let catalog = recorder.catalog();
    let project = unique();
    let all = [
        group(&project, 1_000, Some(500)),
        group(&project, 2_000, None),
        group(&project, 2_000, Some(400)),
        group(&unique(), 3_000, Some(600)),
    ];
    for group in &all {
        same!(catalog.add_group(group, Booking::none()).await.answers(), Swap::Done);
    }
    let mut expected: Vec<_> = all[..3].iter().collect();
    expected.sort_by_key(|group| std::cmp::Reverse((group.created, group.id)));
    let mut found = Vec::new();
    let mut behind = None;
    loop {
        let page = catalog.groups(&project, behind, 2).await.answers();
        let Some(last) = page.last() else { break };
        holds!(page.len() <= 2);
        behind = Some((last.created, last.id));
        found.extend(page);
    }
    same!(found.iter().collect::<Vec<_>>(), expected);
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
            catalog.remove_group(group.id, Booking::none()).await.answers(),
            Swap::Done
        );
    }
    same!(catalog.groups(&project, None, 10).await.answers(), []);
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
        let bookings: Vec<_> = groups
            .iter()
            .map(|group| Booking::of_group(None, Some(group), quota))
            .collect();
        let adding = groups
            .iter()
            .zip(&bookings)
            .map(|(group, booking)| catalog.add_group(group, booking));
        let added: Vec<_> = join_all(adding)
            .await
            .into_iter()
            .map(|added| added.answers())
            .collect();
        same!(
            added.iter().filter(|added| **added == Swap::Done).count(),
            7,
            "{quota:?}"
        );
        same!(has(recorder, &account).await, (7 * size, 7), "{quota:?}");
        for (group, added) in groups.iter().zip(added) {
            let found = catalog.group(group.id).await.answers();
            same!(found.is_some(), added == Swap::Done, "answer and group differ");
        }
        // Of several deletions at the same time, one gives back the booking.
        let removal = |group: &Group| Booking::of_group(Some(group), None, Quota::default());
        let removals: Vec<_> = groups.iter().map(removal).collect();
        let removing = groups.iter().zip(&removals).chain(groups.iter().zip(&removals));
        let removed = join_all(removing.map(|(group, booking)| catalog.remove_group(group.id, booking))).await;
        let removed = removed.into_iter().map(|removed| removed.answers());
        same!(removed.filter(|removed| *removed == Swap::Done).count(), 7);
        same!(has(recorder, &account).await, (0, 0));
    }
}
