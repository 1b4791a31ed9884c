//! The guarantees for every upload in one request.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::testkit::faulty::{Faulty, Moment, Plan};
use intake_core::testkit::{self, collect, noise};
use intake_core::{
    Coverage, Declared, Error, Fault, Fetcher, Head, Incoming, Interruption, OnFault, Pipeline, Recorder, Rejection,
    Report, Retention, Scan, ScanPolicy, Scanner, State, Task, UploadOptions, Verdict, async_trait, codes,
};
use sha2::Digest as _;

use crate::stores::InPlace;
use crate::support::{AWAY, BAD, Clock, LIMITS, OVER_NOTE, RUDE, broken_upload, builder, upload};

fn pipeline() -> (Pipeline, InPlace, MemoryRecorder) {
    let (store, recorder) = (InPlace::default(), MemoryRecorder::default());
    (
        builder(store.clone(), recorder.clone(), &Clock::default())
            .build()
            .unwrap(),
        store,
        recorder,
    )
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_broke_off_while_the_recorder_failed_is_ended_when_it_works_again() {
    // The first call records the intent, the second one that the upload broke off.
    for moment in [Moment::Before, Moment::After] {
        let (recorder, plan) = (MemoryRecorder::default(), Plan::from(1, moment));
        let pipeline = builder(
            InPlace::default(),
            Faulty::new(recorder.clone(), &plan),
            &Clock::default(),
        );
        let pipeline = pipeline.build().unwrap();
        let incoming = broken_upload(&[b"some"]);
        let id = incoming.id;
        pipeline.ingest(incoming, UploadOptions::default()).await.unwrap_err();
        tokio::time::sleep(Duration::from_secs(5)).await;
        plan.heal();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let record = recorder.get(id).await.unwrap().unwrap();
        assert!(matches!(record.state, State::Rejected(_)), "{:?}", record.state);
    }
}

#[tokio::test]
async fn an_accepted_upload_is_recorded_with_its_facts_and_reads_back() {
    let (pipeline, ..) = pipeline();
    let pieces: Vec<_> = (0..20).map(|seed| noise(seed, 20_000)).collect();
    let whole = pieces.concat();
    let declared = Declared::named("a.bin").with(|declared| declared.size = Some(whole.len() as u64));
    let body = stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    let metadata = [("k".to_owned(), "v".to_owned())].into();
    let options = UploadOptions::of_project("p").with(|options| {
        options.retention = Retention::Keep;
        options.metadata = metadata;
        options.tags = vec!["cat".to_owned()];
    });
    let record = pipeline
        .ingest(Incoming::from_stream(declared.clone(), body), options.clone())
        .await
        .unwrap();
    let facts = record.facts.clone().unwrap();
    assert_eq!(
        (record.state.clone(), record.declared.clone()),
        (State::Ready, declared)
    );
    assert_eq!(
        (
            record.options.project.clone(),
            record.options.metadata.clone(),
            record.options.tags.clone()
        ),
        (options.project, options.metadata, options.tags)
    );
    assert_eq!((facts.size, facts.media_type), (400_000, None));
    assert_eq!(facts.digest.to_string(), hex::encode(sha2::Sha256::digest(&whole)));
    let stages: Vec<_> = facts
        .inspections
        .iter()
        .map(|said| (&*said.stage, &said.coverage))
        .collect();
    assert_eq!(stages, [("manners", &Coverage::Whole), ("words", &Coverage::Whole)]);
    assert_eq!(facts.notes["words"], 400_000, "the scanner saw every byte");
    assert_eq!(pipeline.get(record.id).await.unwrap(), record);
    assert_eq!(collect(pipeline.read(record.id, None).await.unwrap()).await, whole);
}

#[tokio::test]
async fn a_refusal_names_its_stage_and_leaves_no_bytes() {
    let named = |name: &str| upload(&[b"x"]).with(|incoming| incoming.declared = Declared::named(name));
    let sized = |size| {
        upload(&[b"abc", b"de"])
            .with(|incoming| incoming.declared = Declared::default().with(|declared| declared.size = Some(size)))
    };
    let long = || {
        Incoming::new(
            Declared::default(),
            stream::repeat_with(|| Ok(noise(1, 70_000))).take(100).boxed(),
        )
    };
    let table: [(&str, Incoming, &str, _, bool); 12] = [
        ("a name", named("rude name"), "manners", RUDE, false),
        ("a head", upload(&[b"rude", b" head"]), "manners", RUDE, true),
        ("the whole", upload(&[b"thirteen", b"bytes"]), "manners", RUDE, true),
        ("a piece", upload(&[b"good", b"bad", b"good"]), "words", BAD, true),
        ("the last piece", upload(&[b"worse"]), "words", BAD, true),
        ("more than declared", sized(4), "receive", codes::SIZE_MISMATCH, true),
        ("less than declared", sized(6), "receive", codes::SIZE_MISMATCH, true),
        (
            "less than declared, from the start",
            sized(900_000),
            "receive",
            codes::SIZE_MISMATCH,
            true,
        ),
        (
            "too much declared",
            sized(LIMITS.max_size + 1),
            "receive",
            codes::TOO_LARGE,
            false,
        ),
        (
            "absurdly much declared",
            sized(u64::MAX),
            "receive",
            codes::TOO_LARGE,
            false,
        ),
        ("too much sent", long(), "receive", codes::TOO_LARGE, true),
        (
            "more than the limit of this upload",
            upload(&[b"abc", b"def"]).at_most(5),
            "receive",
            codes::TOO_LARGE,
            true,
        ),
    ];
    for (what, incoming, expected_by, code, recorded) in table {
        let (pipeline, store, recorder) = pipeline();
        let id = incoming.id;
        match pipeline.ingest(incoming, UploadOptions::default()).await {
            Err(Error::Rejected { by, rejection }) => {
                assert_eq!((by.as_str(), rejection.code), (expected_by, code), "{what}")
            }
            other => panic!("{what}: {other:?}"),
        }
        assert!(store.keys().is_empty(), "{what}: bytes stayed");
        assert!(
            matches!(pipeline.get(id).await, Err(Error::NotFound(_))),
            "{what}: readable"
        );
        let states: Vec<_> = recorder
            .records()
            .into_iter()
            .map(|record| record.state.name())
            .collect();
        assert_eq!(states, if recorded { vec!["rejected"] } else { vec![] }, "{what}");
    }
}

#[tokio::test]
async fn an_empty_upload_is_an_upload() {
    let (pipeline, ..) = pipeline();
    let record = pipeline.ingest(upload(&[]), UploadOptions::default()).await.unwrap();
    assert_eq!(record.facts.unwrap().size, 0);
    assert!(collect(pipeline.read(record.id, None).await.unwrap()).await.is_empty());
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let cases: [&[&[u8]]; 3] = [&[], &[b"some"], &[b"some", b"more"]];
    for pieces in cases {
        let (pipeline, store, _) = pipeline();
        let error = pipeline
            .ingest(broken_upload(pieces), UploadOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), codes::INTERRUPTED);
        assert!(store.keys().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_takes_too_long_is_refused_and_leaves_nothing() {
    let (pipeline, store, recorder) = pipeline();
    let mut endless = upload(&[b"first"]);
    endless.body = endless.body.chain(stream::pending()).boxed();
    let error = pipeline.ingest(endless, UploadOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), codes::TIMED_OUT);
    assert!(store.keys().is_empty());
    assert_eq!(recorder.records()[0].state.name(), "rejected");
}

#[tokio::test]
async fn nothing_is_readable_before_it_is_committed() {
    let (pipeline, store, _) = pipeline();
    let admitted = pipeline.admit(upload(&[b"not yet"])).await.unwrap();
    assert_eq!(store.keys().len(), 1, "this store shows bytes while they are written");
    assert!(matches!(
        pipeline.read(admitted.id(), None).await,
        Err(Error::NotFound(_))
    ));
    let id = admitted.id();
    admitted.discard(Rejection::new(RUDE, "no key")).await;
    assert!(matches!(pipeline.read(id, None).await, Err(Error::NotFound(_))));
    assert!(store.keys().is_empty());
    assert_eq!(
        pipeline.status(id).await.unwrap().unwrap().state,
        State::Rejected(Rejection::new(RUDE, "no key").by("request"))
    );
}

#[tokio::test]
async fn the_rest_of_a_refused_upload_is_not_read() {
    let (pipeline, ..) = pipeline();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = asked.clone();
    let body = stream::repeat_with(move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(Bytes::from_static(b"rude head"))
    });
    let error = pipeline
        .ingest(
            Incoming::new(Declared::default(), body.boxed()),
            UploadOptions::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(error.code(), RUDE);
    let asked = asked.load(std::sync::atomic::Ordering::SeqCst) * 9;
    assert!(
        asked <= intake_core::HEAD_BYTES + 9,
        "{asked} bytes were read to judge a head"
    );
}

/// A scanner that fails at one of three moments: 0 open, 1 feed, 2 finish.
#[derive(Debug)]
struct Broken(u8);

struct BrokenScan(u8);

#[async_trait]
impl Scanner for Broken {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        if self.0 == 0 {
            Err(broken())
        } else {
            Ok(Box::new(BrokenScan(self.0)))
        }
    }
    async fn ready(&self) -> Result<(), Fault> {
        Err(broken())
    }
}

#[async_trait]
impl Scan for BrokenScan {
    async fn feed(&mut self, _chunk: &Bytes) -> Result<Verdict, Fault> {
        if self.0 == 1 {
            Err(broken())
        } else {
            Ok(Verdict::Accept)
        }
    }
    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        Err(broken())
    }
}

fn broken() -> Fault {
    Fault::new(codes::TIMED_OUT, "the scanner is broken")
}

#[tokio::test]
async fn an_upload_whose_scanner_fails_is_not_accepted() {
    for moment in 0..3 {
        let (store, recorder) = (InPlace::default(), MemoryRecorder::default());
        let pipeline = builder(store.clone(), recorder, &Clock::default())
            .scanner("broken", Broken(moment))
            .build()
            .unwrap();
        let error = pipeline
            .ingest(upload(&[b"content"]), UploadOptions::default())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Fault(_)), "moment {moment}: {error}");
        assert!(store.keys().is_empty(), "moment {moment}: bytes stayed");
        assert!(pipeline.ready().await.unwrap_err().to_string().contains("`broken`"));
    }
}

#[tokio::test]
async fn a_scanner_that_may_fail_says_in_the_record_that_it_did() {
    let policy = ScanPolicy::default().with(|policy| policy.on_fault = OnFault::Accept);
    for moment in 0..3 {
        let pipeline = builder(InPlace::default(), MemoryRecorder::default(), &Clock::default())
            .scanner_with(policy.clone(), "broken", Broken(moment))
            .build()
            .unwrap();
        let facts = pipeline
            .ingest(upload(&[b"content"]), UploadOptions::default())
            .await
            .unwrap()
            .facts
            .unwrap();
        let why = "the scanner failed: timed_out".to_owned();
        assert_eq!(
            facts.coverage("broken"),
            Some(&Coverage::Partial(why)),
            "moment {moment}"
        );
        assert_eq!(facts.coverage("words"), Some(&Coverage::Whole));
        pipeline.ready().await.unwrap();
    }
}

#[tokio::test]
async fn uploads_can_be_kept_and_deleted() {
    let (pipeline, store, _) = pipeline();
    let id = pipeline
        .ingest(upload(&[b"content"]), UploadOptions::default())
        .await
        .unwrap()
        .id;
    assert!(pipeline.keep(id, Retention::Keep).await.unwrap().lifetime.unwrap().kept);
    pipeline.delete(id).await.unwrap();
    assert!(store.keys().is_empty());
    assert!(matches!(pipeline.delete(id).await, Err(Error::NotFound(_))));
    assert!(matches!(
        pipeline.keep(id, Retention::Keep).await,
        Err(Error::NotFound(_))
    ));
}

/// A fetcher that knows a few sources.
#[derive(Debug)]
struct OneSource;

#[async_trait]
impl Fetcher for OneSource {
    async fn judge(&self, source: &str) -> Result<(), Error> {
        self.receive(source).await.map(drop)
    }
    async fn receive(&self, source: &str) -> Result<Incoming, Error> {
        match source {
            "one" => Ok(upload(&[b"fetched"])),
            "half" => {
                let why = Interruption::new(Rejection::new(AWAY, "the source is away").with_subject("half"));
                let body = futures_util::stream::iter([Ok(Bytes::from_static(b"half of")), Err(why)]);
                Ok(Incoming::from_stream(Declared::default(), body))
            }
            _ => Err(Error::Rejected {
                by: "one".to_owned(),
                rejection: Rejection::new(RUDE, "another source"),
            }),
        }
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test]
async fn a_fetched_source_passes_all_stages() {
    let (without, ..) = pipeline();
    assert_eq!(
        without.fetch("one", UploadOptions::default()).await.unwrap_err().code(),
        codes::NO_RECEIVER
    );
    let pipeline = builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default())
        .fetcher("one", OneSource)
        .build()
        .unwrap();
    let record = pipeline.fetch("one", UploadOptions::default()).await.unwrap();
    assert_eq!(record.facts.unwrap().notes["words"], 7);
    assert_eq!(
        pipeline
            .fetch("two", UploadOptions::default())
            .await
            .unwrap_err()
            .code(),
        RUDE
    );
    assert_eq!(
        without.check_source("one").await.unwrap_err().code(),
        codes::NO_RECEIVER
    );
    assert!(pipeline.check_source("one").await.is_ok());
    assert_eq!(pipeline.check_source("two").await.unwrap_err().code(), RUDE);
}

#[tokio::test]
async fn a_source_that_breaks_off_says_why_and_so_does_the_record() {
    let (store, recorder, clock) = (InPlace::default(), MemoryRecorder::default(), Clock::default());
    let pipeline = builder(store.clone(), recorder.clone(), &clock)
        .fetcher("one", OneSource)
        .build()
        .unwrap();
    let error = pipeline.fetch("half", UploadOptions::default()).await.unwrap_err();
    assert!(
        matches!(error, Error::Interrupted(_)),
        "another try may end well: {error}"
    );
    assert_eq!(error.code(), AWAY);
    assert_eq!(error.rejection().unwrap().subject.as_deref(), Some("half"));
    assert!(store.keys().is_empty());
    clock.advance(OVER_NOTE);
    let noted = recorder.due(Task::Sweep, clock.now(), 9).await.unwrap();
    let [record] = &noted[..] else { panic!("{noted:?}") };
    assert!(
        matches!(&record.state, State::Rejected(why) if why.code == AWAY && why.message == "the source is away"),
        "{record:?}"
    );
}

#[tokio::test]
async fn the_reference_implementations_keep_the_contract() {
    testkit::store(&MemoryStore::default()).await;
    testkit::recorder(&MemoryRecorder::default()).await;
    testkit::validator(crate::support::Manners);
    testkit::expirer(intake_core::memory::KeepAll);
    let clean = Bytes::from(vec![b'.'; 100_000]);
    testkit::scanner(
        crate::support::Words,
        &[
            testkit::Sample::clean(clean.clone()),
            testkit::Sample::clean(""),
            testkit::Sample::refused("worse", BAD).within(clean),
        ],
    )
    .await;
}

#[test]
fn a_pipeline_without_a_stage_that_it_needs_is_not_built() {
    let error = Pipeline::builder().build().unwrap_err();
    assert_eq!(error.to_string(), "store: missing: a pipeline needs one");
    let twice =
        builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default()).scanner("words", Broken(0));
    assert!(
        twice
            .build()
            .unwrap_err()
            .to_string()
            .starts_with("scan[1]: there is another scanner called `words`")
    );
}
