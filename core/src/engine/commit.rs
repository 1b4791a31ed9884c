//! The end of uploads that came in one go: judged once more by what is known now, brought to where their project wants them,
//! and then readable. Several that belong together, such as the files of one request, become readable in one change of the
//! records: all of them or none, whenever a crash comes.

use crate::value::verdict::REQUEST;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use crate::contract::measure;
use crate::contract::measure::timed;
use crate::contract::stages::Staged;
use crate::engine::pipeline::Pipeline;
use crate::engine::upload_log::UploadLog;
use crate::policy::upload::Policy;
use crate::record::accounting::UsageChange;
use crate::record::event::Event;
use crate::record::keys::{key_at, key_of};
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::authorization::Authorization;
use crate::value::authorization::with_granted;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::{Declared, Digest, Facts};
use crate::value::id::{ByteStream, UploadId};
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;
use crate::value::verdict::Rejection;
use futures_util::{StreamExt, stream};
use sha2::{Digest as _, Sha256};
use tracing::warn;

/// Uploads of one request that are made durable at a time.
const AT_A_TIME: usize = 8;

/// Accepted by every stage, and seen by nobody. Ends by [`commit`](Self::commit), by
/// [`commit_together`](Pipeline::commit_together) or by [`discard`](Self::discard); one that is dropped ends when its lease
/// does.
#[must_use = "an upload that is neither committed nor discarded waits for the sweeper"]
pub struct Admitted {
    pub(crate) pipeline: Pipeline,
    pub(crate) record: Record,
    pub(crate) method: UploadMethod,
    pub(crate) facts: Facts,
    pub(crate) staged: Box<dyn Staged>,
    pub(crate) started: Instant,
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

    /// Makes the upload durable, then readable, if its project lets it in now. When this returns the record, no crash takes
    /// either back.
    ///
    /// # Errors
    ///
    /// Those of [`Pipeline::commit_together`].
    pub async fn commit(self, options: UploadOptions) -> Result<Record, Error> {
        let pipeline = self.pipeline.clone();
        match pipeline.commit_together(vec![self], options).await?.pop() {
            Some(record) => Ok(record),
            None => unreachable!("one upload has one record"),
        }
    }

    /// Removes the upload again, and notes why: for what is said only after the last byte.
    pub async fn discard(self, why: Rejection) {
        let log = UploadLog {
            id: self.record.id,
            method: self.method,
            declared: &self.record.declared,
            project: self.record.project.as_deref(),
            authorization: self.record.authorization.as_ref(),
            started: self.started,
        };
        log.refused(REQUEST, &why);
        let why = why.by(REQUEST);
        self.pipeline.undo(&self.record, Some(self.staged), why).await;
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

/// An upload between its admission and its end.
struct Ending {
    record: Record,
    method: UploadMethod,
    facts: Facts,
    options: UploadOptions,
    started: Instant,
    bytes: Progress,
}

/// How far the bytes of an upload have come.
enum Progress {
    /// Written, and not durable.
    Staged(Box<dyn Staged>),
    Durable,
    /// It is not known whether they are durable.
    Doubtful,
}

impl Ending {
    fn of(admitted: Admitted, options: &UploadOptions) -> Self {
        let mut options = options.clone();
        options.project = options.project.or_else(|| admitted.record.project.clone());
        options.authorization = options.authorization.or_else(|| admitted.record.authorization.clone());
        Self {
            record: admitted.record,
            method: admitted.method,
            facts: admitted.facts,
            options,
            started: admitted.started,
            bytes: Progress::Staged(admitted.staged),
        }
    }

    fn log(&self) -> UploadLog<'_> {
        UploadLog {
            id: self.record.id,
            method: self.method,
            declared: &self.record.declared,
            project: self.options.project.as_deref(),
            authorization: self.options.authorization.as_ref(),
            started: self.started,
        }
    }

    /// What its rules depend on.
    fn ruled_by(&self) -> RuledBy {
        RuledBy {
            project: self.options.project.clone(),
            authorization: self.options.authorization.clone(),
            method: self.method,
        }
    }
}

/// What the rules of an upload depend on.
#[derive(PartialEq)]
struct RuledBy {
    project: Option<String>,
    authorization: Option<Authorization>,
    method: UploadMethod,
}

impl Pipeline {
    /// Makes uploads that belong together durable, then readable, if their project lets them in now: all of them or none. When
    /// this returns their records, in the order of the uploads, no crash takes one of them back; at whatever moment a crash
    /// comes, either all are readable afterwards or none is. Whose they are, and what is noted beside them, is the same for
    /// all.
    ///
    /// Dropping the future leaves what a crash would leave: see [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if a rule of the project, or of its token, speaks against one of them, or there is no room for all;
    /// their bytes are removed then. A [`Fault`] if bytes or records may not be durable, or if this came after the end of a
    /// lease ([`LEASE_LOST`](codes::LEASE_LOST)). If the recorder fails and cannot say whether it has done its part, the
    /// uploads may be readable although this is an error.
    pub async fn commit_together(&self, admitted: Vec<Admitted>, options: UploadOptions) -> Result<Vec<Record>, Error> {
        let mut uploads: Vec<_> = admitted
            .into_iter()
            .map(|admitted| Ending::of(admitted, &options))
            .collect();
        let ended = self.make_all_readable(&mut uploads).await;
        match &ended {
            Ok(ready) => {
                for (upload, ready) in uploads.iter().zip(ready) {
                    upload.log().accepted(ready);
                }
            }
            Err(error) => {
                for (at, upload) in uploads.iter().enumerate() {
                    // One failure is one error line; the others of the request went with it.
                    match at {
                        0 => upload.log().failed(error),
                        _ => upload.log().refused(REQUEST, &error.noted()),
                    }
                }
            }
        }
        ended
    }

    async fn make_all_readable(&self, uploads: &mut Vec<Ending>) -> Result<Vec<Record>, Error> {
        let policies = match self.judge_all(uploads).await {
            Ok(policies) => policies,
            Err(error) => return Err(self.take_all_back(uploads, error).await),
        };
        let durable = stream::iter(std::mem::take(uploads).into_iter().zip(policies))
            .map(|(upload, policy)| self.make_durable(upload, policy))
            .buffered(AT_A_TIME);
        let durable: Vec<_> = durable.collect().await;
        let mut failure = None;
        for (upload, ended) in durable {
            uploads.push(upload);
            failure = failure.or(ended.err());
        }
        if let Some(fault) = failure {
            return Err(self.take_all_back(uploads, fault.into()).await);
        }
        // Once more: making them durable may have taken a while.
        let policies = match self.anew().judge_all(uploads).await {
            Ok(policies) => policies,
            Err(error) => return Err(self.take_all_back(uploads, error).await),
        };
        self.swap_in(uploads, &policies).await
    }

    /// The last step, after the bytes are durable: the records say so, in one change.
    async fn swap_in(&self, uploads: &mut [Ending], policies: &[Policy]) -> Result<Vec<Record>, Error> {
        let now = self.now();
        let mut changes = Vec::with_capacity(uploads.len());
        for (upload, policy) in uploads.iter().zip(policies) {
            let (facts, mut options) = (upload.facts.clone(), upload.options.clone());
            options.metadata = with_granted(options.metadata, options.authorization.as_ref());
            let lifetime = self
                .inner()
                .expirer
                .lifetime(&facts, policy.retention(options.retention), now);
            let event = Event::Commit {
                facts: Box::new(facts),
                options: Box::new(options),
                lifetime: policy.lifetime(lifetime, now, now),
            };
            let ready = self.after(&upload.record, event)?;
            let usage_change = UsageChange::of(Some(&upload.record), &ready, policy.quota(), now);
            changes.push((ready, usage_change));
        }
        // If the recorder fails, the bytes stay whatever it has done: the records may say that they can be read.
        match self.swap_all(&changes).await? {
            Update::Applied => {
                let ready: Vec<_> = changes.into_iter().map(|(ready, _)| ready).collect();
                for record in &ready {
                    self.remove_previous(record).await;
                }
                Ok(ready)
            }
            Update::QuotaExceeded => {
                // It is not known which of them did not fit; one that asks for something says why.
                let error = match changes.iter().find(|(_, usage_change)| !usage_change.deltas.is_empty()) {
                    Some((ready, usage_change)) => self.no_room(ready, usage_change).await,
                    None => Fault::new(codes::FAULT, "the recorder has no room for what takes none").into(),
                };
                Err(self.take_all_back(uploads, error).await)
            }
            Update::Conflict => {
                // A sweeper thought one of these attempts dead and has removed what it found; our bytes came after it looked.
                let fault = Fault::new(codes::LEASE_LOST, "the upload took longer than its lease").retryable();
                Err(self.take_all_back(uploads, fault.into()).await)
            }
        }
    }

    /// What is judged once it is known whose the uploads are: everything that their project says, as it is now.
    async fn judge_all(&self, uploads: &mut [Ending]) -> Result<Vec<Policy>, Error> {
        let ruled_by: Vec<_> = uploads.iter().map(Ending::ruled_by).collect();
        let mut policies: Vec<Policy> = Vec::with_capacity(ruled_by.len());
        for (at, by) in ruled_by.iter().enumerate() {
            let policy = match at.checked_sub(1).filter(|before| ruled_by[*before] == *by) {
                Some(before) => policies[before].clone(),
                None => {
                    self.required_policy(by.project.as_deref(), by.authorization.as_ref(), by.method)
                        .await?
                }
            };
            policies.push(policy);
        }
        for (upload, policy) in uploads.iter().zip(&policies) {
            policy.judge(|rules| rules.whole(&upload.record.declared, &upload.facts))?;
            self.inner().store_at(&policy.location())?;
        }
        Ok(policies)
    }

    /// Makes one upload durable where its project wants it.
    async fn make_durable(&self, mut upload: Ending, policy: Policy) -> (Ending, Result<(), Fault>) {
        let Progress::Staged(staged) = std::mem::replace(&mut upload.bytes, Progress::Doubtful) else {
            return (upload, Ok(()));
        };
        let project = upload.options.project.as_deref();
        let work = async {
            let mut committing = Duration::ZERO;
            let committed = timed(&mut committing, staged.commit()).await;
            measure::stage("commit", committing);
            committed?;
            self.relocate(upload.record.clone(), &upload.facts, &policy, project)
                .await
        };
        let ended = match tokio::time::timeout(left_of_lease(&upload.record, self.now()), work).await {
            Ok(Ok(at_home)) => {
                upload.record = at_home;
                upload.bytes = Progress::Durable;
                Ok(())
            }
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(Fault::new(codes::TIMED_OUT, "the store took longer than the lease").retryable()),
        };
        (upload, ended)
    }

    /// Removes what there is of the uploads, and notes why. What cannot be removed now, the sweeper removes.
    async fn take_all_back(&self, uploads: &mut [Ending], error: Error) -> Error {
        for upload in uploads {
            match std::mem::replace(&mut upload.bytes, Progress::Doubtful) {
                Progress::Staged(staged) => self.undo(&upload.record, Some(staged), error.noted()).await,
                Progress::Durable => self.take_back(&upload.record, error.noted()).await,
                Progress::Doubtful => self.end(&upload.record).await,
            }
        }
        error
    }

    /// Moves durable bytes to where their project wants them, if they were written elsewhere because it was not known yet whose
    /// they are. Nobody can read them meanwhile, and the record knows of both places before there is anything in the second.
    async fn relocate(
        &self,
        record: Record,
        facts: &Facts,
        policy: &Policy,
        project: Option<&str>,
    ) -> Result<Record, Fault> {
        let to = policy.location();
        // What was begun as this project's was begun where it belonged then.
        let is_at_home = record.project.is_some() && record.project.as_deref() == project;
        if is_at_home || record.location == to {
            return Ok(record);
        }
        let (from_store, from) = (self.inner().store_of(&record)?, key_of(&record));
        let moving = self.after(&record, Event::Relocate { to })?;
        if self.swap(&record, &moving).await? != Update::Applied {
            return Err(Fault::new(codes::LEASE_LOST, "the upload took longer than its lease").retryable());
        }
        let body = from_store.read(&from, None).await?;
        let mut writing = self
            .inner()
            .store_of(&moving)?
            .stage(&key_of(&moving), facts.media_type.as_ref())
            .await?;
        let copied = copy(body, &mut *writing).await;
        match copied {
            Ok(digest) if digest == facts.digest => writing.commit().await.map(|()| moving),
            ended => {
                // Whatever cannot be discarded, the sweeper removes.
                let discarded = writing.discard().await;
                discarded.and(ended.map(drop))?;
                Err(Fault::new(
                    codes::BYTES_MISSING,
                    "the bytes of an upload were others when they were read back",
                ))
            }
        }
    }

    /// Removes bytes that are durable, and that nobody may read after all, then notes why. If that cannot be done now, the
    /// sweeper does it.
    async fn take_back(&self, record: &Record, why: Rejection) {
        if self.delete_bytes(record).await
            && let Ok(noted) = record.apply(Event::Reject(why), self.now(), &self.inner().periods)
        {
            self.leave_tombstone(record, noted).await;
        }
    }

    /// Ends an attempt whose bytes could not be made durable, so that what it holds is given back before its lease ends.
    pub(crate) async fn end(&self, record: &Record) {
        // The bytes before the claim, as only this attempt could make them readable: on a full disk they take the room that the
        // recorder needs for the claim.
        self.delete_bytes(record).await;
        self.end_try(record.id).await;
    }

    /// Removes what was moved from where it was. If that cannot be done now, the sweeper does it.
    async fn remove_previous(&self, ready: &Record) {
        let Some(previous_location) = &ready.previous_location else {
            return;
        };
        let removed = async {
            self.inner()
                .store_at(previous_location)?
                .delete(&key_at(ready, previous_location))
                .await?;
            self.put(ready, &self.after(ready, Event::Tidied)?).await
        };
        if let Err(fault) = removed.await {
            warn!(id = %ready.id, fault = fault.report(), "could not remove what was moved; left to the sweeper");
        }
    }
}

/// Writes all of it, and answers with what it was.
async fn copy(mut body: ByteStream, to: &mut dyn Staged) -> Result<Digest, Fault> {
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

fn left_of_lease(record: &Record, now: SystemTime) -> Duration {
    record
        .due
        .and_then(|due| due.duration_since(now).ok())
        .unwrap_or_default()
}
