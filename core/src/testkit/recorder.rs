//! The rules of every recorder.

use futures_util::future::join_all;

use super::broken::{Answers, Fails};
use super::files::{
    files_are_listed_by_their_status_in_either_order, files_are_listed_by_when_they_became_files,
    files_of_other_projects_are_not_listed,
};
use super::lists::{
    files_and_quarantined_uploads_are_listed_over_all_projects, files_of_a_project_are_listed_the_newest_first,
    refused_uploads_are_listed_with_those_whose_project_was_not_known, the_newest_readable_upload_is_found_by_its_name,
    the_oldest_refusals_are_listed_of_a_project_and_without_one,
    unfinished_uploads_and_fetch_jobs_are_counted_over_all_projects,
    unfinished_uploads_and_fetch_jobs_are_listed_until_they_end,
};
use super::sample::{PERIODS, add, at, intent, open, order, sample_record};
use super::trial::{Checked, Patience, Trial};
use crate::contract::around::Wrapped;
use crate::contract::stages::Recorder;
use crate::record::accounting::UsageChange;
use crate::record::event::Event;
use crate::record::update::Update;
use crate::record::upload::{Record, State, Task};
use crate::value::codes;
use crate::value::id::UploadId;
use crate::value::lifetime::Lifetime;
use crate::value::verdict::{Code, Rejection};

/// Checks every rule of [`Recorder`]. The recorder may have other records, if none of them is due before the year 1980, because
/// the clock of the suite runs before that.
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
        a_record_reads_back_unchanged(recorder),
        an_id_is_inserted_once(recorder),
        of_inserts_of_one_id_at_the_same_time_one_succeeds(recorder),
        an_update_needs_the_revision_before(recorder),
        of_updates_of_one_revision_at_the_same_time_one_succeeds(recorder),
        due_records_are_listed_in_the_order_of_their_times(recorder),
        a_record_to_resume_is_not_due_for_a_sweep(recorder),
        the_newest_readable_upload_is_found_by_its_name(recorder),
        unfinished_uploads_and_fetch_jobs_are_listed_until_they_end(recorder),
        unfinished_uploads_and_fetch_jobs_are_counted_over_all_projects(recorder),
        only_the_given_revision_is_removed(recorder),
        files_of_a_project_are_listed_the_newest_first(recorder),
        files_are_listed_by_their_status_in_either_order(recorder),
        files_are_listed_by_when_they_became_files(recorder),
        files_of_other_projects_are_not_listed(recorder),
        files_and_quarantined_uploads_are_listed_over_all_projects(recorder),
        refused_uploads_are_listed_with_those_whose_project_was_not_known(recorder),
        the_oldest_refusals_are_listed_of_a_project_and_without_one(recorder),
    );
    super::catalog::catalog(trial, recorder).await;
    super::outbox::outbox(trial, recorder).await;
    super::deliveries::deliveries(trial, recorder).await;
    super::subscriptions::subscriptions(trial, recorder).await;
}

async fn it_is_ready(recorder: &dyn Recorder) {
    recorder.ready().await.answers();
}

async fn a_record_reads_back_unchanged(recorder: &dyn Recorder) {
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
    let rejection = Rejection::new(Code::new("infected"), "it has \"something\"").with_subject("Eicar-Test");
    let refused = intent(1_000)
        .apply(Event::Reject(rejection), at(1_001), &PERIODS)
        .unwrap();
    let trashed = sample_record().apply(Event::Trash, at(3_000), &PERIODS).unwrap();
    let deleting = sample_record().apply(Event::Delete, at(3_000), &PERIODS).unwrap();
    let gone = sample_record().apply(Event::Delete, at(3_000), &PERIODS).unwrap();
    let gone = gone.apply(Event::BytesDeleted, at(3_001), &PERIODS).unwrap();
    let waiting = order(1_000);
    let upload = UploadId::random();
    let pulling = waiting.apply(Event::Fetch { upload }, at(1_001), &PERIODS).unwrap();
    let progress = Event::Progress {
        done: 5 << 40,
        total: None,
    };
    let further = pulling.apply(progress, at(1_002), &PERIODS).unwrap();
    let pulled = pulling.apply(Event::Fetched, at(1_003), &PERIODS).unwrap();
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
            "a record that was never inserted"
        );
        add(recorder, &record).await;
        same!(recorder.get(record.id).await.answers().as_ref(), Some(&record));
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn an_id_is_inserted_once(recorder: &dyn Recorder) {
    let record = intent(1_000);
    add(recorder, &record).await;
    let again = Record {
        created: at(5),
        ..record.clone()
    };
    same!(
        recorder.insert(&again, UsageChange::none()).await.fails().code,
        codes::ID_TAKEN
    );
    same!(
        recorder.get(record.id).await.answers().as_ref(),
        Some(&record),
        "the first record was replaced"
    );
    recorder.remove(record.id, 0).await.answers();
}

async fn of_inserts_of_one_id_at_the_same_time_one_succeeds(recorder: &dyn Recorder) {
    let id = UploadId::random();
    let rivals: Vec<_> = (0..16)
        .map(|rival| Record {
            id,
            ..intent(1_000 + rival)
        })
        .collect();
    let inserts = join_all(rivals.iter().map(|rival| recorder.insert(rival, UsageChange::none()))).await;
    let won: Vec<_> = (0..rivals.len())
        .filter(|at| matches!(inserts[*at], Ok(Update::Applied)))
        .collect();
    holds!(won.len() == 1, "{} of 16 records with one id were inserted", won.len());
    for fault in inserts.into_iter().filter_map(Result::err) {
        same!(fault.code, codes::ID_TAKEN, "{}", fault.report());
    }
    let kept = recorder.get(id).await.answers();
    same!(
        kept.as_ref(),
        Some(&rivals[won[0]]),
        "the kept record is not the one whose call succeeded"
    );
    recorder.remove(id, 0).await.answers();
}

async fn an_update_needs_the_revision_before(recorder: &dyn Recorder) {
    let first = intent(1_000);
    add(recorder, &first).await;
    let second = first
        .apply(
            Event::Reject(Rejection::new(Code::new("no"), "no")),
            at(1_001),
            &PERIODS,
        )
        .unwrap();
    same!(
        recorder.update(&second, UsageChange::none()).await.answers(),
        Update::Applied
    );
    same!(
        recorder.update(&second, UsageChange::none()).await.answers(),
        Update::Conflict,
        "the same update succeeded twice"
    );
    let far = Record {
        revision: 7,
        ..second.clone()
    };
    same!(
        recorder.update(&far, UsageChange::none()).await.answers(),
        Update::Conflict,
        "an update of a revision that does not exist"
    );
    same!(
        recorder.update(&intent(1), UsageChange::none()).await.answers(),
        Update::Conflict,
        "an update of a record that does not exist"
    );
    same!(recorder.get(first.id).await.answers().as_ref(), Some(&second));
    recorder.remove(second.id, second.revision).await.answers();
}

async fn of_updates_of_one_revision_at_the_same_time_one_succeeds(recorder: &dyn Recorder) {
    let first = intent(1_000);
    add(recorder, &first).await;
    let rivals: Vec<_> = (0..16u64)
        .map(|rival| {
            let rejection = Rejection::new(Code::new("no"), format!("rival {rival}"));
            first.apply(Event::Reject(rejection), at(1_001), &PERIODS).unwrap()
        })
        .collect();
    let swaps = join_all(rivals.iter().map(|rival| recorder.update(rival, UsageChange::none()))).await;
    let won: Vec<_> = swaps
        .into_iter()
        .map(|swap| swap.answers())
        .enumerate()
        .filter(|(_, s)| *s == Update::Applied)
        .collect();
    same!(won.len(), 1, "{} of 16 updates of one revision succeeded", won.len());
    let kept = recorder.get(first.id).await.answers().expect("is there");
    same!(
        kept,
        rivals[won[0].0],
        "the kept record is not the one whose call succeeded"
    );
    recorder.remove(kept.id, kept.revision).await.answers();
}

async fn due_records_are_listed_in_the_order_of_their_times(recorder: &dyn Recorder) {
    // They are inserted in another order than they are due. Each is due one lease after it was made.
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
        let due = recorder.due(Task::Sweep, now, limit).await.answers();
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
        recorder.due(Task::Sweep, at(10_000), 10).await.answers(),
        [],
        "a removed record is due"
    );
}

async fn a_record_to_resume_is_not_due_for_a_sweep(recorder: &dyn Recorder) {
    let (sweep, open) = (intent(1_000), open(1_000));
    add(recorder, &sweep).await;
    add(recorder, &open).await;
    let far = at(10_000);
    let look = async |task| recorder.due(task, far, 10).await.answers();
    same!(look(Task::Sweep).await.len(), 2);
    same!(look(Task::Resume).await, []);
    let assembling = open.apply(Event::Assemble, at(1_001), &PERIODS).unwrap();
    same!(
        recorder.update(&assembling, UsageChange::none()).await.answers(),
        Update::Applied
    );
    same!(look(Task::Sweep).await, std::slice::from_ref(&sweep));
    same!(look(Task::Resume).await, std::slice::from_ref(&assembling));
    let again = assembling.apply(Event::Release, at(1_002), &PERIODS).unwrap();
    same!(
        recorder.update(&again, UsageChange::none()).await.answers(),
        Update::Applied
    );
    same!(look(Task::Resume).await, [], "a released record is still to be resumed");
    for record in [sweep, again] {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

async fn only_the_given_revision_is_removed(recorder: &dyn Recorder) {
    let record = intent(1_000);
    add(recorder, &record).await;
    recorder.remove(record.id, 3).await.answers();
    holds!(
        recorder.get(record.id).await.answers().is_some(),
        "another revision than the given one was removed"
    );
    recorder.remove(record.id, 0).await.answers();
    same!(
        recorder.get(record.id).await.answers(),
        None,
        "a removed record is still there"
    );
    recorder.remove(record.id, 0).await.answers();
}
