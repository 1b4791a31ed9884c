//! Uploads in quarantine: kept, readable by no route, and released or deleted.

use std::sync::atomic::Ordering;
use std::time::Duration;

use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::quarantine::{AuditAction, QuarantineCause};
use intake_core::{Error, OnFault, OnInfected, OnPartial, ScanPolicy, State, UploadOptions};

use crate::support::{BAD, Clock, LIMITS, builder, new_multipart, part_of, upload};

use crate::moody::*;

#[tokio::test]
async fn what_a_scanner_refuses_is_refused_and_kept_whole_until_an_operator_releases_it() {
    let house = House::new();
    for (mood, code, cause) in [
        (Mood::Early, "bad_word", QuarantineCause::Infected),
        (Mood::Infected, "bad_word", QuarantineCause::Infected),
        (Mood::Partial, "scan_incomplete", QuarantineCause::Partial),
    ] {
        let (id, ended) = house.send(mood).await;
        assert_eq!(refused(ended), ("moody".to_owned(), code.to_owned()), "{mood:?}");
        assert!(!house.is_readable(id).await);
        assert!(matches!(house.pipeline.acknowledged(id).await, Err(Error::NotFound(_))));
        let record = house.record(id).await;
        assert_eq!(
            (&record.state, record.quarantine.as_ref().unwrap().cause),
            (&State::Quarantined, cause)
        );
        let listed = house.pipeline.quarantined(None, 10).await.unwrap();
        assert_eq!(listed, [record]);

        let released = house.pipeline.release(id, "anna").await.unwrap();
        assert!(house.is_readable(id).await);
        assert_eq!(
            actions(&released),
            [
                (AuditAction::Quarantined, "moody"),
                (AuditAction::Released, "operator anna")
            ]
        );
        assert_eq!(released.facts.unwrap().size, PIECES.concat().len() as u64);
        assert!(matches!(
            house.pipeline.release(id, "anna").await,
            Err(Error::NotFound(_))
        ));
        assert_eq!(house.pipeline.quarantined(None, 10).await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_operator_can_delete_what_is_in_quarantine_and_nothing_else_that_way() {
    let house = House::new();
    let (id, _) = house.send(Mood::Infected).await;
    assert!(matches!(house.pipeline.delete(id).await, Err(Error::NotFound(_))));
    house.pipeline.discard_quarantined(id, "anna").await.unwrap();
    assert!(house.store.keys().is_empty());
    let record = house.record(id).await;
    assert_eq!(record.state, State::Deleted);
    assert_eq!(actions(&record)[1], (AuditAction::Deleted, "operator anna"));
    let (readable, _) = house.send(Mood::Clean).await;
    let wrong = house.pipeline.discard_quarantined(readable, "anna").await;
    assert!(matches!(wrong, Err(Error::NotFound(_))));
    assert!(house.is_readable(readable).await);
}

#[tokio::test]
async fn a_quarantine_ends_after_its_time_with_the_bytes() {
    let house = House::new();
    let (id, _) = house.send(Mood::Infected).await;
    house.clock.advance(LIMITS.quarantine_ttl - Duration::from_secs(1));
    house.pipeline.sweep().await.unwrap();
    assert_eq!(house.record(id).await.state, State::Quarantined);
    house.clock.advance(Duration::from_secs(2));
    assert_eq!(house.pipeline.sweep().await.unwrap().expired, 1);
    assert!(house.store.keys().is_empty());
}

#[tokio::test]
async fn of_files_that_belong_together_none_is_readable_if_one_goes_into_quarantine() {
    let house = House::new();
    let mut admitted = Vec::new();
    for mood in [Mood::Clean, Mood::Infected, Mood::Clean] {
        house.moody.be(mood);
        admitted.push(house.pipeline.admit(upload(PIECES)).await.unwrap());
    }
    let ids: Vec<_> = admitted.iter().map(|file| file.id()).collect();
    let together = house.pipeline.commit_together(admitted, UploadOptions::default()).await;
    let Err(Error::Rejected { rejection, .. }) = together else {
        panic!("{together:?}")
    };
    assert_eq!(rejection.code, BAD);
    let mut states = Vec::new();
    for id in ids {
        states.push(house.record(id).await.state.name());
    }
    assert_eq!(states, ["rejected", "quarantined", "rejected"]);
}

#[tokio::test]
async fn an_upload_in_parts_goes_into_quarantine_and_each_request_to_complete_it_gets_the_same_answer() {
    let house = House::new();
    let whole = PIECES.concat();
    for (mood, is_acknowledged) in [(Mood::Infected, false), (Mood::Early, false), (Mood::Down, true)] {
        house.moody.be(mood);
        let opened = house
            .pipeline
            .start_multipart(new_multipart(whole.len(), 10))
            .await
            .unwrap();
        for (number, part) in (1..).zip(whole.chunks(10)) {
            house
                .pipeline
                .put_part(&opened, number, None, part_of(part))
                .await
                .unwrap();
        }
        for _ in 0..2 {
            let ended = house.pipeline.complete(opened.id).await;
            assert_eq!(ended.is_ok(), is_acknowledged, "{mood:?}: {ended:?}");
        }
        assert!(!house.is_readable(opened.id).await);
        house.moody.be(Mood::Clean);
        house.pipeline.release(opened.id, "anna").await.unwrap();
        assert!(house.is_readable(opened.id).await);
    }
}

#[tokio::test]
async fn the_usage_of_a_project_has_what_is_in_quarantine() {
    let (moody, recorder, clock) = (Moody::default(), MemoryRecorder::default(), Clock::default());
    let policy = ScanPolicy::default().with(|policy| policy.on_infected = OnInfected::Quarantine);
    let project = intake_core::Project::new("p").with(|project| project.max_files = Some(1));
    let pipeline = builder(MemoryStore::default(), recorder, &clock)
        .scanner_with(policy, "moody", moody.clone())
        .project(project)
        .unwrap()
        .build()
        .unwrap();
    moody.be(Mood::Infected);
    let send = async || {
        let ended = pipeline.ingest(upload(PIECES), UploadOptions::of_project("p")).await;
        refused(ended).1
    };
    assert_eq!(send().await, "bad_word");
    assert_ne!(send().await, "bad_word", "the first still takes the place");
}

#[tokio::test]
async fn the_same_content_is_not_scanned_twice_with_the_same_signatures() {
    for (mood, is_kept) in [
        (Mood::Clean, true),
        (Mood::Infected, true),
        (Mood::Partial, false),
        (Mood::Silent, false),
    ] {
        let house = House::with_verdicts(100);
        let (_, first) = house.send(mood).await;
        let (_, second) = house.send(mood).await;
        assert_eq!(first.is_ok(), second.is_ok(), "{mood:?}");
        let asked = house.moody.asked.load(Ordering::SeqCst);
        assert_eq!(asked, if is_kept { 1 } else { 2 }, "{mood:?}");
    }
}

#[tokio::test]
async fn scanners_of_a_group_refuse_a_file_only_if_all_of_them_do() {
    let (one, other, clock) = (Moody::default(), Moody::default(), Clock::default());
    let policy = ScanPolicy::default().with(|policy| {
        policy.group = Some("engines".to_owned());
        (policy.on_partial, policy.on_fault) = (Some(OnPartial::Accept), OnFault::Accept);
    });
    let pipeline = builder(MemoryStore::default(), MemoryRecorder::default(), &clock)
        .scanner_with(policy.clone(), "one", one.clone())
        .scanner_with(policy, "other", other.clone())
        .limits(LIMITS.with(|limits| limits.verdict_cache = 0))
        .build()
        .unwrap();
    for (first, second, expected) in [
        (Mood::Early, Mood::Clean, Ok(["one"].as_slice())),
        (Mood::Clean, Mood::Infected, Ok(&["other"])),
        (Mood::Clean, Mood::Clean, Ok(&[])),
        (Mood::Infected, Mood::Early, Err("bad_word")),
        // One that failed, or did not look at everything, has no vote.
        (Mood::Infected, Mood::Silent, Err("bad_word")),
        (Mood::Infected, Mood::Partial, Err("bad_word")),
        (Mood::Down, Mood::Early, Err("bad_word")),
    ] {
        one.be(first);
        other.be(second);
        let ended = pipeline.ingest(upload(PIECES), UploadOptions::default()).await;
        let ended = ended.map(|record| record.facts.unwrap().inspections);
        let refused_by = ended.as_ref().map(|inspections| {
            let refused = inspections.iter().filter(|said| said.refusal.is_some());
            refused.map(|said| said.stage.as_str()).collect::<Vec<_>>()
        });
        let expected = expected.map(<[&str]>::to_vec).map_err(str::to_owned);
        assert_eq!(
            refused_by.map_err(|error| error.code().to_string()),
            expected,
            "{first:?} and {second:?}"
        );
    }
}
