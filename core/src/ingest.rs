//! The one pass that every upload takes: judged, recorded as an intent, read once, judged again, and then committed or not.
//!
//! Order is safety here. The intent is recorded before the first byte is stored, the bytes are durable before the record
//! says that they can be read, and only then somebody is told so. Whatever breaks off in between leaves a record whose
//! lease ends, and the sweeper does the rest: nothing needs to run in `Drop`.

use std::fmt;
use std::time::{Instant, SystemTime};

use tracing::{info, warn};

use crate::pipeline::Pipeline;
use crate::pump::{RECEIVE, Sink, Source, pump, too_large};
use crate::record::{Event, Record};
use crate::stages::{Staged, Swap};
use crate::{Code, Declared, Error, Facts, Fault, Incoming, Key, Rejection, Terms, UploadId, codes};

impl Pipeline {
    /// Takes an upload in one go: [`admit`](Self::admit), then [`commit`](Admitted::commit).
    ///
    /// # Errors
    ///
    /// Those of both.
    pub async fn ingest(&self, incoming: Incoming, terms: Terms) -> Result<Record, Error> {
        self.admit(incoming).await?.commit(terms).await
    }

    /// Fetches what the source names and takes it in one go.
    ///
    /// # Errors
    ///
    /// Those of the receiver and of [`ingest`](Self::ingest); a [`Fault`] if the pipeline has no receiver.
    pub async fn pull(&self, source: &str, terms: Terms) -> Result<Record, Error> {
        self.ingest(self.receiver()?.receive(source).await?, terms).await
    }

    /// Reads the upload to its end and has every stage judge it. Nobody can read it yet: that takes [`Admitted::commit`].
    ///
    /// Dropping the future is legal at any moment. What is left then is a record whose lease ends.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with the first "no", [`Error::Interrupted`] if the body broke off, [`Error::Fault`] if one of
    /// our parts failed. Whichever it is, nothing of the upload is readable, and its bytes are removed.
    pub async fn admit(&self, incoming: Incoming) -> Result<Admitted, Error> {
        let started = Instant::now();
        let Incoming {
            id,
            declared,
            at_most,
            body,
        } = incoming;
        let limits = &self.parts().limits;
        let limit = at_most.map_or(limits.max_size, |bytes| bytes.min(limits.max_size));

        if let Err(error) = self.judge_declared(&declared, limit) {
            Ending::of(&error).log(id, &declared, started);
            return Err(error);
        }

        let record = Record::intent(id, declared, self.now(), &self.parts().periods);
        // The intent before any byte: from here on a sweeper knows of whatever the store may hold under this id.
        self.parts().recorder.insert(&record).await?;

        let mut staged = None;
        let source = Source::new(body, limit, record.declared.size);
        let pumped = tokio::time::timeout(
            limits.timeout,
            pump(self.parts(), &record, source, Sink::Stage(&mut staged)),
        )
        .await;
        match pumped.unwrap_or_else(|_| Err(too_slow())) {
            Ok(facts) => match staged {
                Some(staged) => Ok(Admitted {
                    pipeline: self.clone(),
                    record,
                    facts,
                    staged,
                    started,
                }),
                None => unreachable!("the pump stages before it has facts"),
            },
            Err(error) => {
                self.undo(&record, staged, noted(&error)).await;
                Ending::of(&error).log(id, &record.declared, started);
                Err(error)
            }
        }
    }

    pub(crate) fn judge_declared(&self, declared: &Declared, limit: u64) -> Result<(), Error> {
        if let Some(size) = declared.size.filter(|size| *size > limit) {
            return Err(Error::rejected(RECEIVE, too_large(size, limit)));
        }
        self.parts().judge(|validator| validator.declared(declared))
    }

    /// Removes what an attempt stored and notes why it ended. If that cannot be done now, the sweeper does it.
    async fn undo(&self, record: &Record, staged: Option<Box<dyn Staged>>, rejection: Rejection) {
        if let Some(staged) = staged
            && let Err(fault) = staged.discard().await
        {
            // The record stays as it is: when its lease is over, a sweeper removes the bytes.
            warn!(id = %record.id, fault = fault.chain(), "could not discard; left to the sweeper");
            return;
        }
        let Ok(noted) = record.apply(Event::Reject(rejection), self.now(), &self.parts().periods) else {
            return;
        };
        match self.parts().recorder.update(&noted).await {
            Ok(Swap::Done | Swap::Lost) => {}
            Err(fault) => {
                warn!(id = %record.id, fault = fault.chain(), "could not note a refusal; left to the sweeper")
            }
        }
    }
}

/// Accepted by every stage, and seen by nobody. Ends by [`commit`](Self::commit) or [`discard`](Self::discard); one that
/// is dropped ends when its lease does.
#[must_use = "an upload that is neither committed nor discarded waits for the sweeper"]
pub struct Admitted {
    pipeline: Pipeline,
    record: Record,
    facts: Facts,
    staged: Box<dyn Staged>,
    started: Instant,
}

impl Admitted {
    /// The upload's id.
    #[must_use]
    pub fn id(&self) -> UploadId {
        self.record.id
    }

    /// What is known of its content.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What its sender said of it.
    #[must_use]
    pub fn declared(&self) -> &Declared {
        &self.record.declared
    }

    /// Makes the upload durable, then readable. When this returns the record, no crash takes either back.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if bytes or record may not be durable, or if this came after the end of the lease
    /// ([`LEASE_LOST`](codes::LEASE_LOST)). If the recorder fails and cannot say whether it has done its part, the upload
    /// may be readable although this is an error.
    pub async fn commit(self, terms: Terms) -> Result<Record, Error> {
        let Self {
            pipeline,
            record,
            facts,
            staged,
            started,
        } = self;
        let parts = pipeline.parts();
        let now = pipeline.now();
        let lifetime = parts.expirer.lifetime(&facts, terms.retention, now);
        let event = Event::Commit {
            facts: Box::new(facts),
            terms,
            lifetime,
        };
        let ready = record.apply(event, now, &parts.periods).map_err(|illegal| {
            Fault::new(codes::ILLEGAL_TRANSITION, "this upload cannot be committed").because(illegal)
        })?;

        let ended = match tokio::time::timeout(left_of_lease(&record, now), staged.commit()).await {
            Ok(Ok(())) => make_readable(&pipeline, &ready).await,
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(Fault::new(codes::TIMED_OUT, "the store took longer than the lease").retryable()),
        };
        match ended {
            Ok(()) => {
                Ending::accepted(&ready).log(ready.id, &ready.declared, started);
                Ok(ready)
            }
            Err(fault) => {
                Ending::faulty(&fault).log(ready.id, &ready.declared, started);
                Err(fault.into())
            }
        }
    }

    /// Removes the upload again, and notes why: for what is said only after the last byte.
    pub async fn discard(self, why: Rejection) {
        let Self {
            pipeline,
            record,
            staged,
            started,
            ..
        } = self;
        let ending = Ending {
            state: "rejected",
            code: Some(why.code.clone()),
            by: "caller",
            message: None,
            facts: None,
        };
        ending.log(record.id, &record.declared, started);
        pipeline.undo(&record, Some(staged), why.clone()).await;
    }
}

impl fmt::Debug for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admitted")
            .field("record", &self.record)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// The last step, after the bytes are durable: the record says so.
async fn make_readable(pipeline: &Pipeline, ready: &Record) -> Result<(), Fault> {
    // If the recorder fails, the bytes stay whatever it has done: the record may say that they can be read.
    match pipeline.swap(ready).await? {
        Swap::Done => Ok(()),
        Swap::Lost => {
            // A sweeper thought this attempt dead and has removed what it found; our bytes came after it looked.
            if let Err(fault) = pipeline.parts().store.delete(&Key::whole(ready.id)).await {
                warn!(id = %ready.id, fault = fault.chain(), "could not remove late bytes; left to the sweeper");
            }
            Err(Fault::new(codes::LEASE_LOST, "the upload took longer than its lease").retryable())
        }
    }
}

fn left_of_lease(record: &Record, now: SystemTime) -> std::time::Duration {
    record
        .due
        .and_then(|due| due.duration_since(now).ok())
        .unwrap_or_default()
}

fn too_slow() -> Error {
    Error::rejected(RECEIVE, Rejection::new(codes::TIMED_OUT, "the upload took too long"))
}

/// What is noted in the record of an upload that did not end well. Why one of our parts failed is for the log, not for the
/// sender.
pub(crate) fn noted(error: &Error) -> Rejection {
    match error {
        Error::Interrupted(_) if error.rejection().is_none() => {
            Rejection::new(codes::INTERRUPTED, "the upload broke off")
        }
        error => error.rejection().cloned().unwrap_or_else(|| {
            let message = "the upload could not be processed";
            Rejection::new(codes::FAULT, message)
        }),
    }
}

/// How an upload ended, for the one line that is logged of each.
pub(crate) struct Ending<'a> {
    state: &'static str,
    code: Option<Code>,
    by: &'a str,
    message: Option<String>,
    facts: Option<&'a Facts>,
}

impl<'a> Ending<'a> {
    pub(crate) fn of(error: &'a Error) -> Self {
        let (state, by, message) = match error {
            Error::Rejected { by, rejection } => ("rejected", by.as_str(), rejection.message.clone()),
            Error::Interrupted(why) => match error.rejection() {
                Some(rejection) => ("interrupted", "sender", rejection.message.clone()),
                None => ("interrupted", "sender", why.to_string()),
            },
            Error::NotFound(_) => ("not_found", "caller", String::new()),
            Error::Fault(fault) => return Self::faulty(fault),
        };
        Self {
            state,
            code: Some(error.code()),
            by,
            message: Some(message),
            facts: None,
        }
    }

    pub(crate) fn accepted(ready: &'a Record) -> Self {
        Self {
            state: "ready",
            code: None,
            by: "",
            message: None,
            facts: ready.facts.as_ref(),
        }
    }

    fn faulty(fault: &Fault) -> Self {
        Self {
            state: "fault",
            code: Some(fault.code.clone()),
            by: "",
            message: Some(fault.chain()),
            facts: None,
        }
    }

    pub(crate) fn log(&self, id: UploadId, declared: &Declared, started: Instant) {
        let media_type = self.facts.and_then(|facts| facts.media_type.as_ref());
        info!(
            target: "intake::upload",
            %id,
            state = self.state,
            code = self.code.as_ref().map(Code::as_str),
            by = self.by,
            message = self.message,
            size = self.facts.map(|facts| facts.size).or(declared.size),
            media_type = media_type.map(tracing::field::display),
            millis = started.elapsed().as_millis() as u64,
            "upload ended"
        );
    }
}
