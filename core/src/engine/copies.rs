//! Copies of files that can be read: uploads of their own, with the same bytes.

use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::contract::stages::Staged;
use crate::engine::admitted::Admitted;
use crate::engine::attempt::{Attempt, Bytes};
use crate::engine::pipeline::Pipeline;
use crate::engine::upload_log::UploadLog;
use crate::policy::upload::Policy;
use crate::record::keys::key_of;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::{Declared, Digest, Facts};
use crate::value::id::{ByteStream, UploadId};
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;

impl Pipeline {
    /// Makes a file with the bytes of another one that can be read, under a new id. It gets these options, the name of the other
    /// one, and what is known of its content: scanners do not read the same bytes again. Its project has to have room for it, and
    /// its rules and all validators judge it as they are now.
    ///
    /// The work continues even if the future is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the file cannot be read, [`Error::Rejected`] if a rule refuses the copy or the project is full, and
    /// faults of store and recorder. In each case there is no copy.
    pub async fn copy(&self, id: UploadId, options: UploadOptions) -> Result<Record, Error> {
        let pipeline = self.clone();
        self.run(async move { pipeline.copy_here(id, options).await }).await?
    }

    async fn copy_here(&self, id: UploadId, options: UploadOptions) -> Result<Record, Error> {
        let source = self.get(id).await?;
        let Some(facts) = source.facts.clone() else {
            return Err(Error::NotFound(id));
        };
        let declared = Declared::default().with(|declared| {
            declared.name = source.declared.name.clone();
            declared.media_type = source.declared.media_type.clone();
            declared.size = Some(facts.size);
        });
        let method = UploadMethod::Direct;
        let log = UploadLog::new(UploadId::random(), method, &declared, &options);
        let copied = async {
            let policy = self.policy(&options, method).await?;
            let limit = policy.at_most(self.inner().limits.max_size);
            let record = Record::intent(log.id(), declared, options.clone(), self.now(), &self.inner().periods);
            let record = record.at(policy.location());
            self.judge_declared(&record.info(method), limit, &policy)?;
            let attempt = Box::pin(Attempt::begin(self, record, log.clone(), &policy)).await?;
            self.fill(attempt, &source, facts, &policy).await
        };
        match copied.await {
            Ok(admitted) => admitted.commit(options).await,
            Err(error) => {
                log.failed(&error);
                Err(error)
            }
        }
    }

    /// Copies the bytes into the store. They must be those that every stage has accepted.
    async fn fill(
        &self,
        mut attempt: Attempt,
        source: &Record,
        facts: Facts,
        policy: &Policy,
    ) -> Result<Admitted, Error> {
        let mut staged = None;
        let limit = self.inner().limits.timeout;
        let written = tokio::time::timeout(limit, self.write_copy(&attempt, source, &facts, &mut staged)).await;
        attempt.bytes = staged.map_or(Bytes::None, Bytes::staged);
        let slow = |_| Err(Fault::new(codes::TIMED_OUT, "copying a file took too long").retryable());
        let judged = match written.unwrap_or_else(slow) {
            Ok(()) => self
                .inner()
                .judge(policy, |validator| validator.whole(&attempt.info(), &facts)),
            Err(fault) => Err(fault.into()),
        };
        if let Err(error) = judged {
            attempt.refuse(error.noted()).await?;
            return Err(error);
        }
        Ok(Admitted {
            attempt,
            facts,
            held: None,
        })
    }

    async fn write_copy(
        &self,
        attempt: &Attempt,
        source: &Record,
        facts: &Facts,
        staged: &mut Option<Box<dyn Staged>>,
    ) -> Result<(), Fault> {
        let inner = self.inner();
        let body = inner.store_of(source)?.read(&key_of(source), None).await?;
        let record = attempt.record();
        let store = inner.store_of(record)?;
        let writing = store.stage(&key_of(record), facts.media_type.as_ref()).await?;
        match write_all(body, &mut **staged.insert(writing)).await? == facts.digest {
            true => Ok(()),
            false => {
                let message = "the bytes of a file were others when they were read back to be copied";
                Err(Fault::new(codes::BYTES_MISSING, message))
            }
        }
    }
}

/// Copies a stream into the store, and returns the digest of the bytes.
pub(super) async fn write_all(mut body: ByteStream, to: &mut dyn Staged) -> Result<Digest, Fault> {
    let mut hasher = Sha256::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|why| {
            let fault = Fault::new(codes::BYTES_MISSING, "the bytes of an upload could not be read back");
            fault.retryable().with_source(why)
        })?;
        hasher.update(&chunk);
        to.write(chunk).await?;
    }
    Ok(Digest::from(<[u8; 32]>::from(hasher.finalize())))
}
