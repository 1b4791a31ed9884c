//! One writer, with a connection of its own, which puts all waiting changes into one commit.
//!
//! A commit waits for the disk, and SQLite has one at a time. So the changes that arrive while the disk is busy go into the
//! next commit together, and their callers are answered after it. A change that the database refuses is refused alone; a
//! commit that fails is a fault for all its callers. A caller that goes away does not affect the others.
//!
//! A failure before the commit has changed nothing, so the writer tries again where that may help: a server that was
//! restarted is no fault. When the answer to a commit is lost, its outcome is unknown, and all callers are told so: a retry
//! here could find the change made, and mistake it for that of another writer.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::accounting::{self, Accounts};
use crate::change::Change;
use crate::dialect::{Dialect, PAUSE};
use crate::failure::Failure;
use crate::readers::Readers;
use crate::rows::Rows;
use crate::session::{Session, Trouble};

/// The most changes in one commit.
const BATCH: usize = 128;
/// The most changes that wait for their commit, beside those in it. Further callers wait for a place in the queue.
const QUEUE: usize = 256;

/// So many changes in one commit are a sign of more that are about to come.
const BUSY: usize = 4;

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// The number of changed rows, which may be zero.
    Rows(u64),
    /// An account would exceed its quota, so no row was changed.
    Full,
}

/// A change, and where its caller waits for the outcome.
struct Job {
    change: Change,
    done: oneshot::Sender<Result<Made, Failure>>,
}

/// The handle of the writer, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Writer<D> {
    jobs: mpsc::Sender<Job>,
    dialect: Arc<D>,
}

impl<D: Dialect> Writer<D> {
    /// Starts a writer with an open connection. It closes the readers when it ends.
    pub(crate) fn start(
        dialect: Arc<D>,
        session: D::Session,
        readers: Arc<Readers<D::Database>>,
    ) -> Result<Self, Failure> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let task = Task {
            dialect: Arc::clone(&dialect),
            session: Some(session),
        };
        dialect.run(task.run(queue, readers))?;
        Ok(Self { jobs, dialect })
    }

    /// Whether the writer has ended, as a task does with its runtime.
    pub(crate) fn has_ended(&self) -> bool {
        self.jobs.is_closed()
    }

    /// Makes a change. On success it is durable; after a failure, it may be made or not.
    pub(crate) async fn make(&self, change: Change) -> Result<Made, Failure> {
        let (done, answer) = oneshot::channel();
        let sent = self
            .jobs
            .send_timeout(Job { change, done }, self.dialect.patience())
            .await;
        sent.map_err(|_| {
            Failure::passing(format!(
                "the queue of changes to the records in {} is full",
                self.place()
            ))
        })?;
        let lost = || Failure::passing(format!("the writer of the records in {} has ended", self.place()));
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    fn place(&self) -> String {
        self.dialect.place()
    }
}

struct Task<D: Dialect> {
    dialect: Arc<D>,
    /// `None` after a failure: the state of the connection is unknown then, and opening another takes a millisecond.
    session: Option<D::Session>,
}

impl<D: Dialect> Task<D> {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>, readers: Arc<Readers<D::Database>>) {
        let mut jobs = Vec::with_capacity(BATCH);
        let mut before = 0;
        while queue.recv_many(&mut jobs, BATCH).await > 0 {
            if before >= BUSY && jobs.len() < BATCH {
                // Many callers write at the same time, and more of them are about to: each commit less saves all of them time.
                self.dialect.gather().await;
                let room = BATCH - jobs.len();
                jobs.extend(std::iter::from_fn(|| queue.try_recv().ok()).take(room));
            }
            before = jobs.len();
            self.write(&mut jobs).await;
            jobs.clear();
        }
        // The last connection that closes checkpoints the write-ahead log, and only one that may write can do so.
        readers.close().await;
        if let Some(session) = self.session {
            let closed = session.close().await;
            tracing::debug!(place = self.dialect.place(), ok = closed, "closed the records");
        }
    }

    /// Makes all changes that can be made, and answers all callers.
    async fn write(&mut self, jobs: &mut Vec<Job>) {
        // Callers that went away while they waited get no answer, so their changes are not made.
        jobs.retain(|job| !job.done.is_closed());
        let deadline = Instant::now() + self.dialect.patience();
        self.write_until(jobs, deadline).await;
    }

    /// The same, with a time after which nothing is tried again. If the database itself failed, returns how.
    async fn write_until(&mut self, jobs: &mut Vec<Job>, deadline: Instant) -> Option<Failure> {
        while !jobs.is_empty() {
            match self.commit(jobs).await {
                Ok(changed) => {
                    for (job, changed) in jobs.drain(..).zip(changed) {
                        // The caller may have gone away.
                        let _ = job.done.send(Ok(changed));
                    }
                }
                Err(Trouble::Refused(_)) if jobs.len() > 1 => return self.write_halves(jobs, deadline).await,
                Err(Trouble::Fleeting(_)) if Instant::now() < deadline => {
                    self.session = None;
                    sleep(PAUSE).await;
                }
                Err(trouble) => {
                    // Also after a refusal: it may be due to the connection, such as statements that it has prepared.
                    self.session = None;
                    let is_refused = matches!(trouble, Trouble::Refused(_));
                    let (Trouble::Refused(failure) | Trouble::Fleeting(failure) | Trouble::Whole(failure)) = trouble;
                    fail(jobs, &failure);
                    return (!is_refused).then_some(failure);
                }
            }
        }
        None
    }

    /// Makes each half of the changes in a transaction of its own, because the database refuses one of them, until that one is
    /// alone. Nothing was changed yet.
    async fn write_halves(&mut self, jobs: &mut Vec<Job>, deadline: Instant) -> Option<Failure> {
        let mut behind = jobs.split_off(jobs.len() / 2);
        if let Some(failure) = Box::pin(self.write_until(jobs, deadline)).await {
            // The others would wait for the same.
            fail(&mut behind, &failure);
            return Some(failure);
        }
        Box::pin(self.write_until(&mut behind, deadline)).await
    }

    /// One transaction: all changes or none.
    async fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Made>, Trouble> {
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(self.dialect.writer().await.map_err(Trouble::Whole)?),
        };
        let transaction = transact(session, jobs);
        let Some(silence) = self.dialect.silence() else {
            return transaction.await;
        };
        timeout(silence, transaction).await.unwrap_or_else(|_| {
            let message = format!("{} did not answer within {silence:?}", self.dialect.place());
            Err(Trouble::Whole(Failure::passing(message)))
        })
    }
}

fn fail(jobs: &mut Vec<Job>, failure: &Failure) {
    for job in jobs.drain(..) {
        // The caller may have gone away.
        let _ = job.done.send(Err(failure.clone()));
    }
}

async fn transact<S: Session>(session: &mut S, jobs: &[Job]) -> Result<Vec<Made>, Trouble> {
    // What is refused here is no fault of a change.
    session.begin().await.map_err(Trouble::of_all)?;
    match make_all(session, jobs).await {
        Ok(made) => {
            session.commit().await?;
            Ok(made)
        }
        Err(refused @ Trouble::Refused(_)) => {
            session.rollback().await.map_err(Trouble::of_all)?;
            Err(refused)
        }
        Err(trouble) => Err(trouble),
    }
}

/// Decides which changes apply, one after the other, and then writes what they leave. Locks first, in the same order on all
/// nodes, so that they do not deadlock.
async fn make_all<S: Session>(session: &mut S, jobs: &[Job]) -> Result<Vec<Made>, Trouble> {
    let changes = || jobs.iter().map(|job| &job.change);
    let names = accounting::names(changes().flat_map(Change::usage_changes));
    let ids = Rows::ids(changes());
    let locked = session.lock(&names, &ids).await?;
    let mut accounts = Accounts::of(locked.accounts);
    let mut rows = Rows::of(ids, locked.revisions);
    let mut made = Vec::with_capacity(jobs.len());
    for change in changes() {
        let usage_changes = change.usage_changes();
        if !accounts.have_room(&usage_changes) {
            // A change that could not be made with any quota is not one for which there is no room.
            made.push(if rows.admit(change) { Made::Full } else { Made::Rows(0) });
            continue;
        }
        let changed = match change.is_of_rows() {
            true => rows.make(change),
            false => session.make(change).await?,
        };
        if changed > 0 {
            usage_changes.into_iter().for_each(|change| accounts.apply(change));
        }
        made.push(Made::Rows(changed));
    }
    session.write(&rows.changes(), &accounts.written()).await?;
    Ok(made)
}

#[cfg(test)]
mod tests;
