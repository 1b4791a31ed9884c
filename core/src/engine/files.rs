//! Operations on files: look up, read, keep, delete, restore, list.

use std::ops::Range;
use std::time::SystemTime;

use crate::contract::stages::Listing;
use crate::engine::pipeline::Pipeline;
use crate::policy::upload::Policy;
use crate::record::event::Event;
use crate::record::keys::key_of;
use crate::record::update::Update;
use crate::record::upload::{Record, State};
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::id::{ByteStream, UploadId};
use crate::value::lifetime::Retention;
use crate::value::lifetime::UploadMethod;

/// Records that are listed at a time.
pub(super) const LONGEST_PAGE: usize = 1000;

impl Pipeline {
    /// The record of an upload that can be read.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, or if it is not readable: not yet, or no longer.
    pub async fn get(&self, id: UploadId) -> Result<Record, Error> {
        let record = self.inner().recorder.get(id).await?;
        // An upload whose time is over is not found, even if no sweeper has deleted it yet.
        record
            .filter(|record| record.is_readable(self.now()))
            .ok_or(Error::NotFound(id))
    }

    /// The record of an upload that was acknowledged: it can be read, or it waits in quarantine for a scanner that failed
    /// ([`Record::is_pending`]).
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, and faults of the recorder.
    pub async fn acknowledged(&self, id: UploadId) -> Result<Record, Error> {
        let now = self.now();
        let is_there = |record: &Record| record.is_readable(now) || record.is_pending() && !record.has_expired(now);
        let record = self.inner().recorder.get(id).await?;
        record.filter(is_there).ok_or(Error::NotFound(id))
    }

    /// The record of an upload in any state.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    pub async fn status(&self, id: UploadId) -> Result<Option<Record>, Error> {
        Ok(self.inner().recorder.get(id).await?)
    }

    /// The bytes of an upload that can be read, or a range of them.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and faults of the store.
    pub async fn read(&self, id: UploadId, range: Option<Range<u64>>) -> Result<ByteStream, Error> {
        let record = self.get(id).await?;
        self.read_of(&record, range).await
    }

    /// The bytes of a record that the caller has just [looked up](Self::get), or a range of them, without looking it up again.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the record is not readable, and faults of the store. A file that was deleted since then ends as one
    /// whose bytes are missing ([`codes::BYTES_MISSING`]).
    pub async fn read_of(&self, record: &Record, range: Option<Range<u64>>) -> Result<ByteStream, Error> {
        if !record.is_readable(self.now()) {
            return Err(Error::NotFound(record.id));
        }
        Ok(self.inner().store_of(record)?.read(&key_of(record), range).await?)
    }

    /// Files of a project that can be read or restored, the newest first, after the record `behind`. At most 1,000 per call.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    pub async fn files_of(
        &self,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.list(Listing::Files, project, behind, limit).await
    }

    /// Uploads that were refused: those of this project, or those refused before their project was known. The newest first,
    /// after the record `behind`, at most 1,000 per call. Their tombstones are kept for a while; an upload that was refused
    /// before its first byte was read has none.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    pub async fn refused_of(
        &self,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.list(Listing::Refused, project, behind, limit).await
    }

    /// Records of this kind in a project, the newest first, after the record `behind`. At most 1,000 per call.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    pub async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.inner()
            .recorder
            .list(kind, project, behind, limit.min(LONGEST_PAGE))
            .await
    }

    /// Gives an upload that can be read another lifetime, within the rules of its project.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and faults of the recorder.
    pub async fn keep(&self, id: UploadId, retention: Retention) -> Result<Record, Error> {
        let record = self.get(id).await?;
        // A removed project has no rules, and its files may still be kept.
        let policy = match self.policy(&record.options, UploadMethod::Direct).await {
            Ok(policy) => policy,
            Err(Error::Rejected { .. }) => Policy::of_authorization(record.options.authorization.as_ref()),
            Err(error) => return Err(error),
        };
        self.change(id, |record, now| {
            let facts = record.facts.as_ref().filter(|_| record.is_readable(now))?;
            let usual = self.inner().expirer.lifetime(facts, retention, now);
            Some(Event::Keep(policy.lifetime(usual, now, record.created)))
        })
        .await
    }

    /// Makes an upload unreadable. Its bytes are deleted at once, or kept for [`Limits::trash`](crate::Limits::trash) so that it
    /// can be [restored](Self::restore). If they cannot be deleted now, a sweeper does it.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and faults of the recorder.
    pub async fn delete(&self, id: UploadId) -> Result<(), Error> {
        let for_good = self.inner().periods.trash.is_zero();
        let event = if for_good { Event::Delete } else { Event::Trash };
        let deleted = self
            .change(id, |record, now| record.is_readable(now).then(|| event.clone()))
            .await?;
        if for_good {
            self.finish_deletion(&deleted).await;
        }
        Ok(())
    }

    /// Makes an upload unreadable and deletes its bytes, even if it was deleted before and could still be restored.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such upload, and faults of the recorder.
    pub async fn delete_for_good(&self, id: UploadId) -> Result<(), Error> {
        let is_file = |record: &Record| matches!(record.state, State::Ready | State::Trashed);
        let deleting = self
            .change(id, |record, _| is_file(record).then_some(Event::Delete))
            .await?;
        self.finish_deletion(&deleting).await;
        Ok(())
    }

    /// Ends a multipart upload that is open or being completed: deletes its parts, and returns its usage to its project and to
    /// its token. If its parts cannot be deleted now, a sweeper does it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such upload, and faults of the recorder.
    pub async fn abort(&self, id: UploadId) -> Result<(), Error> {
        let is_unfinished = |record: &Record| matches!(record.state, State::Open | State::Assembling);
        let ended = self
            .change(id, |record, _| is_unfinished(record).then_some(Event::Delete))
            .await?;
        self.finish_deletion(&ended).await;
        Ok(())
    }

    /// Makes a deleted upload readable again, as long as its bytes are kept. Its lifetime is as if it had never been deleted.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such upload, and faults of the recorder.
    pub async fn restore(&self, id: UploadId) -> Result<Record, Error> {
        self.change(id, |_, _| Some(Event::Restore)).await
    }

    /// Changes an upload; if its record was changed meanwhile, reads it again.
    pub(super) async fn change(
        &self,
        id: UploadId,
        event: impl Fn(&Record, SystemTime) -> Option<Event>,
    ) -> Result<Record, Error> {
        let event = |record: &Record, now| event(record, now).map(Some).ok_or(Error::NotFound(id));
        self.change_if(id, event).await
    }

    /// The same for an event that may be refused; without an event, nothing changes.
    pub(super) async fn change_if(
        &self,
        id: UploadId,
        event: impl Fn(&Record, SystemTime) -> Result<Option<Event>, Error>,
    ) -> Result<Record, Error> {
        /// So many conflicts in a row are not a coincidence.
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let record = self.inner().recorder.get(id).await?.ok_or(Error::NotFound(id))?;
            let now = self.now();
            let Some(event) = event(&record, now)? else {
                return Ok(record);
            };
            let Ok(next) = record.apply(event, now, &self.inner().periods) else {
                return Err(Error::NotFound(id));
            };
            match self.put(&record, &next).await? {
                Update::Applied => return Ok(next),
                Update::Conflict | Update::QuotaExceeded => {}
            }
        }
        Err(Fault::new(
            codes::ILLEGAL_TRANSITION,
            "the record changes faster than it can be read",
        )
        .retryable()
        .into())
    }
}
