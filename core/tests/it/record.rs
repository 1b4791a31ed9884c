//! The transitions of a record: every event in every state, and random histories.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use intake_core::quarantine::{Quarantine, QuarantineCause};
use intake_core::record::Periods;
use intake_core::{
    Code, Declared, Digest, Event, Facts, FetchJob, Lifetime, Location, PartPlan, Record, Rejection, UploadId,
    UploadOptions,
};
use proptest::prelude::*;

pub static PERIODS: LazyLock<Periods> = LazyLock::new(|| {
    Periods::default().with(|periods| {
        periods.write_lease = Duration::from_secs(100);
        periods.lease = Duration::from_secs(10);
        periods.open = Duration::from_secs(500);
        periods.tombstone = Duration::from_secs(1000);
        periods.trash = Duration::from_secs(200);
        periods.rescan = Duration::from_secs(10);
    })
});

pub fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn quarantine(cause: QuarantineCause) -> Quarantine {
    Quarantine::new(
        cause,
        Rejection::new(Code::new("no"), "no").by("scanner"),
        at(1),
        at(700),
    )
}

pub fn event(name: &str) -> Event {
    let facts = Facts::new(1, Digest::from([1; 32]));
    let lifetime = Lifetime {
        kept: false,
        expires: Some(at(500)),
    };
    match name {
        "commit" => Event::Commit {
            facts: Box::new(facts),
            options: Box::default(),
            lifetime,
        },
        "quarantine" => Event::Quarantine {
            facts: Box::new(facts),
            options: Box::default(),
            lifetime,
            quarantine: Box::new(quarantine(QuarantineCause::Infected)),
        },
        "hold" => Event::Quarantine {
            facts: Box::new(facts),
            options: Box::default(),
            lifetime,
            quarantine: Box::new(quarantine(QuarantineCause::Fault)),
        },
        "withdraw" => Event::Withdraw {
            inspections: Vec::new(),
            quarantine: Box::new(quarantine(QuarantineCause::Infected)),
        },
        "rescan" => Event::Rescan,
        "approve" => Event::Approve {
            by: "somebody".to_owned(),
            inspections: None,
            notes: Default::default(),
            signatures: Default::default(),
            lifetime,
        },
        "discard" => Event::Discard {
            by: "somebody".to_owned(),
        },
        "inspected" => Event::Inspected(Vec::new()),
        "reject" => Event::Reject(Rejection::new(Code::new("no"), "no")),
        "keep" => Event::Keep(Lifetime {
            kept: true,
            expires: None,
        }),
        "begun" => Event::Begun {
            upload: "upload".to_owned(),
        },
        "assemble" => Event::Assemble,
        "renew" => Event::Renew,
        "release" => Event::Release,
        "tidied" => Event::Tidied,
        "fetch" => Event::Fetch {
            upload: UploadId::random(),
        },
        "progress" => Event::Progress {
            done: 7,
            total: Some(9),
        },
        "postpone" => Event::Postpone(Duration::from_secs(60)),
        "fetched" => Event::Fetched,
        "abandon" => Event::Abandon,
        "trash" => Event::Trash,
        "restore" => Event::Restore,
        "relocate" => Event::Relocate {
            to: Location::default(),
        },
        "delete" => Event::Delete,
        "claim" => Event::Claim,
        "bytes_deleted" => Event::BytesDeleted,
        "forget" => Event::Forget,
        other => panic!("no event is called {other}"),
    }
}

pub fn intent() -> Record {
    Record::intent(
        UploadId::random(),
        Declared::default(),
        UploadOptions::default(),
        at(0),
        &PERIODS,
    )
}

/// The record of a multipart upload. `separate_keys`: whether it may have parts under keys of their own, which changes when it is
/// due once it is ready.
pub fn opened(separate_keys: bool) -> Record {
    let mut parts = PartPlan::new(10, 5).unwrap();
    parts.separate_keys = separate_keys;
    Record::open(
        UploadId::random(),
        Declared::default(),
        parts,
        UploadOptions::default(),
        at(0),
        &PERIODS,
    )
}

/// The record of a fetch job.
pub fn queued() -> Record {
    Record::queued(
        UploadId::random(),
        FetchJob::new("source"),
        UploadOptions::default(),
        at(0),
        &PERIODS,
    )
}

pub const EVENTS: [&str; 27] = [
    "quarantine",
    "hold",
    "withdraw",
    "rescan",
    "approve",
    "discard",
    "inspected",
    "forget",
    "trash",
    "restore",
    "relocate",
    "commit",
    "reject",
    "keep",
    "delete",
    "claim",
    "bytes_deleted",
    "begun",
    "assemble",
    "renew",
    "release",
    "tidied",
    "fetch",
    "progress",
    "postpone",
    "fetched",
    "abandon",
];

#[test]
fn a_record_makes_only_allowed_transitions() {
    type Way = (fn() -> Record, &'static [&'static str], &'static str);
    let ways: [Way; 15] = [
        (intent, &["quarantine"], "quarantined"),
        (intent, &["commit", "withdraw"], "quarantined"),
        (intent, &["hold"], "quarantined"),
        (intent, &[], "staged"),
        (intent, &["commit"], "ready"),
        (intent, &["reject"], "rejected"),
        (intent, &["commit", "delete"], "deleting"),
        (intent, &["commit", "delete", "bytes_deleted"], "gone"),
        (intent, &["commit", "trash"], "trashed"),
        (|| opened(true), &[], "open"),
        (|| opened(true), &["assemble"], "assembling"),
        (|| opened(true), &["assemble", "commit"], "ready"),
        (queued, &["fetch", "postpone"], "waiting"),
        (queued, &["fetch"], "pulling"),
        (queued, &["fetch", "fetched"], "pulled"),
    ];
    // At a time at which every record is due, and at one at which none is.
    let due = [
        ("staged", "quarantine", Some("quarantined")),
        ("staged", "hold", Some("quarantined")),
        ("assembling", "quarantine", Some("quarantined")),
        ("assembling", "hold", Some("quarantined")),
        ("ready", "withdraw", Some("quarantined")),
        ("ready", "inspected", Some("ready")),
        ("quarantined", "approve", Some("ready")),
        ("quarantined", "discard", Some("deleting")),
        ("quarantined", "delete", Some("deleting")),
        ("quarantined", "claim", Some("deleting")),
        ("quarantined", "tidied", Some("quarantined")),
        ("open", "begun", Some("open")),
        ("open", "assemble", Some("assembling")),
        ("open", "claim", Some("deleting")),
        ("assembling", "assemble", Some("assembling")),
        ("assembling", "renew", Some("assembling")),
        ("assembling", "release", Some("open")),
        ("assembling", "commit", Some("ready")),
        ("assembling", "reject", Some("rejected")),
        ("waiting", "fetch", Some("pulling")),
        ("waiting", "reject", Some("rejected")),
        ("pulling", "fetch", Some("pulling")),
        ("pulling", "progress", Some("pulling")),
        ("pulling", "postpone", Some("waiting")),
        ("pulling", "fetched", Some("pulled")),
        ("pulling", "reject", Some("rejected")),
        ("pulled", "claim", Some("pulled")),
        ("staged", "abandon", Some("deleting")),
        ("staged", "commit", Some("ready")),
        ("staged", "reject", Some("rejected")),
        ("staged", "claim", Some("deleting")),
        ("ready", "keep", Some("ready")),
        ("ready", "tidied", Some("ready")),
        ("staged", "relocate", Some("staged")),
        ("open", "abandon", Some("deleting")),
        ("open", "delete", Some("deleting")),
        ("assembling", "delete", Some("deleting")),
        ("ready", "trash", Some("trashed")),
        ("trashed", "restore", Some("ready")),
        ("trashed", "delete", Some("deleting")),
        ("trashed", "claim", Some("deleting")),
        ("ready", "delete", Some("deleting")),
        ("ready", "claim", Some("deleting")),
        ("rejected", "claim", Some("gone")),
        ("rejected", "forget", Some("gone")),
        ("deleting", "bytes_deleted", Some("gone")),
        ("deleting", "claim", Some("deleting")),
        ("gone", "claim", Some("gone")),
    ];
    for (first, way, state) in ways {
        let record = way.iter().fold(first(), |record, name| {
            record.apply(event(name), at(1), &PERIODS).unwrap()
        });
        assert_eq!(record.state.name(), state);
        for name in EVENTS {
            let allowed = due
                .iter()
                .find(|(from, by, _)| *from == state && *by == name)
                .and_then(|(_, _, to)| *to);
            // Only a record with left-over bytes can be postponed.
            let allowed = match (state, name) {
                ("ready", "postpone") if record.is_untidy() => Some("ready"),
                // Only an upload that waits for a scanner is scanned again.
                ("quarantined", "postpone" | "rescan" | "withdraw") if record.is_pending() => Some("quarantined"),
                _ => allowed,
            };
            let late = record.apply(event(name), at(100_000), &PERIODS).ok();
            let in_time = ["trash", "restore"].contains(&name);
            let expected = allowed.filter(|_| !in_time);
            assert_eq!(
                late.as_ref().map(|record| record.state.name()),
                expected,
                "{state} + {name}, due"
            );
            let early = record.apply(event(name), at(2), &PERIODS).ok();
            let waits =
                name == "claim" || name == "fetch" || name == "rescan" || (state, name) == ("assembling", "assemble");
            let expected = allowed.filter(|_| !waits);
            assert_eq!(
                early.as_ref().map(|record| record.state.name()),
                expected,
                "{state} + {name}, not due"
            );
        }
    }
}

#[test]
fn parts_under_keys_of_their_own_are_deleted_once_more_before_the_upload_expires() {
    let commit = |separate_keys| {
        let assembling = opened(separate_keys).apply(event("assemble"), at(1), &PERIODS).unwrap();
        assembling.apply(event("commit"), at(1), &PERIODS).unwrap()
    };
    assert_eq!(commit(false).due, Some(at(500)), "when its time is over");
    let ready = commit(true);
    assert_eq!(
        ready.due,
        Some(at(101)),
        "a lease later, when no sender can still send a part"
    );
    assert!(ready.is_readable(at(400)) && !ready.is_readable(at(500)));
    assert!(
        ready.apply(event("claim"), at(400), &PERIODS).is_err(),
        "it has not expired"
    );
    let kept = ready.apply(event("keep"), at(2), &PERIODS).unwrap();
    assert_eq!(
        kept.due,
        Some(at(101)),
        "keeping the upload does not cancel the clean-up"
    );
    let tidied = ready.apply(event("tidied"), at(101), &PERIODS).unwrap();
    assert_eq!((tidied.due, tidied.has_separate_keys()), (Some(at(500)), false));
}

#[test]
fn a_deleted_upload_can_be_restored_for_a_while_and_its_lifetime_goes_on() {
    let ready = intent().apply(event("commit"), at(1), &PERIODS).unwrap();
    let trashed = ready.apply(event("trash"), at(10), &PERIODS).unwrap();
    assert_eq!(trashed.due, Some(at(210)));
    assert!(!trashed.is_readable(at(11)));
    assert!(
        trashed.apply(event("restore"), at(210), &PERIODS).is_err(),
        "that time is over"
    );
    let restored = trashed.apply(event("restore"), at(209), &PERIODS).unwrap();
    assert_eq!((restored.due, restored.lifetime), (ready.due, ready.lifetime));
    assert!(restored.is_readable(at(209)));
    let late = restored.apply(event("trash"), at(400), &PERIODS).unwrap();
    assert_eq!(
        late.due,
        Some(at(500)),
        "it does not stay longer than it would have stayed"
    );
    let too_late = late.apply(event("restore"), at(501), &PERIODS);
    assert!(too_late.is_err(), "its lifetime is over");
}

#[test]
fn bytes_that_were_moved_are_deleted_once_more_at_their_former_place() {
    let moved = intent().apply(event("relocate"), at(1), &PERIODS).unwrap();
    assert_eq!(moved.previous_location, Some(Location::default()));
    assert!(
        moved.apply(event("relocate"), at(1), &PERIODS).is_err(),
        "it is moved once"
    );
    let ready = moved.apply(event("commit"), at(2), &PERIODS).unwrap();
    assert_eq!(ready.due, Some(at(102)));
    let tidied = ready.apply(event("tidied"), at(102), &PERIODS).unwrap();
    assert_eq!((tidied.previous_location, tidied.due), (None, Some(at(500))));
}

#[test]
fn a_released_upload_keeps_its_time() {
    let assembling = opened(false).apply(event("assemble"), at(400), &PERIODS).unwrap();
    assert_eq!(assembling.due, Some(at(410)), "for a claim");
    let renewed = assembling.apply(event("renew"), at(405), &PERIODS).unwrap();
    assert_eq!(renewed.due, Some(at(415)));
    let open = renewed.apply(event("release"), at(406), &PERIODS).unwrap();
    assert_eq!(open.due, Some(at(500)), "counted from its start");
}

#[test]
fn an_order_shows_its_progress_and_its_tries() {
    let fetch_job = |record: &Record| record.fetch_job.clone().unwrap();
    let first = queued().apply(event("fetch"), at(0), &PERIODS).unwrap();
    let further = first.apply(event("progress"), at(5), &PERIODS).unwrap();
    assert_eq!(
        (fetch_job(&further).done, fetch_job(&further).total, further.due),
        (7, Some(9), Some(at(15)))
    );
    let later = further.apply(event("postpone"), at(6), &PERIODS).unwrap();
    assert_eq!((fetch_job(&later).done, later.due), (7, Some(at(66))));
    let second = later.apply(event("fetch"), at(66), &PERIODS).unwrap();
    let again = fetch_job(&second);
    assert_eq!((again.done, again.total, again.tries), (0, None, 2));
    assert_ne!(
        again.upload,
        fetch_job(&first).upload,
        "each try is an upload of its own"
    );
    assert_eq!(again.source, "source");
}

proptest! {
    #[test]
    fn after_any_events_a_record_is_kept_for_good_or_has_a_due_time(
        way_in in 0usize..4,
        history in prop::collection::vec((0usize..EVENTS.len(), 0u64..2000), 0..40),
    ) {
        let ways: [fn() -> Record; 4] = [intent, || opened(false), || opened(true), queued];
        let first: fn() -> Record = ways[way_in];
        let (mut record, mut now) = (first(), 0);
        for (name, passed) in history {
            now += passed;
            if let Ok(next) = record.apply(event(EVENTS[name]), at(now), &PERIODS) {
                prop_assert_eq!(next.revision, record.revision + 1);
                prop_assert_eq!((next.id, next.created, &next.declared), (record.id, record.created, &record.declared));
                record = next;
            }
            let for_good = record.lifetime.is_some_and(|lifetime| lifetime.expires.is_none());
            prop_assert!(record.due.is_some() || (record.state.name() == "ready" && for_good));
            prop_assert!(!record.is_readable(at(now)) || record.facts.is_some());
        }
    }
}
