//! Rows as versions before 6 of the tables had them, and the records that they became: each with a value in every column that the
//! state may have.

use std::time::{Duration, UNIX_EPOCH};

use intake_core::accounting::Account;
use intake_core::{FileList, FileStatus, Location, Record, Recorder, Retention, State, UploadId};

/// The rows, in a dialect that every database reads.
pub(crate) const ROWS: &str = r#"
INSERT INTO uploads (id, revision, state, duty, due, created, project, kept, expires, size, declared, facts, metadata, rejection,
    parts, pull, known_as, pass, place, left_at, tags, sender) VALUES
('00000000-0000-4000-8000-000000000001', 3, 'ready', 'sweep', 7, 5, 'demo', FALSE, 7, 12,
    '{"name":"a \u0000 \"b\".txt","size":12,"media_type":"text/plain"}',
    '{"size":18446744073709551615,"digest":"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5","media_type":null,"coverage":{"clamav":"whole"},"notes":{"image":{"geo":[0.1,-7.25],"é":null}}}',
    '{"it''s":"ü 🦀"}', NULL, NULL, NULL, 'a name', '{"secret":"s"}', '{"store":"there","prefix":"p"}', '{}', '["cat"]', NULL),
('00000000-0000-4000-8000-000000000002', 0, 'open', 'sweep', 7, 5, NULL, NULL, NULL, NULL, '{}', NULL, '{}', NULL,
    '{"size":10,"part_size":5,"wish":"keep","secret":"00","upload":"it","apart":true}', NULL, NULL, NULL, NULL, NULL, NULL, '192.0.2.1'),
('00000000-0000-4000-8000-000000000003', 1, 'waiting', 'pull', 7, 5, 'demo', NULL, NULL, NULL, '{}', NULL, '{}', NULL, NULL,
    '{"source":"https://example.com/\u0000","name":null,"wish":"temporary","known_as":"key","at_most":null,"tries":1,"upload":null,"done":0,"total":null}',
    NULL, NULL, NULL, NULL, NULL, NULL),
('00000000-0000-4000-8000-000000000004', 1, 'rejected', 'sweep', 7, 5, NULL, NULL, NULL, NULL, '{}', NULL, '{}',
    '{"code":"no","message":"it has a \"virus\""}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '192.0.2.1'),
('00000000-0000-4000-8000-000000000005', 1, 'ready', 'sweep', NULL, 5, 'demo', TRUE, NULL, 12, '{}', NULL, '{}', NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL)
"#;

async fn record(recorder: &dyn Recorder, number: u8) -> Record {
    let id: UploadId = format!("00000000-0000-4000-8000-00000000000{number}").parse().unwrap();
    recorder.get(id).await.unwrap().unwrap()
}

/// Checks that the rows are read as the records that they were.
pub(crate) async fn are_read_as_they_were(recorder: &dyn Recorder) {
    let micros = |micros| UNIX_EPOCH + Duration::from_micros(micros);
    let ready = record(recorder, 1).await;
    assert_eq!(
        (ready.revision, ready.state, ready.due),
        (3, State::Ready, Some(micros(7)))
    );
    let lifetime = ready.lifetime.unwrap();
    assert_eq!(
        (lifetime.kept, lifetime.expires, ready.created),
        (false, Some(micros(7)), micros(5))
    );
    assert_eq!((ready.declared.size, ready.declared.name.is_some()), (Some(12), true));
    let facts = ready.facts.unwrap();
    assert_eq!(
        (facts.size, facts.notes["image"]["geo"][1].as_f64()),
        (u64::MAX, Some(-7.25))
    );
    assert_eq!(ready.options.project.as_deref(), Some("demo"));
    assert_eq!(ready.options.metadata["it's"], "ü 🦀");
    assert_eq!(
        (ready.options.source_key.as_deref(), &ready.options.tags[..]),
        (Some("a name"), &["cat".to_owned()][..])
    );
    assert_eq!(ready.options.authorization.unwrap().secret.as_deref(), Some("s"));
    let there = Location::default().with(|location| {
        location.store = Some("there".to_owned());
        location.prefix = Some("p".to_owned());
    });
    assert_eq!(
        (ready.location, ready.previous_location),
        (there, Some(Location::default()))
    );

    let found = recorder.find_by_source_key("a name").await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(ready.id));
    others_are_read_as_they_were(recorder).await;
}

async fn others_are_read_as_they_were(recorder: &dyn Recorder) {
    let open = record(recorder, 2).await;
    let parts = open.parts.unwrap();
    assert_eq!(
        (parts.size, parts.upload.as_deref(), parts.separate_keys),
        (10, Some("it"), true)
    );
    assert_eq!(
        (open.options.retention, open.options.sender.as_deref()),
        (Retention::Keep, Some("192.0.2.1"))
    );

    let waiting = record(recorder, 3).await;
    assert_eq!(
        (waiting.fetch_job.unwrap().tries, waiting.options.retention),
        (1, Retention::Temporary)
    );
    assert_eq!(waiting.options.source_key.as_deref(), Some("key"));

    let rejected = record(recorder, 4).await;
    assert_eq!(rejected.options.sender.as_deref(), Some("192.0.2.1"));
    let State::Rejected(why) = rejected.state else {
        panic!("the fourth was rejected");
    };
    assert_eq!((why.code.as_str(), why.message.as_str()), ("no", "it has a \"virus\""));

    let kept = record(recorder, 5).await;
    assert_eq!(
        (kept.due, kept.lifetime.map(|lifetime| lifetime.kept)),
        (None, Some(true))
    );

    let files = recorder.files(&FileList::of("demo", 10)).await.unwrap();
    let listed: Vec<_> = files.iter().map(|file| (file.revision, file.uploaded())).collect();
    let began = UNIX_EPOCH + Duration::from_micros(5);
    assert_eq!(listed, [(1, began), (3, began)]);
    for (status, count) in FileStatus::ALL.into_iter().zip([1, 1, 0]) {
        let counted = recorder.catalog().usage(&Account::files("demo", status)).await.unwrap();
        assert_eq!(counted.files, count, "{status:?}");
    }
}
