//! Uploads in one request, and fetched ones: judged, recorded as an intent, read once, and accepted or refused.

use crate::engine::admitted::Admitted;
use crate::engine::attempt::{Attempt, Bytes};
use crate::engine::judged::Judged;
use crate::engine::pipeline::Pipeline;
use crate::engine::pump::{Sink, Source, pump};
use crate::engine::upload_log::UploadLog;
use crate::policy::rules::too_large;
use crate::policy::upload::Policy;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::Error;
use crate::value::incoming::Incoming;
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;
use crate::value::upload_info::UploadInfo;
use crate::value::verdict::{RECEIVE, Rejection};

impl Pipeline {
    /// Takes an upload in one step: [`admit`](Self::admit), then [`commit`](Admitted::commit), on a task of its own (see
    /// [`run`](Self::run)). An upload whose last byte has arrived is committed even if the future is dropped; one whose body
    /// breaks off ends at once.
    ///
    /// # Errors
    ///
    /// Those of both methods.
    pub async fn ingest(&self, mut incoming: Incoming, options: UploadOptions) -> Result<Record, Error> {
        // The project is known before the bytes arrive.
        incoming.options = options.clone().or(&incoming.options);
        let pipeline = self.clone();
        self.run(async move { pipeline.admit(incoming).await?.commit(options).await })
            .await?
    }

    /// Fetches a source and takes the file in one step.
    ///
    /// # Errors
    ///
    /// Those of the fetcher and of [`ingest`](Self::ingest); a [`Fault`](crate::Fault) if the pipeline has no fetcher.
    pub async fn fetch(&self, source: &str, options: UploadOptions) -> Result<Record, Error> {
        let mut incoming = self.fetcher()?.receive(source).await?;
        incoming.method = UploadMethod::FromUrl;
        self.ingest(incoming, options).await
    }

    /// Reads the upload to its end and has every stage judge it. It is not readable before [`Admitted::commit`].
    ///
    /// The future may be dropped at any moment. That leaves a record whose lease ends only after hours: if a closed connection
    /// can drop the future, let [`run`](Self::run) poll it.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with the first rejection, [`Error::Interrupted`] if the body broke off, [`Error::Fault`] if the
    /// server or a service behind it failed. In each case the upload is not readable, and its bytes are deleted.
    pub async fn admit(&self, incoming: Incoming) -> Result<Admitted, Error> {
        let Incoming {
            id,
            declared,
            at_most,
            options,
            method,
            body,
        } = incoming;
        let log = UploadLog::new(id, method, &declared, &options);
        let admitted = async {
            let inner = self.inner();
            let policy = self.policy(&options, method).await?;
            let limit = at_most.map_or(inner.limits.max_size, |bytes| bytes.min(inner.limits.max_size));
            let limit = policy.at_most(limit);
            let record = Record::intent(id, declared, options, self.now(), &inner.periods).at(policy.location());
            self.judge_declared(&record.info(method), limit, &policy)?;

            let source = Source::new(body, limit, record.declared.size).counted(method);
            // In a box, as what follows the body: while a slow sender sends, an upload has no memory for either.
            let mut attempt = Box::pin(Attempt::begin(self, record, log.clone(), &policy)).await?;
            let mut staged = None;
            let pump = pump(inner, &policy, attempt.record(), source, Sink::Stage(&mut staged));
            let pumped = tokio::time::timeout(inner.limits.timeout, pump).await;
            attempt.bytes = staged.map_or(Bytes::None, Bytes::staged);
            match pumped.unwrap_or_else(|_| Err(too_slow())) {
                Ok(Judged { facts, held }) => Ok(Admitted { attempt, facts, held }),
                Err(error) => {
                    Box::pin(attempt.refuse(error.noted())).await?;
                    Err(error)
                }
            }
        };
        let admitted = admitted.await;
        if let Err(error) = &admitted {
            log.failed(error);
        }
        admitted
    }

    pub(crate) fn judge_declared(&self, upload: &UploadInfo<'_>, limit: u64, policy: &Policy) -> Result<(), Error> {
        policy.may_come(self.now())?;
        if let Some(size) = upload.declared.size.filter(|size| *size > limit) {
            return Err(Error::rejected(RECEIVE, too_large(size, limit)));
        }
        self.inner().judge(policy, |validator| validator.declared(upload))
    }
}

pub(crate) fn too_slow() -> Error {
    Error::rejected(RECEIVE, Rejection::new(codes::TIMED_OUT, "the upload took too long"))
}
