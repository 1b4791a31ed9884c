//! The sweeper: it ends attempts that died, uploads whose time is over, and old tombstones.
//!
//! A sweeper records its lease before it deletes, so that of several sweepers, or of a sweeper and a request that keeps the
//! upload, one wins. If its node crashes, the lease ends like any other. The sweeper never lists the store, so a sweep costs as
//! much as what is due.

use std::time::UNIX_EPOCH;

use futures_util::StreamExt;
use tracing::{debug, warn};

use crate::engine::pipeline::Pipeline;
use crate::record::event::Event;
use crate::record::keys::{key_at, key_of};
use crate::record::update::Update;
use crate::record::upload::{Record, State, Task};
use crate::value::error::Fault;

/// Records looked up at a time.
const BATCH: usize = 256;
/// Deletions at the same time.
const AT_A_TIME: usize = 8;

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Attempts that died or took too long, whose bytes were deleted.
    pub abandoned: u64,
    /// Uploads whose time was over, whose bytes were deleted.
    pub expired: u64,
    /// Deletions that a request or another node had begun.
    pub finished: u64,
    /// Uploads whose separate parts, or whose bytes at a previous location, were deleted once more.
    pub tidied: u64,
    /// Tombstones that were deleted.
    pub forgotten: u64,
    /// Accounts of tokens and senders that were deleted, because their time ended long ago.
    pub accounts: u64,
    /// Groups that were deleted, because their time was over.
    pub groups: u64,
    /// Events, and deliveries that had ended, that were deleted, because they had been kept for long enough.
    pub events: u64,
    /// Records that failed; they are tried again when their lease has ended.
    pub failed: u64,
}

impl Swept {
    /// Sets some of the numbers, such as to compare them in a test.
    ///
    /// ```
    /// use intake_core::Swept;
    ///
    /// let swept = Swept::default().with(|swept| swept.expired = 1);
    /// assert!(!swept.is_empty());
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Whether nothing was due.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Pipeline {
    /// Ends all that is due, in bounded batches. Any number of nodes may sweep at the same time.
    ///
    /// # Errors
    ///
    /// If the due records could not be looked up. A failure of a single upload is counted and logged instead.
    pub async fn sweep(&self) -> Result<Swept, Fault> {
        let mut swept = Swept {
            groups: self.sweep_groups().await?,
            events: self.forget_events().await?,
            ..Swept::default()
        };
        loop {
            let forgotten = self
                .inner()
                .recorder
                .catalog()
                .forget_accounts(self.now(), BATCH)
                .await?;
            swept.accounts += forgotten;
            if forgotten < BATCH as u64 {
                break;
            }
        }
        loop {
            let due = self.inner().recorder.due(Task::Sweep, self.now(), BATCH).await?;
            let full = due.len() == BATCH;
            let mut outcomes = futures_util::stream::iter(due.into_iter().map(|record| self.sweep_one(record)))
                .buffer_unordered(AT_A_TIME);
            let mut progress = false;
            while let Some(outcome) = outcomes.next().await {
                let counter = match outcome {
                    Outcome::Abandoned => &mut swept.abandoned,
                    Outcome::Expired => &mut swept.expired,
                    Outcome::Finished => &mut swept.finished,
                    Outcome::Tidied => &mut swept.tidied,
                    Outcome::Forgotten => &mut swept.forgotten,
                    Outcome::Failed => &mut swept.failed,
                    Outcome::Lost => continue,
                };
                *counter += 1;
                progress |= !matches!(outcome, Outcome::Failed);
            }
            // Without progress the same records would be returned again at once.
            if !full || !progress {
                return Ok(swept);
            }
        }
    }

    /// Deletes events that were kept for long enough.
    async fn forget_events(&self) -> Result<u64, Fault> {
        let Some(settings) = &self.inner().event_settings else {
            return Ok(0);
        };
        let now = self.now();
        let [before, failed_before] =
            [settings.keep, settings.keep_failed].map(|keep| now.checked_sub(keep).unwrap_or(UNIX_EPOCH));
        let mut forgotten = 0;
        loop {
            let outbox = self.inner().recorder.outbox();
            match outbox.forget_events(before, failed_before, BATCH).await? {
                0 => return Ok(forgotten),
                more => forgotten += more,
            }
        }
    }

    async fn sweep_one(&self, record: Record) -> Outcome {
        if record.is_readable(self.now()) {
            return self.tidy(&record).await;
        }
        let Ok(claimed) = record.apply(Event::Claim, self.now(), &self.inner().periods) else {
            return Outcome::Lost;
        };
        match self.put(&record, &claimed).await {
            Ok(Update::Applied) => {}
            Ok(Update::Conflict | Update::QuotaExceeded) => return Outcome::Lost,
            Err(fault) => {
                warn!(id = %record.id, fault = fault.report(), "could not claim what is due");
                return Outcome::Failed;
            }
        }
        debug!(id = %record.id, state = record.state.name(), "swept");
        let erased = match record.state {
            State::Rejected(_) | State::Deleted | State::Fetched => self.forget(&claimed).await,
            _ => self.finish_deletion(&claimed).await,
        };
        match record.state {
            _ if !erased => Outcome::Failed,
            State::Open | State::Staged => Outcome::Abandoned,
            State::Ready | State::Quarantined => Outcome::Expired,
            State::Trashed | State::Deleting => Outcome::Finished,
            State::Rejected(_) | State::Deleted | State::Fetched => Outcome::Forgotten,
            // Other tasks handle these.
            State::Assembling | State::Queued | State::Fetching => Outcome::Lost,
        }
    }

    /// Deletes parts that arrived too late to be deleted with the others. No stage reads them, so this needs no lease.
    async fn tidy(&self, ready: &Record) -> Outcome {
        let tidied = async {
            self.delete_separate_parts(ready).await?;
            self.delete_previous(ready).await?;
            self.put(ready, &self.after(ready, Event::Tidied)?).await
        };
        match tidied.await {
            Ok(Update::Applied) => Outcome::Tidied,
            Ok(Update::Conflict | Update::QuotaExceeded) => Outcome::Lost,
            Err(fault) => {
                warn!(id = %ready.id, fault = fault.report(), "could not remove what is left over; it will be tried again");
                let later = self.after(ready, Event::Postpone(self.inner().periods.write_lease));
                if let Ok(later) = later
                    && let Err(fault) = self.put(ready, &later).await
                {
                    warn!(id = %ready.id, fault = fault.report(), "could not put it off");
                }
                Outcome::Failed
            }
        }
    }

    /// Deletes the bytes of an upload whose lease this node has, and records that. Returns whether both succeeded.
    pub(crate) async fn finish_deletion(&self, deleting: &Record) -> bool {
        if !self.delete_bytes(deleting).await {
            return false;
        }
        let Ok(gone) = deleting.apply(Event::BytesDeleted, self.now(), &self.inner().periods) else {
            return false;
        };
        match self.put(deleting, &gone).await {
            Ok(_) => true,
            Err(fault) => {
                warn!(id = %deleting.id, fault = fault.report(), "could not record a deletion; it will be done again");
                false
            }
        }
    }

    /// Deletes an old tombstone.
    pub(crate) async fn forget(&self, noted: &Record) -> bool {
        // Once more, because an attempt that outlived its lease may have stored bytes after the first deletion.
        if !self.delete_bytes(noted).await {
            return false;
        }
        match self.inner().recorder.remove(noted.id, noted.revision).await {
            Ok(()) => true,
            Err(fault) => {
                warn!(id = %noted.id, fault = fault.report(), "could not remove a tombstone; it will be tried again");
                false
            }
        }
    }

    /// Deletes the bytes at the previous location.
    async fn delete_previous(&self, record: &Record) -> Result<(), Fault> {
        match &record.previous_location {
            Some(previous_location) => {
                self.inner()
                    .store_at(previous_location)?
                    .delete(&key_at(record, previous_location))
                    .await
            }
            None => Ok(()),
        }
    }

    pub(crate) async fn delete_bytes(&self, record: &Record) -> bool {
        // A fetch job has no bytes; its upload has a record of its own.
        if record.fetch_job.is_some() {
            return true;
        }
        let deleted = async {
            self.inner().store_of(record)?.delete(&key_of(record)).await?;
            self.delete_separate_parts(record).await?;
            self.delete_previous(record).await?;
            self.delete_derived(record).await
        };
        match deleted.await {
            Ok(()) => true,
            Err(fault) => {
                warn!(id = %record.id, fault = fault.report(), "could not remove bytes; it will be tried again");
                false
            }
        }
    }
}

enum Outcome {
    Abandoned,
    Expired,
    Finished,
    Tidied,
    Forgotten,
    Failed,
    Lost,
}
