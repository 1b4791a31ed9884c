//! What every recorder keeps to beside its records: what is booked, projects, groups.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::{Map, json};

use super::sample::sample_record;
use crate::books::{Account, Booking, Change, Day, Flow, Holdings, Line, Quota};
use crate::{Group, ManagedProject, Member, Record, Recorder, Swap, UploadId, codes};

/// Checks every rule of [`Catalog`](crate::Catalog).
pub(super) async fn catalog(recorder: &dyn Recorder) {
    what_is_booked_is_booked_with_the_change_or_not_at_all(recorder).await;
    of_those_who_want_the_last_room_at_the_same_time_so_many_get_it_as_there_is_room_for(recorder).await;
    what_came_and_went_is_summed_up_by_day(recorder).await;
    accounts_whose_time_is_over_are_forgotten(recorder).await;
    a_project_is_changed_only_from_the_revision_before(recorder).await;
    a_group_reads_back_as_it_was(recorder).await;
}

fn somebody() -> String {
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
    let Holdings { bytes, files } = recorder.catalog().holdings(account).await.expect("looks up");
    (bytes, files)
}

async fn what_is_booked_is_booked_with_the_change_or_not_at_all(recorder: &dyn Recorder) {
    let (one, other) = (Account::project(&somebody()), Account::token(&somebody(), "ü"));
    let record = sample_record();
    let insert = async |record: &Record, lines: &[Line]| recorder.insert(record, &booking(lines)).await;
    let both = [line(&one, 60, 1, ROOM), line(&other, 0, 1, ROOM)];
    assert_eq!(insert(&record, &both).await.expect("inserts"), Swap::Done);
    assert_eq!(
        (has(recorder, &one).await, has(recorder, &other).await),
        ((60, 1), (0, 1))
    );

    assert_eq!(
        insert(&record, &both).await.expect_err("the id is taken").code,
        codes::ID_TAKEN
    );
    let next = Record {
        revision: record.revision + 2,
        ..record.clone()
    };
    // Whether there is room for it or not: what cannot be changed anyway is lost.
    let little = [line(&one, 1, 1, ROOM)];
    for lines in [&both[..], &little] {
        let lost = recorder.update(&next, &booking(lines)).await.expect("updates");
        assert_eq!(lost, Swap::Lost);
        let taken = insert(&record, lines).await.expect_err("the id is taken");
        assert_eq!(taken.code, codes::ID_TAKEN);
    }
    assert_eq!(has(recorder, &one).await, (60, 1), "what was lost was booked");

    // One of two has no room: nothing is changed.
    let next = Record {
        revision: record.revision + 1,
        ..record.clone()
    };
    for full in [line(&one, 41, 0, ROOM), line(&one, 0, 3, ROOM)] {
        let lines = [line(&other, 0, 1, ROOM), full];
        assert_eq!(
            recorder.update(&next, &booking(&lines)).await.expect("updates"),
            Swap::Full
        );
        let another = Record {
            id: UploadId::random(),
            ..record.clone()
        };
        assert_eq!(insert(&another, &lines).await.expect("inserts"), Swap::Full);
        assert_eq!(recorder.get(another.id).await.expect("looks up"), None);
    }
    assert_eq!(
        (has(recorder, &one).await, has(recorder, &other).await),
        ((60, 1), (0, 1))
    );
    assert_eq!(recorder.get(record.id).await.expect("looks up").as_ref(), Some(&record));

    // Just so much fits, and who gives back is never refused.
    let fits = [line(&one, 40, 2, ROOM)];
    assert_eq!(
        recorder.update(&next, &booking(&fits)).await.expect("updates"),
        Swap::Done
    );
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
    assert_eq!(
        recorder.update(&last, &booking(&less)).await.expect("updates"),
        Swap::Done
    );
    assert_eq!(has(recorder, &one).await, (30, 0));
    recorder.remove(last.id, last.revision).await.expect("removes");
}

async fn of_those_who_want_the_last_room_at_the_same_time_so_many_get_it_as_there_is_room_for(recorder: &dyn Recorder) {
    let account = Account::project(&somebody());
    let records: Vec<_> = (0..200).map(|_| sample_record()).collect();
    let quota = Quota {
        bytes: Some(70),
        files: None,
    };
    let want = booking(&[line(&account, 10, 1, quota)]);
    let got = join_all(records.iter().map(|record| recorder.insert(record, &want))).await;
    let got: Vec<_> = got.into_iter().map(|got| got.expect("inserts")).collect();
    assert_eq!(got.iter().filter(|got| **got == Swap::Done).count(), 7);
    assert_eq!(has(recorder, &account).await, (70, 7));
    for (record, got) in records.iter().zip(got) {
        let found = recorder.get(record.id).await.expect("looks up");
        assert_eq!(found.is_some(), got == Swap::Done, "who was told so has got it");
        recorder.remove(record.id, record.revision).await.expect("removes");
    }
}

async fn what_came_and_went_is_summed_up_by_day(recorder: &dyn Recorder) {
    let (one, other) = (somebody(), somebody());
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
        assert_eq!(recorder.insert(&record, &booking).await.expect("inserts"), Swap::Done);
        recorder.remove(record.id, record.revision).await.expect("removes");
    }
    let look = async |project: &str, days| recorder.catalog().flows(Some(project), days).await.expect("looks up");
    let both = Flow {
        asked: 2,
        received: 2,
        removed: 4,
        removed_bytes: 10 << 40,
        ..flow(&one, 10, 15)
    };
    assert_eq!(look(&one, Day(10)..=Day(12)).await, [both.clone(), flow(&one, 12, 9)]);
    assert_eq!(look(&one, Day(0)..=Day(11)).await, [both]);
    assert_eq!(look(&somebody(), Day(0)..=Day(100)).await, []);
    let all = recorder
        .catalog()
        .flows(None, Day(10)..=Day(10))
        .await
        .expect("looks up");
    let theirs = all.iter().filter(|flow| [&one, &other].contains(&&flow.project));
    assert_eq!(theirs.count(), 2);
}

async fn accounts_whose_time_is_over_are_forgotten(recorder: &dyn Recorder) {
    let (over, not_yet, never) = (somebody(), somebody(), somebody());
    for (project, until) in [(&over, Some(at(100))), (&not_yet, Some(at(200))), (&never, None)] {
        let record = sample_record();
        let line = Line {
            until,
            ..line(&Account::token(project, "id"), 0, 1, ROOM)
        };
        assert_eq!(
            recorder.insert(&record, &booking(&[line])).await.expect("inserts"),
            Swap::Done
        );
        recorder.remove(record.id, record.revision).await.expect("removes");
    }
    assert_eq!(
        recorder.catalog().forget_accounts(at(100), 10).await.expect("forgets"),
        1
    );
    assert_eq!(
        recorder.catalog().forget_accounts(at(100), 10).await.expect("forgets"),
        0
    );
    for (project, uses) in [(&over, 0), (&not_yet, 1), (&never, 1)] {
        assert_eq!(has(recorder, &Account::token(project, "id")).await, (0, uses));
    }
    assert_eq!(
        recorder.catalog().forget_accounts(at(300), 10).await.expect("forgets"),
        1
    );

    // What was refused leaves nothing for ever, and of several ends the last one counts.
    let (refused, twice) = (Account::token(&somebody(), "id"), Account::token(&somebody(), "id"));
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
        assert_eq!(
            recorder.insert(&record, &booking(&[line])).await.expect("inserts"),
            expected
        );
        recorder.remove(record.id, record.revision).await.expect("removes");
    }
    recorder.catalog().forget_accounts(at(400), 10).await.expect("forgets");
    assert_eq!(has(recorder, &twice).await, (0, 2));
    recorder.catalog().forget_accounts(at(500), 10).await.expect("forgets");
    assert_eq!(has(recorder, &twice).await, (0, 0));
    assert_eq!(
        recorder
            .catalog()
            .forget_accounts(at(100_000), 10)
            .await
            .expect("forgets"),
        0
    );
}

async fn a_project_is_changed_only_from_the_revision_before(recorder: &dyn Recorder) {
    let catalog = recorder.catalog();
    let key = somebody();
    let project = |revision, text: &str| ManagedProject {
        public_key: key.clone(),
        revision,
        settings: Map::from_iter([("ü".to_owned(), json!({"a": [1, text]}))]),
    };
    assert_eq!(catalog.project(&key).await.expect("looks up"), None);
    assert_eq!(
        catalog.put_project(&project(1, "none before")).await.expect("puts"),
        Swap::Lost
    );
    assert_eq!(
        catalog.put_project(&project(0, "first")).await.expect("puts"),
        Swap::Done
    );
    assert_eq!(
        catalog.put_project(&project(0, "again")).await.expect("puts"),
        Swap::Lost
    );
    assert_eq!(
        catalog.put_project(&project(2, "too far")).await.expect("puts"),
        Swap::Lost
    );
    let found = catalog.project(&key).await.expect("looks up");
    assert_eq!(found, Some(project(0, "first")));
    assert_eq!(
        catalog.put_project(&project(1, "second")).await.expect("puts"),
        Swap::Done
    );
    assert_eq!(
        catalog.project(&key).await.expect("looks up"),
        Some(project(1, "second"))
    );

    let mut found = Vec::new();
    let mut behind = String::new();
    loop {
        let page = catalog.projects(&behind, 1).await.expect("looks up");
        let Some(last) = page.last() else { break };
        behind.clone_from(&last.public_key);
        found.push(behind.clone());
    }
    assert!(found.contains(&key) && found.is_sorted(), "{found:?}");
}

async fn a_group_reads_back_as_it_was(recorder: &dyn Recorder) {
    let file = UploadId::random();
    let member = |effects: &str| Member {
        id: file,
        effects: effects.to_owned(),
    };
    let group = Group {
        id: UploadId::random(),
        project: somebody(),
        created: at(1_000) + Duration::from_micros(1),
        members: vec![member(""), member("resize/x800/"), member("ü\"")],
    };
    let catalog = recorder.catalog();
    assert_eq!(catalog.group(group.id).await.expect("looks up"), None);
    catalog.add_group(&group).await.expect("adds");
    assert_eq!(catalog.group(group.id).await.expect("looks up").as_ref(), Some(&group));
    let again = Group {
        members: Vec::new(),
        ..group.clone()
    };
    assert_eq!(
        catalog.add_group(&again).await.expect_err("the id is taken").code,
        codes::ID_TAKEN
    );
    assert_eq!(catalog.group(group.id).await.expect("looks up"), Some(group));
}
