//! One upload under way, by any method: it begins with an intent or a lease, and is then accepted, refused or released.
//!
//! The order of the steps makes it safe. The record is written before the first byte, the bytes are durable before the record
//! says that they can be read, and a node deletes no bytes of an upload that another node may have accepted. An attempt that is
//! dropped leaves a record whose lease ends; a sweeper or another node does the rest, so `Drop` does nothing.

use std::time::Duration;

use sync_wrapper::SyncWrapper;
use tracing::warn;

use crate::contract::stages::Staged;
use crate::engine::failure::Failure;
use crate::engine::lease::Lease;
use crate::engine::pipeline::Pipeline;
use crate::engine::upload_log::UploadLog;
use crate::policy::upload::Policy;
use crate::record::event::Event;
use crate::record::keys::key_of;
use crate::record::upload::{Record, State};
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::options::UploadOptions;
use crate::value::upload_info::UploadInfo;
use crate::value::verdict::RECEIVE;
use crate::value::verdict::Rejection;

/// An upload under way on this node.
pub(crate) struct Attempt {
    pub(super) lease: Lease,
    /// The sender's options, as far as they are known.
    pub(super) options: UploadOptions,
    pub(super) bytes: Bytes,
    pub(super) log: UploadLog,
}

/// How far the bytes of an attempt have come.
pub(crate) enum Bytes {
    /// Nothing was written.
    None,
    /// Written, and not durable. The wrapper lets an attempt be shared, although a staged write may not be.
    Staged(SyncWrapper<Box<dyn Staged>>),
    Durable,
    /// Whether they are durable is unknown.
    Doubtful,
}

impl Bytes {
    pub(super) fn staged(staged: Box<dyn Staged>) -> Self {
        Self::Staged(SyncWrapper::new(staged))
    }
}

impl Attempt {
    /// Records the intent of a new upload, if its project, token and sender have room for it. From here on a sweeper finds all
    /// bytes that the store may hold under its id, and the usage is counted for its project.
    pub(crate) async fn begin(
        pipeline: &Pipeline,
        record: Record,
        log: UploadLog,
        policy: &Policy,
    ) -> Result<Self, Error> {
        pipeline.inner().store_of(&record)?;
        Ok(Self::of(Lease::insert(pipeline, record, policy).await?, log))
    }

    /// An attempt at the upload of a record on which this node has the lease. Any bytes were written earlier.
    pub(crate) fn of(lease: Lease, log: UploadLog) -> Self {
        let options = lease.record().options.clone();
        Self {
            lease,
            options,
            bytes: Bytes::None,
            log,
        }
    }

    pub(crate) fn record(&self) -> &Record {
        self.lease.record()
    }

    /// Adds options that were not known before the last byte.
    pub(super) fn ask(&mut self, options: &UploadOptions) {
        self.options = options.clone().or(&self.options);
        self.log.belongs_to(&self.options);
    }

    /// The upload as validators see it, with all options of the sender.
    pub(super) fn info(&self) -> UploadInfo<'_> {
        self.record().info(self.log.method).with_options(&self.options)
    }

    pub(crate) fn into_record(self) -> Record {
        self.lease.into_record()
    }

    pub(super) fn pipeline(&self) -> Pipeline {
        self.lease.pipeline().clone()
    }

    /// Whether this node renews the lease while it works. An attempt without renewal ends with its first lease.
    pub(super) fn is_renewed(&self) -> bool {
        self.record().state == State::Assembling
    }

    /// Records the id that the store gave a multipart upload.
    pub(crate) async fn begun(&mut self, upload: String) -> Result<(), Fault> {
        self.lease.advance(Event::Begun { upload }).await
    }

    /// Does some work while the lease is renewed.
    ///
    /// # Errors
    ///
    /// If the lease is lost, or its state is unknown; the work is dropped then.
    pub(crate) async fn renew<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let done = self.lease.hold(Duration::MAX, || Event::Renew, work).await;
        done.map_err(|fault| Failure::Leave(fault.into()))
    }

    /// The current policy of this upload, if its project and its token admit it now.
    pub(super) async fn policy(&self, pipeline: &Pipeline) -> Result<Policy, Failure> {
        let policy = pipeline.required_policy(&self.options, self.log.method);
        policy.await.map_err(|error| self.not_now(error))
    }

    /// Whether two attempts have the same policy.
    pub(super) fn has_policy_of(&self, other: &Self) -> bool {
        let of = |attempt: &Self| {
            (
                attempt.options.project.clone(),
                attempt.options.authorization.clone(),
                attempt.log.method,
            )
        };
        of(self) == of(other)
    }

    /// The failure for an error that may pass. Parts stay, so that the upload can be completed later; no client sends the bytes
    /// of an upload in one request again under the same id.
    pub(super) fn not_now(&self, error: impl Into<Error>) -> Failure {
        match self.is_renewed() {
            true => Failure::Retry(error.into()),
            false => Failure::Refuse(error.into()),
        }
    }

    /// Deletes the bytes and notes why the upload is refused. What cannot be done now is left to a sweeper, or to the node that
    /// takes over.
    ///
    /// # Errors
    ///
    /// [`codes::LEASE_LOST`] if another node has taken the upload over: that node accepts or refuses it.
    pub(crate) async fn refuse(&mut self, why: Rejection) -> Result<(), Fault> {
        let bytes = std::mem::replace(&mut self.bytes, Bytes::Doubtful);
        if self.is_renewed() {
            return self.refuse_renewed(bytes, why).await;
        }
        let (pipeline, record) = (self.pipeline(), self.record());
        let removed = match bytes {
            Bytes::None => true,
            // If this fails, the record stays as it is, and a sweeper deletes the bytes when the lease has ended.
            Bytes::Staged(staged) => discard(record, staged.into_inner()).await,
            Bytes::Durable => pipeline.delete_bytes(record).await,
            Bytes::Doubtful => {
                self.give_up().await;
                false
            }
        };
        if removed && let Ok(noted) = pipeline.after(record, Event::Reject(why)) {
            pipeline.leave_tombstone(record, noted).await;
        }
        Ok(())
    }

    /// Ends an attempt of which the store may hold bytes, so that their space is free before the lease ends.
    pub(crate) async fn give_up(&self) {
        let (pipeline, record) = (self.pipeline(), self.record());
        // Bytes before the record, because only this attempt could make them readable: on a full disk they take the recorder's
        // space. Late bytes may follow, so the record ends in the state in which a sweeper deletes them once more.
        pipeline.delete_bytes(record).await;
        pipeline.end_try(record.id).await;
    }

    async fn refuse_renewed(&mut self, bytes: Bytes, why: Rejection) -> Result<(), Fault> {
        if let Bytes::Staged(staged) = bytes {
            discard(self.record(), staged.into_inner()).await;
        }
        match self.remove_and_note(why).await {
            Err(fault) if fault.code != codes::LEASE_LOST => {
                let id = self.record().id;
                warn!(%id, fault = fault.report(), "could not end a refused upload; it will be done again");
                Ok(())
            }
            ended => ended,
        }
    }

    async fn remove_and_note(&mut self, why: Rejection) -> Result<(), Fault> {
        // Renew before deleting, as a sweeper does: a node that took over may have made the upload readable.
        self.lease.advance(Event::Renew).await?;
        let (pipeline, refused) = (self.pipeline(), self.record().clone());
        let delete = async {
            pipeline.inner().store_of(&refused)?.delete(&key_of(&refused)).await?;
            pipeline.delete_separate_parts(&refused).await
        };
        self.lease.hold(Duration::MAX, || Event::Renew, delete).await??;
        self.lease.advance(Event::Reject(why)).await?;
        pipeline.bound_tombstones(refused.options.project.as_deref()).await;
        Ok(())
    }

    /// Opens a multipart upload again: its parts stay, and it may be completed later.
    pub(crate) async fn release(&mut self) {
        if let Err(fault) = self.lease.advance(Event::Release).await {
            let id = self.record().id;
            warn!(%id, fault = fault.report(), "could not release an upload; its lease will end");
        }
    }
}

/// Answers whether it could be done.
pub(super) async fn discard(record: &Record, staged: Box<dyn Staged>) -> bool {
    match staged.discard().await {
        Ok(()) => true,
        Err(fault) => {
            warn!(id = %record.id, fault = fault.report(), "could not discard the bytes; the end of the upload removes them");
            false
        }
    }
}

pub(super) fn too_slow_to_complete() -> Error {
    let message = "it took too long to look at the whole; it may be tried again";
    Error::rejected(RECEIVE, Rejection::new(codes::TIMED_OUT, message))
}
