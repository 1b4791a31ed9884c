//! The one pass that every upload takes: judged, recorded as an intent, read once, judged again, and then committed or not.
//!
//! Order is safety here. The intent is recorded before the first byte is stored, the bytes are durable before the record
//! says that they can be read, and only then somebody is told so. Whatever breaks off in between leaves a record whose
//! lease ends, and the sweeper does the rest: nothing needs to run in `Drop`.

use std::time::Instant;

use tracing::warn;

use crate::contract::stages::Staged;
use crate::engine::commit::Admitted;
use crate::engine::pipeline::Pipeline;
use crate::engine::pump::{Sink, Source, pump};
use crate::engine::upload_log::UploadLog;
use crate::policy::rules::too_large;
use crate::policy::upload::Policy;
use crate::record::accounting::UsageChange;
use crate::record::event::Event;
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::Error;
use crate::value::evidence::Declared;
use crate::value::incoming::Incoming;
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;
use crate::value::verdict::RECEIVE;
use crate::value::verdict::Rejection;

impl Pipeline {
    /// Takes an upload in one go: [`admit`](Self::admit), then [`commit`](Admitted::commit), on a task of its own (see
    /// [`run`](Self::run)). Dropping the future changes nothing for an upload whose last byte is here; one whose body breaks
    /// off is given back at once.
    ///
    /// # Errors
    ///
    /// Those of both.
    pub async fn ingest(&self, mut incoming: Incoming, options: UploadOptions) -> Result<Record, Error> {
        // Whose it is, is known before its bytes come.
        incoming.project = incoming.project.or_else(|| options.project.clone());
        incoming.authorization = incoming.authorization.or_else(|| options.authorization.clone());
        incoming.sender = incoming.sender.or_else(|| options.sender.clone());
        let pipeline = self.clone();
        self.run(async move { pipeline.admit(incoming).await?.commit(options).await })
            .await?
    }

    /// Fetches what the source names and takes it in one go.
    ///
    /// # Errors
    ///
    /// Those of the fetcher and of [`ingest`](Self::ingest); a [`Fault`](crate::Fault) if the pipeline has no fetcher.
    pub async fn fetch(&self, source: &str, options: UploadOptions) -> Result<Record, Error> {
        let mut incoming = self.fetcher()?.receive(source).await?;
        incoming.method = UploadMethod::FromUrl;
        self.ingest(incoming, options).await
    }

    /// Reads the upload to its end and has every stage judge it. Nobody can read it yet: that takes [`Admitted::commit`].
    ///
    /// Dropping the future is legal at any moment. What is left then is a record whose lease ends, which takes hours: where a
    /// connection can end the future, let [`run`](Self::run) poll it.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with the first "no", [`Error::Interrupted`] if the body broke off, [`Error::Fault`] if one of
    /// our parts failed. Whichever it is, nothing of the upload is readable, and its bytes are removed.
    pub async fn admit(&self, incoming: Incoming) -> Result<Admitted, Error> {
        let started = Instant::now();
        let (id, method, declared) = (incoming.id, incoming.method, incoming.declared.clone());
        let (project, authorization) = (incoming.project.clone(), incoming.authorization.clone());
        let admitted = self.read_and_judge(incoming, started).await;
        if let Err(error) = &admitted {
            let log = UploadLog {
                id,
                method,
                declared: &declared,
                project: project.as_deref(),
                authorization: authorization.as_ref(),
                started,
            };
            log.failed(error);
        }
        admitted
    }

    async fn read_and_judge(&self, incoming: Incoming, started: Instant) -> Result<Admitted, Error> {
        let Incoming {
            id,
            declared,
            at_most,
            project,
            authorization,
            sender,
            method,
            body,
        } = incoming;
        let limits = &self.inner().limits;
        let policy = self.policy(project.as_deref(), authorization.as_ref(), method).await?;
        let limit = at_most.map_or(limits.max_size, |bytes| bytes.min(limits.max_size));
        let limit = policy.at_most(limit);

        self.judge_declared(&declared, limit, &policy)?;

        let record = Record::intent(id, declared, self.now(), &self.inner().periods);
        let record = record.of(project, authorization, policy.location()).sent_by(sender);
        self.inner().store_of(&record)?;
        // The intent before any byte: from here on a sweeper knows of whatever the store may hold under this id, and its
        // project's account has what it is going to need, as far as it was said.
        self.intend(&record, &policy).await?;

        let mut staged = None;
        let source = Source::new(body, limit, record.declared.size).counted(method);
        let pumped = tokio::time::timeout(
            limits.timeout,
            pump(self.inner(), &policy, &record, source, Sink::Stage(&mut staged)),
        )
        .await;
        match pumped.unwrap_or_else(|_| Err(too_slow())) {
            Ok(facts) => match staged {
                Some(staged) => Ok(Admitted {
                    pipeline: self.clone(),
                    record,
                    method,
                    facts,
                    staged,
                    started,
                }),
                None => unreachable!("the pump stages before it has facts"),
            },
            Err(error) => {
                self.undo(&record, staged, error.noted()).await;
                Err(error)
            }
        }
    }

    pub(crate) fn judge_declared(&self, declared: &Declared, limit: u64, policy: &Policy) -> Result<(), Error> {
        policy.may_come(self.now())?;
        if let Some(size) = declared.size.filter(|size| *size > limit) {
            return Err(Error::rejected(RECEIVE, too_large(size, limit)));
        }
        self.inner().judge(policy, |validator| validator.declared(declared))
    }

    /// Records a new upload or order, if its project, its token and its sender have room for it.
    pub(crate) async fn intend(&self, record: &Record, policy: &Policy) -> Result<(), Error> {
        let usage_change = UsageChange::of(None, record, policy.quota(), self.now());
        let usage_change = self.bounded(record, usage_change);
        match self.inner().recorder.insert(record, &usage_change).await? {
            Update::Applied => Ok(()),
            Update::Conflict | Update::QuotaExceeded => Err(self.no_room(record, &usage_change).await),
        }
    }

    /// Removes what an attempt stored and notes why it ended. If that cannot be done now, the sweeper does it.
    pub(crate) async fn undo(&self, record: &Record, staged: Option<Box<dyn Staged>>, rejection: Rejection) {
        if let Some(staged) = staged
            && let Err(fault) = staged.discard().await
        {
            // The record stays as it is: when its lease is over, a sweeper removes the bytes.
            warn!(id = %record.id, fault = fault.report(), "could not discard; left to the sweeper");
            return;
        }
        let Ok(noted) = record.apply(Event::Reject(rejection), self.now(), &self.inner().periods) else {
            return;
        };
        self.leave_tombstone(record, noted).await;
    }
}

fn too_slow() -> Error {
    Error::rejected(RECEIVE, Rejection::new(codes::TIMED_OUT, "the upload took too long"))
}
