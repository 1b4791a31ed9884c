//! Scanners that are wrong, each in one way.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use intake_core::testkit::{Sample, noise};
use intake_core::{Code, Coverage, Fault, Head, Report, Scan, Scanner, Verdict, async_trait, codes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{LONG, PATIENCE, caught_by};

const FOUND: Code = Code::new("found");
const WORD: &[u8] = b"forbidden";

/// How a scanner for one word is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    NotReady,
    AcceptsAll,
    AnotherCode,
    RefusesWithoutReason,
    PartialWithoutReason,
    Faults,
    Panics,
    SharesOneBuffer,
    LooksAtEachPieceAlone,
    NotesHowOftenItWasFed,
    ReadsTheFirstKibibytes,
    SkipsTheHead,
    OneUploadAtATime,
    KeepsPermitsOfDropped,
    HangsInReady,
    HangsInOpen,
    HangsInFeed,
    HangsInFinish,
    BlocksForEver,
    BlocksForAWhile,
    WaitsForLockThatAnotherUploadHolds,
}

#[derive(Debug)]
struct Words {
    wrong: Wrong,
    shared: Arc<Mutex<Vec<u8>>>,
    permits: Arc<Semaphore>,
    holders: Arc<AtomicUsize>,
}

impl Words {
    fn new(wrong: Wrong) -> Self {
        let permits = match wrong {
            Wrong::OneUploadAtATime => 1,
            _ => 16,
        };
        Self {
            wrong,
            shared: Arc::default(),
            permits: Arc::new(Semaphore::new(permits)),
            holders: Arc::default(),
        }
    }
}

struct WordsScan {
    wrong: Wrong,
    read: Vec<u8>,
    fed: usize,
    shared: Arc<Mutex<Vec<u8>>>,
    permit: Option<OwnedSemaphorePermit>,
    _held: Option<Held>,
    is_finished: bool,
}

/// Counts open scans while it exists, like a lock on an external resource.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Scanner for Words {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        if self.wrong == Wrong::HangsInOpen {
            pending::<()>().await;
        }
        let limits = [Wrong::OneUploadAtATime, Wrong::KeepsPermitsOfDropped].contains(&self.wrong);
        let permit = match limits {
            true => Arc::clone(&self.permits).acquire_owned().await.ok(),
            false => None,
        };
        let held = (self.wrong == Wrong::WaitsForLockThatAnotherUploadHolds).then(|| {
            while self.holders.load(Ordering::SeqCst) > 0 {
                thread::sleep(Duration::from_millis(1));
            }
            self.holders.fetch_add(1, Ordering::SeqCst);
            Held(Arc::clone(&self.holders))
        });
        Ok(Box::new(WordsScan {
            wrong: self.wrong,
            read: Vec::new(),
            fed: 0,
            shared: Arc::clone(&self.shared),
            permit,
            _held: held,
            is_finished: false,
        }))
    }

    async fn ready(&self) -> Result<(), Fault> {
        match self.wrong {
            Wrong::HangsInReady => pending().await,
            Wrong::NotReady => Err(Fault::new(codes::TIMED_OUT, "not yet")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Scan for WordsScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.fed += 1;
        match self.wrong {
            Wrong::HangsInFeed => pending().await,
            Wrong::BlocksForEver => thread::sleep(LONG),
            Wrong::BlocksForAWhile => thread::sleep(PATIENCE.thread * 2),
            Wrong::Panics => panic!("a bug"),
            Wrong::Faults => return Err(Fault::new(codes::TIMED_OUT, "too slow")),
            Wrong::SharesOneBuffer => self.shared.lock().unwrap().extend_from_slice(chunk),
            Wrong::LooksAtEachPieceAlone => self.read.clear(),
            Wrong::SkipsTheHead if self.fed == 1 => return Ok(Verdict::Accept),
            Wrong::ReadsTheFirstKibibytes if self.read.len() > 8192 => return Ok(Verdict::Accept),
            _ => {}
        }
        self.read.extend_from_slice(chunk);
        Ok(Verdict::Accept)
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        let mut report = Report::clean();
        match self.wrong {
            Wrong::HangsInFinish => pending().await,
            Wrong::PartialWithoutReason => report.coverage = Coverage::Partial(String::new()),
            Wrong::NotesHowOftenItWasFed => report = report.note("fed", self.fed),
            _ => {}
        }
        let read = match self.wrong {
            Wrong::SharesOneBuffer => std::mem::take(&mut *self.shared.lock().unwrap()),
            _ => self.read.clone(),
        };
        if read.windows(WORD.len()).any(|window| window == WORD) {
            report.verdict = match self.wrong {
                Wrong::AcceptsAll => Verdict::Accept,
                Wrong::AnotherCode => Verdict::reject(Code::new("another"), "a word"),
                Wrong::RefusesWithoutReason => Verdict::reject(FOUND, " "),
                _ => Verdict::reject(FOUND, "a word"),
            };
        }
        self.is_finished = true;
        Ok(report)
    }
}

impl Drop for WordsScan {
    fn drop(&mut self) {
        if self.wrong == Wrong::KeepsPermitsOfDropped && !self.is_finished {
            let _kept = self.permit.take().map(OwnedSemaphorePermit::forget);
        }
    }
}

fn samples() -> Vec<Sample> {
    vec![
        Sample::clean("clean"),
        Sample::clean(noise(1, 100_000)),
        Sample::refused(WORD, FOUND).within(noise(2, 50_000)),
    ]
}

const VERDICT: &str = "a content gets the verdict that its author expects";
const IN_TIME: &str = "every call answers in time";
const CUT: &str = "the answer does not depend on how the bytes are cut";
const WHOLE: &str = "whole coverage means that all bytes were read";
const STILL: &str = "a stalled upload does not hold up others";
const BLOCKED: &str = "no call blocks its thread";

#[tokio::test(flavor = "multi_thread")]
async fn wrong_scanners_are_caught_by_the_rule_that_they_break() {
    let rows = [
        (Wrong::NotReady, "it is ready"),
        (Wrong::AcceptsAll, VERDICT),
        (Wrong::AnotherCode, VERDICT),
        (Wrong::RefusesWithoutReason, VERDICT),
        (Wrong::PartialWithoutReason, VERDICT),
        (Wrong::Faults, VERDICT),
        (Wrong::Panics, "no call panics"),
        (Wrong::SharesOneBuffer, "uploads at the same time do not mix"),
        (Wrong::LooksAtEachPieceAlone, CUT),
        (Wrong::NotesHowOftenItWasFed, CUT),
        (Wrong::SkipsTheHead, VERDICT),
        (Wrong::ReadsTheFirstKibibytes, WHOLE),
        (Wrong::OneUploadAtATime, STILL),
        (Wrong::KeepsPermitsOfDropped, "a dropped scan does not disturb the next"),
        (Wrong::HangsInReady, IN_TIME),
        (Wrong::HangsInOpen, IN_TIME),
        (Wrong::HangsInFeed, IN_TIME),
        (Wrong::HangsInFinish, IN_TIME),
        (Wrong::BlocksForEver, IN_TIME),
        (Wrong::BlocksForAWhile, BLOCKED),
        (Wrong::WaitsForLockThatAnotherUploadHolds, IN_TIME),
    ];
    // They run at the same time, because some of them take long.
    join_all(rows.map(|(wrong, rule)| async move {
        let samples = samples();
        let suite = PATIENCE.scanner(Words::new(wrong), &samples);
        caught_by(rule, &format!("{wrong:?}"), suite).await;
    }))
    .await;
}

#[tokio::test]
async fn a_suite_reports_what_it_left_out() {
    let checked = PATIENCE.scanner(Words::new(Wrong::Nothing), &samples()).await;
    let cut = "of sample 1 (100000 bytes), only the first and the last 16384 bytes were cut so";
    assert_eq!(
        checked.left_out,
        [7, 1].map(|piece| format!("pieces of {piece} bytes: {cut}")),
        "{checked}"
    );
    assert_eq!(checked.rules.len(), 7, "{checked}");

    let checked = PATIENCE
        .scanner(
            Words::new(Wrong::ReadsTheFirstKibibytes),
            &[Sample::refused(WORD, FOUND)],
        )
        .await;
    assert_eq!(
        checked.left_out,
        [
            "verdicts: no sample is accepted",
            "whether all bytes were read: no sample is refused wherever it stands, see `Sample::within`"
        ]
    );
}
