//! Completing multipart uploads. One request takes the lease and renews it while it works, and all others wait for the outcome;
//! if its node crashes, the lease ends and another node continues.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use tracing::{info, warn};

use crate::engine::accept::fail;
use crate::engine::admitted::Admitted;
use crate::engine::attempt::{Attempt, Bytes, discard, too_slow_to_complete};
use crate::engine::failure::{Failure, not_yet, of_parts};
use crate::engine::front::Front;
use crate::engine::judged::Judged;
use crate::engine::lease::Lease;
use crate::engine::multipart::refusal_or;
use crate::engine::pipeline::Pipeline;
use crate::engine::pump::{Sink, Source, judge_later, pump};
use crate::engine::quarantine::in_quarantine;
use crate::engine::upload_log::UploadLog;
use crate::policy::upload::Policy;
use crate::record::event::Event;
use crate::record::keys::{key_of, part_key_of, upload_of};
use crate::record::upload::{Record, State, Task};
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::id::{BoxError, ByteStream, UploadId};
use crate::value::lifetime::UploadMethod;
use crate::value::parts::{Part, PartPlan};
use crate::value::verdict::RECEIVE;

/// Separate parts that are looked up, or deleted, at the same time.
const AT_A_TIME: usize = 16;

/// The outcome of one search for incomplete uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// Uploads that are ready now.
    pub ready: u64,
    /// Uploads that were refused.
    pub refused: u64,
    /// Uploads that could not be completed now; their parts stay until their time is over.
    pub failed: u64,
}

impl Resumed {
    /// Sets some of the numbers, such as to compare them in a test.
    ///
    /// ```
    /// use intake_core::Resumed;
    ///
    /// let resumed = Resumed::default().with(|resumed| resumed.ready = 1);
    /// assert!(!resumed.is_empty());
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The outcome of an upload that no stage has refused.
struct Whole {
    judged: Judged,
    /// If the store has no multipart uploads, the pipeline wrote the whole file meanwhile, and it is not durable yet.
    bytes: Bytes,
    policy: Policy,
}

impl Pipeline {
    /// Joins the parts of an upload and has every stage judge the whole file. When this returns the record, the upload is
    /// readable, and it survives a crash.
    ///
    /// Several requests may call this, at the same time and on any node: it has one effect, and all get the same answer. The
    /// future may be dropped at any moment; [`resume`](Self::resume) continues the work.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`codes::PARTS_MISSING`], [`codes::PARTS_TOO_LARGE`], [`codes::PARTS_UNEVEN`] or
    /// [`codes::TIMED_OUT`] if the file is incomplete or took too long; the client may try again. With another code if a stage
    /// has refused the upload for good. [`Error::NotFound`] if there is no such upload. [`Error::Fault`] if the server or a
    /// service behind it failed; the parts stay.
    pub async fn complete(&self, id: UploadId) -> Result<Record, Error> {
        /// The first and the longest pause before this looks again whether another request has completed the upload.
        const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

        let waiting = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let Some(record) = self.inner().recorder.get(id).await? else {
                return Err(Error::NotFound(id));
            };
            match &record.state {
                State::Ready if record.is_readable(self.now()) => return Ok(record),
                State::Quarantined if record.is_pending() => return Ok(record),
                State::Quarantined if record.parts.is_some() => return Err(in_quarantine(&record)),
                State::Rejected(rejection) if record.parts.is_some() => {
                    return Err(Error::rejected(RECEIVE, rejection.clone()));
                }
                State::Assembling if !record.is_due(self.now()) => {
                    if waiting.elapsed() > self.inner().limits.timeout {
                        return Err(too_slow_to_complete());
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
                State::Open | State::Assembling if record.state != State::Open || !record.is_due(self.now()) => {
                    let claimed = self.after(&record, Event::Assemble)?;
                    // `None`: another request or node was faster; look again.
                    if let Some(lease) = Lease::take(self, &record, claimed).await? {
                        match self.assemble(lease).await {
                            // Another node took this one for dead and has the lease; that node's result is the answer.
                            Err(Error::Fault(fault))
                                if fault.code == codes::LEASE_LOST
                                    && waiting.elapsed() <= self.inner().limits.timeout => {}
                            ended => return ended,
                        }
                    }
                }
                _ => return Err(Error::NotFound(id)),
            }
        }
    }

    /// Continues uploads whose completion stopped. Any number of nodes may run this at the same time.
    ///
    /// # Errors
    ///
    /// If the records could not be looked up. A failure of a single upload is counted and logged instead.
    pub async fn resume(&self) -> Result<Resumed, Fault> {
        /// Uploads that are looked up, and completed, at the same time.
        const BATCH: usize = 4;

        let mut resumed = Resumed::default();
        loop {
            let due = self.inner().recorder.due(Task::Resume, self.now(), BATCH).await?;
            let full = due.len() == BATCH;
            let mut outcomes =
                stream::iter(due.into_iter().map(|record| self.resume_one(record))).buffer_unordered(BATCH);
            let mut progress = false;
            while let Some(outcome) = outcomes.next().await {
                match outcome {
                    None => continue,
                    Some(Ok(_)) => resumed.ready += 1,
                    Some(Err(Error::Rejected { .. })) => resumed.refused += 1,
                    Some(Err(_)) => resumed.failed += 1,
                }
                progress = true;
            }
            if !full || !progress {
                return Ok(resumed);
            }
        }
    }

    /// `None`: another node has it.
    async fn resume_one(&self, record: Record) -> Option<Result<Record, Error>> {
        let claimed = self.after(&record, Event::Assemble).ok()?;
        match Lease::take(self, &record, claimed).await {
            Ok(Some(lease)) => {
                info!(id = %record.id, "resuming an upload whose node stopped");
                Some(self.assemble(lease).await)
            }
            Ok(None) => None,
            Err(fault) => {
                warn!(id = %record.id, fault = fault.report(), "could not take over an upload to resume it");
                None
            }
        }
    }

    /// Works on an upload on which this node has the lease, to its end or until it is released.
    async fn assemble(&self, lease: Lease) -> Result<Record, Error> {
        let record = lease.record();
        let id = record.id;
        let log = UploadLog::new(id, UploadMethod::Multipart, &record.declared, &record.options);
        let mut attempt = Attempt::of(lease, log);
        // An attempt at a part that is cut off here was not acknowledged, and a later attempt finds the upload closed.
        self.inner().in_flight.close(id).await;
        match self.read_whole(&mut attempt).await {
            Ok((Judged { facts, held }, policy)) => {
                let admitted = Admitted { attempt, facts, held };
                let ended = self.accept(vec![admitted], Ok(vec![policy])).await;
                match ended?.pop() {
                    Some(record) => Ok(record),
                    None => unreachable!("one upload has one record"),
                }
            }
            Err(failure) => Err(fail([&mut attempt].into_iter(), failure).await),
        }
    }

    /// Joins the parts, if they are complete, and has every stage judge the file, while it renews the lease.
    async fn read_whole(&self, attempt: &mut Attempt) -> Result<(Judged, Policy), Failure> {
        let work = self.clone().judge_whole(attempt.record().clone());
        let bounded = tokio::time::timeout(self.inner().limits.timeout, work);
        let whole = attempt.renew(bounded).await?;
        let whole = whole.unwrap_or_else(|_| Err(Failure::Retry(too_slow_to_complete())))?;
        attempt.bytes = whole.bytes;
        Ok((whole.judged, whole.policy))
    }

    async fn judge_whole(self, claimed: Record) -> Result<Whole, Failure> {
        let Some(parts) = claimed.parts.clone() else {
            return Err(Fault::new(codes::ILLEGAL_TRANSITION, "this upload has no parts").into());
        };
        let mut staged = None;
        // Rules, secrets and tokens may have changed since the upload was started; the current ones apply. The project that the
        // caller knows is not used: the caller may have waited for long, and a refusal here deletes the parts.
        let policy = self.anew().current_policy(&claimed).await?;
        let store = self.inner().store_of(&claimed)?;
        let front = self.inner().fronts.take(claimed.id);
        let (body, sink) = match (store.multipart(), upload_of(&claimed)) {
            (Some(multipart), Some(upload)) => {
                let key = key_of(&claimed);
                // The node that worked on it before may have joined the parts already.
                if store.size(&key).await? != Some(parts.size) {
                    let list = not_yet(parts.judge(multipart.list(&key, upload).await?))?;
                    let assembled = multipart.assemble(&key, upload, &list).await;
                    assembled.map_err(|fault| Failure::Retry(refusal_or(fault)))?;
                    if let Some(judged) = self.read_ahead_of(&claimed, front, list, &policy).await? {
                        let bytes = Bytes::Durable;
                        return Ok(Whole { judged, bytes, policy });
                    }
                }
                (store.read(&key, None).await?, Sink::Stored)
            }
            _ => {
                let list = not_yet(parts.judge(self.list_separate_parts(&claimed, &parts).await?))?;
                (self.read_apart(&claimed, list), Sink::Stage(&mut staged))
            }
        };
        // The size is known, and is the only limit: more bytes mean that a part was sent again, not that the file is too large.
        let source = Source::new(body, u64::MAX, Some(parts.size));
        match pump(self.inner(), &policy, &claimed, source, sink).await {
            Ok(judged) => Ok(Whole {
                judged,
                bytes: staged.map_or(Bytes::Durable, Bytes::staged),
                policy,
            }),
            Err(error) => {
                if let Some(staged) = staged {
                    discard(&claimed, staged).await;
                }
                Err(of_parts(error))
            }
        }
    }

    /// The facts of an upload whose beginning was read while its parts arrived, now that they are joined, if what was read is what
    /// was joined. Validators and rules are asked now.
    async fn read_ahead_of(
        &self,
        claimed: &Record,
        front: Option<Front>,
        parts: Vec<Part>,
        policy: &Policy,
    ) -> Result<Option<Judged>, Failure> {
        let Some(front) = front else { return Ok(None) };
        let Some(read) = front.finish(parts).await else {
            return Ok(None);
        };
        let head = self.inner().store_of(claimed)?.read(&key_of(claimed), None).await?;
        let upload = claimed.info(UploadMethod::Multipart);
        let judged = judge_later(self.inner(), policy, &upload, head, &read.facts).await;
        judged.map(|()| Some(read)).map_err(of_parts)
    }

    /// The current policy of an upload, if it is admitted now. A refusal may pass, so the parts stay until their time is over.
    async fn current_policy(&self, claimed: &Record) -> Result<Policy, Failure> {
        let policy = self.required_policy(&claimed.options, UploadMethod::Multipart);
        let policy = policy.await.map_err(Failure::Retry)?;
        // The declared metadata has to be true, so a rule that refuses it now would also refuse the whole file.
        let judged = policy.judge(|rules| rules.declared(&claimed.info(UploadMethod::Multipart)));
        judged.map_err(Failure::Refuse)?;
        Ok(policy)
    }

    async fn list_separate_parts(&self, record: &Record, parts: &PartPlan) -> Result<Vec<Part>, Fault> {
        let store = self.inner().store_of(record)?;
        let sizes = stream::iter(1..=parts.count()).map(|number| async move {
            let size = store.size(&part_key_of(record, number)).await?;
            Ok::<_, Fault>(size.map(|size| Part {
                number,
                size,
                tag: String::new(),
            }))
        });
        let sizes = sizes.buffered(AT_A_TIME).try_filter_map(|part| async move { Ok(part) });
        sizes.try_collect().await
    }

    fn read_apart(&self, record: &Record, parts: Vec<Part>) -> ByteStream {
        let pipeline = self.clone();
        let location = record.location.clone();
        let keys: Vec<_> = parts.iter().map(|part| part_key_of(record, part.number)).collect();
        let streams = stream::iter(keys).then(move |key| {
            let (pipeline, location) = (pipeline.clone(), location.clone());
            async move {
                let part = pipeline.inner().store_at(&location)?.read(&key, None).await;
                part.map_err(BoxError::from)
            }
        });
        streams.try_flatten().boxed()
    }

    /// Deletes all parts that have separate keys.
    pub(crate) async fn delete_separate_parts(&self, record: &Record) -> Result<(), Fault> {
        let Some(parts) = record.parts.as_ref().filter(|parts| parts.separate_keys) else {
            return Ok(());
        };
        let store = self.inner().store_of(record)?;
        let deleted = stream::iter(1..=parts.count())
            .map(|number| async move { store.delete(&part_key_of(record, number)).await });
        deleted.buffer_unordered(AT_A_TIME).try_collect().await
    }
}
