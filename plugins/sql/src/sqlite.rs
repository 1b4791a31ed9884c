//! SQLite: a file in write-ahead mode, each commit of which is synced.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqliteConnection, SqlitePool};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::dialect::{Dialect, PAUSE, STATEMENTS};
use crate::failure::{Failure, by_database, is_of_versions};
use crate::sqlite::codes::{BUSY, CANNOT_OPEN, LOCKED, READ_ONLY, is_passing_code};
use crate::sqlite::session::SqliteSession;

mod codes;
pub(crate) mod session;

/// How long to wait for a lock that another process holds. A busy disk may take seconds for one commit.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a commit waits for more changes while there are many.
const GATHERING: Duration = Duration::from_micros(500);

/// One file of records.
#[derive(Debug)]
pub(crate) struct Sqlite {
    /// Absolute if possible, so that SQLite does not interpret names such as `:memory:` and `file:`.
    path: PathBuf,
    patience: Duration,
}

impl Sqlite {
    /// The records in this file.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path: std::path::absolute(&path).unwrap_or(path),
            patience: PATIENCE,
        }
    }

    /// The same with a shorter timeout.
    #[cfg(test)]
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .foreign_keys(true)
            .busy_timeout(self.patience)
            .log_statements(STATEMENTS)
    }

    fn failure(&self, error: sqlx::Error) -> Failure {
        let message = match is_of_versions(&error) {
            true => format!(
                "the records in {} are those of another version of this program",
                self.place()
            ),
            false => format!("cannot open the records in {}", self.place()),
        };
        // SQLite does not report why the system refused to open the file, so the system is asked.
        let is_refused = by_database(&error)
            .and_then(code)
            .is_some_and(|code| [CANNOT_OPEN, READ_ONLY].contains(&code));
        let refusal = is_refused.then(|| std::fs::OpenOptions::new().append(true).open(&self.path).err());
        match refusal.flatten() {
            Some(refusal) if refusal.kind() != io::ErrorKind::NotFound => Failure::of_system(message, refusal),
            // The folder exists: it was created, or found, before the file was opened.
            Some(_) => Failure::passing(format!(
                "cannot create the records in {}: the program may not write in this folder",
                self.place()
            )),
            None => Failure::of_database(message, error, Self::is_passing),
        }
    }

    async fn folder(&self) -> Result<(), Failure> {
        let Some(folder) = self.path.parent().filter(|_| self.path.is_absolute()) else {
            return Err(Failure::lasting(format!(
                "`{}` is not the path of a file",
                self.place()
            )));
        };
        let folder = folder.to_owned();
        let made = tokio::task::spawn_blocking(move || make_folder(&folder)).await;
        made.unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| Failure::of_system(format!("cannot make the folder of {}", self.place()), error))
    }

    /// A connection, with the tables up to date. Waits, within bounds, for others that open at the same time.
    pub(crate) async fn tables(&self) -> Result<SqliteConnection, Failure> {
        self.folder().await?;
        let deadline = Instant::now() + self.patience;
        loop {
            match self.open().await {
                Ok(connection) => return Ok(connection),
                // The change to write-ahead mode needs a lock for which SQLite does not wait.
                Err(error) if is_locked(&error) && Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(self.failure(error)),
            }
        }
    }

    async fn open(&self) -> sqlx::Result<SqliteConnection> {
        let options = self
            .options()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = options.connect().await?;
        // SQLite does not fail if it cannot use the requested mode; it stays in the current one.
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut connection)
            .await?;
        if mode != "wal" {
            let error = format!("this file system does not support a write-ahead log; the mode is `{mode}`");
            return Err(sqlx::Error::Configuration(error.into()));
        }
        // The migrator has no lock for SQLite, and several processes may start at the same time.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        // `run` is the documented way, but its future is not `Send` when it is given a connection.
        migrations().run_direct(None, &mut *transaction, false).await?;
        transaction.commit().await?;
        Ok(connection)
    }
}

impl Dialect for Sqlite {
    type Database = sqlx::Sqlite;
    type Session = SqliteSession;

    /// On a thread of its own: each statement and each commit blocks.
    fn run(&self, writer: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure> {
        let runtime = Handle::current();
        let thread = std::thread::Builder::new().name("intake-records".to_owned());
        let started = thread.spawn(move || runtime.block_on(writer));
        let message = || format!("cannot start the writer of the records in {}", self.place());
        started.map(drop).map_err(|error| Failure::of(message(), error, true))
    }

    /// Blocks, as everything on this thread does.
    async fn gather(&self) {
        std::thread::sleep(GATHERING);
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn silence(&self) -> Option<Duration> {
        None
    }

    async fn exists(&self) -> Result<bool, Failure> {
        if !self.path.try_exists().unwrap_or(true) {
            return Ok(false);
        }
        let look = async {
            let mut connection = self.options().read_only(true).connect().await?;
            let table = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'uploads')";
            let exists = sqlx::query_scalar(table).fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok(exists)
        };
        look.await.map_err(|error| self.failure(error))
    }

    async fn writer(&self) -> Result<SqliteSession, Failure> {
        let tables = self.tables().await?;
        let opened = SqliteSession::open(&self.path, self.patience);
        // Only now, because the last connection that closes removes the write-ahead log.
        let _ = tables.close().await;
        opened.map_err(|error| Failure::of(format!("cannot open the records in {}", self.place()), error, true))
    }

    fn readers(&self, most: u32) -> SqlitePool {
        PoolOptions::new()
            .max_connections(most)
            .acquire_timeout(self.patience)
            // There is no server that could have gone away.
            .test_before_acquire(false)
            .connect_lazy_with(self.options().read_only(true))
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn is_passing(error: &dyn DatabaseError) -> bool {
        code(error).is_some_and(is_passing_code)
    }

    fn is_fleeting(_: &sqlx::Error) -> bool {
        // A file does not come back by itself, and SQLite has waited for its locks already.
        false
    }
}

/// SQLite's primary result code.
fn code(error: &dyn DatabaseError) -> Option<u32> {
    let extended: u32 = error.code()?.parse().ok()?;
    Some(extended & 0xff)
}

fn is_locked(error: &sqlx::Error) -> bool {
    by_database(error)
        .and_then(code)
        .is_some_and(|code| [BUSY, LOCKED].contains(&code))
}

/// The tables, version by version. A migration that was released is never changed.
fn migrations() -> Migrator {
    let migration = |version, description: &'static str, sql: &'static str| {
        Migration::new(
            version,
            description.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(vec![
        migration(1, "uploads", include_str!("../migrations/sqlite/0001_uploads.sql")),
        migration(2, "projects", include_str!("../migrations/sqlite/0002_projects.sql")),
        migration(3, "tags", include_str!("../migrations/sqlite/0003_tags.sql")),
        migration(4, "refused", include_str!("../migrations/sqlite/0004_refused.sql")),
        migration(5, "bounds", include_str!("../migrations/sqlite/0005_bounds.sql")),
        migration(6, "record", include_str!("../migrations/sqlite/0006_record.sql")),
        migration(
            7,
            "quarantine",
            include_str!("../migrations/sqlite/0007_quarantine.sql"),
        ),
        migration(8, "outbox", include_str!("../migrations/sqlite/0008_outbox.sql")),
        migration(9, "listing", include_str!("../migrations/sqlite/0009_listing.sql")),
    ])
}

/// Creates a folder and those above it durably. SQLite does the same for its files.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|folder| !folder.is_dir()).collect();
    std::fs::create_dir_all(folder)?;
    for parent in missing.into_iter().filter_map(Path::parent) {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// The path in a url, which may write any byte as `%` and two digits. `None` if it is not UTF-8.
pub(crate) fn path_of_url(path: &str) -> Option<PathBuf> {
    let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    Some(PathBuf::from(path.into_owned()))
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use intake_core::accounting::Account;

    use super::*;
    use crate::session::Session as _;
    use crate::sqlite::codes::LONGEST_LOG;

    #[tokio::test]
    async fn a_commit_is_synced_and_keys_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let session = Sqlite::new(folder.path().join("records.db")).writer().await.unwrap();
        for (pragma, value) in [
            // FULL.
            ("synchronous", "2"),
            ("journal_mode", "wal"),
            ("foreign_keys", "1"),
            ("busy_timeout", "10000"),
            ("journal_size_limit", LONGEST_LOG),
        ] {
            let column = if pragma == "busy_timeout" { "timeout" } else { pragma };
            let ask = format!("SELECT CAST({column} AS TEXT) FROM pragma_{pragma}");
            let found: String = session.connection().query_one(&ask, (), |row| row.get(0)).unwrap();
            assert_eq!(found, value, "{pragma}");
        }
    }

    #[tokio::test]
    async fn who_reads_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::new(folder.path().join("records.db"));
        let _writer = sqlite.writer().await.unwrap();
        let error = sqlx::query("DELETE FROM uploads")
            .execute(&sqlite.readers(1))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("readonly"), "{error}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn any_number_may_make_the_tables_at_the_same_time() {
        for _ in 0..8 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("new/folder/records.db");
            let openers = (0..8).map(|_| {
                let sqlite = Sqlite::new(path.clone());
                tokio::spawn(async move { sqlite.writer().await })
            });
            for opened in join_all(openers).await {
                opened.unwrap().expect("opens");
            }
        }
    }

    #[tokio::test]
    async fn whether_there_are_records_is_told_without_making_any() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/records.db");
        let sqlite = Sqlite::new(path.clone());
        assert!(!sqlite.exists().await.unwrap());
        assert!(!folder.path().join("new").exists());
        // Such as one whose making was cut off.
        std::fs::create_dir(folder.path().join("new")).unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(!sqlite.exists().await.unwrap());
        assert!(sqlite.writer().await.unwrap().close().await);
        assert!(sqlite.exists().await.unwrap());
        std::fs::write(
            &path,
            "no database, but as long as the head of one is, which has a hundred bytes ".repeat(2),
        )
        .unwrap();
        assert!(sqlite.exists().await.is_err());
    }

    #[test]
    fn no_name_of_a_file_is_special() {
        for name in [":memory:", "file:records.db?mode=memory", "file::memory:"] {
            assert!(Sqlite::new(name.into()).path.ends_with(name), "{name}");
            assert!(Sqlite::new(name.into()).path.is_absolute(), "{name}");
        }
    }

    #[tokio::test]
    async fn every_kind_of_record_is_read_as_it_was_before_records_were_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut before = options.connect().await.unwrap();
        let columns = migrations().iter().take(5).cloned().collect::<Vec<_>>();
        let columns = Migrator::with_migrations(columns);
        columns.run_direct(None, &mut before, false).await.unwrap();
        sqlx::raw_sql(crate::before::ROWS).execute(&mut before).await.unwrap();
        before.close().await.unwrap();
        crate::before::are_read_as_they_were(&crate::SqlRecorder::sqlite(&path)).await;
    }

    #[tokio::test]
    async fn records_of_the_version_before_are_read_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut before = options.connect().await.unwrap();
        let first = migrations().iter().take(1).cloned().collect::<Vec<_>>();
        Migrator::with_migrations(first)
            .run_direct(None, &mut before, false)
            .await
            .unwrap();
        let row = "INSERT INTO uploads (id, revision, state, duty, due, created, project, declared, metadata, parts, size) VALUES \
             ('dcfa202c-cb63-42eb-bff2-6fcc9140c58c', 3, 'staged', 'sweep', 7, 5, NULL, '{}', '{}', NULL, NULL), \
             ('1', 3, 'staged', 'sweep', 7, 5, 'demo', '{\"size\":30}', '{}', NULL, NULL), \
             ('2', 3, 'open', 'sweep', 7, 5, 'demo', '{}', '{}', '{\"size\":200}', NULL), \
             ('3', 3, 'ready', 'sweep', 7, 5, 'demo', '{}', '{}', NULL, 1000), \
             ('4', 3, 'gone', 'sweep', 7, 5, 'demo', '{}', '{}', NULL, 5000), \
             ('5', 3, 'waiting', 'pull', 7, 5, 'demo', '{}', '{}', NULL, NULL)";
        sqlx::raw_sql(row).execute(&mut before).await.unwrap();
        before.close().await.unwrap();
        let records = crate::SqlRecorder::sqlite(&path);
        let id = "dcfa202c-cb63-42eb-bff2-6fcc9140c58c".parse().unwrap();
        let found = intake_core::Recorder::get(&records, id).await.unwrap().unwrap();
        assert_eq!(
            (found.revision, found.options.authorization, found.previous_location),
            (3, None, None)
        );
        assert_eq!(found.location, intake_core::Location::default());
        // What was there is booked, as it is going to be given back.
        let catalog = intake_core::Recorder::catalog(&records);
        let has = catalog.usage(&Account::project("demo")).await.unwrap();
        assert_eq!((has.bytes, has.files), (1230, 3));
        for account in [Account::unfinished("demo"), Account::fetches("demo")] {
            assert_eq!(catalog.usage(&account).await.unwrap().files, 1, "{account:?}");
        }
        let days = intake_core::accounting::Day(0)..=intake_core::accounting::Day(0);
        let daily_usage = catalog.daily_usage(Some("demo"), days).await.unwrap();
        assert_eq!((daily_usage[0].received, daily_usage[0].received_bytes), (1, 1000));
    }
}
