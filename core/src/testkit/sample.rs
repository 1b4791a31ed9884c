//! Sample records with a value in every field, to check that a recorder keeps them all.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::broken::Answers;
use crate::contract::stages::Recorder;
use crate::record::accounting::UsageChange;
use crate::record::event::Event;
use crate::record::fetch_job::FetchJob;
use crate::record::update::Update;
use crate::record::upload::Periods;
use crate::record::upload::Record;
use crate::value::authorization::{Authorization, Grant};
use crate::value::evidence::{Declared, Digest, Facts};
use crate::value::file_name::FileName;
use crate::value::id::{Location, UploadId};
use crate::value::inspection::{Coverage, Engine, Inspection};
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::options::UploadOptions;
use crate::value::parts::PartPlan;
use crate::value::verdict::{Code, Rejection};

/// A time of the suite's own clock, in seconds since 1970, to the microsecond.
pub(super) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(123_457)
}

pub(super) const PERIODS: Periods = Periods {
    write_lease: Duration::from_secs(60),
    lease: Duration::from_secs(30),
    open: Duration::from_secs(60),
    tombstone: Duration::from_secs(600),
    trash: Duration::from_secs(300),
    quarantine: Duration::from_secs(700),
    rescan: Duration::from_secs(30),
    events: false,
};

/// Inserts a record with an empty usage change.
pub(super) async fn add(recorder: &dyn Recorder, record: &Record) {
    let added = recorder.insert(record, UsageChange::none()).await.answers();
    same!(added, Update::Applied);
}

/// The record of an upload, with a value in every field.
#[must_use]
pub fn sample_record() -> Record {
    let declared = Declared {
        name: FileName::new("Übergröße 🦀 '\"; DROP TABLE records; --\u{202e}.png"),
        size: Some(u64::from(u32::MAX) * 1000),
        media_type: Some("image/png".parse().unwrap()),
    };
    let facts = Facts {
        size: 5 << 40,
        digest: Digest::from([0xA5; 32]),
        media_type: Some("image/jpeg".parse().unwrap()),
        inspections: vec![
            Inspection::new("one", Coverage::Whole),
            Inspection {
                bytes: Some(3 << 40),
                engine: Some(Engine::named("two's").with(|engine| engine.signatures = Some("\"12\"".to_owned()))),
                refusal: Some(Rejection::new(Code::new("no"), "a \"no\"").by("two")),
                millis: Some(7),
                ..Inspection::new("two", Coverage::Partial("the \"rest\"".to_owned()))
            },
        ],
        notes: BTreeMap::from([(
            "image".to_owned(),
            serde_json::json!({"width": 3, "geo": [0.1, -7.25], "é": null}),
        )]),
    };
    let metadata = BTreeMap::from([
        ("key:1".to_owned(), "ünïcode 'value'".to_owned()),
        ("empty".to_owned(), String::new()),
    ]);
    let grant = Grant {
        id: "a \"token\"".to_owned(),
        name: Some("'\u{0}".to_owned()),
        uses: Some(u64::MAX),
        min_size: Some(1),
        max_size: Some(5 << 40),
        types: vec!["image/*".parse().unwrap()],
        metadata: BTreeMap::from([("é".to_owned(), "'".to_owned())]),
        retention: Some(Retention::Temporary),
        stays: Some(7),
        expires: at(2_000),
        complete_by: Some(at(3_000)),
    };
    let options = UploadOptions {
        project: Some("demo".to_owned()),
        metadata,
        tags: vec!["cat".to_owned(), "a \"ü\"".to_owned()],
        retention: Retention::Keep,
        source_key: Some("a 'name'".to_owned()),
        authorization: Some(Authorization {
            secret: Some("a fingerprint".to_owned()),
            grant: Some(grant),
            via_fetch_job: true,
        }),
        ..UploadOptions::default()
    };
    let lifetime = Lifetime {
        kept: false,
        expires: Some(at(90_000)),
    };
    let intent = Record {
        location: Location {
            store: Some("there".to_owned()),
            prefix: Some("p".to_owned()),
        },
        previous_location: Some(Location::default()),
        ..Record::intent(
            UploadId::random(),
            declared,
            UploadOptions::default(),
            at(1_000),
            &PERIODS,
        )
    };
    intent
        .apply(
            Event::Commit {
                facts: Box::new(facts),
                options: Box::new(options),
                lifetime,
            },
            at(1_010),
            &PERIODS,
        )
        .unwrap()
}

/// A record with other values in some fields, whose number may grow.
#[must_use]
pub fn changed(mut record: Record, change: impl FnOnce(&mut Record)) -> Record {
    change(&mut record);
    record
}

/// The record of a multipart upload, with a value in every field that it may have.
pub(super) fn open(seconds: u64) -> Record {
    let parts = PartPlan::new(u64::from(u32::MAX) * 1000, 5 << 30).unwrap();
    let options = UploadOptions {
        project: Some("demo".to_owned()),
        retention: Retention::Keep,
        tags: vec!["dog".to_owned()],
        origin: Some("https://\"ü\"".to_owned()),
        sender: Some("2001:db8::/64".to_owned()),
        metadata: BTreeMap::from([("key".to_owned(), "ünïcode \u{1F980}".to_owned())]),
        ..UploadOptions::default()
    };
    let opened = Record::open(
        UploadId::random(),
        Declared::named("ü.bin"),
        parts,
        options,
        at(seconds),
        &PERIODS,
    );
    let upload = "the \"store's\" own name".to_owned();
    opened.apply(Event::Begun { upload }, at(seconds), &PERIODS).unwrap()
}

/// The record of a fetch job, with a value in every field that it may have.
pub(super) fn order(seconds: u64) -> Record {
    let fetch_job = FetchJob {
        name: FileName::new("ü \"name\""),
        at_most: Some(5 << 40),
        ..FetchJob::new("https://example.com/ü?a=b")
    };
    let options = UploadOptions {
        sender: Some("192.0.2.1".to_owned()),
        source_key: Some("a name".to_owned()),
        project: Some(format!("project {}", UploadId::random())),
        ..UploadOptions::default()
    };
    Record::queued(UploadId::random(), fetch_job, options, at(seconds), &PERIODS)
}

pub(super) fn intent(seconds: u64) -> Record {
    let options = UploadOptions {
        sender: Some("\"ü\"".to_owned()),
        ..UploadOptions::default()
    };
    Record::intent(UploadId::random(), Declared::default(), options, at(seconds), &PERIODS)
}

pub(super) fn of_project(project: Option<String>, mut record: Record) -> Record {
    record.options.project = project;
    record
}

pub(super) fn with_source_key(key: Option<String>, mut record: Record) -> Record {
    record.options.source_key = key;
    record
}
