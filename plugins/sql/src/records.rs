//! The recorder over any dialect: changes go through the one writer, looking up through connections that only read.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use intake_core::{Duty, Fault, Record, Recorder, Swap, UploadId, codes};
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::dialect::Dialect;
use crate::failure::Failure;
use crate::row::{Row, duty, micros, revision};
use crate::statements::Statements;
use crate::writer::{Change, Writer};

/// The records of one database. Opens it at first use.
#[derive(Debug)]
pub(crate) struct Records<D: Dialect> {
    dialect: Arc<D>,
    /// No cell that is set once: a writer ends with the runtime on which it was started, and the next use starts another.
    opened: Mutex<Option<Arc<Opened<D>>>>,
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

    async fn reader(&self) -> Result<PoolConnection<D::Database>, Failure> {
        let opened = self.opened().await?;
        opened.readers.acquire().await.map_err(|error| self.unread(error))
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
        let mut reader = self.reader().await?;
        let found = D::Database::get(&mut reader, &id.to_string()).await;
        match found.map_err(|error| self.unread(error))? {
            None => Ok(None),
            Some(row) => row?.record().map(Some),
        }
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
        let mut reader = self.reader().await?;
        let due = D::Database::due(&mut reader, duty(of), micros(now), limit).await;
        let due = due.map_err(|error| self.unread(error))?;
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

    async fn ready(&self) -> Result<(), Fault> {
        self.change(Change::Nothing).await?;
        let mut reader = self.reader().await?;
        // Any look-up by the index would do; this one reads a row at most.
        let due = D::Database::due(&mut reader, duty(Duty::Sweep), i64::MIN, 1).await;
        due.map_err(|error| self.unread(error))?;
        Ok(())
    }
}
