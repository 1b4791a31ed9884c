//! A record as a row, and back: the same record to the microsecond.
//!
//! Values that are searched for or summed up have a column of their own; the rest is JSON. If any column cannot be read, that
//! is a fault which names the column: a part of a record must not be mistaken for the whole.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use intake_core::{Fault, Lifetime, Location, Record, State, Task, UploadId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codes::{RECORD_FAILED, RECORD_UNREADABLE};

/// The columns of a row, in the types that every database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) revision: i64,
    pub(crate) state: String,
    pub(crate) duty: String,
    pub(crate) due: Option<i64>,
    pub(crate) created: i64,
    pub(crate) project: Option<String>,
    pub(crate) kept: Option<bool>,
    pub(crate) expires: Option<i64>,
    pub(crate) size: Option<i64>,
    pub(crate) declared: String,
    pub(crate) facts: Option<String>,
    pub(crate) metadata: String,
    pub(crate) rejection: Option<String>,
    pub(crate) parts: Option<String>,
    pub(crate) pull: Option<String>,
    pub(crate) known_as: Option<String>,
    pub(crate) pass: Option<String>,
    pub(crate) place: Option<String>,
    pub(crate) left: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) sender: Option<String>,
}

impl Row {
    /// The row of a record.
    ///
    /// # Errors
    ///
    /// If the state of the record is unknown to this version.
    pub(crate) fn of(record: &Record) -> Result<Self, Fault> {
        let rejection = match &record.state {
            State::Open
            | State::Assembling
            | State::Queued
            | State::Fetching
            | State::Fetched
            | State::Staged
            | State::Ready
            | State::Trashed
            | State::Deleting
            | State::Deleted => None,
            State::Rejected(rejection) => Some(json(record, rejection)?),
            state => {
                return Err(unwritable(record).with_source(format!("unknown state `{}`", state.name())));
            }
        };
        Ok(Self {
            id: record.id.to_string(),
            revision: revision(record.revision),
            state: record.state.name().to_owned(),
            duty: duty(record.task()).to_owned(),
            due: record.due.map(micros),
            created: micros(record.created),
            project: record.project.clone(),
            kept: record.lifetime.map(|lifetime| lifetime.kept),
            expires: record.lifetime.and_then(|lifetime| lifetime.expires).map(micros),
            // For sums over many rows. The exact number is in the facts.
            size: record
                .facts
                .as_ref()
                .map(|facts| i64::try_from(facts.size).unwrap_or(i64::MAX)),
            declared: json(record, &record.declared)?,
            facts: record.facts.as_ref().map(|facts| json(record, facts)).transpose()?,
            metadata: json(record, &record.metadata)?,
            rejection,
            parts: record.parts.as_ref().map(|parts| json(record, parts)).transpose()?,
            pull: record.fetch_job.as_ref().map(|pull| json(record, pull)).transpose()?,
            known_as: record.source_key.clone(),
            pass: record
                .authorization
                .as_ref()
                .map(|pass| json(record, pass))
                .transpose()?,
            // Most uploads are at the default location.
            place: Some(&record.location)
                .filter(|place| **place != Location::default())
                .map(|place| json(record, place))
                .transpose()?,
            left: record
                .previous_location
                .as_ref()
                .map(|left| json(record, left))
                .transpose()?,
            tags: Some(&record.tags)
                .filter(|tags| !tags.is_empty())
                .map(|tags| json(record, tags))
                .transpose()?,
            sender: record.sender.clone(),
        })
    }

    /// The record of a row.
    ///
    /// # Errors
    ///
    /// [`RECORD_UNREADABLE`] if it is not a row that this version has written.
    pub(crate) fn record(self) -> Result<Record, Fault> {
        let wrong = |column| unreadable(&self.id, column);
        let id: UploadId = self.id.parse().map_err(|error| wrong("id").with_source(error))?;
        let state = match (self.state.as_str(), &self.rejection) {
            ("rejected", Some(rejection)) => State::Rejected(parse(&self.id, "rejection", rejection)?),
            ("rejected", None) => return Err(wrong("rejection").with_source("missing")),
            (_, Some(_)) => return Err(wrong("rejection").with_source("set, although the upload is not rejected")),
            ("open", None) => State::Open,
            ("assembling", None) => State::Assembling,
            ("waiting", None) => State::Queued,
            ("pulling", None) => State::Fetching,
            ("pulled", None) => State::Fetched,
            ("staged", None) => State::Staged,
            ("ready", None) => State::Ready,
            ("trashed", None) => State::Trashed,
            ("deleting", None) => State::Deleting,
            ("gone", None) => State::Deleted,
            (state, None) => return Err(wrong("state").with_source(format!("unknown state `{state}`"))),
        };
        let instant = |column, micros: Option<i64>| match micros.map(time) {
            None => Ok(None),
            Some(None) => Err(wrong(column).with_source("the time is out of range")),
            Some(time) => Ok(time),
        };
        let expires = instant("expires", self.expires)?;
        let lifetime = match (self.kept, expires) {
            (Some(kept), expires) => Some(Lifetime { kept, expires }),
            (None, None) => None,
            (None, Some(_)) => return Err(wrong("kept").with_source("missing, although `expires` is set")),
        };
        let parts = self.parts.as_deref().map(|parts| parse(&self.id, "parts", parts));
        let pull = self.pull.as_deref().map(|pull| parse(&self.id, "pull", pull));
        let facts = self.facts.as_deref().map(|facts| parse(&self.id, "facts", facts));
        let pass = self.pass.as_deref().map(|pass| parse(&self.id, "pass", pass));
        let place = self.place.as_deref().map(|place| parse(&self.id, "place", place));
        let tags = self.tags.as_deref().map(|tags| parse(&self.id, "tags", tags));
        let left = self.left.as_deref().map(|left| parse(&self.id, "left_at", left));
        Ok(Record {
            id,
            revision: self.revision.cast_unsigned(),
            state,
            due: instant("due", self.due)?,
            created: instant("created", Some(self.created))?.ok_or_else(|| wrong("created"))?,
            declared: parse(&self.id, "declared", &self.declared)?,
            facts: facts.transpose()?,
            metadata: parse(&self.id, "metadata", &self.metadata)?,
            lifetime,
            project: self.project,
            parts: parts.transpose()?,
            fetch_job: pull.transpose()?,
            source_key: self.known_as,
            authorization: pass.transpose()?,
            location: place.transpose()?.unwrap_or_default(),
            previous_location: left.transpose()?,
            tags: tags.transpose()?.unwrap_or_default(),
            sender: self.sender,
        })
    }
}

/// The value of the column `duty`. It follows from the state; it has a column for the index.
pub(crate) fn duty(task: Task) -> &'static str {
    match task {
        Task::Sweep => "sweep",
        Task::Resume => "resume",
        Task::Fetch => "pull",
    }
}

/// A revision in the signed type of databases. The mapping is one to one; revisions in the upper half become negative.
pub(crate) fn revision(revision: u64) -> i64 {
    revision.cast_signed()
}

/// Microseconds since 1970, rounded down, and clamped beyond 290,000 years from there.
pub(crate) fn micros(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration().as_nanos().div_ceil(1000);
            i64::try_from(before).map_or(i64::MIN, |before| -before)
        }
    }
}

pub(crate) fn time(micros: i64) -> Option<SystemTime> {
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 {
        return UNIX_EPOCH.checked_sub(distance);
    }
    UNIX_EPOCH.checked_add(distance)
}

fn json(record: &Record, value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| unwritable(record).with_source(error))
}

fn parse<T: DeserializeOwned>(id: &str, column: &'static str, json: &str) -> Result<T, Fault> {
    serde_json::from_str(json).map_err(|error| unreadable(id, column).with_source(error))
}

fn unwritable(record: &Record) -> Fault {
    Fault::new(RECORD_FAILED, format!("the record {} cannot be serialised", record.id))
}

/// The fault of a row that this version has not written.
pub(crate) fn unreadable(id: &str, column: &'static str) -> Fault {
    Fault::new(
        RECORD_UNREADABLE,
        format!("the record {id} cannot be read: its column `{column}` is invalid"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use intake_core::testkit::sample_record;
    use intake_core::{
        Authorization, Code, Declared, Digest, Facts, FetchJob, FileName, PartPlan, Rejection, Retention,
    };
    use proptest::collection::btree_map;
    use proptest::option;
    use proptest::prelude::{Strategy, any, prop_oneof, proptest};
    use proptest::strategy::Just;
    use serde_json::{Value, json};

    use super::*;

    /// Far beyond what databases and calendars have, on both sides of 1970.
    fn instant() -> impl Strategy<Value = SystemTime> {
        any::<i64>().prop_map(|micros| time(micros).unwrap())
    }

    fn note() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            Just(json!({"a": [null, true, {"b": {}}]})),
        ]
    }

    fn state() -> impl Strategy<Value = State> {
        prop_oneof![
            Just(State::Open),
            Just(State::Assembling),
            Just(State::Queued),
            Just(State::Fetching),
            Just(State::Fetched),
            Just(State::Staged),
            Just(State::Ready),
            Just(State::Trashed),
            Just(State::Deleting),
            Just(State::Deleted),
            (any::<String>(), option::of(any::<String>())).prop_map(|(message, subject)| {
                State::Rejected(Rejection {
                    subject,
                    ..Rejection::new(Code::new("no"), message)
                })
            }),
        ]
    }

    fn facts() -> impl Strategy<Value = Facts> {
        (
            any::<u64>(),
            any::<[u8; 32]>(),
            btree_map(any::<String>(), note(), 0..4),
        )
            .prop_map(|(size, digest, notes)| Facts {
                size,
                digest: Digest::from(digest),
                media_type: Some("image/png".parse().unwrap()),
                coverage: BTreeMap::new(),
                notes,
            })
    }

    fn record() -> impl Strategy<Value = Record> {
        let told = (
            option::of(any::<String>()),
            option::of(any::<u64>()),
            option::of(any::<String>()),
        );
        let known = (option::of(facts()), btree_map(any::<String>(), any::<String>(), 0..4));
        let times = (
            option::of(instant()),
            instant(),
            option::of((any::<bool>(), option::of(instant()))),
        );
        (any::<u64>(), state(), told, known, times).prop_map(
            |(revision, state, (name, size, project), (facts, metadata), (due, created, lifetime))| Record {
                id: UploadId::random(),
                revision,
                state,
                due,
                created,
                fetch_job: name.clone().map(FetchJob::new),
                authorization: project.clone().map(|secret| Authorization {
                    secret: Some(secret),
                    ..Authorization::default()
                }),
                location: Location {
                    store: name.clone(),
                    prefix: None,
                },
                previous_location: name.is_some().then(Location::default),
                sender: name.clone(),
                source_key: project.clone(),
                project,
                declared: Declared {
                    name: name.as_deref().and_then(FileName::new),
                    size,
                    media_type: None,
                },
                facts,
                tags: metadata.keys().cloned().collect(),
                metadata,
                lifetime: lifetime.map(|(kept, expires)| Lifetime { kept, expires }),
                parts: size.and_then(|size| PartPlan::new(size, size / 2, Retention::Keep).ok()),
            },
        )
    }

    proptest! {
        #[test]
        fn any_record_reads_back_as_it_was(record in record()) {
            assert_eq!(Row::of(&record).unwrap().record().unwrap(), record);
        }
    }

    /// Rows of earlier versions can be read, and those of this version by an earlier one.
    #[test]
    fn the_json_of_a_row_keeps_its_names() {
        let mut record = sample_record();
        record.fetch_job = Some(FetchJob::new("source"));
        record.parts = PartPlan::new(10, 5, Retention::Keep).ok();
        let row = Row::of(&record).unwrap();
        let names = |json: Option<String>| -> Vec<String> {
            let value: serde_json::Map<String, Value> = serde_json::from_str(&json.unwrap()).unwrap();
            value.keys().cloned().collect::<BTreeSet<_>>().into_iter().collect()
        };
        assert_eq!(names(row.pass), ["grant", "ordered", "secret"]);
        assert_eq!(
            names(row.parts),
            ["apart", "part_size", "secret", "size", "upload", "wish"]
        );
        let job = [
            "at_most", "done", "known_as", "name", "source", "total", "tries", "upload", "wish",
        ];
        assert_eq!(names(row.pull), job);
        assert_eq!(names(row.place), ["prefix", "store"]);
        let grant = record.authorization.unwrap().grant.unwrap();
        assert_eq!(serde_json::to_value(grant).unwrap()["wish"], "temporary");
    }

    #[test]
    fn times_are_kept_to_the_microsecond_and_never_later_than_they_were() {
        let nanos = Duration::from_nanos;
        for (instant, kept) in [
            (UNIX_EPOCH, 0),
            (UNIX_EPOCH + nanos(1_999), 1),
            (UNIX_EPOCH - nanos(1), -1),
            (UNIX_EPOCH - nanos(1_000), -1),
            (UNIX_EPOCH - nanos(1_001), -2),
            (UNIX_EPOCH + Duration::from_secs(i64::MAX.unsigned_abs()), i64::MAX),
            (UNIX_EPOCH - Duration::from_secs(i64::MAX.unsigned_abs()), i64::MIN),
        ] {
            assert_eq!(micros(instant), kept, "{instant:?}");
        }
    }

    #[test]
    fn a_size_beyond_what_databases_count_is_exact_in_the_record() {
        let mut record = sample_record();
        record.declared.size = Some(u64::MAX);
        record.facts.as_mut().unwrap().size = u64::MAX;
        let row = Row::of(&record).unwrap();
        assert_eq!(row.size, Some(i64::MAX));
        assert_eq!(row.record().unwrap(), record);
    }

    #[test]
    fn a_row_that_is_not_ours_names_its_column() {
        type Spoil = fn(&mut Row);
        let wrong: [(&str, Spoil); 20] = [
            ("tags", |row| row.tags = Some("{}".to_owned())),
            ("pass", |row| row.pass = Some("7".to_owned())),
            ("place", |row| row.place = Some("7".to_owned())),
            ("left_at", |row| row.left = Some("null".to_owned())),
            ("id", |row| row.id = "nobody".to_owned()),
            ("id", |row| row.id = row.id.replace('-', "")),
            ("state", |row| row.state = "paused".to_owned()),
            ("state", |row| row.state = "Ready".to_owned()),
            ("rejection", |row| row.state = "rejected".to_owned()),
            ("rejection", |row| {
                row.rejection = Some(r#"{"code":"no","message":"no"}"#.to_owned())
            }),
            ("rejection", |row| {
                row.state = "rejected".to_owned();
                row.rejection = Some("{}".to_owned());
            }),
            ("kept", |row| row.kept = None),
            ("declared", |row| row.declared = String::new()),
            ("declared", |row| row.declared = "[".repeat(100_000)),
            ("facts", |row| row.facts = Some("null".to_owned())),
            ("facts", |row| row.facts = Some(r#"{"size":-1}"#.to_owned())),
            ("metadata", |row| row.metadata = "[]".to_owned()),
            ("pull", |row| row.pull = Some("{}".to_owned())),
            ("parts", |row| row.parts = Some(r#"{"size":1}"#.to_owned())),
            ("metadata", |row| row.metadata = r#"{"a":1}"#.to_owned()),
        ];
        for (column, spoil) in wrong {
            let mut row = Row::of(&sample_record()).unwrap();
            spoil(&mut row);
            let id = row.id.clone();
            let fault = row.record().unwrap_err();
            assert_eq!(fault.code, RECORD_UNREADABLE, "{fault}");
            assert!(!fault.retryable);
            assert!(fault.message.contains(&id), "{fault}");
            assert!(fault.message.contains(&format!("`{column}`")), "{fault}, not {column}");
        }
    }
}
