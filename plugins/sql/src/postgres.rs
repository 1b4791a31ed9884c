//! PostgreSQL: a server that several nodes share, and that may be unavailable for a while.

use std::fmt;
use std::io;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool, SqlSafeStr, SqlStr, query, query_as, query_scalar,
};
use tokio::time::{Instant, sleep, timeout};

use crate::dialect::{Dialect, PAUSE};
use crate::failure::{Failure, is_of_versions};
use crate::postgres::session::PostgresSession;

mod session;
mod states;
mod url;

/// How long to wait for a lock that another node holds, and for a server that is unavailable. Long enough for a restart.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer may take before the server counts as unavailable.
const SILENCE: Duration = Duration::from_secs(30);
/// How long migrations may take: a table of many millions of records is written anew.
const MIGRATING: Duration = Duration::from_secs(6 * 3600);
/// The table of applied migrations. Not the driver's default name, which the database of an embedding program may use.
const MIGRATIONS: &str = "intake_migrations";
/// The advisory lock of the database that a migration holds: `intake` in bytes.
const LOCK: i64 = 0x696e_7461_6b65;

/// One database of records.
pub(crate) struct Postgres {
    options: PgConnectOptions,
    patience: Duration,
    silence: Duration,
}

// By hand, because the driver's options show the password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

impl Postgres {
    /// The records in the database of this url.
    ///
    /// # Errors
    ///
    /// What is wrong with the url. The text shows no part of it.
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        Ok(Self {
            options: url::options(url)?,
            patience: PATIENCE,
            silence: SILENCE,
        })
    }

    /// The same with shorter timeouts.
    #[cfg(test)]
    pub(crate) fn with_patience(self, patience: Duration, silence: Duration) -> Self {
        Self {
            patience,
            silence,
            ..self
        }
    }

    fn failure(&self, refusal: Refusal) -> Failure {
        let place = self.place();
        match refusal {
            Refusal::OfStatement(error) if is_of_versions(&error) => {
                let message = format!("the records in {place} are those of another version of this program");
                Failure::of_database(message, error, Self::is_passing)
            }
            Refusal::OfStatement(error) => {
                Failure::of_database(format!("cannot open the records in {place}"), error, Self::is_passing)
            }
            Refusal::ReadOnly => Failure::passing(format!(
                "{place} accepts no changes: it is a standby, or set to read only"
            )),
            Refusal::Encoding(encoding) => Failure::lasting(format!(
                "the encoding of {place} is {encoding} and has to be UTF8, so that it can store every file name"
            )),
        }
    }

    async fn open(&self) -> Result<PgConnection, Refusal> {
        let connecting = async {
            let mut connection = self.options.connect().await?;
            self.examine(&mut connection).await?;
            let up_to_date = is_up_to_date(&mut connection).await?;
            Ok::<_, Refusal>((connection, up_to_date))
        };
        let late = |_| sqlx::Error::Io(io::ErrorKind::TimedOut.into());
        let (mut connection, up_to_date) = timeout(self.patience, connecting).await.map_err(late)??;
        if !up_to_date {
            timeout(MIGRATING, self.migrate(&mut connection))
                .await
                .map_err(late)??;
        }
        Ok(connection)
    }

    /// Checks that the server can store records.
    async fn examine(&self, connection: &mut PgConnection) -> Result<(), Refusal> {
        let settings = "SELECT current_setting('server_encoding'), current_setting('transaction_read_only'), \
             current_setting('fsync')";
        let (encoding, read_only, fsync): (String, String, String) = query_as(settings).fetch_one(connection).await?;
        if encoding != "UTF8" {
            return Err(Refusal::Encoding(encoding));
        }
        if read_only == "on" {
            return Err(Refusal::ReadOnly);
        }
        if fsync == "off" {
            tracing::warn!(
                place = self.place(),
                "the server's `fsync` is off: a power failure may lose acknowledged uploads"
            );
        }
        Ok(())
    }

    /// Runs the migrations: one node at a time, and all or nothing. The lock ends with the transaction.
    async fn migrate(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let mut transaction = connection.begin_with(self.begin()).await?;
        // A migration of a large table may take longer than any other statement, and the other nodes wait for it.
        for unlimited in ["SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0"] {
            query(unlimited).execute(&mut *transaction).await?;
        }
        query("SELECT pg_advisory_xact_lock($1)")
            .bind(LOCK)
            .execute(&mut *transaction)
            .await?;
        migrations().run_direct(None, &mut *transaction, false).await?;
        transaction.commit().await
    }
}

impl Postgres {
    /// Begins a transaction. All settings are local to the transaction, so that nothing else that is done with the session changes them.
    ///
    /// The timeouts of this process are set on the server too, which would otherwise continue statements that no caller waits
    /// for. None of them ends a commit, not even one that waits for its standby.
    fn begin(&self) -> SqlStr {
        let (patience, silence) = (self.patience.as_millis(), self.silence.as_millis());
        AssertSqlSafe(format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {patience}; \
             SET LOCAL statement_timeout = {silence}; \
             SET LOCAL idle_in_transaction_session_timeout = {silence}; \
             SELECT set_config('synchronous_commit', 'on', TRUE) \
             WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"
        ))
        .into_sql_str()
    }
}

impl Dialect for Postgres {
    type Database = sqlx::Postgres;
    type Session = PostgresSession;

    fn run(&self, writer: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure> {
        tokio::spawn(writer);
        Ok(())
    }

    /// The round trips of a commit are time enough for others to come.
    async fn gather(&self) {}

    fn place(&self) -> String {
        let host = match self.options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => self.options.get_host().to_owned(),
        };
        let database = self.options.get_database().unwrap_or_default();
        format!("PostgreSQL at {host}:{}/{database}", self.options.get_port())
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn silence(&self) -> Option<Duration> {
        Some(self.silence)
    }

    async fn exists(&self) -> Result<bool, Failure> {
        let deadline = Instant::now() + self.patience;
        loop {
            let look = async {
                let mut connection = self.options.connect().await?;
                has_table(&mut connection, "uploads").await
            };
            let late = |_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into()));
            match timeout(self.patience, look).await.unwrap_or_else(late) {
                Err(error) if Self::is_fleeting(&error) && Instant::now() < deadline => sleep(PAUSE).await,
                looked => return looked.map_err(|error| self.failure(Refusal::OfStatement(error))),
            }
        }
    }

    async fn writer(&self) -> Result<PostgresSession, Failure> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.open().await {
                Ok(connection) => return Ok(PostgresSession::of(connection, self.begin(), self.place())),
                Err(refusal) if refusal.is_fleeting() && Instant::now() < deadline => sleep(PAUSE).await,
                Err(refusal) => return Err(self.failure(refusal)),
            }
        }
    }

    fn readers(&self, most: u32) -> PgPool {
        PoolOptions::new()
            .max_connections(most)
            .acquire_timeout(self.patience)
            .test_before_acquire(true)
            .connect_lazy_with(self.options.clone())
    }

    fn is_passing(error: &dyn DatabaseError) -> bool {
        states::is_passing(error)
    }

    fn is_fleeting(error: &sqlx::Error) -> bool {
        states::is_fleeting(error)
    }
}

/// Why a database was not opened.
enum Refusal {
    /// It could not be reached, or a statement was refused.
    OfStatement(sqlx::Error),
    /// It is read only.
    ReadOnly,
    /// Its encoding does not cover all characters.
    Encoding(String),
}

impl Refusal {
    fn is_fleeting(&self) -> bool {
        match self {
            Self::OfStatement(error) => Postgres::is_fleeting(error),
            Self::ReadOnly => true,
            Self::Encoding(_) => false,
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::OfStatement(error)
    }
}

/// Whether exactly the known migrations were applied. Checked first, so that a role that may not create tables can use them.
async fn is_up_to_date(connection: &mut PgConnection) -> sqlx::Result<bool> {
    if !has_table(connection, MIGRATIONS).await? {
        return Ok(false);
    }
    let made = connection.list_applied_migrations(MIGRATIONS).await?;
    let made = made.iter().map(|made| (made.version, &made.checksum));
    Ok(made.eq(migrations().iter().map(|known| (known.version, &known.checksum))))
}

async fn has_table(connection: &mut PgConnection, table: &str) -> sqlx::Result<bool> {
    let there = "SELECT to_regclass(quote_ident(current_schema()) || '.' || $1) IS NOT NULL";
    query_scalar(there).bind(table).fetch_one(connection).await
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
    let mut migrations = Migrator::with_migrations(vec![
        migration(1, "uploads", include_str!("../migrations/postgres/0001_uploads.sql")),
        migration(2, "projects", include_str!("../migrations/postgres/0002_projects.sql")),
        migration(3, "tags", include_str!("../migrations/postgres/0003_tags.sql")),
        migration(4, "refused", include_str!("../migrations/postgres/0004_refused.sql")),
        migration(5, "bounds", include_str!("../migrations/postgres/0005_bounds.sql")),
        migration(6, "record", include_str!("../migrations/postgres/0006_record.sql")),
        migration(
            7,
            "quarantine",
            include_str!("../migrations/postgres/0007_quarantine.sql"),
        ),
        migration(8, "outbox", include_str!("../migrations/postgres/0008_outbox.sql")),
        migration(9, "listing", include_str!("../migrations/postgres/0009_listing.sql")),
    ]);
    migrations.dangerous_set_table_name(MIGRATIONS);
    // The driver's own lock is one of the session.
    migrations.set_locking(false);
    migrations
}

#[cfg(test)]
mod outages;
#[cfg(test)]
mod outbox_plans;
#[cfg(test)]
mod tests;
