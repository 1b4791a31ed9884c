//! Putting parts together. One claims the upload, renews the claim while it works, and everyone else waits for the outcome;
//! if it dies, its claim ends and another node goes on.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use tracing::{info, warn};

use crate::contract::stages::Staged;
use crate::engine::complete_failure::{Failure, failure, not_yet};
use crate::engine::lease::lost;
use crate::engine::multipart::refusal_or;
use crate::engine::pipeline::Pipeline;
use crate::engine::pump::{Sink, Source, pump};
use crate::engine::upload_log::UploadLog;
use crate::policy::upload::Policy;
use crate::record::event::Event;
use crate::record::keys::upload_of;
use crate::record::keys::{key_of, part_key_of};
use crate::record::update::Update;
use crate::record::upload::{Record, State, Task};
use crate::value::authorization::with_granted;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Facts;
use crate::value::id::{BoxError, ByteStream, UploadId};
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;
use crate::value::parts::{Part, PartPlan};
use crate::value::verdict::RECEIVE;
use crate::value::verdict::Rejection;

/// Parts under keys of their own that are looked up, or removed, at a time.
const AT_A_TIME: usize = 16;

/// What one look for unfinished work did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Uploads that are ready now.
    pub ready: u64,
    /// Uploads that were refused.
    pub refused: u64,
    /// What could not be ended now; its parts stay for as long as they may.
    pub failed: u64,
}

impl Resumed {
    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What every stage has accepted.
struct Judged {
    facts: Facts,
    /// What was written meanwhile, where the store has no way of its own with parts. Not durable yet.
    staged: Option<Box<dyn Staged>>,
}

impl Pipeline {
    /// Puts the parts of an upload together and has every stage judge the whole. When this returns the record, the upload is
    /// readable, and no crash takes that back.
    ///
    /// May be called again, and by several at a time, on any node: it has one effect, and all get the same answer. Dropping
    /// the future is legal at any moment; [`resume`](Self::resume) goes on with what was begun.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`codes::PARTS_MISSING`], [`codes::PARTS_TOO_LARGE`], [`codes::PARTS_UNEVEN`] or
    /// [`codes::TIMED_OUT`] if it is not whole or took too long, and may be tried again; with anything else if a stage has
    /// refused it for good. [`Error::NotFound`] if there is no such upload. [`Error::Fault`] if one of our parts failed;
    /// the parts stay.
    pub async fn complete(&self, id: UploadId) -> Result<Record, Error> {
        /// How long to wait before looking whether somebody else is done, at first and at most.
        const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

        let waiting = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let Some(record) = self.inner().recorder.get(id).await? else {
                return Err(Error::NotFound(id));
            };
            match &record.state {
                State::Ready if record.is_readable(self.now()) => return Ok(record),
                State::Rejected(rejection) if record.parts.is_some() => {
                    return Err(Error::rejected(RECEIVE, rejection.clone()));
                }
                State::Assembling if !record.is_due(self.now()) => {
                    if waiting.elapsed() > self.inner().limits.timeout {
                        return Err(Error::rejected(RECEIVE, too_slow()));
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
                State::Open | State::Assembling if record.state != State::Open || !record.is_due(self.now()) => {
                    let claimed = self.after(&record, Event::Assemble)?;
                    match self.swap(&record, &claimed).await? {
                        Update::Applied => match self.assemble(claimed).await {
                            // Somebody thought us dead and goes on with it; theirs is the answer.
                            Err(Error::Fault(fault))
                                if fault.code == codes::LEASE_LOST
                                    && waiting.elapsed() <= self.inner().limits.timeout => {}
                            ended => return ended,
                        },
                        // Somebody was faster; look again.
                        Update::Conflict | Update::QuotaExceeded => {}
                    }
                }
                _ => return Err(Error::NotFound(id)),
            }
        }
    }

    /// Goes on with what somebody began and did not end. Any number may look for it at a time, on any number of nodes.
    ///
    /// # Errors
    ///
    /// If it could not be looked up. What fails with a single upload is counted and logged instead.
    pub async fn resume(&self) -> Result<Resumed, Fault> {
        /// Uploads looked up at a time, and worked on.
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
        match self.swap(&record, &claimed).await {
            Ok(Update::Applied) => {
                info!(id = %record.id, "goes on with an upload whose worker is gone");
                Some(self.assemble(claimed).await)
            }
            Ok(Update::Conflict | Update::QuotaExceeded) => None,
            Err(fault) => {
                warn!(id = %record.id, fault = fault.report(), "could not claim an upload to go on with");
                None
            }
        }
    }

    /// Works on an upload that was claimed, to its end or until it is given back.
    async fn assemble(&self, mut claimed: Record) -> Result<Record, Error> {
        let started = Instant::now();
        // An attempt that is cut off here was not acknowledged, and a later one finds the upload claimed.
        self.inner().in_flight.close(claimed.id).await;
        let work = self.clone().judge_whole(claimed.clone());
        let bounded = tokio::time::timeout(self.inner().limits.timeout, work);
        let judged = match self.hold(&mut claimed, Duration::MAX, || Event::Renew, bounded).await? {
            Ok(Ok(judged)) => self.commit_whole(&mut claimed, judged).await?,
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::Retry(Error::rejected(RECEIVE, too_slow()))),
        };
        // Once more: looking at the whole may have taken a while.
        let judged = match judged {
            Ok(facts) => self.judge_again(&claimed, &facts).await.map(|policy| (facts, policy)),
            Err(failure) => Err(failure),
        };
        let ended = match judged {
            Ok((facts, policy)) => self.make_assembled_readable(&claimed, facts, policy).await,
            Err(Failure::Rejected(error)) => {
                self.refuse(&mut claimed, &error).await?;
                Err(error)
            }
            Err(Failure::Retry(error)) => {
                self.give_back(&claimed).await;
                Err(error)
            }
        };
        let log = UploadLog {
            id: claimed.id,
            method: UploadMethod::Multipart,
            declared: &claimed.declared,
            project: claimed.project.as_deref(),
            authorization: claimed.authorization.as_ref(),
            started,
        };
        match &ended {
            Ok(ready) => log.accepted(ready),
            Err(error) => log.failed(error),
        }
        ended
    }

    /// Makes the parts one, if they are the whole, and has every stage judge it.
    async fn judge_whole(self, claimed: Record) -> Result<Judged, Failure> {
        let Some(parts) = claimed.parts.clone() else {
            return Err(Fault::new(codes::ILLEGAL_TRANSITION, "this upload has no parts").into());
        };
        let mut staged = None;
        // Rules, secrets and tokens may be others than when it was begun: those that hold now are what counts.
        // Not by what the caller knows: it may have waited for long, and a refusal here deletes the parts.
        let policy = self.anew().current_policy(&claimed).await?;
        let store = self.inner().store_of(&claimed)?;
        let (body, sink) = match (store.multipart(), upload_of(&claimed)) {
            (Some(multipart), Some(upload)) => {
                let key = key_of(&claimed);
                // Whoever worked on it before may have come this far.
                if store.size(&key).await? != Some(parts.size) {
                    let list = not_yet(parts.judge(multipart.list(&key, upload).await?))?;
                    let assembled = multipart.assemble(&key, upload, &list).await;
                    assembled.map_err(|fault| Failure::Retry(refusal_or(fault)))?;
                }
                (store.read(&key, None).await?, Sink::Stored)
            }
            _ => {
                let list = not_yet(parts.judge(self.list_separate_parts(&claimed, &parts).await?))?;
                (self.read_apart(&claimed, list), Sink::Stage(&mut staged))
            }
        };
        // Their size is known, and no limit beside it: more bytes are a part that came again, and none too large a file.
        let source = Source::new(body, u64::MAX, Some(parts.size));
        let judged = pump(self.inner(), &policy, &claimed, source, sink)
            .await
            .map_err(failure);
        match judged {
            Ok(facts) => Ok(Judged { facts, staged }),
            Err(failure) => {
                discard(&claimed, staged).await;
                Err(failure)
            }
        }
    }

    /// What holds for an upload now, if it is let in now. If it is not, that may pass: its parts stay for as long as they may.
    async fn current_policy(&self, claimed: &Record) -> Result<Policy, Failure> {
        let policy = self
            .policy(
                claimed.project.as_deref(),
                claimed.authorization.as_ref(),
                UploadMethod::Multipart,
            )
            .await;
        let policy = policy.map_err(Failure::Retry)?;
        policy.lets_in(self.now()).map_err(Failure::Retry)?;
        // What is declared has to hold, so what speaks against that now will speak against the whole.
        policy
            .judge(|rules| rules.declared(&claimed.declared))
            .map_err(Failure::Rejected)?;
        Ok(policy)
    }

    /// The same, of an upload of which everything is known.
    async fn judge_again(&self, claimed: &Record, facts: &Facts) -> Result<Policy, Failure> {
        let policy = self.anew().current_policy(claimed).await?;
        policy
            .judge(|rules| rules.whole(&claimed.declared, facts))
            .map_err(Failure::Rejected)?;
        Ok(policy)
    }

    /// Makes durable what was written while it was judged, if anything was. An error is that the claim does not hold.
    async fn commit_whole(&self, claimed: &mut Record, judged: Judged) -> Result<Result<Facts, Failure>, Fault> {
        let Judged { facts, staged } = judged;
        let Some(staged) = staged else {
            return Ok(Ok(facts));
        };
        // Somebody who took over may have made the upload readable, out of other parts.
        self.confirm(claimed).await?;
        // The bytes before the record.
        let commit = tokio::time::timeout(self.inner().limits.timeout, staged.commit());
        Ok(
            match self.hold(claimed, Duration::MAX, || Event::Renew, commit).await? {
                Ok(committed) => committed.map(|()| facts).map_err(Failure::from),
                Err(_) => Err(Failure::Retry(Error::rejected(RECEIVE, too_slow()))),
            },
        )
    }

    async fn make_assembled_readable(&self, claimed: &Record, facts: Facts, policy: Policy) -> Result<Record, Error> {
        let now = self.now();
        let retention = policy.retention(claimed.parts.as_ref().map(|parts| parts.retention).unwrap_or_default());
        let lifetime = policy.lifetime(self.inner().expirer.lifetime(&facts, retention, now), now, now);
        let options = UploadOptions {
            project: claimed.project.clone(),
            authorization: claimed.authorization.clone(),
            sender: None,
            retention,
            metadata: with_granted(claimed.metadata.clone(), claimed.authorization.as_ref()),
            tags: claimed.tags.clone(),
            source_key: None,
        };
        let event = Event::Commit {
            facts: Box::new(facts),
            options: Box::new(options),
            lifetime,
        };
        let ready = self.after(claimed, event)?;
        // If this fails, the claim ends and another node goes on: what was put together stays.
        match self.swap(claimed, &ready).await? {
            Update::Applied => {}
            Update::Conflict | Update::QuotaExceeded => return Err(lost().into()),
        }
        if let Err(fault) = self.delete_separate_parts(&ready).await {
            warn!(id = %ready.id, fault = fault.report(), "could not remove parts; left to the sweeper");
        }
        Ok(ready)
    }

    /// Removes the bytes, then notes why. If that cannot be done now, the claim ends, and the node that takes over does it.
    ///
    /// # Errors
    ///
    /// [`codes::LEASE_LOST`] if another node has taken over: that node accepts or refuses the upload.
    async fn refuse(&self, claimed: &mut Record, error: &Error) -> Result<(), Fault> {
        match self.remove_refused(claimed, error).await {
            Err(fault) if fault.code == codes::LEASE_LOST => Err(fault),
            Err(fault) => {
                warn!(id = %claimed.id, fault = fault.report(), "could not end a refused upload; it will be done again");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn remove_refused(&self, claimed: &mut Record, error: &Error) -> Result<(), Fault> {
        // Before anything is removed, as a sweeper does: somebody who took over may have made the upload readable.
        self.confirm(claimed).await?;
        let refused = claimed.clone();
        let delete = async {
            self.inner().store_of(&refused)?.delete(&key_of(&refused)).await?;
            self.delete_separate_parts(&refused).await
        };
        self.hold(claimed, Duration::MAX, || Event::Renew, delete).await??;
        match self
            .swap(claimed, &self.after(claimed, Event::Reject(error.noted()))?)
            .await?
        {
            Update::Applied => {
                self.bound_tombstones(refused.project.as_deref()).await;
                Ok(())
            }
            Update::Conflict | Update::QuotaExceeded => Err(lost()),
        }
    }

    /// Opens the upload again: its parts stay, and it may be completed later.
    async fn give_back(&self, claimed: &Record) {
        let released = match self.after(claimed, Event::Release) {
            Ok(open) => self.swap(claimed, &open).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = released {
            warn!(id = %claimed.id, fault = fault.report(), "could not give an upload back; its claim will end");
        }
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

    /// Removes all parts that are under keys of their own.
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

fn too_slow() -> Rejection {
    Rejection::new(
        codes::TIMED_OUT,
        "it took too long to look at the whole; it may be tried again",
    )
}

async fn discard(claimed: &Record, staged: Option<Box<dyn Staged>>) {
    if let Some(staged) = staged
        && let Err(fault) = staged.discard().await
    {
        warn!(id = %claimed.id, fault = fault.report(), "could not discard the bytes; the end of the upload removes them");
    }
}
