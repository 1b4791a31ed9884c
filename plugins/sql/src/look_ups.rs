//! Look-ups of one row of SQLite by its key, for all callers that wait, on one thread.
//!
//! Nearly every request makes one. Through a pool, each costs two changes between threads; here, while many callers wait, one
//! change serves all of them. Lists go through the pool: a long one delays no look-up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use intake_core::Fault;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, Transaction};
use tokio::sync::{mpsc, oneshot};

use crate::catalog::PROJECT;
use crate::failure::Failure;
use crate::queries::{Found, Query};
use crate::row::{Stored, unreadable};
use crate::statements::{Answer, GET};

/// The most look-ups of one turn: all of them see the same state of the database.
const TURN: usize = 64;
/// The most look-ups that wait for their turn. Further callers wait for a place.
const QUEUE: usize = 256;

/// What is looked up.
#[derive(Debug)]
enum Wanted {
    Row(String),
    Project(String),
    /// Nothing more: the thread ends after the look-ups before this.
    End,
}

struct Job {
    wanted: Wanted,
    done: oneshot::Sender<Result<Found, Failure>>,
}

/// The handle of the thread, which ends when this is dropped or [closed](Self::close).
#[derive(Debug)]
pub(crate) struct LookUps {
    jobs: mpsc::Sender<Job>,
    place: Arc<str>,
    patience: Duration,
}

impl LookUps {
    /// Starts the thread, which opens the file when it is first asked.
    pub(crate) fn start(path: &Path, patience: Duration) -> Result<Self, Failure> {
        let path = path.to_owned();
        let (jobs, queue) = mpsc::channel(QUEUE);
        let place: Arc<str> = path.display().to_string().into();
        let reader = Reader {
            path,
            patience,
            place: Arc::clone(&place),
            connection: None,
        };
        let thread = std::thread::Builder::new().name("intake-look-ups".to_owned());
        let started = thread.spawn(move || reader.run(queue));
        let message = || format!("cannot start the reader of the records in {place}");
        started.map_err(|error| Failure::of(message(), error, true))?;
        Ok(Self { jobs, place, patience })
    }

    /// Answers a query if it is a look-up.
    pub(crate) async fn answer(&self, query: &Query<'_>) -> Option<Result<Found, Failure>> {
        let wanted = match *query {
            Query::Of(id) => Wanted::Row(id.to_owned()),
            Query::Project(key) => Wanted::Project(key.to_owned()),
            _ => return None,
        };
        Some(self.ask(wanted).await)
    }

    async fn ask(&self, wanted: Wanted) -> Result<Found, Failure> {
        let (done, answer) = oneshot::channel();
        let sent = self.jobs.send_timeout(Job { wanted, done }, self.patience).await;
        sent.map_err(|_| {
            let message = format!("the queue of look-ups in the records in {} is full", self.place);
            Failure::passing(message)
        })?;
        let lost = || {
            let message = format!("the reader of the records in {} has ended", self.place);
            Failure::passing(message)
        };
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Ends the thread after the look-ups that wait, and waits until its connection is closed.
    pub(crate) async fn close(&self) {
        // Without an answer it has ended already.
        let _ = self.ask(Wanted::End).await;
    }
}

struct Reader {
    path: PathBuf,
    patience: Duration,
    place: Arc<str>,
    /// `None` after a failure: another connection may find the file as it is now.
    connection: Option<Connection>,
}

impl Reader {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(TURN);
        while queue.blocking_recv_many(&mut jobs, TURN) > 0 {
            // Callers that went away while they waited get no answer.
            jobs.retain(|job: &Job| !job.done.is_closed());
            let end = jobs.iter().position(|job| matches!(job.wanted, Wanted::End));
            let end = end.map(|end| jobs.swap_remove(end));
            for (found, job) in self.find(&jobs).into_iter().zip(jobs.drain(..)) {
                let _ = job.done.send(found);
            }
            if let Some(end) = end {
                self.connection = None;
                let _ = end.done.send(Ok(Found::Rows(Vec::new())));
                return;
            }
        }
    }

    /// The answers, in the order of the look-ups.
    fn find(&mut self, jobs: &[Job]) -> Vec<Result<Found, Failure>> {
        let failure = |error| Failure::of(format!("cannot read from the records in {}", self.place), error, true);
        let found = self
            .connection
            .take()
            .map_or_else(|| self.open(), Ok)
            .and_then(|mut connection| {
                // One snapshot, and one lock, for all of them.
                let turn = connection.transaction()?;
                let found: Vec<_> = jobs.iter().map(|job| look_up(&turn, &job.wanted)).collect();
                turn.finish()?;
                if found.iter().all(Result::is_ok) {
                    self.connection = Some(connection);
                }
                Ok(found)
            });
        match found {
            Ok(found) => found.into_iter().map(|found| found.map_err(failure)).collect(),
            Err(error) => {
                let failure = failure(error);
                jobs.iter().map(|_| Err(failure.clone())).collect()
            }
        }
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        // No names such as `file:`; see `Sqlite`. Only this thread uses the connection.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.patience)?;
        Ok(connection)
    }
}

fn look_up(turn: &Transaction<'_>, wanted: &Wanted) -> rusqlite::Result<Found> {
    match wanted {
        Wanted::End => Ok(Found::Rows(Vec::new())),
        Wanted::Row(id) => {
            let row = turn
                .prepare_cached(GET)?
                .query_row((id,), |row| Ok(read(row)))
                .optional()?;
            Ok(Found::Rows(row.into_iter().collect()))
        }
        Wanted::Project(key) => {
            let mut statement = turn.prepare_cached(PROJECT)?;
            let project = statement.query_row((key,), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            Ok(Found::Projects(project.optional()?.into_iter().collect()))
        }
    }
}

/// Reads a row, as `statements::read` does.
fn read(row: &Row<'_>) -> Answer {
    let id: String = column(row, "of unknown id", "id")?;
    Ok(Stored {
        revision: column(row, &id, "revision")?,
        state: column(row, &id, "state")?,
        record: column(row, &id, "record")?,
        id,
    })
}

fn column<T: FromSql>(row: &Row<'_>, id: &str, name: &'static str) -> Result<T, Fault> {
    row.get(name).map_err(|error| unreadable(id, name).with_source(error))
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::dialect::Dialect as _;
    use crate::sqlite::Sqlite;

    async fn opened() -> (tempfile::TempDir, sqlx::SqliteConnection, LookUps) {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::new(folder.path().join("records.db"));
        let writer = sqlite.tables().await.unwrap();
        let look_ups = LookUps::start(sqlite.file().unwrap(), sqlite.patience()).unwrap();
        (folder, writer, look_ups)
    }

    async fn run(writer: &mut sqlx::SqliteConnection, statement: &'static str) {
        sqlx::raw_sql(statement).execute(writer).await.unwrap();
    }

    async fn project(look_ups: &LookUps, key: &str) -> Result<usize, Failure> {
        let answer = look_ups.answer(&Query::Project(key)).await;
        answer
            .unwrap()
            .map(|found| found.projects().map_or(0, |found| found.len()))
    }

    #[tokio::test]
    async fn a_look_up_sees_what_was_committed_before_it() {
        let (_folder, mut writer, look_ups) = opened().await;
        assert_eq!(project(&look_ups, "demo").await.unwrap(), 0);
        for _ in 0..20 {
            run(&mut writer, "INSERT INTO projects VALUES ('demo', 0, '{}')").await;
            assert_eq!(project(&look_ups, "demo").await.unwrap(), 1);
            run(&mut writer, "DELETE FROM projects").await;
            assert_eq!(project(&look_ups, "demo").await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn more_callers_than_the_queue_holds_all_get_their_own_answer() {
        let (_folder, mut writer, look_ups) = opened().await;
        run(&mut writer, "INSERT INTO projects VALUES ('demo', 0, '{}')").await;
        let answers = (0..3 * QUEUE).map(|number| project(&look_ups, if number % 3 == 0 { "demo" } else { "other" }));
        for (number, found) in join_all(answers).await.into_iter().enumerate() {
            assert_eq!(found.unwrap(), usize::from(number % 3 == 0), "{number}");
        }
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_fails_its_own_callers_only() {
        let (_folder, mut writer, look_ups) = opened().await;
        run(
            &mut writer,
            "INSERT INTO projects VALUES ('demo', 0, '{}'), ('wrong', 0, CAST(x'ff' AS TEXT))",
        )
        .await;
        let (wrong, right) = tokio::join!(project(&look_ups, "wrong"), project(&look_ups, "demo"));
        assert!(wrong.is_err());
        assert_eq!(right.unwrap(), 1);
    }

    #[tokio::test]
    async fn after_a_failure_the_file_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::new(folder.path().join("records.db"));
        let look_ups = LookUps::start(sqlite.file().unwrap(), sqlite.patience()).unwrap();
        assert!(project(&look_ups, "demo").await.is_err());
        let _writer = sqlite.tables().await.unwrap();
        assert_eq!(project(&look_ups, "demo").await.unwrap(), 0);
    }

    #[tokio::test]
    async fn closing_waits_for_the_look_ups_before_it_and_ends_the_thread() {
        let (_folder, _writer, look_ups) = opened().await;
        let (found, ()) = tokio::join!(project(&look_ups, "demo"), look_ups.close());
        assert_eq!(found.unwrap(), 0);
        look_ups.jobs.closed().await;
        assert!(project(&look_ups, "demo").await.is_err());
    }
}
