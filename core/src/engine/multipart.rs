//! Multipart uploads: started, sent part by part in any order, joined, and judged by the same stages as any other upload before
//! they are readable.
//!
//! If the store has [multipart uploads](crate::Multipart), it joins the parts and the stages read the result from the store.
//! Otherwise each part has a separate key, and the pipeline writes the whole file while the stages read it.

use crate::record::keys::upload_of;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::debug;

use crate::contract::stages::Staged;
use crate::engine::attempt::Attempt;
use crate::engine::pipeline::Pipeline;
use crate::engine::pump::Source;
use crate::engine::upload_log::UploadLog;
use crate::record::keys::{key_of, part_key_of};
use crate::record::upload::{Record, State};
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Declared;
use crate::value::id::{ByteStream, UploadId};
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;
use crate::value::parts::{PartPlan, PartRange};
use crate::value::upload_info::UploadInfo;
use crate::value::verdict::RECEIVE;
use crate::value::verdict::Rejection;

/// The arguments that start a multipart upload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewMultipart {
    /// Chosen by the caller, so that errors and logs can name the upload from the start.
    pub id: UploadId,
    /// The declared metadata; nothing trusts it.
    pub declared: Declared,
    /// The size of the whole file in bytes. It has to be exact.
    pub size: u64,
    /// The size in bytes of every part but the last.
    pub part_size: u64,
    /// The most bytes of this upload, if less than the limit of the pipeline.
    pub at_most: Option<u64>,
    /// The project, how long to keep the file, metadata and tags.
    pub options: UploadOptions,
}

impl NewMultipart {
    /// A multipart upload under a new id, of `size` bytes in all and `part_size` bytes in every part but the last.
    #[must_use]
    pub fn new(declared: Declared, size: u64, part_size: u64) -> Self {
        Self {
            id: UploadId::random(),
            declared,
            size,
            part_size,
            at_most: None,
            options: UploadOptions::default(),
        }
    }

    /// Sets some of the arguments.
    ///
    /// ```
    /// use intake_core::{Declared, NewMultipart, UploadOptions};
    ///
    /// let new_multipart = NewMultipart::new(Declared::named("film.mp4"), 1 << 30, 5 << 20).with(|new| {
    ///     new.options = UploadOptions::of_project("demopublickey");
    /// });
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Pipeline {
    /// Starts a multipart upload. Its record has the part plan ([`Record::parts`]).
    ///
    /// Parts may be [put](Self::put_part) until [`Limits::multipart_ttl`](crate::Limits::multipart_ttl) is over; then the
    /// sweeper deletes them, unless the upload was [completed](Self::complete).
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if it is too large, or if a validator refuses the declared metadata; [`Error::Fault`] if it could not
    /// be started.
    pub async fn start_multipart(&self, new_multipart: NewMultipart) -> Result<Record, Error> {
        let NewMultipart {
            id,
            mut declared,
            size,
            part_size,
            at_most,
            options,
        } = new_multipart;
        declared.size = Some(size);
        let limits = &self.inner().limits;
        let limit = at_most.map_or(limits.max_size, |bytes| bytes.min(limits.max_size));
        let policy = self.required_policy(&options, UploadMethod::Multipart).await?;
        let upload = UploadInfo::new(&declared).with_id(id).with_options(&options);
        self.judge_declared(
            &upload.with_method(UploadMethod::Multipart),
            policy.at_most(limit),
            &policy,
        )?;
        let parts = PartPlan::new(size, part_size);
        let mut parts = parts.map_err(|rejection| Error::rejected(RECEIVE, rejection))?;
        let location = policy.location();
        let multipart = self.inner().store_at(&location)?.multipart();
        let multipart = multipart.filter(|multipart| parts.count() <= multipart.most_parts());
        parts.separate_keys = multipart.is_none();

        let record = Record::open(id, declared, parts, options, self.now(), &self.inner().periods);
        let record = record.at(location);
        let log = UploadLog::new(id, UploadMethod::Multipart, &record.declared, &record.options);
        let mut attempt = Attempt::begin(self, record, log, &policy).await?;
        let Some(multipart) = multipart else {
            return Ok(attempt.into_record());
        };
        match multipart.begin(&key_of(attempt.record())).await {
            Ok(upload) => {
                attempt.begun(upload).await?;
                Ok(attempt.into_record())
            }
            Err(fault) => {
                attempt.give_up().await;
                Err(fault.into())
            }
        }
    }

    /// Ends a multipart upload that was started, but whose id no client received. If that fails, its time ends, and a sweeper
    /// does it.
    pub async fn abort_multipart(&self, id: UploadId) {
        self.end_try(id).await;
    }

    /// A URL to which a sender may `PUT` a part without passing through the server, valid for `lifetime`. `None` if parts arrive
    /// through [`put_part`](Self::put_part).
    ///
    /// # Errors
    ///
    /// Faults of the store.
    pub async fn part_url(
        &self,
        record: &Record,
        number: u16,
        lifetime: std::time::Duration,
    ) -> Result<Option<String>, Error> {
        let parts = record.parts.as_ref();
        let Some((parts, range)) = parts.and_then(|parts| Some((parts, parts.range(number)?))) else {
            return Ok(None);
        };
        // A short last part may be joined to the part before it.
        let size = (number.saturating_add(1) < parts.count()).then_some(parts.part_size);
        match (self.inner().store_of(record)?.multipart(), upload_of(record)) {
            (Some(multipart), Some(upload)) => {
                let key = key_of(record);
                Ok(multipart.url(&key, upload, &range, size, lifetime).await?)
            }
            _ => Ok(None),
        }
    }

    /// Takes one part, which replaces an earlier one with the same number, and returns how many bytes it has. When this returns,
    /// the part survives a crash.
    ///
    /// `size` is the size that the sender declares, if it does; then it has to be exact. An empty part changes nothing: some
    /// clients send all parts that they were offered, and leave those empty that they do not need.
    ///
    /// It cuts off an older attempt at the same part in this process, and completing the upload cuts off this one if its bytes
    /// have not all arrived: neither waits for a sender that may have disappeared. Of attempts in several processes, the last
    /// commit counts, whole.
    ///
    /// The future may be dropped at any moment: this part is then not stored, and an earlier one stays.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`codes::NOT_OPEN`], [`codes::NO_SUCH_PART`], [`codes::PARTS_TOO_LARGE`],
    /// [`codes::PARTS_TOO_OFTEN`], [`codes::PART_REPLACED`], [`codes::SIZE_MISMATCH`], [`codes::TIMED_OUT`] or
    /// [`codes::LENGTH_REQUIRED`]; [`Error::Interrupted`] if the body broke off; [`Error::Fault`] if the store failed. The
    /// upload stays open: the client may send the part again.
    pub async fn put_part(
        &self,
        record: &Record,
        number: u16,
        size: Option<u64>,
        body: ByteStream,
    ) -> Result<u64, Error> {
        let rejected = |code, message: &str| Error::rejected(RECEIVE, Rejection::new(code, message));
        let open = record
            .parts
            .as_ref()
            .filter(|_| record.state == State::Open && !record.is_due(self.now()));
        let Some(parts) = open else {
            return Err(Error::rejected(RECEIVE, not_open()));
        };
        let Some(range) = parts.range(number) else {
            return Err(rejected(codes::NO_SUCH_PART, "this upload has no part of this number"));
        };
        if size.is_some_and(|size| size > range.at_most) {
            return Err(too_large(&range));
        }
        let source = Source::new(body, range.at_most, size).counted(UploadMethod::Multipart);
        let (mut staged, has_all) = (None, AtomicBool::new(false));
        let mut flight = self.inner().in_flight.begin(record.id, number).await;
        let put = self.write_part(record, &range, size, source, &mut staged, &has_all);
        let put = flight.until_cut(&has_all, put);
        let ended = match tokio::time::timeout(self.inner().limits.timeout, put).await {
            Ok(Err(Error::Rejected { rejection, .. })) if rejection.code == codes::TOO_LARGE => Err(too_large(&range)),
            Ok(ended) => ended,
            Err(_) => Err(rejected(codes::TIMED_OUT, "the part took too long")),
        };
        if let (Err(_), Some(staged)) = (&ended, staged)
            && let Err(fault) = staged.discard().await
        {
            // The next try replaces the rest, or it is deleted with the upload.
            debug!(id = %record.id, number, fault = fault.report(), "could not discard a part");
        }
        self.inner().in_flight.end(record.id, number, flight);
        if let Err(error) = &ended
            && error.code() == codes::NOT_OPEN
        {
            self.remove_late(record, &range).await;
        }
        ended
    }

    /// Cuts off an attempt at a part in this process before another one: when this returns, its resources are free.
    /// [`put_part`](Self::put_part) does so too; this is for callers that have to wait for a permit first.
    pub async fn replace_part(&self, record: &Record, number: u16) {
        self.inner().in_flight.replace(record.id, number).await;
    }

    /// Deletes a part that arrived after its upload had ended: the deletion of the upload may have been too early.
    async fn remove_late(&self, record: &Record, range: &PartRange) {
        let removed = async {
            let found = self.inner().recorder.get(record.id).await?;
            let state = found.map(|found| found.state);
            if !matches!(
                state,
                None | Some(State::Rejected(_) | State::Deleting | State::Deleted)
            ) {
                return Ok(());
            }
            let key = match upload_of(record) {
                Some(_) => key_of(record),
                None => part_key_of(record, range.number),
            };
            self.inner().store_of(record)?.delete(&key).await
        };
        if let Err(fault) = removed.await {
            // It is deleted once more with the tombstone.
            debug!(id = %record.id, fault = fault.report(), "could not remove what a late part has left");
        }
    }

    async fn write_part(
        &self,
        record: &Record,
        range: &PartRange,
        size: Option<u64>,
        mut source: Source,
        staged: &mut Option<Box<dyn Staged>>,
        has_all: &AtomicBool,
    ) -> Result<u64, Error> {
        let mut received = 0;
        // Before anything is staged, so that an empty part creates nothing.
        let mut piece = source.piece().await?;
        if piece.is_some() {
            let writing = staged.insert(self.stage_part(record, range, size).await?);
            // Again, because the upload may have ended while this waited for the sender or for a permit. From here on, a request
            // that ends the upload finds the staged bytes.
            let found = self.inner().recorder.get(record.id).await?;
            if found.is_none_or(|found| found.state != State::Open) {
                return Err(Error::rejected(RECEIVE, not_open()));
            }
            while let Some(bytes) = piece {
                received += bytes.len() as u64;
                writing.write(bytes).await.map_err(refusal_or)?;
                piece = source.piece().await?;
            }
        }
        has_all.store(true, Ordering::SeqCst);
        if let Some(staged) = staged.take() {
            staged.commit().await.map_err(refusal_or)?;
            self.part_came(record, range.number);
        }
        Ok(received)
    }

    async fn stage_part(
        &self,
        record: &Record,
        range: &PartRange,
        size: Option<u64>,
    ) -> Result<Box<dyn Staged>, Error> {
        let store = self.inner().store_of(record)?;
        let staged = match (store.multipart(), upload_of(record)) {
            (Some(multipart), Some(upload)) => multipart.stage(&key_of(record), upload, range, size).await,
            _ => store.stage(&part_key_of(record, range.number), None).await,
        };
        staged.map_err(refusal_or)
    }
}

/// A refusal by the store is for the sender to correct; any other error is a fault.
pub(crate) fn refusal_or(fault: Fault) -> Error {
    const REFUSALS: [crate::value::verdict::Code; 4] = [
        codes::NOT_OPEN,
        codes::LENGTH_REQUIRED,
        codes::PARTS_MISSING,
        codes::PARTS_TOO_OFTEN,
    ];

    if REFUSALS.contains(&fault.code) {
        return Error::rejected(RECEIVE, Rejection::new(fault.code, fault.message));
    }
    fault.into()
}

fn not_open() -> Rejection {
    Rejection::new(codes::NOT_OPEN, "this upload takes no parts")
}

fn too_large(range: &PartRange) -> Error {
    let message = format!("part {} has more than {} bytes", range.number, range.at_most);
    Error::rejected(RECEIVE, Rejection::new(codes::PARTS_TOO_LARGE, message))
}
