//! What every recorder keeps to.

use futures_util::future::join_all;

use super::broken::{Answers, Fails};
use super::sample::{PERIODS, add, at, intent, open, order, sample_record};
use super::trial::{Checked, Patience, Trial};
use crate::around::Wrapped;
use crate::{Booking, Code, Duty, Event, Lifetime, Listing, Record, Recorder, Rejection, State, Swap, UploadId, codes};

/// Checks every rule of [`Recorder`]. May be run on a recorder that holds other records, if none of them is due before the
/// year 1980: the suite's clock stands there.
///
/// # Panics
///
/// If a rule is broken, with the rule, what was asked, what was expected and what was seen. A recorder that never gives its
/// thread back ends the test program, with the same report.
pub async fn recorder(recorder: &dyn Recorder) -> Checked {
    Patience::default().recorder(recorder).await
}

impl Patience {
    /// As [`recorder`](super::recorder()), with other limits.
    ///
    /// # Panics
    ///
    /// If a rule is broken.
    pub async fn recorder(self, recorder: &dyn Recorder) -> Checked {
        let trial = Trial::new(self);
        let watched = Wrapped::around(recorder, trial.clone());
        let suite = check(&trial, &watched);
        trial.clone().here(suite).await
    }
}

async fn check(trial: &Trial, recorder: &dyn Recorder) {
    rules!(
        trial,
        it_is_ready(recorder),
        what_is_recorded_reads_back_whole(recorder),
        an_id_is_recorded_once(recorder),
        of_those_who_record_an_id_at_the_same_time_one_wins(recorder),
        a_change_counts_only_from_the_revision_before(recorder),
        of_those_who_change_at_the_same_time_one_wins(recorder),
        what_is_due_comes_in_its_order(recorder),
        what_is_to_be_resumed_is_not_swept(recorder),
        the_newest_readable_upload_is_found_by_its_name(recorder),
        what_is_unfinished_and_what_is_ordered_is_listed_until_it_ends(recorder),
        what_is_unfinished_is_counted_over_all_projects(recorder),
        only_the_revision_that_was_seen_is_forgotten(recorder),
        files_of_a_project_are_listed_the_newest_first(recorder),
        refused_uploads_are_listed_with_those_whose_project_was_not_known(recorder),
        the_oldest_refusals_are_found_of_a_project_and_of_none(recorder),
    );
    super::catalog::catalog(trial, recorder).await;
}

async fn it_is_ready(recorder: &dyn Recorder) {
    recorder.ready().await.answers();
}

async fn what_is_recorded_reads_back_whole(recorder: &dyn Recorder) {
    let ready = sample_record();
    let kept = ready
        .apply(
            Event::Keep(Lifetime {
                kept: true,
                expires: None,
            }),
            at(2_000),
            &PERIODS,
        )
        .unwrap();
    let rejection = Rejection::new(Code::new("infected"), "it has \"something\"").about("Eicar-Test");
    let refused = intent(1_000)
        .apply(Event::Reject(rejection), at(1_001), &PERIODS)
        .unwrap();
    let trashed = sample_record().apply(Event::Trash, at(3_000), &PERIODS).unwrap();
    let deleting = sample_record().apply(Event::Delete, at(3_000), &PERIODS).unwrap();
    let gone = sample_record().apply(Event::Delete, at(3_000), &PERIODS).unwrap();
    let gone = gone.apply(Event::Erased, at(3_001), &PERIODS).unwrap();
    let waiting = order(1_000);
    let upload = UploadId::random();
    let pulling = waiting.apply(Event::Pull { upload }, at(1_001), &PERIODS).unwrap();
    let progress = Event::Progress {
        done: 5 << 40,
        total: None,
    };
    let further = pulling.apply(progress, at(1_002), &PERIODS).unwrap();
    let pulled = pulling.apply(Event::Pulled, at(1_003), &PERIODS).unwrap();
    let orders = [waiting, pulling, further, pulled];
    let assembling = open(1_000).apply(Event::Assemble, at(1_001), &PERIODS).unwrap();
    let uploads = [
        intent(1_000),
        ready,
        kept,
        refused,
        trashed,
        deleting,
        gone,
        open(1_000),
        assembling,
    ];
    for record in uploads.into_iter().chain(orders) {
        same!(
            recorder.get(record.id).await.answers(),
            None,
            "a record that nobody made"
        );
        add(recorder, &record).await;
        same!(recorder.get(record.id).await.answers().as_ref(), Some(&record));
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn an_id_is_recorded_once(recorder: &dyn Recorder) {
    let record = intent(1_000);
    add(recorder, &record).await;
    let again = Record {
        created: at(5),
        ..record.clone()
    };
    same!(
        recorder.insert(&again, Booking::none()).await.fails().code,
        codes::ID_TAKEN
    );
    same!(
        recorder.get(record.id).await.answers().as_ref(),
        Some(&record),
        "the first one stays"
    );
    recorder.remove(record.id, 0).await.answers();
}

async fn of_those_who_record_an_id_at_the_same_time_one_wins(recorder: &dyn Recorder) {
    let id = UploadId::random();
    let rivals: Vec<_> = (0..16)
        .map(|rival| Record {
            id,
            ..intent(1_000 + rival)
        })
        .collect();
    let inserts = join_all(rivals.iter().map(|rival| recorder.insert(rival, Booking::none()))).await;
    let won: Vec<_> = (0..rivals.len())
        .filter(|at| matches!(inserts[*at], Ok(Swap::Done)))
        .collect();
    holds!(won.len() == 1, "{} of 16 records with one id were taken", won.len());
    for fault in inserts.into_iter().filter_map(Result::err) {
        same!(fault.code, codes::ID_TAKEN, "{}", fault.chain());
    }
    let kept = recorder.get(id).await.answers();
    same!(
        kept.as_ref(),
        Some(&rivals[won[0]]),
        "the one who was told so has not won"
    );
    recorder.remove(id, 0).await.answers();
}

async fn a_change_counts_only_from_the_revision_before(recorder: &dyn Recorder) {
    let first = intent(1_000);
    add(recorder, &first).await;
    let second = first
        .apply(
            Event::Reject(Rejection::new(Code::new("no"), "no")),
            at(1_001),
            &PERIODS,
        )
        .unwrap();
    same!(recorder.update(&second, Booking::none()).await.answers(), Swap::Done);
    same!(
        recorder.update(&second, Booking::none()).await.answers(),
        Swap::Lost,
        "the same change counted twice"
    );
    let far = Record {
        revision: 7,
        ..second.clone()
    };
    same!(
        recorder.update(&far, Booking::none()).await.answers(),
        Swap::Lost,
        "a change from a revision that never was"
    );
    same!(
        recorder.update(&intent(1), Booking::none()).await.answers(),
        Swap::Lost,
        "a change of a record that is not there"
    );
    same!(recorder.get(first.id).await.answers().as_ref(), Some(&second));
    recorder.remove(second.id, second.revision).await.answers();
}

async fn of_those_who_change_at_the_same_time_one_wins(recorder: &dyn Recorder) {
    let first = intent(1_000);
    add(recorder, &first).await;
    let rivals: Vec<_> = (0..16u64)
        .map(|rival| {
            let rejection = Rejection::new(Code::new("no"), format!("rival {rival}"));
            first.apply(Event::Reject(rejection), at(1_001), &PERIODS).unwrap()
        })
        .collect();
    let swaps = join_all(rivals.iter().map(|rival| recorder.update(rival, Booking::none()))).await;
    let won: Vec<_> = swaps
        .into_iter()
        .map(|swap| swap.answers())
        .enumerate()
        .filter(|(_, s)| *s == Swap::Done)
        .collect();
    same!(won.len(), 1, "{} of 16 changes from one revision counted", won.len());
    let kept = recorder.get(first.id).await.answers().expect("is there");
    same!(kept, rivals[won[0].0], "the one who was told so has not won");
    recorder.remove(kept.id, kept.revision).await.answers();
}

async fn what_is_due_comes_in_its_order(recorder: &dyn Recorder) {
    // Inserted in another order than they are due; due is one lease later.
    let records: Vec<_> = [300, 100, 500, 200, 400].map(intent).into();
    let never = Record {
        due: None,
        state: State::Ready,
        ..intent(1)
    };
    for record in records.iter().chain([&never]) {
        add(recorder, record).await;
    }
    let mut expected: Vec<_> = records.iter().collect();
    expected.sort_by_key(|record| record.due);
    for (now, limit, count) in [
        (at(0), 10, 0),
        (at(360), 10, 3),
        (at(360), 2, 2),
        (at(359), 10, 2),
        (at(10_000), 10, 5),
    ] {
        let due = recorder.due(Duty::Sweep, now, limit).await.answers();
        same!(
            due.iter().collect::<Vec<_>>(),
            expected[..count],
            "due at {now:?}, at most {limit}"
        );
    }
    for record in records.iter().chain([&never]) {
        recorder.remove(record.id, record.revision).await.answers();
    }
    same!(
        recorder.due(Duty::Sweep, at(10_000), 10).await.answers(),
        [],
        "what was removed is due"
    );
}

async fn what_is_to_be_resumed_is_not_swept(recorder: &dyn Recorder) {
    let (sweep, open) = (intent(1_000), open(1_000));
    add(recorder, &sweep).await;
    add(recorder, &open).await;
    let far = at(10_000);
    let look = async |duty| recorder.due(duty, far, 10).await.answers();
    same!(look(Duty::Sweep).await.len(), 2);
    same!(look(Duty::Resume).await, []);
    let assembling = open.apply(Event::Assemble, at(1_001), &PERIODS).unwrap();
    same!(
        recorder.update(&assembling, Booking::none()).await.answers(),
        Swap::Done
    );
    same!(look(Duty::Sweep).await, std::slice::from_ref(&sweep));
    same!(look(Duty::Resume).await, std::slice::from_ref(&assembling));
    let again = assembling.apply(Event::Release, at(1_002), &PERIODS).unwrap();
    same!(recorder.update(&again, Booking::none()).await.answers(), Swap::Done);
    same!(look(Duty::Resume).await, [], "what was given back is to be resumed");
    for record in [sweep, again] {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn only_the_revision_that_was_seen_is_forgotten(recorder: &dyn Recorder) {
    let record = intent(1_000);
    add(recorder, &record).await;
    recorder.remove(record.id, 3).await.answers();
    holds!(
        recorder.get(record.id).await.answers().is_some(),
        "a revision that was not asked for is gone"
    );
    recorder.remove(record.id, 0).await.answers();
    same!(
        recorder.get(record.id).await.answers(),
        None,
        "a removed record is there"
    );
    recorder.remove(record.id, 0).await.answers();
}

async fn the_newest_readable_upload_is_found_by_its_name(recorder: &dyn Recorder) {
    let name = format!("ü {}", UploadId::random());
    let known = |seconds| Record {
        known_as: Some(name.clone()),
        created: at(seconds),
        ..sample_record()
    };
    let (older, newer, other) = (known(1_000), known(2_000), known(3_000));
    let other = Record {
        known_as: Some(format!("{name}?")),
        ..other
    };
    let unready = Record {
        known_as: Some(name.clone()),
        ..intent(4_000)
    };
    for record in [&newer, &older, &other, &unready] {
        add(recorder, record).await;
    }
    same!(recorder.known_as(&name).await.answers().as_ref(), Some(&newer));
    let deleting = newer.apply(Event::Delete, at(5_000), &PERIODS).unwrap();
    same!(recorder.update(&deleting, Booking::none()).await.answers(), Swap::Done);
    same!(recorder.known_as(&name).await.answers().as_ref(), Some(&older));
    recorder.remove(older.id, older.revision).await.answers();
    same!(recorder.known_as(&name).await.answers(), None);
    for record in [deleting, other, unready] {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn what_is_unfinished_and_what_is_ordered_is_listed_until_it_ends(recorder: &dyn Recorder) {
    let project = format!("project-{}", UploadId::random());
    let of_project = |record: Record| Record {
        project: Some(project.clone()),
        ..record
    };
    let begun = [1_000, 2_000, 2_000].map(|seconds| of_project(open(seconds)));
    let ordered = [1_000, 2_000, 2_000].map(|seconds| of_project(order(seconds)));
    let (other, stranger) = (open(3_000), order(3_000));
    let others = [of_project(intent(1_500)), of_project(sample_record()), other, stranger];
    for record in begun.iter().chain(&ordered).chain(&others) {
        add(recorder, record).await;
    }
    let assembling = begun[0].apply(Event::Assemble, at(2_001), &PERIODS).unwrap();
    let upload = UploadId::random();
    let pulling = ordered[0].apply(Event::Pull { upload }, at(2_001), &PERIODS).unwrap();
    for next in [&assembling, &pulling] {
        same!(recorder.update(next, Booking::none()).await.answers(), Swap::Done);
    }
    let mut expected = [
        (
            Listing::Unfinished,
            [assembling.clone(), begun[1].clone(), begun[2].clone()],
        ),
        (
            Listing::Orders,
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
    let pulled = pulling.apply(Event::Pulled, at(2_002), &PERIODS).unwrap();
    for next in [&aborted, &pulled] {
        same!(recorder.update(next, Booking::none()).await.answers(), Swap::Done);
    }
    for kind in [Listing::Unfinished, Listing::Orders] {
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

async fn what_is_unfinished_is_counted_over_all_projects(recorder: &dyn Recorder) {
    // Other records may be there, and come and go with other tests.
    let before = recorder.backlog().await.answers();
    let records = [open(1_000), open(2_000), order(1_000)];
    for record in &records {
        add(recorder, record).await;
    }
    let after = recorder.backlog().await.answers();
    holds!(
        after.unfinished >= 2 && after.orders >= 1,
        "what was begun counts: {before:?}, then {after:?}"
    );
    for record in records {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn refused_uploads_are_listed_with_those_whose_project_was_not_known(recorder: &dyn Recorder) {
    let project = format!("project-{}", UploadId::random());
    let refused = |seconds: u64, project: Option<&str>| {
        let intent = Record {
            project: project.map(str::to_owned),
            created: at(seconds),
            ..intent(seconds)
        };
        let no = Rejection::new(Code::new("infected"), "it has a virus")
            .about("Eicar")
            .by("clamav");
        intent.apply(Event::Reject(no), at(seconds + 1), &PERIODS).unwrap()
    };
    // Later than whatever else a recorder under test may have refused.
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
    same!(second, [all[1].clone()], "one whose project was not known is anybody's");
    for record in &all {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn files_of_a_project_are_listed_the_newest_first(recorder: &dyn Recorder) {
    let project = format!("project-{}", UploadId::random());
    let file = |seconds| Record {
        project: Some(project.clone()),
        created: at(seconds),
        ..sample_record()
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

async fn the_oldest_refusals_are_found_of_a_project_and_of_none(recorder: &dyn Recorder) {
    let project = format!("project-{}", UploadId::random());
    // Earlier than whatever else a recorder under test may have refused.
    let refused = |seconds: u64, project: Option<&str>| {
        let intent = Record {
            project: project.map(str::to_owned),
            ..intent(seconds)
        };
        let no = Rejection::new(Code::new("no"), "no");
        intent.apply(Event::Reject(no), at(seconds + 1), &PERIODS).unwrap()
    };
    let of_project = [3, 1, 2].map(|seconds| refused(seconds, Some(&project)));
    let of_nobody = [2, 1].map(|seconds| refused(seconds, None));
    let another = refused(0, Some("another"));
    let others = [
        Record {
            project: Some(project.clone()),
            ..intent(0)
        },
        another,
    ];
    for record in of_project.iter().chain(&of_nobody).chain(&others) {
        add(recorder, record).await;
    }
    let found = recorder.oldest_refused(Some(&project), 2).await.answers();
    same!(found, [of_project[1].clone(), of_project[2].clone()]);
    let found = recorder.oldest_refused(None, 2).await.answers();
    same!(found, [of_nobody[1].clone(), of_nobody[0].clone()]);
    let found = recorder.oldest_refused(Some(&project), 10).await.answers();
    same!(found.len(), 3, "what is not refused, or another's, is among them");
    for record in of_project.iter().chain(&of_nobody).chain(&others) {
        recorder.remove(record.id, record.revision).await.answers();
    }
}
