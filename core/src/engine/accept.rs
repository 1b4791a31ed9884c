//! How attempts end: judged again by the current rules, made durable, then made readable. Uploads that belong together, such as
//! the files of one request, become readable in one change of the records: all or none, whenever a crash comes.

use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, stream};
use tracing::{info, warn};

use crate::contract::measure;
use crate::contract::measure::timed;
use crate::contract::stages::{Staged, Validator};
use crate::engine::admitted::Admitted;
use crate::engine::attempt::{Attempt, Bytes, too_slow_to_complete};
use crate::engine::failure::Failure;
use crate::engine::lease::lost;
use crate::engine::pipeline::Pipeline;
use crate::policy::upload::Policy;
use crate::record::account::Quota;
use crate::record::accounting::UsageChange;
use crate::record::event::Event;
use crate::record::keys::key_at;
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::authorization::with_granted;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Facts;
use crate::value::options::UploadOptions;
use crate::value::verdict::REQUEST;

/// Uploads of one request that are made durable at a time.
const AT_A_TIME: usize = 8;

impl Pipeline {
    /// Makes uploads that belong together durable, then readable, if their project admits them now: all of them or none. When
    /// this returns their records, in the order of the uploads, they survive a crash; if a crash comes earlier, either all are
    /// readable afterwards or none is. All of them get the same options.
    ///
    /// Dropping the future has the effect of a crash: see [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if a rule of the project or token refuses one of them, or their project has no room for all; their
    /// bytes are deleted then. A [`Fault`](crate::Fault) if bytes or records may not be durable, or if a lease ended before
    /// ([`LEASE_LOST`](crate::codes::LEASE_LOST)). If the recorder fails and does not answer whether it wrote the records, the
    /// uploads may be readable although this is an error.
    pub async fn commit_together(
        &self,
        mut admitted: Vec<Admitted>,
        options: UploadOptions,
    ) -> Result<Vec<Record>, Error> {
        for Admitted { attempt, .. } in &mut admitted {
            attempt.ask(&options);
        }
        let judged = self.judge_all(&admitted).await;
        self.accept(admitted, judged).await
    }

    /// Makes uploads that every stage has accepted durable, then readable, or ends them, and logs which: all of them or none.
    /// `judged` has the policy of each, by which it is accepted now.
    pub(crate) async fn accept(
        &self,
        mut uploads: Vec<Admitted>,
        judged: Result<Vec<Policy>, Failure>,
    ) -> Result<Vec<Record>, Error> {
        let accepted = async {
            let policies = judged?;
            if uploads.iter().any(Admitted::is_refused) {
                return Err(self.quarantine_refused(&mut uploads, policies).await);
            }
            let durable = stream::iter(std::mem::take(&mut uploads).into_iter().zip(policies))
                .map(|(mut upload, policy)| async move {
                    let durable = upload.attempt.make_durable(&upload.facts, &policy).await;
                    (upload, durable)
                })
                .buffered(AT_A_TIME);
            let mut failure = None;
            for (upload, durable) in durable.collect::<Vec<_>>().await {
                uploads.push(upload);
                failure = failure.or(durable.err());
            }
            failure.map_or(Ok(()), Err)?;
            // Once more: making them durable may have taken a while.
            let policies = self.anew().judge_all(&uploads).await?;
            self.make_readable(&uploads, &policies).await
        };
        match accepted.await {
            Ok(ready) => {
                for (upload, ready) in uploads.iter().zip(&ready) {
                    upload.attempt.log.ended_well(ready);
                }
                Ok(ready)
            }
            Err(failure) => Err(fail(uploads.iter_mut().map(|upload| &mut upload.attempt), failure).await),
        }
    }

    /// The current policy of each upload. Every rule of a project is checked here, because the project may not have been known
    /// before the last byte.
    pub(crate) async fn judge_all(&self, uploads: &[Admitted]) -> Result<Vec<Policy>, Failure> {
        let mut policies: Vec<Policy> = Vec::with_capacity(uploads.len());
        for (at, upload) in uploads.iter().enumerate() {
            let before = at.checked_sub(1);
            let policy = match before.filter(|before| uploads[*before].attempt.has_policy_of(&upload.attempt)) {
                Some(before) => policies[before].clone(),
                None => upload.attempt.policy(self).await?,
            };
            policies.push(policy);
        }
        for (Admitted { attempt, facts, .. }, policy) in uploads.iter().zip(&policies) {
            let upload = attempt.info();
            let ask = |validator: &dyn Validator| validator.whole(&upload, facts);
            // The validators have judged the options known at the last byte; if these changed since, they judge them now.
            let judged = match attempt.options == attempt.record().options {
                true => policy.judge(ask),
                false => self.inner().judge(policy, ask),
            };
            judged.map_err(Failure::Refuse)?;
            if !attempt.is_renewed() {
                let store = self.inner().store_at(&policy.location());
                store.map_err(|fault| attempt.not_now(fault))?;
            }
        }
        Ok(policies)
    }

    /// The last step, after the bytes are durable: one change makes all records readable.
    pub(super) async fn make_readable(
        &self,
        uploads: &[Admitted],
        policies: &[Policy],
    ) -> Result<Vec<Record>, Failure> {
        let changes = uploads
            .iter()
            .zip(policies)
            .map(|(upload, policy)| self.readable(upload, policy));
        let leave = |fault: Fault| Failure::Leave(fault.into());
        let changes: Vec<_> = changes.collect::<Result<_, _>>().map_err(leave)?;
        // If the recorder fails, the bytes stay, because the recorder may have written that they can be read.
        match self.swap_all(&changes).await.map_err(leave)? {
            Update::Applied => {
                let ready: Vec<_> = changes.into_iter().map(|(ready, _)| ready).collect();
                for record in &ready {
                    self.remove_leftovers(record).await;
                }
                Ok(ready)
            }
            Update::QuotaExceeded => {
                // The recorder does not say which upload did not fit; one whose usage changes gives the reason.
                let error = match changes.iter().find(|(_, usage_change)| has_quota(usage_change)) {
                    Some((ready, usage_change)) => self.no_room(ready, usage_change).await,
                    None => Fault::new(codes::FAULT, "the recorder has no room for what takes none").into(),
                };
                Err(Failure::Refuse(error))
            }
            // Another node has the parts now, and accepts or refuses them.
            Update::Conflict if uploads.iter().any(|upload| upload.attempt.is_renewed()) => Err(leave(lost())),
            // A sweeper took one of these attempts for dead and deleted the bytes it found; these bytes arrived after that.
            Update::Conflict => {
                let fault = Fault::new(codes::LEASE_LOST, "the upload took longer than its lease").retryable();
                Err(Failure::Refuse(fault.into()))
            }
        }
    }

    /// The record of an upload once it is readable, and its change of usage.
    fn readable(
        &self,
        Admitted { attempt, facts, held }: &Admitted,
        policy: &Policy,
    ) -> Result<(Record, UsageChange), Fault> {
        let now = self.now();
        let mut options = attempt.options.clone();
        options.metadata = with_granted(options.metadata, options.authorization.as_ref());
        let lifetime = self
            .inner()
            .expirer
            .lifetime(facts, policy.retention(options.retention), now);
        let (facts, options) = (Box::new(facts.clone()), Box::new(options));
        let lifetime = policy.lifetime(lifetime, now, now);
        let event = match held {
            None => Event::Commit {
                facts,
                options,
                lifetime,
            },
            Some(held) => Event::Quarantine {
                facts,
                options,
                lifetime,
                quarantine: Box::new(self.quarantine_of(held, now)),
            },
        };
        let ready = self.after(attempt.record(), event)?;
        let usage_change = UsageChange::of(Some(attempt.record()), &ready, policy.quota(), now);
        Ok((ready, usage_change))
    }

    /// Deletes what remains besides the bytes of an accepted upload. If that fails, a sweeper does it.
    async fn remove_leftovers(&self, ready: &Record) {
        let removed = async {
            // Parts may still arrive late, so the record stays due and a sweeper deletes them again.
            self.delete_separate_parts(ready).await?;
            if let Some(previous) = &ready.previous_location {
                self.inner()
                    .store_at(previous)?
                    .delete(&key_at(ready, previous))
                    .await?;
                let _swept_meanwhile = self.put(ready, &self.after(ready, Event::Tidied)?).await?;
            }
            Ok::<(), Fault>(())
        };
        if let Err(fault) = removed.await {
            warn!(id = %ready.id, fault = fault.report(), "could not remove what is left over; left to the sweeper");
        }
    }
}

impl Attempt {
    /// Makes the bytes durable, at the location that the policy names.
    pub(super) async fn make_durable(&mut self, facts: &Facts, policy: &Policy) -> Result<(), Failure> {
        let staged = match std::mem::replace(&mut self.bytes, Bytes::Doubtful) {
            Bytes::Staged(staged) => staged.into_inner(),
            Bytes::Durable => {
                self.bytes = Bytes::Durable;
                return Ok(());
            }
            Bytes::None | Bytes::Doubtful => {
                let fault = Fault::new(codes::BYTES_MISSING, "the store was given no bytes of this upload");
                return Err(self.not_now(fault));
            }
        };
        let committed = match self.is_renewed() {
            true => self.commit_renewed(staged).await?,
            false => {
                let left = left_of_lease(self.record(), self.lease.pipeline().now());
                let work = async {
                    commit(staged).await?;
                    self.relocate(facts, policy).await
                };
                let slow = |_| Fault::new(codes::TIMED_OUT, "the store took longer than the lease").retryable();
                let committed = tokio::time::timeout(left, work).await.map_err(slow);
                committed.and_then(|committed| committed).map_err(Error::from)
            }
        };
        committed.map_err(|error| self.not_now(error))?;
        self.bytes = Bytes::Durable;
        Ok(())
    }

    async fn commit_renewed(&mut self, staged: Box<dyn Staged>) -> Result<Result<(), Error>, Failure> {
        // A node that took over may have made the upload readable, out of other parts.
        let confirmed = self.lease.advance(Event::Renew).await;
        confirmed.map_err(|fault| Failure::Leave(fault.into()))?;
        let limit = self.lease.pipeline().inner().limits.timeout;
        let committed = self.renew(tokio::time::timeout(limit, commit(staged))).await?;
        Ok(match committed {
            Ok(committed) => committed.map_err(Error::from),
            Err(_) => Err(too_slow_to_complete()),
        })
    }
}

async fn commit(staged: Box<dyn Staged>) -> Result<(), Fault> {
    let mut committing = Duration::ZERO;
    let committed = timed(&mut committing, staged.commit()).await;
    measure::stage("commit", committing);
    committed
}

/// Whether a usage change could exceed a quota.
fn has_quota(usage_change: &UsageChange) -> bool {
    let mut deltas = usage_change.deltas.iter();
    deltas.any(|delta| delta.quota != Quota::default())
}

fn left_of_lease(record: &Record, now: SystemTime) -> Duration {
    let left = record.due.and_then(|due| due.duration_since(now).ok());
    left.unwrap_or_default()
}

/// Ends attempts that are not accepted, and returns the error for the caller.
pub(crate) async fn fail<'a>(attempts: impl Iterator<Item = &'a mut Attempt>, failure: Failure) -> Error {
    let mut lost = None;
    for (at, attempt) in attempts.enumerate() {
        match &failure {
            Failure::Refuse(error) => {
                if let Err(fault) = attempt.refuse(error.noted()).await {
                    lost = Some(fault);
                }
            }
            Failure::Retry(_) => attempt.release().await,
            Failure::Leave(_) => {}
        }
        let error = failure.error();
        match at {
            // The node that has the lease now decides how the upload ends.
            _ if lost.is_some() || (attempt.is_renewed() && error.code() == codes::LEASE_LOST) => {
                info!(id = %attempt.record().id, "another node has taken this upload over");
            }
            // One failure is logged as one error line; the other uploads of the request are logged as refused.
            0 => attempt.log.failed(error),
            _ => attempt.log.refused(REQUEST, &error.noted()),
        }
    }
    match lost {
        Some(fault) => fault.into(),
        None => failure.into_error(),
    }
}
