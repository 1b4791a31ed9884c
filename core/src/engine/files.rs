//! What one may do with files that are there: look, read, keep, delete, bring back, list.

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
const LONGEST_PAGE: usize = 1000;

impl Pipeline {
    /// The record of an upload that can be read.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, or if it is not readable: not yet, or not any more.
    pub async fn get(&self, id: UploadId) -> Result<Record, Error> {
        let record = self.inner().recorder.get(id).await?;
        // An upload whose time is over is gone, even if no sweeper came by yet.
        record
            .filter(|record| record.is_readable(self.now()))
            .ok_or(Error::NotFound(id))
    }

    /// What is known of an upload, wherever it stands.
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
        Ok(self.inner().store_of(&record)?.read(&key_of(&record), range).await?)
    }

    /// Files of a project that can be read or brought back, the newest first, from behind this one on. No more than 1,000 at a
    /// time.
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

    /// Uploads that were refused: of this project, or before it was known whose they were. The newest first, from behind this
    /// one on, no more than 1,000 at a time. Their tombstones are kept for a while; an upload that was refused before its
    /// first byte was asked for has none.
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

    /// What there is of this kind in a project, the newest first, from behind this one on. No more than 1,000 at a time.
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
        // A project that is not there any more has no rules, and what it left may still be kept.
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

    /// Makes an upload unreadable. Its bytes are removed at once, or stay for [`Limits::trash`](crate::Limits::trash) so that it can
    /// be [brought back](Self::restore). If they cannot be removed now, a sweeper does it.
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

    /// Makes an upload unreadable, or one that was deleted, and removes its bytes.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it is neither, and faults of the recorder.
    pub async fn delete_for_good(&self, id: UploadId) -> Result<(), Error> {
        let is_file = |record: &Record| matches!(record.state, State::Ready | State::Trashed);
        let deleting = self
            .change(id, |record, _| is_file(record).then_some(Event::Delete))
            .await?;
        self.finish_deletion(&deleting).await;
        Ok(())
    }

    /// Ends an upload whose parts are still coming, or are being put together: its parts are removed, and what it held of its
    /// project's room and of its token's uses is given back. If its parts cannot be removed now, a sweeper does it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it is no such upload, and faults of the recorder.
    pub async fn abort(&self, id: UploadId) -> Result<(), Error> {
        let is_unfinished = |record: &Record| matches!(record.state, State::Open | State::Assembling);
        let ended = self
            .change(id, |record, _| is_unfinished(record).then_some(Event::Delete))
            .await?;
        self.finish_deletion(&ended).await;
        Ok(())
    }

    /// Makes an upload readable again that was deleted, as long as its bytes stay. Its lifetime goes on as if it had never
    /// been deleted.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is nothing to bring back, and faults of the recorder.
    pub async fn restore(&self, id: UploadId) -> Result<Record, Error> {
        self.change(id, |_, _| Some(Event::Restore)).await
    }

    /// Changes an upload; if somebody else changed it first, looks again.
    async fn change(
        &self,
        id: UploadId,
        event: impl Fn(&Record, SystemTime) -> Option<Event>,
    ) -> Result<Record, Error> {
        /// Losing this often in a row is not bad luck any more.
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let record = self.inner().recorder.get(id).await?.ok_or(Error::NotFound(id))?;
            let now = self.now();
            let next = event(&record, now).and_then(|event| record.apply(event, now, &self.inner().periods).ok());
            let Some(next) = next else {
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
