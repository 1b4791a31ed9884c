//! The recorder over any dialect: changes go through the one writer, looking up through connections that only read.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use intake_core::{Duty, Fault, Record, Recorder, Swap, UploadId, codes};
use sqlx::Pool;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::dialect::{ConnectionOf, Dialect, PAUSE};
use crate::failure::{Failure, by_database};
use crate::row::{Row, duty, micros, revision};
use crate::statements::{Answer, Statements};
use crate::writer::{Change, Writer};

/// The records of one database. Opens it at first use.
#[derive(Debug)]
pub(crate) struct Records<D: Dialect> {
    dialect: Arc<D>,
    /// No cell that is set once: a writer ends with the runtime on which it was started, and the next use starts another.
    opened: Mutex<Option<Arc<Opened<D>>>>,
}

/// What can be looked up.
enum Question<'a> {
    /// The row of this id.
    Of(&'a str),
    /// The rows of a duty that are due, at most so many.
    Due { duty: &'a str, now: i64, limit: i64 },
    /// The newest row of a readable upload that is known by this name.
    KnownAs(&'a str),
    /// How many rows of this project are to be fetched.
    PullsOf(&'a str),
}

/// What was found.
enum Found {
    Rows(Vec<Answer>),
    Count(i64),
}

impl Found {
    fn rows(self) -> Vec<Answer> {
        match self {
            Self::Rows(rows) => rows,
            Self::Count(_) => Vec::new(),
        }
    }

    fn count(self) -> u64 {
        match self {
            Self::Rows(rows) => rows.len() as u64,
            Self::Count(count) => count.try_into().unwrap_or_default(),
        }
    }
}

#[derive(Debug)]
struct Opened<D: Dialect> {
    writer: Writer<D>,
    readers: Pool<D::Database>,
}

impl<D: Dialect> Records<D> {
    pub(crate) fn new(dialect: D) -> Self {
        Self {
            dialect: Arc::new(dialect),
            opened: Mutex::new(None),
        }
    }

    async fn opened(&self) -> Result<Arc<Opened<D>>, Failure> {
        // Bounded, because those who wait here while a database cannot be opened would each try after the other.
        let Ok(mut opened) = timeout(self.dialect.patience(), self.opened.lock()).await else {
            let message = format!("somebody else is still opening the records in {}", self.dialect.place());
            return Err(Failure::passing(message));
        };
        if let Some(opened) = opened.as_ref().filter(|opened| !opened.writer.has_ended()) {
            return Ok(Arc::clone(opened));
        }
        let connection = self.dialect.writer().await?;
        let readers = self.dialect.readers();
        let writer = Writer::start(Arc::clone(&self.dialect), connection, readers.clone());
        tracing::info!(place = self.dialect.place(), "opened the records");
        Ok(Arc::clone(opened.insert(Arc::new(Opened { writer, readers }))))
    }

    async fn change(&self, change: Change) -> Result<bool, Failure> {
        self.opened().await?.writer.make(change).await
    }

    /// Looks up, on another connection if one breaks: asking twice changes nothing.
    async fn read(&self, question: Question<'_>) -> Result<Found, Failure> {
        let opened = self.opened().await?;
        let deadline = Instant::now() + self.dialect.patience();
        loop {
            match self.ask(&opened.readers, &question).await {
                Err(error) if D::is_fleeting(&error) && Instant::now() < deadline => sleep(PAUSE).await,
                answer => return answer.map_err(|error| self.unread(error)),
            }
        }
    }

    async fn ask(&self, readers: &Pool<D::Database>, question: &Question<'_>) -> sqlx::Result<Found> {
        let mut reader = readers.acquire().await?;
        let look_up = look_up::<D>(&mut reader, question);
        let answer = match self.dialect.silence() {
            None => look_up.await,
            Some(silence) => {
                let silent = |_| Err(sqlx::Error::PoolTimedOut);
                timeout(silence, look_up).await.unwrap_or_else(silent)
            }
        };
        if answer.as_ref().is_err_and(|error| by_database(error).is_none()) {
            // The pool would ask a connection that comes back whether it is alive, and wait for the answer.
            reader.close_on_drop();
        }
        answer
    }

    fn unread(&self, error: sqlx::Error) -> Failure {
        let message = format!("cannot read from the records in {}", self.dialect.place());
        Failure::of_database(message, error, D::is_passing)
    }
}

#[async_trait]
impl<D: Dialect> Recorder for Records<D> {
    async fn insert(&self, record: &Record) -> Result<(), Fault> {
        let row = Box::new(Row::of(record)?);
        match self.change(Change::Insert(row)).await? {
            true => Ok(()),
            false => Err(Fault::new(
                codes::ID_TAKEN,
                format!("{} is recorded already", record.id),
            )),
        }
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        let found = self.read(Question::Of(&id.to_string())).await?;
        record_of(found)
    }

    async fn update(&self, record: &Record) -> Result<Swap, Fault> {
        // The first revision has no predecessor whose place it could take.
        let Some(before) = record.revision.checked_sub(1) else {
            return Ok(Swap::Lost);
        };
        let row = Box::new(Row::of(record)?);
        let from = revision(before);
        match self.change(Change::Update { row, from }).await? {
            true => Ok(Swap::Done),
            false => Ok(Swap::Lost),
        }
    }

    async fn remove(&self, id: UploadId, of: u64) -> Result<(), Fault> {
        let id = id.to_string();
        let revision = revision(of);
        self.change(Change::Remove { id, revision }).await?;
        Ok(())
    }

    async fn due(&self, of: Duty, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let now = micros(now);
        let due = self
            .read(Question::Due {
                duty: duty(of),
                now,
                limit,
            })
            .await?;
        let due = due.rows();
        let mut records = Vec::with_capacity(due.len());
        let mut unreadable = None;
        for row in due {
            match row.and_then(Row::record) {
                Ok(record) => records.push(record),
                // One row that nobody can read must not keep everyone else's upload for ever.
                Err(fault) => {
                    tracing::error!(fault = fault.chain(), "left out a record that is due");
                    unreadable = Some(fault);
                }
            }
        }
        match unreadable {
            Some(fault) if records.is_empty() => Err(fault),
            _ => Ok(records),
        }
    }

    async fn known_as(&self, name: &str) -> Result<Option<Record>, Fault> {
        record_of(self.read(Question::KnownAs(name)).await?)
    }

    async fn pulls_of(&self, project: &str) -> Result<u64, Fault> {
        Ok(self.read(Question::PullsOf(project)).await?.count())
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.change(Change::Nothing).await?;
        // Any look-up by the index would do; this one reads a row at most.
        self.read(Question::Due {
            duty: duty(Duty::Sweep),
            now: i64::MIN,
            limit: 1,
        })
        .await?;
        Ok(())
    }
}

fn record_of(found: Found) -> Result<Option<Record>, Fault> {
    match found.rows().into_iter().next() {
        None => Ok(None),
        Some(row) => row?.record().map(Some),
    }
}

async fn look_up<D: Dialect>(reader: &mut ConnectionOf<D>, question: &Question<'_>) -> sqlx::Result<Found> {
    let one = |row: Option<Answer>| Found::Rows(row.into_iter().collect());
    match *question {
        Question::Of(id) => D::Database::get(reader, id).await.map(one),
        Question::Due { duty, now, limit } => D::Database::due(reader, duty, now, limit).await.map(Found::Rows),
        Question::KnownAs(name) => D::Database::known_as(reader, name).await.map(one),
        Question::PullsOf(project) => D::Database::pulls_of(reader, project).await.map(Found::Count),
    }
}
