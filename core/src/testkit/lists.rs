//! The rules for what a recorder lists, finds and counts.

use super::broken::Answers;
use super::sample::{PERIODS, add, at, intent, of_project, open, order, sample_record, with_source_key};
use crate::contract::stages::{Listing, ListingOfAll, Recorder};
use crate::record::accounting::UsageChange;
use crate::record::event::Event;
use crate::record::quarantine::{Quarantine, QuarantineCause};
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::id::UploadId;
use crate::value::verdict::{Code, Rejection};

pub(super) async fn the_newest_readable_upload_is_found_by_its_name(recorder: &dyn Recorder) {
    let name = format!("ü {}", UploadId::random());
    let known = |seconds| Record {
        created: at(seconds),
        ..with_source_key(Some(name.clone()), sample_record())
    };
    let (older, newer, other) = (known(1_000), known(2_000), known(3_000));
    let other = with_source_key(Some(format!("{name}?")), other);
    let unready = with_source_key(Some(name.clone()), intent(4_000));
    for record in [&newer, &older, &other, &unready] {
        add(recorder, record).await;
    }
    same!(
        recorder.find_by_source_key(&name).await.answers().as_ref(),
        Some(&newer)
    );
    let deleting = newer.apply(Event::Delete, at(5_000), &PERIODS).unwrap();
    same!(
        recorder.update(&deleting, UsageChange::none()).await.answers(),
        Update::Applied
    );
    same!(
        recorder.find_by_source_key(&name).await.answers().as_ref(),
        Some(&older)
    );
    recorder.remove(older.id, older.revision).await.answers();
    same!(recorder.find_by_source_key(&name).await.answers(), None);
    for record in [deleting, other, unready] {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

pub(super) async fn unfinished_uploads_and_fetch_jobs_are_listed_until_they_end(recorder: &dyn Recorder) {
    let project = format!("project-{}", UploadId::random());
    let of_project = |record: Record| of_project(Some(project.clone()), record);
    let begun = [1_000, 2_000, 2_000].map(|seconds| of_project(open(seconds)));
    let ordered = [1_000, 2_000, 2_000].map(|seconds| of_project(order(seconds)));
    let (other, stranger) = (open(3_000), order(3_000));
    let others = [of_project(intent(1_500)), of_project(sample_record()), other, stranger];
    for record in begun.iter().chain(&ordered).chain(&others) {
        add(recorder, record).await;
    }
    let assembling = begun[0].apply(Event::Assemble, at(2_001), &PERIODS).unwrap();
    let upload = UploadId::random();
    let pulling = ordered[0].apply(Event::Fetch { upload }, at(2_001), &PERIODS).unwrap();
    for next in [&assembling, &pulling] {
        same!(
            recorder.update(next, UsageChange::none()).await.answers(),
            Update::Applied
        );
    }
    let mut expected = [
        (
            Listing::Unfinished,
            [assembling.clone(), begun[1].clone(), begun[2].clone()],
        ),
        (
            Listing::Fetches,
            [pulling.clone(), ordered[1].clone(), ordered[2].clone()],
        ),
    ];
    for (kind, expected) in &mut expected {
        expected.sort_by_key(|record| std::cmp::Reverse((record.created, record.id)));
        let mut found = Vec::new();
        let mut behind = None;
        loop {
            let page = recorder.list(*kind, &project, behind, 2).await.answers();
            let Some(last) = page.last() else { break };
            holds!(page.len() <= 2);
            behind = Some((last.created, last.id));
            found.extend(page);
        }
        same!(found, *expected, "{kind:?}, two at a time");
    }
    let aborted = assembling.apply(Event::Delete, at(2_002), &PERIODS).unwrap();
    let pulled = pulling.apply(Event::Fetched, at(2_002), &PERIODS).unwrap();
    for next in [&aborted, &pulled] {
        same!(
            recorder.update(next, UsageChange::none()).await.answers(),
            Update::Applied
        );
    }
    for kind in [Listing::Unfinished, Listing::Fetches] {
        same!(
            recorder.list(kind, &project, None, 10).await.answers().len(),
            2,
            "{kind:?}"
        );
    }
    let rest = [&begun[1], &begun[2], &ordered[1], &ordered[2], &aborted, &pulled];
    for record in rest.into_iter().chain(&others) {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

pub(super) async fn unfinished_uploads_and_fetch_jobs_are_counted_over_all_projects(recorder: &dyn Recorder) {
    // The recorder may have records of other tests.
    let before = recorder.backlog().await.answers();
    let records = [open(1_000), open(2_000), order(1_000)];
    for record in &records {
        add(recorder, record).await;
    }
    let after = recorder.backlog().await.answers();
    holds!(
        after.unfinished >= 2 && after.fetches >= 1,
        "the counts did not grow: {before:?}, then {after:?}"
    );
    for record in records {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

pub(super) async fn refused_uploads_are_listed_with_those_whose_project_was_not_known(recorder: &dyn Recorder) {
    let project = format!("project-{}", UploadId::random());
    let refused = |seconds: u64, project: Option<&str>| {
        let intent = Record {
            created: at(seconds),
            ..of_project(project.map(str::to_owned), intent(seconds))
        };
        let no = Rejection::new(Code::new("infected"), "it has a virus")
            .with_subject("Eicar")
            .by("clamav");
        intent.apply(Event::Reject(no), at(seconds + 1), &PERIODS).unwrap()
    };
    // Later than any other refusal that the recorder may have.
    let of_nobody = refused(90_000_001, None);
    let all = [
        refused(90_000_002, Some(&project)),
        of_nobody,
        refused(90_000_003, Some("another")),
    ];
    for record in &all {
        add(recorder, record).await;
    }
    let first = recorder.list(Listing::Refused, &project, None, 1).await.answers();
    same!(first, [all[0].clone()]);
    let behind = Some((all[0].created, all[0].id));
    let second = recorder.list(Listing::Refused, &project, behind, 1).await.answers();
    same!(
        second,
        [all[1].clone()],
        "a refusal without a project is not listed for every project"
    );
    for record in &all {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

pub(super) async fn files_of_a_project_are_listed_the_newest_first(recorder: &dyn Recorder) {
    let project = format!("project-{}", UploadId::random());
    let file = |seconds| Record {
        created: at(seconds),
        ..of_project(Some(project.clone()), sample_record())
    };
    let (first, second, third) = (file(1_000), file(2_000), file(2_000));
    let trashed = second.apply(Event::Trash, at(2_001), &PERIODS).unwrap();
    let (deleting, stranger) = (
        file(3_000).apply(Event::Delete, at(3_001), &PERIODS).unwrap(),
        sample_record(),
    );
    let all = [first, trashed, third, deleting, stranger];
    for record in &all {
        add(recorder, record).await;
    }
    let mut expected: Vec<_> = all[..3].iter().collect();
    expected.sort_by_key(|record| std::cmp::Reverse((record.created, record.id)));
    let mut found = Vec::new();
    let mut behind = None;
    loop {
        let page = recorder.list(Listing::Files, &project, behind, 2).await.answers();
        let Some(last) = page.last() else { break };
        holds!(page.len() <= 2);
        behind = Some((last.created, last.id));
        found.extend(page);
    }
    same!(found.iter().collect::<Vec<_>>(), expected);
    for record in &all {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

pub(super) async fn the_oldest_refusals_are_listed_of_a_project_and_without_one(recorder: &dyn Recorder) {
    let project = format!("project-{}", UploadId::random());
    // Earlier than any other refusal that the recorder may have.
    let refused = |seconds: u64, project: Option<&str>| {
        let intent = of_project(project.map(str::to_owned), intent(seconds));
        let no = Rejection::new(Code::new("no"), "no");
        intent.apply(Event::Reject(no), at(seconds + 1), &PERIODS).unwrap()
    };
    let ours = [3, 1, 2].map(|seconds| refused(seconds, Some(&project)));
    let of_nobody = [2, 1].map(|seconds| refused(seconds, None));
    let another = refused(0, Some("another"));
    let others = [of_project(Some(project.clone()), intent(0)), another];
    for record in ours.iter().chain(&of_nobody).chain(&others) {
        add(recorder, record).await;
    }
    let found = recorder.oldest_refused(Some(&project), 2).await.answers();
    same!(found, [ours[1].clone(), ours[2].clone()]);
    let found = recorder.oldest_refused(None, 2).await.answers();
    same!(found, [of_nobody[1].clone(), of_nobody[0].clone()]);
    let found = recorder.oldest_refused(Some(&project), 10).await.answers();
    same!(found.len(), 3, "a record of another state or project is listed");
    for record in ours.iter().chain(&of_nobody).chain(&others) {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

pub(super) async fn files_and_quarantined_uploads_are_listed_over_all_projects(recorder: &dyn Recorder) {
    // Later than any other record that the recorder may have.
    let file = |seconds: u64| Record {
        created: at(seconds),
        ..of_project(Some(format!("project-{}", UploadId::random())), sample_record())
    };
    let quarantined = |seconds: u64| {
        let event = Event::Withdraw {
            inspections: Vec::new(),
            quarantine: Box::new(Quarantine::new(
                QuarantineCause::Infected,
                Rejection::new(Code::new("infected"), "it has a virus").by("clamav"),
                at(seconds),
                at(seconds + 10),
            )),
        };
        file(seconds).apply(event, at(seconds), &PERIODS).unwrap()
    };
    let ready = [80_000_003, 80_000_002, 80_000_001].map(file);
    let held = [80_000_003, 80_000_002, 80_000_001].map(quarantined);
    let other = file(80_000_002).apply(Event::Trash, at(2_000), &PERIODS).unwrap();
    for record in ready.iter().chain(&held).chain([&other]) {
        add(recorder, record).await;
    }
    for (kind, expected) in [(ListingOfAll::Ready, &ready), (ListingOfAll::Quarantined, &held)] {
        let first = recorder.list_all(kind, None, 2).await.answers();
        same!(first, expected[..2].to_vec(), "{kind:?}");
        let behind = Some((expected[1].created, expected[1].id));
        let second = recorder.list_all(kind, behind, 1).await.answers();
        same!(second, expected[2..].to_vec(), "{kind:?}, after the second");
    }
    for record in ready.iter().chain(&held).chain([&other]) {
        recorder.remove(record.id, record.revision).await.answers();
    }
}
