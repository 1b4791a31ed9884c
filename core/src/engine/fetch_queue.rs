//! The queue of fetch jobs: adding a job, asking after it, cancelling it. `fetch_worker` runs the jobs.
//!
//! A fetch job is a record of its own, and its id is not the upload's: a client that may ask for the state of a fetch job may
//! not open a file by its id. The recorder is the queue, and any node runs the jobs that are due.

use tracing::warn;

use crate::contract::stages::Fetcher;
use crate::engine::lease::Lease;
use crate::engine::pipeline::Pipeline;
use crate::record::event::Event;
use crate::record::fetch_job::FetchJob;
use crate::record::update::Update;
use crate::record::upload::{Record, State};
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::id::UploadId;
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;
use crate::value::verdict::Rejection;

/// The arguments that queue a fetch job.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewFetch {
    /// The id of the fetch job, by which a client asks after it. It is not the id of the upload.
    pub id: UploadId,
    /// The source, and the name of the file.
    pub fetch_job: FetchJob,
    /// What the sender asks for: the project, how long to keep the file, metadata and tags.
    pub options: UploadOptions,
}

impl NewFetch {
    /// A fetch job under a new id.
    #[must_use]
    pub fn new(fetch_job: FetchJob, options: UploadOptions) -> Self {
        Self {
            id: UploadId::random(),
            fetch_job,
            options,
        }
    }
}

impl Pipeline {
    /// Checks whether the source may be fetched. It opens no connection.
    ///
    /// # Errors
    ///
    /// Those of [`Fetcher::judge`]; a [`Fault`] if the pipeline has no fetcher.
    pub async fn check_source(&self, source: &str) -> Result<(), Error> {
        self.fetcher()?.judge(source).await
    }

    /// Queues a fetch job. When this returns, no crash removes it: a node fetches the source, or records why it could not.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`codes::TOO_MANY_ORDERS`] if the project or the sender has too many fetch jobs; a [`Fault`] if
    /// the pipeline has no fetcher or the fetch job could not be recorded.
    pub async fn queue_fetch(&self, new_fetch: NewFetch) -> Result<Record, Error> {
        self.fetcher()?;
        let NewFetch { id, fetch_job, options } = new_fetch;
        let policy = self.required_policy(&options, UploadMethod::FromUrl).await?;
        let record = Record::queued(id, fetch_job, options, self.now(), &self.inner().periods);
        let lease = Lease::insert(self, record, &policy).await?;
        self.inner().fetch_queued.notify_one();
        Ok(lease.into_record())
    }

    /// Cancels a fetch job, and deletes the bytes that it has fetched.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such fetch job, or it has ended; faults of the recorder.
    pub async fn cancel(&self, id: UploadId) -> Result<(), Error> {
        /// The node that fetches it renews its lease meanwhile; so many conflicts in a row are not a coincidence.
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let record = self.inner().recorder.get(id).await?.ok_or(Error::NotFound(id))?;
            let rejection = Rejection::new(codes::CANCELLED, "the fetch job was cancelled");
            if !matches!(record.state, State::Queued | State::Fetching) {
                return Err(Error::NotFound(id));
            }
            let cancelled = self.after(&record, Event::Reject(rejection))?;
            if self.swap(&record, &cancelled).await? == Update::Applied {
                self.bound_tombstones(cancelled.options.project.as_deref()).await;
                if let Some(upload) = record.fetch_job.and_then(|fetch_job| fetch_job.upload)
                    && let Some(ready) = self.end_try(upload).await
                {
                    // The try has just ended, and no client has its upload id yet. What was refused stays in quarantine.
                    if ready.state == State::Ready || ready.is_pending() {
                        self.discard_unwanted(ready.id).await?;
                    }
                }
                return Ok(());
            }
        }
        Err(Fault::new(
            codes::ILLEGAL_TRANSITION,
            "the fetch job changes faster than it can be read",
        )
        .retryable()
        .into())
    }

    /// The newest readable upload with this source key: see [`UploadOptions::source_key`].
    ///
    /// # Errors
    ///
    /// Faults of the recorder.
    pub async fn find_by_source_key(&self, name: &str) -> Result<Option<Record>, Fault> {
        let known = self.inner().recorder.find_by_source_key(name).await?;
        Ok(known.filter(|record| record.is_readable(self.now())))
    }

    /// Ends a try that no node may continue. If that fails, its lease ends, and a sweeper does it. Returns the record of the try
    /// if the try was completed.
    pub(crate) async fn end_try(&self, upload: UploadId) -> Option<Record> {
        let fault = match self.abandon(upload).await {
            Ok(ready) => return ready,
            Err(fault) => fault,
        };
        warn!(id = %upload, fault = fault.report(), "could not end a try; left to the sweeper");
        None
    }

    /// Does the same, and returns a fault instead of logging it.
    pub(crate) async fn abandon(&self, upload: UploadId) -> Result<Option<Record>, Fault> {
        let Some(record) = self.inner().recorder.get(upload).await? else {
            return Ok(None);
        };
        if has_come(&record) {
            return Ok(Some(record));
        }
        let Ok(deleting) = self.after(&record, Event::Abandon) else {
            return Ok(None);
        };
        match self.swap(&record, &deleting).await? {
            Update::Applied => {
                self.finish_deletion(&deleting).await;
                Ok(None)
            }
            // It was committed or refused just now.
            Update::Conflict | Update::QuotaExceeded => {
                let record = self.inner().recorder.get(upload).await?;
                Ok(record.filter(has_come))
            }
        }
    }

    /// Whether the pipeline has a fetcher.
    #[must_use]
    pub fn can_fetch(&self) -> bool {
        self.inner().fetcher.is_some()
    }

    pub(crate) fn fetcher(&self) -> Result<&dyn Fetcher, Fault> {
        match &self.inner().fetcher {
            Some((_, fetcher)) => Ok(&**fetcher),
            None => Err(Fault::new(
                codes::NO_RECEIVER,
                "this pipeline fetches nothing: it has no receiver",
            )),
        }
    }
}

/// Whether the upload of a try has come to its end: it is readable, or in quarantine.
fn has_come(record: &Record) -> bool {
    matches!(record.state, State::Ready | State::Quarantined)
}
