//! The guarantees for multipart uploads, over a store that supports them and over one that does not.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::testkit::collect;
use intake_core::{
    Code, Coverage, Declared, Error, Fault, Head, Key, Pipeline, Record, Report, Resumed, Retention, Scan, Scanner,
    State, Swept, UploadId, UploadOptions, Verdict, async_trait, codes,
};
use tokio::sync::Semaphore;

use crate::stores::{InPlace, Seen};
use crate::support::{BAD, Clock, LIMITS, OVER_LEASE, OVER_OPEN, RUDE, broken_upload, builder, new_multipart, part_of};

/// A pipeline over one of the two kinds of stores, with helpers for tests.
pub struct House<S> {
    pub store: S,
    recorder: MemoryRecorder,
    clock: Clock,
    pub pipeline: Pipeline,
}

impl<S: Seen> House<S> {
    pub fn new() -> Self {
        let (store, recorder, clock) = (S::default(), MemoryRecorder::default(), Clock::default());
        let pipeline = builder(store.clone(), recorder.clone(), &clock).build().unwrap();
        Self {
            store,
            recorder,
            clock,
            pipeline,
        }
    }

    pub async fn put(&self, opened: &Record, number: u16, bytes: &[u8]) -> Result<(), Error> {
        let put = self
            .pipeline
            .put_part(opened, number, Some(bytes.len() as u64), part_of(bytes));
        put.await.map(drop)
    }

    /// Begins an upload of these parts and sends them in the order of the numbers.
    async fn send(&self, parts: &[(u16, &[u8])]) -> UploadId {
        let size = parts.iter().map(|(_, bytes)| bytes.len()).sum();
        let opened = self.pipeline.start_multipart(new_multipart(size, 5)).await.unwrap();
        for (number, bytes) in parts {
            self.put(&opened, *number, bytes).await.unwrap();
        }
        opened.id
    }

    pub async fn read(&self, id: UploadId) -> Vec<u8> {
        collect(self.pipeline.read(id, None).await.unwrap()).await.to_vec()
    }
}

fn code(error: &Error) -> Code {
    error.code()
}

/// Runs a test over a store with a way of its own with parts, and over one without.
macro_rules! over_both {
    ($($(#[$doc:meta])* async fn $name:ident<S: Seen>() $body:block)+) => {
        $($(#[$doc])* async fn $name<S: Seen>() $body)+

        mod own_way {
            use super::*;
            $(#[tokio::test(start_paused = true)] async fn $name() { super::$name::<InPlace>().await })+
        }

        mod separate_keys {
            use super::*;
            $(#[tokio::test(start_paused = true)] async fn $name() { super::$name::<MemoryStore>().await })+
        }
    };
}

over_both! {
    async fn parts_become_the_file_whatever_their_order<S: Seen>() {
        let house = House::<S>::new();
        let options = UploadOptions::of_project("shop").with(|options| {
            options.retention = Retention::Keep;
            options.metadata = [("pet".to_owned(), "cat".to_owned())].into();
            options.tags = vec!["cat".to_owned()];
        });
        let declared = Declared::named("twelve.txt");
        let new = new_multipart(12, 5).with(|new| (new.options, new.declared) = (options, declared));
        let opened = house.pipeline.start_multipart(new).await.unwrap();
        for (number, bytes) in [(3, &b"o!"[..]), (1, b"what?"), (2, b" hell"), (1, b"oh my")] {
            house.put(&opened, number, bytes).await.unwrap();
        }
        assert!(matches!(house.pipeline.get(opened.id).await, Err(Error::NotFound(_))), "readable before it is whole");
        let record = house.pipeline.complete(opened.id).await.unwrap();
        assert_eq!(house.read(record.id).await, b"oh my hello!");
        assert_eq!((record.options.project.as_deref(), record.options.metadata["pet"].as_str()), (Some("shop"), "cat"));
        assert_eq!(record.options.tags, ["cat"]);
        assert_eq!(record.declared.name.as_deref(), Some("twelve.txt"));
        assert_eq!(record.facts.as_ref().unwrap().notes["words"], 12, "scanners have seen all of it");
        assert_eq!(house.pipeline.get(record.id).await.unwrap(), record);
        assert_eq!(house.store.seen(), [Key::whole(record.id)], "only the whole is left");
    }

    async fn completing_has_one_effect_and_one_answer_however_often_it_is_asked_for<S: Seen>() {
        let house = House::<S>::new();
        let id = house.send(&[(1, b"again"), (2, b"!")]).await;
        let answers = join_all((0..8).map(|_| house.pipeline.complete(id))).await;
        let first = answers[0].as_ref().unwrap();
        for answer in &answers {
            assert_eq!(answer.as_ref().unwrap(), first);
        }
        assert_eq!(house.pipeline.complete(id).await.unwrap(), *first);
        assert_eq!(house.read(id).await, b"again!");
    }

    async fn what_is_not_whole_stays_open_until_it_is<S: Seen>() {
        let house = House::<S>::new();
        let opened = house.pipeline.start_multipart(new_multipart(11, 5)).await.unwrap();
        let expect = async |expected: Code| {
            let error = house.pipeline.complete(opened.id).await.unwrap_err();
            assert_eq!(code(&error), expected, "{error}");
        };
        expect(codes::PARTS_MISSING).await;
        house.put(&opened, 1, b"first").await.unwrap();
        house.put(&opened, 3, b"!").await.unwrap();
        expect(codes::PARTS_MISSING).await;
        house.put(&opened, 2, b"second").await.unwrap();
        expect(codes::PARTS_TOO_LARGE).await;
        house.put(&opened, 3, b"").await.unwrap();
        expect(codes::PARTS_TOO_LARGE).await;
        house.put(&opened, 2, b" two ").await.unwrap();
        assert_eq!(house.pipeline.complete(opened.id).await.unwrap().state, State::Ready);
        assert_eq!(house.read(opened.id).await, b"first two !");
    }

    async fn a_short_rest_may_come_with_the_part_before_it<S: Seen>() {
        let house = House::<S>::new();
        let opened = house.pipeline.start_multipart(new_multipart(7, 5)).await.unwrap();
        house.put(&opened, 1, b"all 7 b").await.unwrap();
        house.put(&opened, 2, b"").await.unwrap();
        house.pipeline.complete(opened.id).await.unwrap();
        assert_eq!(house.read(opened.id).await, b"all 7 b");
    }

    async fn a_file_that_is_refused_in_one_go_is_refused_in_parts_with_the_same_code<S: Seen>() {
        let house = House::<S>::new();
        for (parts, expected) in [
            (&[(1, &b"so ba"[..]), (2, b"d!")][..], BAD),
            (&[(1, b"so wo"), (2, b"rse!")], BAD),
            (&[(1, b"rude "), (2, b"head!")], RUDE),
            // By its size, at the end.
            (&[(1, b"12345"), (2, b"67890"), (3, b"abc")], RUDE),
        ] {
            let id = house.send(parts).await;
            for _ in 0..2 {
                let error = house.pipeline.complete(id).await.unwrap_err();
                assert!(matches!(error, Error::Rejected { .. }) && code(&error) == expected, "{error}");
            }
            assert!(matches!(house.pipeline.get(id).await, Err(Error::NotFound(_))));
            assert!(house.store.seen().is_empty(), "bytes of what was refused are there");
        }
    }

    async fn what_is_declared_is_judged_before_anything_is_recorded<S: Seen>() {
        let house = House::<S>::new();
        let rude = new_multipart(10, 5).with(|new| new.declared = Declared::named("rude name"));
        let large = new_multipart(LIMITS.max_size as usize + 1, 1 << 20);
        let larger_than_asked = new_multipart(10, 5).with(|new| new.at_most = Some(9));
        let many = new_multipart(10_001, 1);
        for (new_multipart, expected) in [
            (rude, RUDE), (large, codes::TOO_LARGE), (larger_than_asked, codes::TOO_LARGE), (many, codes::TOO_MANY_PARTS),
        ] {
            assert_eq!(code(&house.pipeline.start_multipart(new_multipart).await.unwrap_err()), expected);
        }
        assert!(house.recorder.records().is_empty() && house.store.seen().is_empty());
    }

    async fn a_part_that_cannot_be_one_is_refused_and_changes_nothing<S: Seen>() {
        let house = House::<S>::new();
        // Parts of a mebibyte and more, so that no rest is short.
        let part = 2 << 20;
        let clock = house.clock.clone();
        let large = builder(house.store.clone(), house.recorder.clone(), &clock);
        let large = large.limits(LIMITS.with(|limits| limits.max_size = 1 << 30)).build().unwrap();
        let opened = large.start_multipart(new_multipart(2 * part, part as u64)).await.unwrap();
        let zeros = |size: usize| part_of(&vec![0; size]);
        let mut refusals = Vec::new();
        for (number, size, bytes) in [(0, None, 1), (3, None, 1), (1, Some(part + 1), part + 1), (1, None, part + 1), (1, Some(7), 6), (1, Some(6), 7)] {
            let size = size.map(|size| size as u64);
            refusals.push(large.put_part(&opened, number, size, zeros(bytes)).await.unwrap_err().code());
        }
        let broken = large.put_part(&opened, 1, None, broken_upload(&[b"half"]).body).await.unwrap_err();
        refusals.push(code(&broken));
        assert_eq!(refusals, [
            codes::NO_SUCH_PART, codes::NO_SUCH_PART, codes::PARTS_TOO_LARGE, codes::PARTS_TOO_LARGE,
            codes::SIZE_MISMATCH, codes::SIZE_MISMATCH, codes::INTERRUPTED,
        ]);
        assert_eq!(code(&large.complete(opened.id).await.unwrap_err()), codes::PARTS_MISSING, "none of them is there");
    }

    async fn what_was_begun_and_left_is_removed_when_its_time_is_over<S: Seen>() {
        let house = House::<S>::new();
        let opened = house.pipeline.start_multipart(new_multipart(11, 5)).await.unwrap();
        house.put(&opened, 2, b"alone").await.unwrap();
        house.clock.advance(Duration::from_secs(299));
        assert!(house.pipeline.sweep().await.unwrap().is_empty());
        house.put(&opened, 1, b"alive").await.unwrap();
        house.clock.advance(Duration::from_secs(2));
        assert_eq!(code(&house.put(&opened, 3, b"!").await.unwrap_err()), codes::NOT_OPEN);
        assert!(matches!(house.pipeline.complete(opened.id).await, Err(Error::NotFound(_))));
        assert_eq!(house.pipeline.sweep().await.unwrap(), Swept::default().with(|swept| swept.abandoned = 1));
        assert!(house.store.seen().is_empty(), "parts are left");
        assert!(matches!(house.pipeline.complete(opened.id).await, Err(Error::NotFound(_))));
    }

    async fn an_upload_whose_node_crashed_is_resumed<S: Seen>() {
        let house = House::<S>::new();
        let id = house.send(&[(1, b"still"), (2, b" here")]).await;
        let gate = Gate::shut();
        let slow = builder(house.store.clone(), house.recorder.clone(), &house.clock).scanner("gate", gate);
        let slow = slow.build().unwrap();
        {
            let mut dies = Box::pin(slow.complete(id));
            assert!((&mut dies).now_or_never().is_none(), "it waits for its scanner");
        }
        assert_eq!(house.pipeline.status(id).await.unwrap().unwrap().state, State::Assembling);
        assert!(house.pipeline.resume().await.unwrap().is_empty(), "its claim holds");
        house.clock.advance(Duration::from_secs(31));
        assert!(house.pipeline.sweep().await.unwrap().is_empty(), "a sweeper leaves it alone");
        assert_eq!(house.pipeline.resume().await.unwrap(), Resumed::default().with(|resumed| resumed.ready = 1));
        assert_eq!(house.read(id).await, b"still here");
    }

    async fn a_node_that_still_works_keeps_its_claim<S: Seen>() {
        let house = House::<S>::new();
        let id = house.send(&[(1, b"slowl"), (2, b"y")]).await;
        let gate = Gate::shut();
        let slow = builder(house.store.clone(), house.recorder.clone(), &house.clock).scanner("gate", gate.clone());
        let slow = slow.build().unwrap();
        let mut works = Box::pin(slow.complete(id));
        for _ in 0..2 {
            // Two renewals happen in this time.
            let _works_on = tokio::time::timeout(Duration::from_secs(25), &mut works).await.unwrap_err();
            house.clock.advance(Duration::from_secs(25));
            assert!(house.pipeline.resume().await.unwrap().is_empty(), "another node took it over");
        }
        gate.open();
        assert_eq!(works.await.unwrap().state, State::Ready);
    }

    async fn a_node_that_lost_its_claim_gives_way<S: Seen>() {
        let house = House::<S>::new();
        let id = house.send(&[(1, b"twice"), (2, b"?")]).await;
        let gate = Gate::shut();
        let slow = builder(house.store.clone(), house.recorder.clone(), &house.clock).scanner("gate", gate.clone());
        let slow = slow.build().unwrap();
        let mut stalled = Box::pin(slow.complete(id));
        assert!((&mut stalled).now_or_never().is_none());
        house.clock.advance(Duration::from_secs(31));
        assert_eq!(house.pipeline.resume().await.unwrap(), Resumed::default().with(|resumed| resumed.ready = 1));
        gate.open();
        assert_eq!(stalled.await.unwrap(), house.pipeline.get(id).await.unwrap(), "the answers of the two nodes differ");
        assert_eq!(house.read(id).await, b"twice?", "it has destroyed the bytes of the other node");
    }

    async fn a_node_that_lost_its_claim_stops_working<S: Seen>() {
        let house = House::<S>::new();
        let id = house.send(&[(1, b"once "), (2, b"!")]).await;
        let gate = Gate::shut();
        let slow = builder(house.store.clone(), house.recorder.clone(), &house.clock).scanner("gate", gate);
        let slow = slow.build().unwrap();
        let mut stalled = Box::pin(slow.complete(id));
        assert!((&mut stalled).now_or_never().is_none());
        house.clock.advance(Duration::from_secs(31));
        house.pipeline.resume().await.unwrap();
        // Its scanner never ends; the next renewal fails.
        let ended = tokio::time::timeout(Duration::from_secs(15), stalled).await.expect("it stops working");
        assert_eq!(ended.unwrap().state, State::Ready, "the answers of the two nodes differ");
    }

    async fn a_late_refusal_by_a_node_that_lost_its_claim_deletes_nothing<S: Seen>() {
        let house = House::<S>::new();
        let id = house.send(&[(1, b"of ta"), (2, b"ste")]).await;
        let gate = Gate { verdict: Verdict::reject(BAD, "too late"), ..Gate::shut() };
        let strict = builder(house.store.clone(), house.recorder.clone(), &house.clock).scanner("gate", gate.clone());
        let strict = strict.build().unwrap();
        let mut stalled = Box::pin(strict.complete(id));
        assert!((&mut stalled).now_or_never().is_none());
        house.clock.advance(Duration::from_secs(31));
        assert_eq!(house.pipeline.resume().await.unwrap(), Resumed::default().with(|resumed| resumed.ready = 1));
        gate.open();
        assert_eq!(stalled.await.unwrap().state, State::Ready, "the answers of the two nodes differ");
        assert_eq!(house.read(id).await, b"of taste", "it has deleted the bytes of the other node");
    }

    async fn a_fault_costs_no_part<S: Seen>() {
        let house = House::<S>::new();
        let id = house.send(&[(1, b"one m"), (2, b"ore")]).await;
        let broken = builder(house.store.clone(), house.recorder.clone(), &house.clock).scanner("broken", Broken);
        assert!(matches!(broken.build().unwrap().complete(id).await, Err(Error::Fault(_))));
        assert_eq!(house.pipeline.status(id).await.unwrap().unwrap().state, State::Open);
        assert_eq!(house.pipeline.complete(id).await.unwrap().state, State::Ready);
        assert_eq!(house.read(id).await, b"one more");
    }

    async fn an_upload_in_parts_expires_and_is_deleted_as_any_other<S: Seen>() {
        let house = House::<S>::new();
        let id = house.send(&[(1, b"to go"), (2, b"!")]).await;
        house.pipeline.complete(id).await.unwrap();
        house.pipeline.delete(id).await.unwrap();
        assert!(house.store.seen().is_empty());
        assert!(matches!(house.pipeline.complete(id).await, Err(Error::NotFound(_))));
    }

    async fn a_part_that_came_late_is_not_left_for_ever<S: Seen>() {
        let house = House::<S>::new();
        let opened = house.pipeline.start_multipart(new_multipart(6, 5)).await.unwrap();
        house.put(&opened, 1, b"onet").await.unwrap();
        house.put(&opened, 1, b"onetwo").await.unwrap();
        let (late, late_body) = futures_channel();
        let late_put = house.pipeline.put_part(&opened, 2, None, late_body);
        let mut late_put = Box::pin(late_put);
        late.send(b"x").await;
        assert!((&mut late_put).now_or_never().is_none(), "it is being written");
        house.pipeline.complete(opened.id).await.unwrap();
        drop(late);
        let _whatever_it_is_told = late_put.await;
        assert_eq!(house.read(opened.id).await, b"onetwo", "a late part is in the file");
        house.clock.advance(OVER_LEASE);
        house.pipeline.sweep().await.unwrap();
        assert_eq!(house.store.seen(), [Key::whole(opened.id)], "a late part is left");
        house.clock.advance(OVER_OPEN);
        assert!(house.pipeline.sweep().await.unwrap().is_empty(), "late parts are deleted once more, not again and again");
    }
}

/// If the store does not support multipart uploads, every node that completes an upload writes the whole anew.
#[tokio::test(start_paused = true)]
async fn a_node_that_lost_its_claim_overwrites_nothing() {
    let house = House::<MemoryStore>::new();
    let opened = house.pipeline.start_multipart(new_multipart(8, 5)).await.unwrap();
    house.put(&opened, 1, b"first").await.unwrap();
    house.put(&opened, 2, b"try").await.unwrap();
    let pipeline = |gate| builder(house.store.clone(), house.recorder.clone(), &house.clock).scanner("gate", gate);
    let gate = Gate::shut();
    let slow = pipeline(gate.clone()).build().unwrap();
    let mut stalled = Box::pin(slow.complete(opened.id));
    assert!((&mut stalled).now_or_never().is_none());
    house.clock.advance(Duration::from_secs(31));
    let broken = builder(house.store.clone(), house.recorder.clone(), &house.clock).scanner("broken", Broken);
    broken.build().unwrap().resume().await.unwrap();
    // The upload is released, gets another part, and is completed by another node.
    house.put(&opened, 1, b"other").await.unwrap();
    let ready = house.pipeline.complete(opened.id).await.unwrap();
    gate.open();
    assert_eq!(stalled.await.unwrap(), ready);
    assert_eq!(house.read(opened.id).await, b"othertry", "bytes without a record");
}

#[tokio::test(start_paused = true)]
async fn a_longer_part_that_arrives_while_the_whole_is_read_changes_nothing() {
    const PART: usize = 10_000;

    let house = House::<MemoryStore>::new();
    let opened = house
        .pipeline
        .start_multipart(new_multipart(3 * PART, PART as u64))
        .await
        .unwrap();
    for number in 1..=3 {
        house.put(&opened, number, &[b'x'; PART]).await.unwrap();
    }
    // The attempt is open before the upload is claimed, and ends only after the parts were listed.
    let (late, late_body) = futures_channel();
    let mut late_put = Box::pin(house.pipeline.put_part(&opened, 2, None, late_body));
    late.send(&[b'y'; PART + 1]).await;
    assert!((&mut late_put).now_or_never().is_none());
    let gate = Gate {
        at_once: true,
        ..Gate::shut()
    };
    let slow = builder(house.store.clone(), house.recorder.clone(), &house.clock).scanner("gate", gate.clone());
    let slow = slow.build().unwrap();
    let mut reading = Box::pin(slow.complete(opened.id));
    assert!((&mut reading).now_or_never().is_none(), "it has read the head");
    drop(late);
    late_put.await.unwrap();
    gate.open();
    assert_eq!(code(&reading.await.unwrap_err()), codes::SIZE_MISMATCH);
    house.put(&opened, 2, &[b'z'; PART]).await.unwrap();
    assert_eq!(house.pipeline.complete(opened.id).await.unwrap().state, State::Ready);
}

/// A body that a test sends piece by piece.
pub fn futures_channel() -> (Sender, intake_core::ByteStream) {
    use futures_util::StreamExt;

    let (sender, receiver) = tokio::sync::mpsc::channel::<&'static [u8]>(1);
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok(bytes::Bytes::from_static(piece)), receiver))
    });
    (Sender(sender), pieces.boxed())
}

pub struct Sender(tokio::sync::mpsc::Sender<&'static [u8]>);

impl Sender {
    pub async fn send(&self, piece: &'static [u8]) {
        self.0.send(piece).await.unwrap();
    }
}

/// A scanner that begins or ends when the test allows it.
#[derive(Clone, Debug)]
struct Gate {
    shut: Arc<Semaphore>,
    at_once: bool,
    verdict: Verdict,
}

impl Gate {
    fn shut() -> Self {
        Self {
            shut: Arc::new(Semaphore::new(0)),
            at_once: false,
            verdict: Verdict::Accept,
        }
    }

    fn open(&self) {
        self.shut.close();
    }

    async fn pass(&self) {
        // A closed channel lets it go on.
        let _closed = self.shut.acquire().await;
    }
}

#[async_trait]
impl Scanner for Gate {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        if self.at_once {
            self.pass().await;
        }
        Ok(Box::new(self.clone()))
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Scan for Gate {
    async fn feed(&mut self, _chunk: &bytes::Bytes) -> Result<Verdict, Fault> {
        Ok(Verdict::Accept)
    }
    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        self.pass().await;
        Ok(Report::new(self.verdict, Coverage::Whole))
    }
}

/// A scanner that always fails.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Scanner for Broken {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        Err(Fault::new(Code::new("no"), "down").retryable())
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}
