//! Orders to fetch something: placed, asked after, taken back. Fetching itself is in `puller`.
//!
//! An order is a record of its own, and its id is not the upload's: whoever may ask what became of an order may not open a file
//! by that. The recorder is the queue; any node fetches what is due.

use tracing::warn;

use crate::contract::stages::Receiver;
use crate::engine::lease::Lease;
use crate::engine::pipeline::Pipeline;
use crate::record::books::Swap;
use crate::record::event::Event;
use crate::record::pull::Pull;
use crate::record::upload::{Record, State};
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::id::UploadId;
use crate::value::lifetime::Door;
use crate::value::options::Terms;
use crate::value::verdict::Rejection;

/// An order to fetch something.
#[derive(Clone, Debug)]
pub struct Order {
    /// What the order is asked after by. Not the upload's id.
    pub id: UploadId,
    /// What is to be fetched.
    pub pull: Pull,
    /// Whose it is, how long to keep it, and what to note beside it.
    pub terms: Terms,
}

impl Order {
    /// An order under a new id.
    #[must_use]
    pub fn new(mut pull: Pull, terms: Terms) -> Self {
        pull.wish = terms.retention;
        pull.known_as.clone_from(&terms.known_as);
        Self {
            id: UploadId::random(),
            pull,
            terms,
        }
    }
}

impl Pipeline {
    /// Whether what the source names may be fetched at all; opens no connection to it.
    ///
    /// # Errors
    ///
    /// Those of [`Receiver::judge`]; a [`Fault`] if the pipeline has no receiver.
    pub async fn judge_source(&self, source: &str) -> Result<(), Error> {
        self.receiver()?.judge(source).await
    }

    /// Places an order. When this returns, no crash takes it back: some node fetches it, or notes why not.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`codes::TOO_MANY_ORDERS`] if too many orders of the project wait; a [`Fault`] if the pipeline
    /// has no receiver or the order could not be recorded.
    pub async fn order(&self, order: Order) -> Result<Record, Error> {
        self.receiver()?;
        let Order { id, pull, terms } = order;
        let policy = self
            .required_policy(terms.project.as_deref(), terms.pass.as_ref(), Door::Pull)
            .await?;
        let record = Record::order(id, pull, terms, self.now(), &self.inner().periods);
        let lease = Lease::insert(self, record, &policy).await?;
        self.inner().ordered.notify_one();
        Ok(lease.into_record())
    }

    /// Takes an order back. What was fetched of it by then is removed.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such order, or it has ended; faults of the recorder.
    pub async fn cancel(&self, id: UploadId) -> Result<(), Error> {
        /// Whoever fetches it renews its claim meanwhile; so often in a row is not bad luck any more.
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let record = self.inner().recorder.get(id).await?.ok_or(Error::NotFound(id))?;
            let rejection = Rejection::new(codes::CANCELLED, "the order was taken back");
            if !matches!(record.state, State::Waiting | State::Pulling) {
                return Err(Error::NotFound(id));
            }
            let cancelled = self.after(&record, Event::Reject(rejection))?;
            if self.swap(&record, &cancelled).await? == Swap::Done {
                self.bound_tombstones(cancelled.project.as_deref()).await;
                if let Some(upload) = record.pull.and_then(|pull| pull.upload)
                    && let Some(ready) = self.end_try(upload).await
                {
                    // It had come to its end just now, and nobody has been told.
                    self.delete_for_good(ready.id).await?;
                }
                return Ok(());
            }
        }
        Err(Fault::new(
            codes::ILLEGAL_TRANSITION,
            "the order changes faster than it can be read",
        )
        .retryable()
        .into())
    }

    /// The newest readable upload of this name: see [`Terms::known_as`].
    ///
    /// # Errors
    ///
    /// Faults of the recorder.
    pub async fn known_as(&self, name: &str) -> Result<Option<Record>, Fault> {
        let known = self.inner().recorder.known_as(name).await?;
        Ok(known.filter(|record| record.is_readable(self.now())))
    }

    /// Ends a try that nobody may go on with. If that cannot be done now, its lease ends, and a sweeper does it. Answers with
    /// the try's record, if it has come to its end by itself.
    pub(crate) async fn end_try(&self, upload: UploadId) -> Option<Record> {
        let fault = match self.abandon(upload).await {
            Ok(ready) => return ready,
            Err(fault) => fault,
        };
        warn!(id = %upload, fault = fault.chain(), "could not end a try; left to the sweeper");
        None
    }

    /// The same, where a fault is the caller's.
    pub(crate) async fn abandon(&self, upload: UploadId) -> Result<Option<Record>, Fault> {
        let Some(record) = self.inner().recorder.get(upload).await? else {
            return Ok(None);
        };
        if record.state == State::Ready {
            return Ok(Some(record));
        }
        let Ok(deleting) = self.after(&record, Event::Abandon) else {
            return Ok(None);
        };
        match self.swap(&record, &deleting).await? {
            Swap::Done => {
                self.erase(&deleting).await;
                Ok(None)
            }
            // It has been committed, or refused, just now.
            Swap::Lost | Swap::Full => {
                let record = self.inner().recorder.get(upload).await?;
                Ok(record.filter(|record| record.state == State::Ready))
            }
        }
    }

    /// Whether there is somebody who fetches what a source names.
    #[must_use]
    pub fn can_pull(&self) -> bool {
        self.inner().receiver.is_some()
    }

    pub(crate) fn receiver(&self) -> Result<&dyn Receiver, Fault> {
        match &self.inner().receiver {
            Some((_, receiver)) => Ok(&**receiver),
            None => Err(Fault::new(
                codes::NO_RECEIVER,
                "this pipeline fetches nothing: it has no receiver",
            )),
        }
    }
}
