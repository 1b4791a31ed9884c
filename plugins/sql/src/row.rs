//! A record as a row, and back: the same record to the microsecond.
//!
//! A row has the whole record as JSON in one column. Beside it are those values that a statement searches, sorts or compares; they
//! are written from the record and never read back into it. So a new field of a record needs no change here. A process of an older
//! version would drop the field when it changes the record: if that matters, the field comes with a migration, even an empty one,
//! because processes of older versions get no connection to tables of a newer one.

use intake_core::micros::to_micros;
use intake_core::{Fault, FileStatus, Record, Task};

use crate::codes::{RECORD_FAILED, RECORD_UNREADABLE};
use crate::outbox::rows::NewEvent;

/// The columns of a row, in the types that every database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) revision: i64,
    pub(crate) state: String,
    pub(crate) task: String,
    pub(crate) due: Option<i64>,
    pub(crate) created: i64,
    pub(crate) project: Option<String>,
    pub(crate) source_key: Option<String>,
    /// What it is in the list of its project's files, and when it became a file.
    pub(crate) listed: Option<&'static str>,
    pub(crate) uploaded: Option<i64>,
    pub(crate) record: String,
    /// What the outbox keeps of the change that this row is.
    pub(crate) events: Vec<NewEvent>,
}

impl Row {
    /// The row of a record.
    ///
    /// # Errors
    ///
    /// If the record cannot be serialised, or its state is unknown to this version.
    pub(crate) fn of(record: &Record) -> Result<Self, Fault> {
        Ok(Self {
            id: record.id.to_string(),
            revision: revision(record.revision),
            state: record.state.name().to_owned(),
            task: task(record.task()).to_owned(),
            due: record.due.map(to_micros),
            created: to_micros(record.created),
            project: record.options.project.clone(),
            source_key: record.options.source_key.clone(),
            listed: record.file_status().map(FileStatus::name),
            uploaded: record.file_status().map(|_| to_micros(record.uploaded())),
            record: serde_json::to_string(record).map_err(|error| unwritable(record).with_source(error))?,
            events: NewEvent::of(record)?,
        })
    }
}

/// A row as it is read: the record, and the columns that show whether it is the one that was written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) revision: i64,
    pub(crate) state: String,
    pub(crate) record: String,
}

impl Stored {
    /// The record of a row.
    ///
    /// # Errors
    ///
    /// [`RECORD_UNREADABLE`] if it is not a row that this version has written: part of a record must not be mistaken for the whole,
    /// nor the record of one upload for that of another.
    pub(crate) fn record(self) -> Result<Record, Fault> {
        let wrong = |column| unreadable(&self.id, column);
        let record: Record = serde_json::from_str(&self.record).map_err(|error| wrong("record").with_source(error))?;
        let differs = |column| wrong(column).with_source("it is not that of the column `record`");
        if record.id.to_string() != self.id {
            return Err(differs("id"));
        }
        if revision(record.revision) != self.revision {
            return Err(differs("revision"));
        }
        if record.state.name() != self.state {
            return Err(differs("state"));
        }
        Ok(record)
    }
}

/// The value of the column `duty`. It follows from the state; it has a column for the index.
pub(crate) fn task(task: Task) -> &'static str {
    match task {
        Task::Sweep => "sweep",
        Task::Resume => "resume",
        Task::Fetch => "pull",
        Task::Rescan => "rescan",
    }
}

/// A revision in the signed type of databases. The mapping is one to one; revisions in the upper half become negative.
pub(crate) fn revision(revision: u64) -> i64 {
    revision.cast_signed()
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
    use std::collections::BTreeSet;

    use std::time::SystemTime;

    use intake_core::micros::from_micros;
    use intake_core::testkit::sample_record;
    use intake_core::{
        Authorization, Code, Declared, Digest, Facts, FetchJob, FileName, Lifetime, Location, PartPlan, Rejection,
        Retention, State, UploadOptions,
    };
    use proptest::collection::btree_map;
    use proptest::option;
    use proptest::prelude::{Strategy, any, prop_oneof, proptest};
    use proptest::strategy::Just;
    use serde_json::{Value, json};

    use super::*;

    /// Far beyond what databases and calendars have, on both sides of 1970.
    fn instant() -> impl Strategy<Value = SystemTime> {
        any::<i64>().prop_map(|micros| from_micros(micros).unwrap())
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
            Just(State::Quarantined),
            Just(State::Deleting),
            Just(State::Deleted),
            (any::<String>(), option::of(any::<String>())).prop_map(|(message, subject)| {
                let rejection = Rejection::new(Code::new("no"), message);
                State::Rejected(subject.into_iter().fold(rejection, Rejection::with_subject))
            }),
        ]
    }

    fn facts() -> impl Strategy<Value = Facts> {
        (
            any::<u64>(),
            any::<[u8; 32]>(),
            btree_map(any::<String>(), note(), 0..4),
        )
            .prop_map(|(size, digest, notes)| {
                Facts::new(size, Digest::from(digest)).with(|facts| {
                    facts.media_type = Some("image/png".parse().unwrap());
                    facts.notes = notes;
                })
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
            |(revision, state, (name, size, project), (facts, metadata), (due, created, lifetime))| {
                let mut record = sample_record();
                record.revision = revision;
                record.state = state;
                record.due = due;
                record.created = created;
                record.fetch_job = name.clone().map(FetchJob::new);
                record.location = Location::default().with(|location| location.store = name.clone());
                record.previous_location = name.is_some().then(Location::default);
                record.declared = Declared::default().with(|declared| {
                    declared.name = name.as_deref().and_then(FileName::new);
                    declared.size = size;
                });
                record.options = UploadOptions::default().with(|options| {
                    options.authorization = project.clone().map(|secret| {
                        Authorization::default().with(|authorization| authorization.secret = Some(secret))
                    });
                    options.retention = Retention::Keep;
                    options.sender = name.clone();
                    options.origin = name;
                    options.source_key = project.clone();
                    options.project = project;
                    options.tags = metadata.keys().cloned().collect();
                    options.metadata = metadata;
                });
                record.facts = facts;
                record.lifetime = lifetime.map(|(kept, expires)| Lifetime { kept, expires });
                record.parts = size.and_then(|size| PartPlan::new(size, size / 2).ok());
                record
            },
        )
    }

    fn stored(row: Row) -> Stored {
        Stored {
            id: row.id,
            revision: row.revision,
            state: row.state,
            record: row.record,
        }
    }

    proptest! {
        #[test]
        fn any_record_reads_back_as_it_was(record in record()) {
            assert_eq!(stored(Row::of(&record).unwrap()).record().unwrap(), record);
        }
    }

    /// Rows of earlier versions can be read, so no name within them changes.
    #[test]
    fn the_json_of_a_record_keeps_its_names() {
        let mut record = sample_record();
        record.fetch_job = Some(FetchJob::new("source"));
        record.parts = PartPlan::new(10, 5).ok();
        let json: Value = serde_json::from_str(&Row::of(&record).unwrap().record).unwrap();
        let names = |path: &str| -> Vec<String> {
            let object = json.pointer(path).and_then(Value::as_object);
            let names: BTreeSet<_> = object.unwrap_or_else(|| panic!("{path}")).keys().cloned().collect();
            names.into_iter().collect()
        };
        let whole = "created declared due facts fetch_job id lifetime location options parts previous_location revision state times";
        assert_eq!(names("").join(" "), whole);
        let options = [
            "authorization",
            "metadata",
            "project",
            "retention",
            "source_key",
            "tags",
        ];
        assert_eq!(names("/options"), options);
        assert_eq!(names("/options/authorization"), ["grant", "ordered", "secret"]);
        assert_eq!(json["options"]["authorization"]["grant"]["wish"], "temporary");
        assert_eq!(names("/parts"), ["apart", "part_size", "secret", "size", "upload"]);
        let job = ["at_most", "done", "name", "source", "total", "tries", "upload"];
        assert_eq!(names("/fetch_job"), job);
        assert_eq!(names("/location"), ["prefix", "store"]);
        assert_eq!(names("/lifetime"), ["expires", "kept"]);
        assert_eq!(json["due"], 1_070_123_457);
    }

    #[test]
    fn a_size_beyond_what_databases_count_is_exact() {
        let mut record = sample_record();
        record.declared.size = Some(u64::MAX);
        record.facts.as_mut().unwrap().size = u64::MAX;
        assert_eq!(stored(Row::of(&record).unwrap()).record().unwrap(), record);
    }

    #[test]
    fn a_record_of_a_version_that_had_fewer_fields_can_be_read() {
        let id = "67947755-1584-4e3f-902b-d4e2bf76a841";
        let record = format!(
            r#"{{"id":"{id}","revision":0,"state":"staged","due":7,"created":5,"declared":{{}},"options":{{"retention":"default"}}}}"#
        );
        let row = Stored {
            id: id.to_owned(),
            revision: 0,
            state: "staged".to_owned(),
            record,
        };
        let record = row.record().unwrap();
        assert_eq!((record.facts, record.location), (None, Location::default()));
    }

    #[test]
    fn a_row_that_is_not_ours_names_its_column() {
        type Spoil = fn(&mut Stored);
        let wrong: [(&str, Spoil); 9] = [
            ("id", |row| row.id = "nobody".to_owned()),
            ("id", |row| row.id = row.id.replace('-', "")),
            ("revision", |row| row.revision += 1),
            ("state", |row| row.state = "paused".to_owned()),
            ("state", |row| row.state = "rejected".to_owned()),
            ("record", |row| row.record = String::new()),
            ("record", |row| row.record = "[".repeat(100_000)),
            ("record", |row| {
                row.record = row.record.replace(r#""size":"#, r#""size":-"#)
            }),
            ("record", |row| {
                row.record = row.record.replace(r#""metadata":{"#, r#""metadata":{"a":1,"#)
            }),
        ];
        for (column, spoil) in wrong {
            let mut row = stored(Row::of(&sample_record()).unwrap());
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
