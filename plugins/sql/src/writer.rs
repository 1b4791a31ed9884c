//! One writer: a task with a connection of its own, which makes everything that waits part of one commit.
//!
//! A commit waits for the disk, and SQLite has one at a time. So whatever came while the disk was busy goes into the next
//! commit together, and is answered after it. A change that the database refuses is left out and refused alone; a commit
//! that fails is everyone's fault. A caller who goes away changes nothing for the others.
//!
//! What fails before the commit was asked for changed nothing, so it may be tried once more where that helps: a server that
//! was restarted is no fault. When the answer to a commit is lost nobody knows, and everyone is told so: who tried again
//! here would find the change made, and take it for somebody else's.

use std::sync::Arc;

use intake_core::Booking;
use sqlx::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::books::Books;
use crate::catalog::{CatalogStatements, GroupRow, ProjectRow};
use crate::dialect::{ConnectionOf, Dialect, PAUSE};
use crate::failure::{Failure, by_database};
use crate::readers::Readers;
use crate::row::Row;
use crate::statements::Statements;

/// Changes in one commit at most.
const BATCH: usize = 128;
/// Changes that wait for their commit at most, beside those in it. More callers wait at the door.
const QUEUE: usize = 256;

/// What is to be changed.
#[derive(Debug)]
pub(crate) enum Change {
    /// A new row, and what is booked with it. Boxed, because the other changes are small.
    Insert(Box<Row>, Booking),
    /// A row in place of the one with the revision `from`, and what is booked with it.
    Update { row: Box<Row>, from: i64, booking: Booking },
    /// Rows in place of others, all or none. Never empty.
    UpdateAll(Vec<Update>),
    /// No row in place of this one.
    Remove { id: String, revision: i64 },
    /// A managed project, new or in place of the one with the revision before.
    PutProject(ProjectRow),
    /// A new group, and what is booked with it.
    AddGroup(GroupRow, Booking),
    /// No group of this id any more, and what is booked with that.
    RemoveGroup { id: String, booking: Booking },
    /// No account of this name any more, if its time is over.
    Forget { name: String, now: i64 },
    /// Nothing: asks whether something could be changed.
    Nothing,
}

/// A row in place of the one with the revision `from`, and what is booked with it.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) row: Row,
    pub(crate) from: i64,
    pub(crate) booking: Booking,
}

impl Change {
    /// The row that it is about.
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

    fn bookings(&self) -> Vec<&Booking> {
        match self {
            Self::Insert(_, booking)
            | Self::Update { booking, .. }
            | Self::AddGroup(_, booking)
            | Self::RemoveGroup { booking, .. } => vec![booking],
            Self::UpdateAll(updates) => updates.iter().map(|update| &update.booking).collect(),
            _ => Vec::new(),
        }
    }
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// So many rows were changed, which may be none.
    Rows(u64),
    /// An account would have had too much, so nothing was.
    Full,
}

/// A change, and who waits for it.
struct Job {
    change: Change,
    done: oneshot::Sender<Result<Made, Failure>>,
}

/// The way to the writer. The writer ends when this is dropped.
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

    /// Whether the task is gone, as it is after its runtime.
    pub(crate) fn has_ended(&self) -> bool {
        self.jobs.is_closed()
    }

    /// Makes a change. When this returns, it is durable; if it fails, it may be or not.
    pub(crate) async fn make(&self, change: Change) -> Result<Made, Failure> {
        let (done, answer) = oneshot::channel();
        let sent = self
            .jobs
            .send_timeout(Job { change, done }, self.dialect.patience())
            .await;
        sent.map_err(|_| Failure::passing(format!("too many wait to write to the records in {}", self.place())))?;
        let lost = || Failure::passing(format!("the writer of the records in {} has ended", self.place()));
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    fn place(&self) -> String {
        self.dialect.place()
    }
}

struct Task<D: Dialect> {
    dialect: Arc<D>,
    /// `None` after a failure: nobody knows what state a connection is in then, and opening another takes a millisecond.
    connection: Option<ConnectionOf<D>>,
}

/// Why a transaction was not made.
enum Broken {
    /// The change at this place is one that the database refuses, whatever stands around it.
    At(usize, Failure),
    /// Nothing was changed, and the same may succeed on another connection.
    Fleeting(Failure),
    /// The transaction as a whole.
    Whole(Failure),
}

impl<D: Dialect> Task<D> {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>, readers: Arc<Readers<D::Database>>) {
        let mut jobs = Vec::with_capacity(BATCH);
        while queue.recv_many(&mut jobs, BATCH).await > 0 {
            self.write(&mut jobs).await;
            jobs.clear();
        }
        // The last connection that closes brings the write-ahead log home, and only one that may write can.
        readers.close().await;
        if let Some(connection) = self.connection {
            let closed = connection.close().await;
            tracing::debug!(place = self.dialect.place(), ok = closed.is_ok(), "closed the records");
        }
    }

    /// Makes all changes that can be made, and answers everyone.
    async fn write(&mut self, jobs: &mut Vec<Job>) {
        // Those who went away while they waited are not told anything, so nothing needs to be done for them.
        jobs.retain(|job| !job.done.is_closed());
        // Nodes that take rows in the same order do not wait for each other in a circle. Changes of one row stay in turn. (Several
        // rows of one change stand where the first does: the database ends a circle of those, and the change is tried again.)
        jobs.sort_by(|one, other| one.change.id().cmp(other.change.id()));
        let deadline = Instant::now() + self.dialect.patience();
        while !jobs.is_empty() {
            match self.commit(jobs).await {
                Ok(changed) => {
                    for (job, changed) in jobs.drain(..).zip(changed) {
                        // It does not matter whether anyone still listens.
                        let _ = job.done.send(Ok(changed));
                    }
                }
                // Nothing was changed, so the others begin again without it.
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
    let bookings = jobs.iter().flat_map(|job| job.change.bookings());
    let mut books = Books::open::<D::Database>(&mut transaction, bookings)
        .await
        .map_err(unmade)?;
    let mut changed = Vec::with_capacity(jobs.len());
    for (place, job) in jobs.iter().enumerate() {
        match make::<D>(&mut transaction, &job.change, &mut books).await {
            Ok(done) => changed.push(done),
            Err(error) if by_database(&error).is_some_and(|error| !D::is_passing(error)) => {
                transaction.rollback().await.map_err(unmade)?;
                return Err(Broken::At(place, failure(error)));
            }
            Err(error) => return Err(unmade(error)),
        }
    }
    books.close::<D::Database>(&mut transaction).await.map_err(unmade)?;
    // Whether it was made is not known then; each change was fine, so trying again may help in any case.
    transaction
        .commit()
        .await
        .map_err(|error| Broken::Whole(failure(error).passes()))?;
    Ok(changed)
}

async fn make<D: Dialect>(connection: &mut ConnectionOf<D>, change: &Change, books: &mut Books) -> sqlx::Result<Made> {
    let bookings = change.bookings();
    if !books.have_room(&bookings) {
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
        bookings.into_iter().for_each(|booking| books.book(booking));
    }
    made.map(Made::Rows)
}

/// All of them, or none: within the transaction that everyone shares, these have one of their own.
async fn update_all<D: Dialect>(connection: &mut ConnectionOf<D>, updates: &[Update]) -> sqlx::Result<u64> {
    let mut inner = connection.begin().await?;
    for Update { row, from, .. } in updates {
        if !D::Database::update(&mut inner, row, *from).await? {
            inner.rollback().await?;
            return Ok(0);
        }
    }
    inner.commit().await?;
    Ok(updates.len() as u64)
}

/// The revision of the row that is there, if one is.
async fn revision<D: Dialect>(connection: &mut ConnectionOf<D>, id: &str) -> sqlx::Result<Option<i64>> {
    let there = D::Database::get(connection, id).await?;
    Ok(there.and_then(Result::ok).map(|row| row.revision))
}

/// Whether it is for the room that the change is not made: what could not be made with any room is not.
async fn no_room<D: Dialect>(connection: &mut ConnectionOf<D>, change: &Change) -> sqlx::Result<Made> {
    let could_be_made = match change {
        Change::Insert(row, _) => revision::<D>(connection, &row.id).await?.is_none(),
        Change::Update { row, from, .. } => revision::<D>(connection, &row.id).await? == Some(*from),
        Change::UpdateAll(updates) => {
            let mut could = true;
            for Update { row, from, .. } in updates {
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
