//! One writer: a task with a connection of its own, which puts all waiting changes into one commit.
//!
//! A commit waits for the disk, and SQLite has one at a time. So the changes that arrive while the disk is busy go into the
//! next commit together, and their callers are answered after it. A change that the database refuses is refused alone; a
//! commit that fails is a fault for all its callers. A caller that goes away does not affect the others.
//!
//! A failure before the commit has changed nothing, so the writer tries again where that may help: a server that was
//! restarted is no fault. When the answer to a commit is lost, its outcome is unknown, and all callers are told so: a retry
//! here could find the change made, and mistake it for that of another writer.

use std::sync::Arc;

use intake_core::UsageChange;
use sqlx::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::accounting::Accounts;
use crate::catalog::{CatalogStatements, GroupRow, ProjectRow};
use crate::dialect::{ConnectionOf, Dialect, PAUSE};
use crate::failure::{Failure, by_database};
use crate::readers::Readers;
use crate::row::Row;
use crate::statements::Statements;

/// The most changes in one commit.
const BATCH: usize = 128;
/// The most changes that wait for their commit, beside those in it. Further callers wait for a place in the queue.
const QUEUE: usize = 256;

/// A change to be made.
#[derive(Debug)]
pub(crate) enum Change {
    /// Inserts a row, with its usage change. Boxed, because the other changes are small.
    Insert(Box<Row>, UsageChange),
    /// Replaces the row with the revision `from`, with its usage change.
    Update {
        row: Box<Row>,
        from: i64,
        usage_change: UsageChange,
    },
    /// Replaces rows, all or none. Never empty.
    UpdateAll(Vec<RowUpdate>),
    /// Deletes a row, if it has this revision.
    Remove { id: String, revision: i64 },
    /// Inserts a managed project, or replaces the one with the revision before.
    PutProject(ProjectRow),
    /// Inserts a group, with its usage change.
    AddGroup(GroupRow, UsageChange),
    /// Deletes a group, with its usage change.
    RemoveGroup { id: String, usage_change: UsageChange },
    /// Deletes an account, if it has expired.
    Forget { name: String, now: i64 },
    /// Changes nothing: checks that a transaction can be committed.
    Nothing,
}

/// A row that replaces the one with the revision `from`, and its usage change.
#[derive(Debug)]
pub(crate) struct RowUpdate {
    pub(crate) row: Row,
    pub(crate) from: i64,
    pub(crate) usage_change: UsageChange,
}

impl Change {
    /// The row to be changed.
    fn id(&self) -> &str {
        match self {
            Self::Insert(row, _) | Self::Update { row, .. } => &row.id,
            Self::UpdateAll(updates) => updates.first().map_or("", |update| &update.row.id),
            Self::Remove { id, .. } | Self::RemoveGroup { id, .. } | Self::AddGroup((id, ..), _) => id,
            Self::PutProject((key, ..)) => key,
            Self::Forget { name, .. } => name,
            Self::Nothing => "",
        }
    }

    fn usage_changes(&self) -> Vec<&UsageChange> {
        match self {
            Self::Insert(_, usage_change)
            | Self::Update { usage_change, .. }
            | Self::AddGroup(_, usage_change)
            | Self::RemoveGroup { usage_change, .. } => vec![usage_change],
            Self::UpdateAll(updates) => updates.iter().map(|update| &update.usage_change).collect(),
            _ => Vec::new(),
        }
    }
}

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
    pub(crate) fn start(dialect: Arc<D>, connection: ConnectionOf<D>, readers: Arc<Readers<D::Database>>) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let task = Task {
            dialect: Arc::clone(&dialect),
            connection: Some(connection),
        };
        tokio::spawn(task.run(queue, readers));
        Self { jobs, dialect }
    }

    /// Whether the task has ended, as it does with its runtime.
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
    connection: Option<ConnectionOf<D>>,
}

/// Why a transaction was not made.
enum Broken {
    /// The database refuses the change at this index.
    At(usize, Failure),
    /// Nothing was changed, and the transaction may succeed on another connection.
    Fleeting(Failure),
    /// The transaction as a whole failed.
    Whole(Failure),
}

impl<D: Dialect> Task<D> {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>, readers: Arc<Readers<D::Database>>) {
        let mut jobs = Vec::with_capacity(BATCH);
        while queue.recv_many(&mut jobs, BATCH).await > 0 {
            self.write(&mut jobs).await;
            jobs.clear();
        }
        // The last connection that closes checkpoints the write-ahead log, and only one that may write can do so.
        readers.close().await;
        if let Some(connection) = self.connection {
            let closed = connection.close().await;
            tracing::debug!(place = self.dialect.place(), ok = closed.is_ok(), "closed the records");
        }
    }

    /// Makes all changes that can be made, and answers all callers.
    async fn write(&mut self, jobs: &mut Vec<Job>) {
        // Callers that went away while they waited get no answer, so their changes are not made.
        jobs.retain(|job| !job.done.is_closed());
        // Nodes that lock rows in the same order do not deadlock. Changes of one row stay in their order. (A change of several rows
        // is sorted by its first one; if that leads to a deadlock, the database ends it, and the change is tried again.)
        jobs.sort_by(|one, other| one.change.id().cmp(other.change.id()));
        let deadline = Instant::now() + self.dialect.patience();
        while !jobs.is_empty() {
            match self.commit(jobs).await {
                Ok(changed) => {
                    for (job, changed) in jobs.drain(..).zip(changed) {
                        // The caller may have gone away.
                        let _ = job.done.send(Ok(changed));
                    }
                }
                // Nothing was changed, so the others are tried again without it.
                Err(Broken::At(place, failure)) => {
                    let _ = jobs.remove(place).done.send(Err(failure));
                }
                Err(Broken::Fleeting(_)) if Instant::now() < deadline => {
                    self.connection = None;
                    sleep(PAUSE).await;
                }
                Err(Broken::Fleeting(failure) | Broken::Whole(failure)) => {
                    self.connection = None;
                    for job in jobs.drain(..) {
                        let _ = job.done.send(Err(failure.clone()));
                    }
                }
            }
        }
    }

    /// One transaction: all changes or none.
    async fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Made>, Broken> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.dialect.writer().await.map_err(Broken::Whole)?),
        };
        let transaction = transact(&*self.dialect, connection, jobs);
        let Some(silence) = self.dialect.silence() else {
            return transaction.await;
        };
        timeout(silence, transaction).await.unwrap_or_else(|_| {
            let message = format!("{} did not answer within {silence:?}", self.dialect.place());
            Err(Broken::Whole(Failure::passing(message)))
        })
    }
}

async fn transact<D: Dialect>(
    dialect: &D,
    connection: &mut ConnectionOf<D>,
    jobs: &[Job],
) -> Result<Vec<Made>, Broken> {
    let failure = |error| {
        let message = format!("cannot write to the records in {}", dialect.place());
        Failure::of_database(message, error, D::is_passing)
    };
    let unmade = |error| match D::is_fleeting(&error) {
        true => Broken::Fleeting(failure(error)),
        false => Broken::Whole(failure(error)),
    };
    let mut transaction = connection.begin_with(dialect.begin()).await.map_err(unmade)?;
    let usage_changes = jobs.iter().flat_map(|job| job.change.usage_changes());
    let mut accounts = Accounts::lock::<D::Database>(&mut transaction, usage_changes)
        .await
        .map_err(unmade)?;
    let mut changed = Vec::with_capacity(jobs.len());
    for (place, job) in jobs.iter().enumerate() {
        match make::<D>(&mut transaction, &job.change, &mut accounts).await {
            Ok(done) => changed.push(done),
            Err(error) if by_database(&error).is_some_and(|error| !D::is_passing(error)) => {
                transaction.rollback().await.map_err(unmade)?;
                return Err(Broken::At(place, failure(error)));
            }
            Err(error) => return Err(unmade(error)),
        }
    }
    accounts.write::<D::Database>(&mut transaction).await.map_err(unmade)?;
    // The outcome is unknown then. Each change was accepted, so trying again may help.
    transaction
        .commit()
        .await
        .map_err(|error| Broken::Whole(failure(error).passes()))?;
    Ok(changed)
}

async fn make<D: Dialect>(
    connection: &mut ConnectionOf<D>,
    change: &Change,
    accounts: &mut Accounts,
) -> sqlx::Result<Made> {
    let usage_changes = change.usage_changes();
    if !accounts.have_room(&usage_changes) {
        return no_room::<D>(connection, change).await;
    }
    let made = match change {
        Change::Insert(row, _) => D::Database::insert(connection, row).await.map(u64::from),
        Change::Update { row, from, .. } => D::Database::update(connection, row, *from).await.map(u64::from),
        Change::UpdateAll(updates) => update_all::<D>(connection, updates).await,
        Change::Remove { id, revision } => D::Database::remove(connection, id, *revision).await.map(u64::from),
        Change::PutProject(project) => D::Database::put_project(connection, project).await,
        Change::AddGroup(group, _) => D::Database::add_group(connection, group).await,
        Change::RemoveGroup { id, .. } => D::Database::remove_group(connection, id).await,
        Change::Forget { name, now } => D::Database::forget(connection, name, *now).await,
        Change::Nothing => Ok(0),
    };
    if let Ok(1..) = &made {
        usage_changes
            .into_iter()
            .for_each(|usage_change| accounts.apply(usage_change));
    }
    made.map(Made::Rows)
}

/// Makes all of them or none, in a nested transaction within the shared one.
async fn update_all<D: Dialect>(connection: &mut ConnectionOf<D>, updates: &[RowUpdate]) -> sqlx::Result<u64> {
    let mut inner = connection.begin().await?;
    for RowUpdate { row, from, .. } in updates {
        if !D::Database::update(&mut inner, row, *from).await? {
            inner.rollback().await?;
            return Ok(0);
        }
    }
    inner.commit().await?;
    Ok(updates.len() as u64)
}

/// The revision of the row of this id, if there is one.
async fn revision<D: Dialect>(connection: &mut ConnectionOf<D>, id: &str) -> sqlx::Result<Option<i64>> {
    let there = D::Database::get(connection, id).await?;
    Ok(there.and_then(Result::ok).map(|row| row.revision))
}

/// The outcome of a change that exceeds a quota: [`Made::Full`], unless the change could not be made with any quota.
async fn no_room<D: Dialect>(connection: &mut ConnectionOf<D>, change: &Change) -> sqlx::Result<Made> {
    let could_be_made = match change {
        Change::Insert(row, _) => revision::<D>(connection, &row.id).await?.is_none(),
        Change::Update { row, from, .. } => revision::<D>(connection, &row.id).await? == Some(*from),
        Change::UpdateAll(updates) => {
            let mut could = true;
            for RowUpdate { row, from, .. } in updates {
                could &= revision::<D>(connection, &row.id).await? == Some(*from);
            }
            could
        }
        _ => true,
    };
    Ok(if could_be_made { Made::Full } else { Made::Rows(0) })
}

#[cfg(test)]
mod tests;
