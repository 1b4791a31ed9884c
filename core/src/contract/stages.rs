//! The contract: six stages, one trait each.
//!
//! | stage | asked | may wait | may fail |
//! | --- | --- | --- | --- |
//! | [`Receiver`] | to fetch what a source names | yes | yes |
//! | [`Validator`] | whether facts speak against an upload | no | no |
//! | [`Scanner`] | to read along, then whether content speaks against it | yes | yes |
//! | [`Store`] | to keep bytes | yes | yes |
//! | [`Recorder`] | to keep records, and swap one for its successor | yes | yes |
//! | [`Expirer`] | how long an upload stays | no | no |
//!
//! Refusing is an answer ([`Verdict`]), failing is an error ([`Fault`]). Building any of them opens nothing and starts
//! nothing; connections come with first use, and `ready` is the probe. Each trait has a suite in `testkit`: an implementation
//! that passes keeps the contract. No call keeps its thread asleep: what blocks is for `tokio::task::spawn_blocking`.

use crate::record::books::Swap;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;

pub use crate::contract::catalog::Catalog;
use crate::record::books::Booking;
use crate::record::upload::{Duty, Record, State};
use crate::value::error::{Error, Fault};
use crate::value::evidence::{Coverage, Declared, Facts, Head};
use crate::value::id::{ByteStream, Key, UploadId};
use crate::value::incoming::Incoming;
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::media_type::MediaType;
use crate::value::parts::MOST_PARTS;
use crate::value::parts::{Part, Slot};
use crate::value::verdict::Verdict;

/// Fetches an upload from where someone points to.
///
/// Only sources that are *pulled* need one; an adapter which is handed bytes builds an [`Incoming`] itself. Many are received
/// at the same time, each under an id of its own, and any of them may be dropped at any moment. A text that names no source is
/// the sender's to mend: it is refused, and is no fault.
#[async_trait]
pub trait Receiver: Debug + Send + Sync {
    /// Whether the source may be fetched at all; opens no connection to it. That it may now says nothing of later:
    /// [`receive`](Self::receive) judges again.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if it must not be, [`Error::Interrupted`] if that could not be found out now.
    async fn judge(&self, source: &str) -> Result<(), Error>;

    /// Judges the source and opens it. Its bytes are pulled as the pipeline asks for them.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the source must not or cannot be fetched, now or later; [`Error::Interrupted`] if it could
    /// not be this time, and another try may end well; [`Error::Fault`] if it is one of our parts that failed. The first
    /// two say what is wrong with the source: see [`Error::rejection`]. So does an error among the bytes, if it is an
    /// [`Interruption`](crate::Interruption), or an [`Error`] of ours.
    async fn receive(&self, source: &str) -> Result<Incoming, Error>;

    /// Whether it could work now; for health checks.
    ///
    /// # Errors
    ///
    /// What stands in the way.
    async fn ready(&self) -> Result<(), Fault>;
}

/// Judges by facts alone: no waiting, no failing, no memory between uploads.
///
/// It is asked at three moments; the argument's type says what is known by then. The first "no" ends the upload.
pub trait Validator: Debug + Send + Sync {
    /// Before the first byte: nothing was recorded, nothing stored.
    fn declared(&self, _declared: &Declared) -> Verdict {
        Verdict::Accept
    }

    /// After the first bytes: nothing was stored, and the rest was not read.
    fn head(&self, _head: &Head<'_>) -> Verdict {
        Verdict::Accept
    }

    /// After the last byte: everything is known, nothing is committed.
    fn whole(&self, _declared: &Declared, _facts: &Facts) -> Verdict {
        Verdict::Accept
    }
}

/// Reads content as it passes by. May wait, may fail, and keeps state per upload in its [`Scan`].
///
/// How the bytes are cut is the network's to choose, so the answer does not depend on it. An upload may stand still for as long
/// as its sender does: others go on meanwhile.
#[async_trait]
pub trait Scanner: Debug + Send + Sync {
    /// Begins to read one upload. The head's bytes are fed again with the rest.
    ///
    /// # Errors
    ///
    /// If it cannot scan now; the upload is refused unless the scanner is wrapped in [`FailOpen`](crate::FailOpen).
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault>;

    /// Whether it could work now; for health checks.
    ///
    /// # Errors
    ///
    /// What stands in the way.
    async fn ready(&self) -> Result<(), Fault>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Scanner + ?Sized> Scanner for Box<S> {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        (**self).open(head).await
    }

    async fn ready(&self) -> Result<(), Fault> {
        (**self).ready().await
    }
}

/// One upload being read. Dropping it is legal at any moment and means that the upload ended otherwise.
#[async_trait]
pub trait Scan: Send {
    /// Takes the next bytes; the upload waits for this. A "no" may come early.
    ///
    /// # Errors
    ///
    /// If it cannot go on.
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault>;

    /// All bytes were fed: the verdict, and how much of the content it covers.
    ///
    /// # Errors
    ///
    /// If there is no verdict. No verdict is not a "yes".
    async fn finish(self: Box<Self>) -> Result<Report, Fault>;
}

/// What a scan ends with.
#[derive(Clone, Debug)]
pub struct Report {
    /// Yes or no.
    pub verdict: Verdict,
    /// How much of the content the verdict speaks of.
    pub coverage: Coverage,
    /// What was found out, by subject: goes into [`Facts::notes`].
    pub notes: BTreeMap<String, Value>,
}

impl Report {
    /// A "yes" after everything was looked at.
    #[must_use]
    pub fn clean() -> Self {
        Self {
            verdict: Verdict::Accept,
            coverage: Coverage::Whole,
            notes: BTreeMap::new(),
        }
    }

    /// Adds a note on a subject.
    #[must_use]
    pub fn note(mut self, subject: impl Into<String>, note: Value) -> Self {
        self.notes.insert(subject.into(), note);
        self
    }
}

/// Keeps bytes under a key, and knows nothing else.
///
/// Only the pipeline writes keys. That of a whole upload has one attempt, unless somebody goes on where somebody else died;
/// that of a part may be written again, and by two at a time: then the last commit counts, whole.
/// A store may show bytes before [`Staged::commit`]: whether an upload is readable is for the record to say.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Begins to write under a key. Whatever this leaves behind, even when the process dies at any later moment,
    /// [`Store::delete`] of the same key removes.
    ///
    /// # Errors
    ///
    /// If it cannot begin.
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault>;

    /// The bytes under a key, or a range of them. A range that ends behind the last byte ends there.
    ///
    /// # Errors
    ///
    /// [`BYTES_MISSING`](crate::codes::BYTES_MISSING) if there are none, else whatever stands in the way.
    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault>;

    /// How many bytes were committed under a key, or `None` if none were.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault>;

    /// Removes whatever there is under a key: committed, staged, or left by an attempt that died. Nothing is fine too.
    ///
    /// # Errors
    ///
    /// If something may still be there.
    async fn delete(&self, key: &Key) -> Result<(), Fault>;

    /// The store's own way with uploads that come in parts, if it has one. Without, the pipeline keeps each part under a key
    /// of its own, and copies them together.
    fn multipart(&self) -> Option<&dyn Multipart>;

    /// How many bytes it can keep under one key, if it knows a bound. A pipeline that would let in more is not built.
    fn most_bytes(&self) -> Option<u64> {
        None
    }

    /// Bytes of memory that one upload takes here at most while it is written. A program that bounds its memory counts with
    /// them.
    fn bytes_of_upload(&self) -> u64 {
        const BUFFERS: u64 = 256 * 1024;
        BUFFERS
    }

    /// Whether it could work now; at the start, so that it may try all that uploads need.
    ///
    /// # Errors
    ///
    /// What stands in the way.
    async fn ready(&self) -> Result<(), Fault>;

    /// Whether it still works. A program asks for that every few seconds, so a store that is paid by the call, or far away, does
    /// less here than in [`ready`](Self::ready).
    ///
    /// # Errors
    ///
    /// What stands in the way.
    async fn alive(&self) -> Result<(), Fault> {
        self.ready().await
    }
}

/// Bytes on their way into a store. Ends in exactly one of two ways; being dropped is the third, and leaves the rest to
/// [`Store::delete`].
#[async_trait]
pub trait Staged: Send {
    /// Takes the next bytes; the upload waits for this.
    ///
    /// # Errors
    ///
    /// If they could not be taken. Only [`Staged::discard`] makes sense then.
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault>;

    /// Makes all bytes durable: when this returns, no crash and no loss of power takes them back.
    ///
    /// # Errors
    ///
    /// If they may not be durable.
    async fn commit(self: Box<Self>) -> Result<(), Fault>;

    /// Removes all bytes. Legal even after a write that failed or was cancelled.
    ///
    /// # Errors
    ///
    /// If something may still be there.
    async fn discard(self: Box<Self>) -> Result<(), Fault>;
}

/// A store's own way with uploads that come in parts: in any order, at the same time, and again.
///
/// [`Store::delete`] of the key removes everything of it, at any moment. What becomes of a part that is still being written
/// then, or while the parts are put together, is up to the store, as long as it neither stays nor changes the whole.
#[async_trait]
pub trait Multipart: Debug + Send + Sync {
    /// The most parts that one upload can have. The pipeline keeps those of an upload with more under keys of their own.
    fn most_parts(&self) -> u16 {
        MOST_PARTS
    }

    /// Begins. What this answers is recorded, and handed back with every later call. The fewer it makes, the better: many an
    /// upload is begun, and no part of it sent.
    ///
    /// # Errors
    ///
    /// If it cannot begin.
    async fn begin(&self, key: &Key) -> Result<String, Fault>;

    /// Begins an attempt at a part. At its commit it is durable, and replaces whatever came under its number before: until then
    /// that stays as it is, and of attempts that are made at a time the last commit counts, whole. `size` is what its sender
    /// says, if anything; the pipeline lets no more bytes through, but maybe fewer.
    ///
    /// # Errors
    ///
    /// [`NOT_OPEN`](crate::codes::NOT_OPEN) if the parts have been put together or removed,
    /// [`LENGTH_REQUIRED`](crate::codes::LENGTH_REQUIRED) if the store has to know the size,
    /// [`PARTS_TOO_OFTEN`](crate::codes::PARTS_TOO_OFTEN) if it keeps no more attempts, else whatever stands in the way.
    async fn stage(&self, key: &Key, upload: &str, slot: &Slot, size: Option<u64>) -> Result<Box<dyn Staged>, Fault>;

    /// The parts that are there, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    async fn list(&self, key: &Key, upload: &str) -> Result<Vec<Part>, Fault>;

    /// Makes these parts one, durable, and readable under the key. It does not wait for attempts that are still being written,
    /// and when it returns, none of them changes the whole. If it is done already, doing it again is fine.
    ///
    /// # Errors
    ///
    /// [`PARTS_MISSING`](crate::codes::PARTS_MISSING) if one of them is not there any more as it was listed, else if they may not
    /// be one.
    async fn assemble(&self, key: &Key, upload: &str, parts: &[Part]) -> Result<(), Fault>;

    /// An address to which a sender may `PUT` a part past us until this lifetime is over, if the store is set to give such. It
    /// lets in just `size` bytes, if the store can see to that and it is known how many there have to be.
    ///
    /// # Errors
    ///
    /// If none could be made.
    async fn url(
        &self,
        key: &Key,
        upload: &str,
        slot: &Slot,
        size: Option<u64>,
        lifetime: Duration,
    ) -> Result<Option<String>, Fault>;
}

/// Keeps records. It stores them and compares revisions; every rule is in [`Record::apply`], and what is counted in
/// [`Booking::of`].
///
/// Times are kept to the microsecond. What a call acknowledged is durable.
#[async_trait]
pub trait Recorder: Debug + Send + Sync {
    /// Keeps a new record, and writes down what is to be booked with it: both or neither.
    ///
    /// # Errors
    ///
    /// [`ID_TAKEN`](crate::codes::ID_TAKEN) if there is one of this id, else whatever stands in the way.
    async fn insert(&self, record: &Record, booking: &Booking) -> Result<Swap, Fault>;

    /// The record of this id.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault>;

    /// Puts the record in its predecessor's place, if that is still the one with the revision before this one's, and writes
    /// down what is to be booked with it: both or neither.
    ///
    /// # Errors
    ///
    /// If it is not known whether the swap was done.
    async fn update(&self, record: &Record, booking: &Booking) -> Result<Swap, Fault>;

    /// Does what [`update`](Self::update) does for each of these records, which are different ones, in one transaction: all of
    /// it or none, whenever the process ends. If one of them has changed since it was read, or what is booked with all of them
    /// together does not fit, nothing is done.
    ///
    /// # Errors
    ///
    /// If it is not known whether the swaps were done.
    async fn update_all(&self, changes: &[(Record, Booking)]) -> Result<Swap, Fault>;

    /// Forgets a record, if it still has this revision. Nothing is fine too.
    ///
    /// # Errors
    ///
    /// If it may still be there.
    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault>;

    /// Records of this duty that are due, those first that have been due longest.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    async fn due(&self, duty: Duty, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault>;

    /// The newest record in the state [`Ready`](crate::State::Ready) that is known by this name.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    async fn known_as(&self, name: &str) -> Result<Option<Record>, Fault>;

    /// Records of this kind and project, the newest first, from behind this one on.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault>;

    /// Records that are [`Rejected`](State::Rejected), of this project or of no project, the oldest first.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault>;

    /// How much is unfinished, of all projects.
    ///
    /// # Errors
    ///
    /// If it could not be counted.
    async fn backlog(&self) -> Result<Backlog, Fault>;

    /// What is kept beside the records.
    fn catalog(&self) -> &dyn Catalog;

    /// Whether the place where the records are kept was made before, such as a database with its tables. Asking makes nothing,
    /// unlike every other call: commands that work on what a server has made ask this first.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    async fn exists(&self) -> Result<bool, Fault> {
        Ok(true)
    }

    /// Whether it could work now; for health checks and at the start.
    ///
    /// # Errors
    ///
    /// What stands in the way.
    async fn ready(&self) -> Result<(), Fault>;
}

/// What can be listed of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listing {
    /// Files: what is [`Ready`](State::Ready) or [`Trashed`](State::Trashed).
    Files,
    /// What is [`Rejected`](State::Rejected), of this project or of a project that was not known yet.
    Refused,
    /// Uploads whose parts are arriving or are being put together: [`Open`](State::Open), [`Assembling`](State::Assembling).
    Unfinished,
    /// Orders that wait or are being fetched: [`Waiting`](State::Waiting), [`Pulling`](State::Pulling).
    Orders,
}

impl Listing {
    /// Whether a record is of this kind, and of this project.
    #[must_use]
    pub fn has(self, record: &Record, project: &str) -> bool {
        let of_project = record.project.as_deref() == Some(project);
        match self {
            Self::Files => of_project && matches!(record.state, State::Ready | State::Trashed),
            Self::Refused => (of_project || record.project.is_none()) && matches!(record.state, State::Rejected(_)),
            Self::Unfinished => of_project && matches!(record.state, State::Open | State::Assembling),
            Self::Orders => of_project && matches!(record.state, State::Waiting | State::Pulling),
        }
    }
}

/// What is unfinished in a recorder, of all projects and on all nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Uploads whose parts are arriving or are being put together: see [`Listing::Unfinished`].
    pub unfinished: u64,
    /// Orders that wait or are being fetched: see [`Listing::Orders`].
    pub orders: u64,
}

/// Decides how long an upload stays: by its arguments alone, so that the same question has the same answer.
pub trait Expirer: Debug + Send + Sync {
    /// The lifetime of an upload that is committed, or kept, now. It ends behind `now`, if at all: what expires at once could not
    /// even be read by its sender. No clock is read beside `now`.
    fn lifetime(&self, facts: &Facts, wish: Retention, now: SystemTime) -> Lifetime;
}
