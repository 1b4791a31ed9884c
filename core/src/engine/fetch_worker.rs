//! Runs fetch jobs. One node takes the lease of a job and renews it while bytes arrive; if it crashes, another node tries again.
//!
//! Each try is an upload of its own, whose id is in the fetch job before the upload exists. The node that tries again first ends
//! the upload of the last try, or finds it completed, so no source is fetched into two uploads.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::contract::measure;
use crate::engine::lease::{Lease, lost};
use crate::engine::limits::Limits;
use crate::engine::pipeline::Pipeline;
use crate::record::event::Event;
use crate::record::fetch_job::FetchJob;
use crate::record::upload::{Record, State, Task};
use crate::value::codes;
use crate::value::error::{Error, Fault, Interruption};
use crate::value::id::UploadId;
use crate::value::incoming::Incoming;
use crate::value::lifetime::UploadMethod;
use crate::value::verdict::RECEIVE;
use crate::value::verdict::Rejection;

/// Fetch jobs that are looked up at a time, to find those whose project and sender have a free place.
const LOOK: usize = 1024;

/// How often a fetch job may be started, including starts by nodes that crashed. It is more than the number of tries, because
/// nodes restart for many reasons.
const MOST_TRIES: u32 = 16;
/// The longest time between two records of a fetch job's progress.
const BEAT: Duration = Duration::from_secs(1);
/// The pause after a lease of a fetch job could not be taken.
const AGAIN: Duration = Duration::from_secs(1);

impl Pipeline {
    /// Runs the fetch jobs that are due, and those queued later, for as long as the future is polled: so many at a time as
    /// [`Limits`](crate::Limits) allow. Any number of nodes may do so. The future may be dropped at any moment; another node
    /// tries unfinished jobs again when their leases have ended.
    ///
    /// Every `every`, it looks for fetch jobs that other nodes queued or left. It starts jobs of this node at once, and the next
    /// try of a job on time.
    pub async fn run_fetches(&self, every: Duration) {
        let mut running = Running::default();
        loop {
            let next = self.start_due(&mut running, every).await.unwrap_or_else(|fault| {
                warn!(fault = fault.report(), "could not look up what is to be fetched");
                None
            });
            tokio::select! {
                Some(ended) = running.tasks.join_next() => running.forget(ended.ok()),
                () = self.inner().fetch_queued.notified() => {}
                () = tokio::time::sleep(next.unwrap_or(every)) => {}
            }
        }
    }

    /// Runs all fetch jobs that are due, once, and returns when all of them have succeeded or failed.
    ///
    /// # Errors
    ///
    /// If the fetch jobs could not be looked up.
    pub async fn fetch_due(&self) -> Result<(), Fault> {
        let mut running = Running::default();
        loop {
            self.start_due(&mut running, Duration::ZERO).await?;
            match running.tasks.join_next().await {
                Some(ended) => running.forget(ended.ok()),
                None => return Ok(()),
            }
        }
    }

    /// Starts as many fetch jobs as there are free places. Returns the time until another one is due, if that is within `ahead`.
    async fn start_due(&self, running: &mut Running, ahead: Duration) -> Result<Option<Duration>, Fault> {
        let limits = &self.inner().limits;
        if running.tasks.len() >= limits.max_fetches {
            return Ok(None);
        }
        let now = self.now();
        let until = now.checked_add(ahead).unwrap_or(now);
        for job in self.inner().recorder.due(Task::Fetch, until, LOOK).await? {
            if running.tasks.len() >= limits.max_fetches {
                break;
            }
            if !job.is_due(now) {
                // The jobs that have been due longest come first, so all that follow are due later.
                return Ok(job.due.and_then(|due| due.duration_since(now).ok()));
            }
            if running.has_room(&job, limits) {
                running.begin(self.clone(), job);
            }
        }
        Ok(None)
    }

    /// One fetch job: ends the upload of an earlier try, then tries once.
    async fn fetch_one(&self, job: Record) {
        let (id, started) = (job.id, Instant::now());
        match self.try_fetch_job(job).await {
            Ok(Some(ready)) => {
                measure::fetch_tried(Ok(()));
                info!(job = %id, upload = %ready, millis = millis(started), "fetched");
            }
            Ok(None) => {}
            Err(error) => {
                let (code, millis) = (error.code(), millis(started));
                measure::fetch_tried(Err(&code));
                match &error {
                    Error::Fault(fault) => {
                        error!(job = %id, %code, reason = fault.report(), millis, "failed to fetch")
                    }
                    refusal => info!(job = %id, %code, reason = refusal.to_string(), millis, "did not fetch"),
                }
            }
        }
    }

    /// `None`: another node has the lease.
    async fn try_fetch_job(&self, job: Record) -> Result<Option<UploadId>, Error> {
        let Some(fetch_job) = job.fetch_job.clone() else {
            return Ok(None);
        };
        let upload = UploadId::random();
        let mut claimed = self.after(&job, Event::Fetch { upload })?;
        // The last try first. If it was completed, and the fetch job does not say so yet, its upload is the result.
        let before = match fetch_job.upload {
            Some(before) => self.abandon(before).await?,
            None => None,
        };
        if let Some(ready) = &before
            && let Some(fetch_job) = &mut claimed.fetch_job
        {
            fetch_job.upload = Some(ready.id);
        }
        let mut lease = match Lease::take(self, &job, claimed).await {
            Ok(Some(lease)) => lease,
            Ok(None) => return Ok(None),
            Err(fault) => {
                // The job is still due, so the next node would try at once.
                tokio::time::sleep(AGAIN).await;
                return Err(fault.into());
            }
        };
        if let Some(ready) = before {
            if let Some(quarantine) = ready.quarantine.as_ref().filter(|quarantine| !quarantine.is_pending()) {
                self.note(&mut lease, Event::Reject(quarantine.reason.clone())).await?;
                return Ok(None);
            }
            lease.advance(Event::Fetched).await?;
            return Ok(Some(ready.id));
        }
        if fetch_job.tries >= MOST_TRIES {
            let fault = Fault::new(codes::FAULT, "the worker crashed at each try to fetch this; giving up");
            self.note(&mut lease, Event::Reject(Error::Fault(fault).noted()))
                .await?;
            return Ok(None);
        }
        let Err(error) = self.run_try(&mut lease, &fetch_job, upload).await else {
            lease.advance(Event::Fetched).await?;
            return Ok(Some(upload));
        };
        self.end_try(upload).await;
        // A node that has taken the fetch job over records how it ends.
        if error.code() != codes::LEASE_LOST {
            let event = match self.pause(lease.record(), &error) {
                Some(pause) => Event::Postpone(pause),
                None => Event::Reject(error.noted()),
            };
            self.note(&mut lease, event).await?;
        }
        Err(error)
    }

    /// Receives the file, has every stage judge it, and commits it, while it renews the lease and records the progress.
    async fn run_try(&self, lease: &mut Lease, fetch_job: &FetchJob, upload: UploadId) -> Result<(), Error> {
        let (came, total) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(UNKNOWN)));
        let progress = {
            let (came, total) = (came.clone(), total.clone());
            move || {
                let total = total.load(Ordering::Relaxed);
                Event::Progress {
                    done: came.load(Ordering::Relaxed),
                    total: (total != UNKNOWN).then_some(total),
                }
            }
        };
        let mut options = lease.record().options.clone();
        options.authorization.get_or_insert_default().via_fetch_job = true;
        // Before any request to the source: the project may not admit the upload any more.
        let policy = self.policy(&options, UploadMethod::FromUrl).await?;
        policy.lets_in(self.now())?;
        let known = options.clone();
        let receiving = async {
            let mut incoming = self.fetcher()?.receive(&fetch_job.source).await?;
            incoming.id = upload;
            incoming.options = known;
            incoming.method = UploadMethod::FromUrl;
            if let Some(name) = &fetch_job.name {
                incoming.declared.name = Some(name.clone());
            }
            incoming.at_most = fetch_job.at_most.or(incoming.at_most);
            total.store(incoming.declared.size.unwrap_or(UNKNOWN), Ordering::Relaxed);
            self.admit(counted(incoming, came)).await
        };
        let bounded = tokio::time::timeout(self.inner().limits.timeout, receiving);
        let admitted = lease.hold(BEAT, &progress, bounded).await?;
        let admitted = admitted.unwrap_or_else(|_| Err(too_slow(self.inner().limits.timeout)))?;

        // Makes sure that no other node has started a try: from here on the whole lease is left, and bounds the commit.
        lease.advance(progress()).await?;
        let committed = tokio::time::timeout(self.inner().periods.lease, admitted.commit(options)).await;
        committed.unwrap_or_else(|_| Err(lost().into())).map(drop)
    }

    /// How long the fetch job waits until it is tried again. `None` if it is given up.
    fn pause(&self, claimed: &Record, error: &Error) -> Option<Duration> {
        let limits = &self.inner().limits;
        let tries = tries_worth(error).min(limits.fetch_tries);
        claimed.fetch_job.as_ref()?.pause(tries, limits.fetch_backoff)
    }

    /// Changes a fetch job. If that fails with [`codes::LEASE_LOST`], its owner cancelled it, or another node has it and ends
    /// the upload.
    async fn note(&self, lease: &mut Lease, event: Event) -> Result<(), Fault> {
        lease.advance(event).await?;
        if let State::Rejected(_) = lease.record().state {
            self.bound_tombstones(lease.record().options.project.as_deref()).await;
        }
        Ok(())
    }
}

/// Stands for an unknown size.
const UNKNOWN: u64 = u64::MAX;

/// Counts the bytes as they arrive.
fn counted(incoming: Incoming, came: Arc<AtomicU64>) -> Incoming {
    let body = incoming.body.inspect(move |piece| {
        if let Ok(piece) = piece {
            came.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
    });
    Incoming {
        body: body.boxed(),
        ..incoming
    }
}

/// The most tries of a fetch job whose try ended with this error.
fn tries_worth(error: &Error) -> u32 {
    match error {
        Error::Interrupted(why) => {
            let said = why.downcast_ref::<Interruption>().and_then(|why| why.most_tries);
            said.unwrap_or(u32::MAX)
        }
        Error::Fault(fault) if fault.retryable => u32::MAX,
        Error::Fault(_) | Error::Rejected { .. } | Error::NotFound(_) => 1,
    }
}

fn too_slow(limit: Duration) -> Error {
    let rejection = Rejection::new(codes::TIMED_OUT, "it took too long to fetch it");
    Error::rejected(RECEIVE, rejection.with_subject(limit.as_secs().to_string()))
}

fn millis(started: Instant) -> u64 {
    started.elapsed().as_millis() as u64
}

/// The fetch jobs that run on this node.
#[derive(Default)]
struct Running {
    tasks: JoinSet<(UploadId, Vec<Share>)>,
    jobs: HashSet<UploadId>,
    /// The number of running jobs of each project and each sender.
    of: HashMap<Share, usize>,
}

/// The shares in which a fetch job counts: its project's, and its sender's.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Share {
    Project(String),
    Sender(String),
}

impl Share {
    fn most(&self, limits: &Limits) -> usize {
        match self {
            Self::Project(_) => limits.max_fetches_per_project,
            Self::Sender(_) => limits.max_fetches_per_ip,
        }
    }

    fn of(job: &Record) -> Vec<Self> {
        let project = Self::Project(job.options.project.clone().unwrap_or_default());
        let sender = job.options.sender.clone().map(Self::Sender);
        [project].into_iter().chain(sender).collect()
    }
}

impl Running {
    fn has_room(&self, job: &Record, limits: &Limits) -> bool {
        let has_less = |share: &Share| self.of.get(share).is_none_or(|running| *running < share.most(limits));
        // The lease of a job that was started just now may not be taken yet.
        !self.jobs.contains(&job.id) && Share::of(job).iter().all(has_less)
    }

    fn begin(&mut self, pipeline: Pipeline, job: Record) {
        let (id, shares) = (job.id, Share::of(&job));
        self.jobs.insert(id);
        for share in &shares {
            *self.of.entry(share.clone()).or_default() += 1;
        }
        self.tasks.spawn(async move {
            pipeline.fetch_one(job).await;
            (id, shares)
        });
    }

    /// `None`: a task panicked. Its shares are not known then, so they stay in use until all tasks have ended.
    fn forget(&mut self, ended: Option<(UploadId, Vec<Share>)>) {
        if let Some((id, shares)) = ended {
            self.jobs.remove(&id);
            for share in shares {
                if let Some(running) = self.of.get_mut(&share) {
                    *running = running.saturating_sub(1);
                }
            }
            self.of.retain(|_, running| *running > 0);
        }
        if self.tasks.is_empty() {
            self.jobs.clear();
            self.of.clear();
        }
    }
}
