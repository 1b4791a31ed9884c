//! The rules of change, over every state and event and over random histories.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use intake_core::record::Periods;
use intake_core::{Code, Declared, Digest, Event, Facts, Lifetime, Record, Rejection, Terms, UploadId};
use proptest::prelude::*;

const PERIODS: Periods = Periods {
    lease: Duration::from_secs(100),
    note: Duration::from_secs(1000),
};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn event(name: &str) -> Event {
    let facts = Facts {
        size: 1,
        digest: Digest::from([1; 32]),
        media_type: None,
        coverage: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    let lifetime = Lifetime {
        kept: false,
        expires: Some(at(500)),
    };
    match name {
        "commit" => Event::Commit {
            facts: Box::new(facts),
            terms: Terms::default(),
            lifetime,
        },
        "reject" => Event::Reject(Rejection::new(Code::new("no"), "no")),
        "keep" => Event::Keep(Lifetime {
            kept: true,
            expires: None,
        }),
        "delete" => Event::Delete,
        "claim" => Event::Claim,
        "erased" => Event::Erased,
        other => panic!("no event is called {other}"),
    }
}

fn intent() -> Record {
    Record::intent(UploadId::random(), Declared::default(), at(0), &PERIODS)
}

#[test]
fn a_record_goes_only_where_it_may() {
    let ways: [(&[&str], &str); 5] = [
        (&[], "staged"),
        (&["commit"], "ready"),
        (&["reject"], "rejected"),
        (&["commit", "delete"], "deleting"),
        (&["commit", "delete", "erased"], "gone"),
    ];
    // Of a record that is due (everything is, by then) and of one that is not.
    let due = [
        ("staged", "commit", Some("ready")),
        ("staged", "reject", Some("rejected")),
        ("staged", "claim", Some("deleting")),
        ("ready", "keep", Some("ready")),
        ("ready", "delete", Some("deleting")),
        ("ready", "claim", Some("deleting")),
        ("rejected", "claim", Some("rejected")),
        ("deleting", "erased", Some("gone")),
        ("deleting", "claim", Some("deleting")),
        ("gone", "claim", Some("gone")),
    ];
    for (way, state) in ways {
        let record = way.iter().fold(intent(), |record, name| {
            record.apply(event(name), at(1), &PERIODS).unwrap()
        });
        assert_eq!(record.state.name(), state);
        for name in ["commit", "reject", "keep", "delete", "claim", "erased"] {
            let expected = due
                .iter()
                .find(|(from, by, _)| *from == state && *by == name)
                .and_then(|(_, _, to)| *to);
            let late = record.apply(event(name), at(100_000), &PERIODS).ok();
            assert_eq!(
                late.as_ref().map(|record| record.state.name()),
                expected,
                "{state} + {name}, due"
            );
            let early = record.apply(event(name), at(2), &PERIODS).ok();
            let expected = expected.filter(|_| name != "claim");
            assert_eq!(
                early.as_ref().map(|record| record.state.name()),
                expected,
                "{state} + {name}, not due"
            );
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_a_record_is_either_for_good_or_due(history in prop::collection::vec((0usize..6, 0u64..2000), 0..40)) {
        let names = ["commit", "reject", "keep", "delete", "claim", "erased"];
        let (mut record, mut now) = (intent(), 0);
        for (name, passed) in history {
            now += passed;
            if let Ok(next) = record.apply(event(names[name]), at(now), &PERIODS) {
                prop_assert_eq!(next.revision, record.revision + 1);
                prop_assert_eq!((next.id, next.created, &next.declared), (record.id, record.created, &record.declared));
                record = next;
            }
            let for_good = record.lifetime.is_some_and(|lifetime| lifetime.expires.is_none());
            prop_assert!(record.due.is_some() || (record.state.name() == "ready" && for_good));
            prop_assert_eq!(record.state.name() == "staged", record.state.name() == "staged" && record.facts.is_none());
        }
    }
}
