//! Stages and clocks for tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use intake_core::memory::KeepAll;
use intake_core::{
    BoxError, Builder, ByteStream, Code, Declared, Facts, Fault, Head, Incoming, Limits, NewMultipart, Pipeline,
    Recorder, Rejection, Report, Scan, Scanner, Store, UploadInfo, Validator, Verdict, async_trait,
};

/// A clock that stands still until a test moves it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + self.0.load(Ordering::SeqCst))
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

pub static LIMITS: LazyLock<Limits> = LazyLock::new(|| {
    Limits::default().with(|limits| {
        limits.max_size = 1_000_000;
        limits.timeout = Duration::from_secs(60);
        limits.multipart_ttl = Duration::from_secs(300);
        limits.lease = Duration::from_secs(30);
        limits.max_fetches = 4;
        limits.max_fetches_per_project = 2;
        limits.max_fetches_per_ip = 2;
        limits.max_queued_fetches_per_project = 10;
        limits.max_queued_fetches_per_ip = 10;
        limits.max_multiparts_per_project = 20;
        limits.max_multiparts_per_ip = 10;
        limits.max_tombstones_per_project = 50;
        limits.max_groups_per_project = 10;
        limits.max_group_bytes_per_project = 10_000;
        limits.group_ttl = None;
        limits.fetch_tries = 4;
        limits.fetch_backoff = Duration::from_secs(1);
        limits.trash = Duration::ZERO;
        limits.quarantine_ttl = Duration::from_secs(36 * 3600);
    })
});
/// Longer than an upload may take, shorter than any record is kept.
pub const OVER_LEASE: Duration = Duration::from_secs(121);
/// Longer than parts may take to arrive, shorter than any record is kept.
pub const OVER_OPEN: Duration = Duration::from_secs(301);
/// Longer than any record of an ended upload is kept.
pub const OVER_NOTE: Duration = Duration::from_secs(24 * 3600 + 1);

/// A pipeline on a clock of its own, with a scanner that refuses content with the word `bad`.
pub fn builder(store: impl Store + 'static, recorder: impl Recorder + 'static, clock: &Clock) -> Builder {
    let clock = clock.clone();
    Pipeline::builder()
        .validator("manners", Manners)
        .scanner("words", Words)
        .store(store)
        .recorder(recorder)
        .expirer(KeepAll)
        .limits(*LIMITS)
        .clock(move || clock.now())
}

/// A validator that refuses by name, by head and by size: at each of its three moments.
#[derive(Debug)]
pub struct Manners;

pub const RUDE: Code = Code::new("rude");
/// The code for a source that cannot be fetched at the moment.
pub const AWAY: Code = Code::new("away");

impl Validator for Manners {
    fn declared(&self, upload: &UploadInfo<'_>) -> Verdict {
        rude_if(upload.declared.name.as_deref() == Some("rude name"), "by name")
    }

    fn head(&self, head: &Head<'_>) -> Verdict {
        rude_if(head.bytes.starts_with(b"rude head"), "by head")
    }

    fn whole(&self, _upload: &UploadInfo<'_>, facts: &Facts) -> Verdict {
        rude_if(facts.size == 13, "by size")
    }
}

fn rude_if(rude: bool, how: &str) -> Verdict {
    if rude {
        Verdict::Reject(Rejection::new(RUDE, how))
    } else {
        Verdict::Accept
    }
}

/// A scanner that finds `bad` (at once) and `worse` (at the end), wherever the content is cut.
#[derive(Debug)]
pub struct Words;

#[derive(Default)]
struct WordsScan {
    worse: bool,
    fed: u64,
    tail: Vec<u8>,
}

pub const BAD: Code = Code::new("bad_word");

#[async_trait]
impl Scanner for Words {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        Ok(Box::new(WordsScan::default()))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Scan for WordsScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.fed += chunk.len() as u64;
        self.tail.extend_from_slice(chunk);
        let found = has(&self.tail, b"bad");
        self.worse |= has(&self.tail, b"worse");
        self.tail.drain(..self.tail.len().saturating_sub(4));
        Ok(if found {
            Verdict::reject(BAD, "mind your words")
        } else {
            Verdict::Accept
        })
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        let mut report = Report::clean().note("words", self.fed);
        Ok(if self.worse {
            report.verdict = Verdict::reject(BAD, "worse");
            report
        } else {
            report
        })
    }
}

fn has(chunk: &[u8], word: &[u8]) -> bool {
    chunk.windows(word.len()).any(|window| window == word)
}

/// An upload of these pieces.
pub fn upload(pieces: &[&'static [u8]]) -> Incoming {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece))).collect();
    Incoming::new(Declared::default(), stream::iter(pieces).boxed())
}

/// An upload that breaks off after these pieces.
pub fn broken_upload(pieces: &[&'static [u8]]) -> Incoming {
    let mut whole = upload(pieces);
    let broken: Result<Bytes, BoxError> = Err("connection reset".into());
    whole.body = whole.body.chain(stream::iter([broken])).boxed();
    whole
}

/// The start of a multipart upload of this number of bytes.
pub fn new_multipart(size: usize, part_size: u64) -> NewMultipart {
    NewMultipart::new(Declared::default(), size as u64, part_size)
}

/// The bytes of one part, as a sender sends them.
pub fn part_of(bytes: &[u8]) -> ByteStream {
    stream::iter([Ok(Bytes::copy_from_slice(bytes))]).boxed()
}
