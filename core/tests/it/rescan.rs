//! Scanning again: uploads in quarantine, and files with older signatures.

use std::time::Duration;

use intake_core::quarantine::AuditAction;
use intake_core::{Coverage, Error, OnFault, OnInfected, Record, Rescanned, ScanPolicy, State, UploadOptions};

use crate::support::{LIMITS, upload};

use crate::moody::*;

#[tokio::test]
async fn an_upload_whose_scanner_fails_is_acknowledged_and_readable_once_it_was_scanned() {
    for mood in [Mood::Down, Mood::Breaks, Mood::Silent] {
        let house = House::new();
        let (id, ended) = house.send(mood).await;
        assert!(ended.unwrap().is_pending(), "{mood:?}");
        assert!(!house.is_readable(id).await);
        assert!(house.pipeline.acknowledged(id).await.is_ok());
        house.pipeline.ready().await.unwrap();

        // The scanner is still down: each pause is longer than the one before.
        let mut pauses = Vec::new();
        for _ in 0..3 {
            let due = house.record(id).await.due.unwrap();
            house.clock.advance(due.duration_since(house.clock.now()).unwrap());
            let failed = Rescanned::default().with(|rescanned| rescanned.failed = 1);
            assert_eq!(house.pipeline.rescan_pending().await.unwrap(), failed);
            let due = house.record(id).await.due.unwrap();
            pauses.push(due.duration_since(house.clock.now()).unwrap().as_secs());
        }
        assert_eq!(pauses, [30, 60, 120]);

        house.moody.be(Mood::Clean);
        assert!(house.pipeline.rescan_pending().await.unwrap().is_empty(), "not due yet");
        house.clock.advance(Duration::from_secs(120));
        let released = Rescanned::default().with(|rescanned| rescanned.released = 1);
        assert_eq!(house.pipeline.rescan_pending().await.unwrap(), released);
        assert!(house.is_readable(id).await);
        let record = house.record(id).await;
        assert_eq!(record.facts.as_ref().unwrap().coverage("moody"), Some(&Coverage::Whole));
        assert_eq!(actions(&record)[1], (AuditAction::Released, "rescan"));
    }
}

#[tokio::test]
async fn an_acknowledged_upload_that_a_scanner_refuses_later_stays_in_quarantine() {
    let house = House::new();
    let (id, _) = house.send(Mood::Down).await;
    house.moody.be(Mood::Infected);
    house.clock.advance(Duration::from_secs(30));
    let withdrawn = Rescanned::default().with(|rescanned| rescanned.withdrawn = 1);
    assert_eq!(house.pipeline.rescan_pending().await.unwrap(), withdrawn);
    let record = house.record(id).await;
    assert!(!record.is_pending() && record.state == State::Quarantined);
    assert!(matches!(house.pipeline.acknowledged(id).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn an_upload_that_no_scanner_judges_in_time_is_deleted() {
    let house = House::new();
    let (id, _) = house.send(Mood::Down).await;
    house.clock.advance(LIMITS.quarantine_ttl + Duration::from_secs(1));
    house.pipeline.rescan_pending().await.unwrap();
    assert_eq!(house.record(id).await.state, State::Deleted);
    assert!(house.store.keys().is_empty());
}

#[tokio::test]
async fn files_that_were_scanned_with_older_signatures_are_scanned_again_the_newest_first() {
    let house = House::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        house.clock.advance(Duration::from_secs(1));
        ids.insert(0, house.send(Mood::Clean).await.0);
    }
    house.moody.scanned();
    assert!(
        house.pipeline.rescan_outdated().await.unwrap().is_empty(),
        "nothing changed"
    );

    house.moody.update();
    let clean = Rescanned::default().with(|rescanned| rescanned.clean = 3);
    assert_eq!(house.pipeline.rescan_outdated().await.unwrap(), clean);
    assert_eq!(house.moody.scanned(), ids);
    assert!(
        house.pipeline.rescan_outdated().await.unwrap().is_empty(),
        "they are up to date"
    );
    let engine = |record: Record| record.facts.unwrap().inspections.pop().unwrap().engine.unwrap();
    assert_eq!(engine(house.record(ids[0]).await).signatures.as_deref(), Some("1"));

    house.moody.update();
    house.moody.be(Mood::Infected);
    let withdrawn = Rescanned::default().with(|rescanned| rescanned.withdrawn = 3);
    assert_eq!(house.pipeline.rescan_outdated().await.unwrap(), withdrawn);
    for id in ids {
        assert!(!house.is_readable(id).await);
        let record = house.record(id).await;
        assert_eq!(actions(&record), [(AuditAction::Withdrawn, "moody")]);
        house.pipeline.release(id, "anna").await.unwrap();
        assert!(house.is_readable(id).await, "a release counts more than a scanner");
    }
    assert!(house.pipeline.rescan_outdated().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_scan_again_that_fails_or_sees_less_withdraws_nothing() {
    let house = House::new();
    let (id, _) = house.send(Mood::Clean).await;
    for mood in [Mood::Down, Mood::Silent, Mood::Partial] {
        house.moody.update();
        house.moody.be(mood);
        house.pipeline.rescan_outdated().await.unwrap();
        assert!(house.is_readable(id).await, "{mood:?}");
    }
}

#[tokio::test]
async fn old_files_are_not_scanned_again() {
    let house = House::new();
    let (_, sent) = house.send(Mood::Clean).await;
    assert!(sent.is_ok());
    house.clock.advance(LIMITS.rescan_age + Duration::from_secs(1));
    house.moody.update();
    house.moody.scanned();
    assert!(house.pipeline.rescan_outdated().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_is_changed_while_it_is_scanned_again_is_withdrawn_all_the_same() {
    let house = House::new();
    let (id, _) = house.send(Mood::Clean).await;
    house.moody.update();
    house.moody.be(Mood::Infected);
    *house.moody.kept_meanwhile.lock().unwrap() = Some((house.pipeline.clone(), id));
    assert_eq!(house.pipeline.rescan_outdated().await.unwrap().withdrawn, 1);
    let record = house.record(id).await;
    assert!(record.state == State::Quarantined && record.lifetime.unwrap().kept);
}

#[tokio::test]
async fn a_release_holds_until_the_signatures_change_whatever_the_scanner_says_then() {
    for mood in [Mood::Early, Mood::Infected, Mood::Silent] {
        let house = House::new();
        let (id, _) = house.send(mood).await;
        house.pipeline.release(id, "anna").await.unwrap();
        assert!(house.pipeline.rescan_outdated().await.unwrap().is_empty(), "{mood:?}");
        house.moody.update();
        house.moody.be(Mood::Infected);
        assert_eq!(house.pipeline.rescan_outdated().await.unwrap().withdrawn, 1, "{mood:?}");
    }
}

#[tokio::test]
async fn what_one_scanner_finds_counts_although_another_one_fails() {
    let keeps = ScanPolicy::default().with(|policy| policy.on_infected = OnInfected::Quarantine);
    let (one, other) = (Moody::default(), Moody::default());
    let pipeline = two((&one, keeps), (&other, ScanPolicy::default()));
    let clean = pipeline.ingest(upload(PIECES), UploadOptions::default()).await.unwrap();
    one.be(Mood::Infected);
    other.be(Mood::Silent);
    let incoming = upload(PIECES);
    let id = incoming.id;
    assert_eq!(
        refused(pipeline.ingest(incoming, UploadOptions::default()).await).1,
        "bad_word"
    );
    assert_eq!(pipeline.status(id).await.unwrap().unwrap().state, State::Quarantined);
    // The same for a file that could be read.
    one.update();
    other.update();
    assert_eq!(pipeline.rescan_outdated().await.unwrap().withdrawn, 1);
    assert!(matches!(pipeline.get(clean.id).await, Err(Error::NotFound(_))));
    let inspections = |record: Record| record.facts.unwrap().inspections;
    let withdrawn = inspections(pipeline.status(clean.id).await.unwrap().unwrap());
    assert_eq!(
        withdrawn.last(),
        inspections(clean).last(),
        "the one that failed has said nothing new"
    );
}

#[tokio::test]
async fn a_scanner_that_fails_does_not_replace_what_it_said_before() {
    let lenient = ScanPolicy::default().with(|policy| policy.on_fault = OnFault::Accept);
    let (one, other) = (Moody::default(), Moody::default());
    let pipeline = two((&one, lenient), (&other, ScanPolicy::default()));
    let record = pipeline.ingest(upload(PIECES), UploadOptions::default()).await.unwrap();
    one.update();
    for mood in [Mood::Down, Mood::Breaks, Mood::Silent] {
        one.be(mood);
        assert_eq!(pipeline.rescan_outdated().await.unwrap().failed, 1, "{mood:?}");
        assert_eq!(pipeline.get(record.id).await.unwrap(), record, "{mood:?}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_scanned_do_not_hide_those_behind_them() {
    let house = House::new();
    let (old, _) = house.send(Mood::Infected).await;
    house.pipeline.release(old, "anna").await.unwrap();
    for _ in 0..7 {
        house.clock.advance(Duration::from_secs(1));
        let (id, _) = house.send(Mood::Clean).await;
        house.moody.cursed.lock().unwrap().push(id);
    }
    house.moody.update();
    house.moody.be(Mood::Infected);
    let both = Rescanned::default().with(|rescanned| (rescanned.failed, rescanned.withdrawn) = (7, 1));
    assert_eq!(house.pipeline.rescan_outdated().await.unwrap(), both);
    assert!(!house.is_readable(old).await);
}

#[tokio::test]
async fn a_scanner_that_panics_holds_up_no_other_upload_and_ends_no_quarantine_late() {
    let house = House::new();
    let (id, _) = house.send(Mood::Down).await;
    house.moody.be(Mood::Panics);
    house.clock.advance(Duration::from_secs(30));
    let failed = Rescanned::default().with(|rescanned| rescanned.failed = 1);
    assert_eq!(house.pipeline.rescan_pending().await.unwrap(), failed);
    assert!(house.record(id).await.is_pending(), "it will be tried again");
    house.clock.advance(LIMITS.quarantine_ttl);
    house.pipeline.rescan_pending().await.unwrap();
    assert_eq!(house.record(id).await.state, State::Deleted);
}
