//! Where a benchmark's records are: SQLite or PostgreSQL, and what may be said to either beside a recorder.

use std::path::PathBuf;
use std::sync::Arc;

use intake::core::Record;
use intake_plugin_sql::SqlRecorder;
use intake_plugin_sql::testkit::Postgres;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, raw_sql};
use tempfile::TempDir;

/// Where records are, and what may be said to it beside a recorder.
pub enum Database {
    Sqlite { folder: TempDir },
    Postgres { server: Arc<Postgres>, url: String },
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        Self::Sqlite { folder }
    }

    pub async fn postgres(server: &Arc<Postgres>) -> Self {
        let (server, url) = (Arc::clone(server), server.database().await);
        Self::Postgres { server, url }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    pub fn recorder(&self) -> SqlRecorder {
        match self {
            Self::Sqlite { folder } => SqlRecorder::sqlite(file(folder)),
            Self::Postgres { url, .. } => SqlRecorder::postgres(url).unwrap(),
        }
    }

    pub async fn execute(&self, statements: &str) {
        match self {
            Self::Sqlite { folder } => {
                let mut connection = SqliteConnectOptions::new()
                    .filename(file(folder))
                    .connect()
                    .await
                    .unwrap();
                let done = raw_sql(AssertSqlSafe(statements.to_owned()))
                    .execute(&mut connection)
                    .await;
                done.unwrap();
            }
            Self::Postgres { server, url } => server.execute(database_of(url), statements).await,
        }
    }

    /// Adds so many records to those that there are, each like this one, and accounts of tokens.
    pub async fn fill(&self, like: &Record, records: usize) {
        let new_id = match self {
            Self::Sqlite { .. } => {
                "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || \
                 substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
            }
            Self::Postgres { .. } => "CAST(gen_random_uuid() AS TEXT)",
        };
        let whole = match self {
            Self::Sqlite { .. } => {
                "json_set(record, '$.id', copies.id, '$.due', ends, '$.created', copies.created, '$.options.project', copies.project, \
                 '$.lifetime', json_object('kept', json(CASE WHEN ends IS NULL THEN 'true' ELSE 'false' END), 'expires', ends))"
            }
            Self::Postgres { .. } => {
                "CAST(record::jsonb || jsonb_build_object('id', copies.id, 'due', ends, 'created', copies.created, \
                 'options', (record::jsonb -> 'options') || jsonb_build_object('project', copies.project), \
                 'lifetime', jsonb_build_object('kept', ends IS NULL, 'expires', ends)) AS TEXT)"
            }
        };
        // Nobody needs a file that was filled half way, so filling it is not synced.
        let mut statements = match self {
            Self::Sqlite { .. } => "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;".to_owned(),
            Self::Postgres { .. } => String::new(),
        };
        statements += &format!(
            "CREATE TEMPORARY TABLE sample AS SELECT * FROM uploads WHERE id = '{}';",
            like.id
        );
        // In pieces, so that the write-ahead log of SQLite does not become as large as all records.
        const PIECE: usize = 50_000;
        for first in (0..records).step_by(PIECE) {
            let last = (first + PIECE).min(records) - 1;
            statements += &format!(
                "INSERT INTO uploads (id, revision, state, duty, due, created, project, known_as, record) \
                 WITH RECURSIVE numbers (n) AS (SELECT CAST({first} AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}), \
                 copies (id, n, created, project, ends) AS MATERIALIZED (SELECT {new_id}, n, created - 1000000 * ({records} - n), \
                 'project-' || (n % 20), CASE WHEN n % 2 = 0 THEN created + 86400000000 * (30 + n % 335) END FROM numbers, sample) \
                 SELECT copies.id, revision, state, duty, ends, copies.created, copies.project, known_as, {whole} FROM copies, sample;"
            );
        }
        statements += &format!(
            "INSERT INTO accounts (name, bytes, files, until) \
             WITH RECURSIVE numbers (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < {}) \
             SELECT 'token:project-' || (n % 20) || ':' || n, 0, 10, created + 86400000000 * (30 + n % 335) FROM numbers, sample;",
            records / 10
        );
        self.execute(&statements).await;
        match self {
            Self::Sqlite { .. } => {}
            Self::Postgres { .. } => {
                self.execute("VACUUM ANALYZE").await;
                self.execute("CHECKPOINT").await;
            }
        }
        self.settle().await;
    }

    /// Leaves nothing to be done that the next one would have to wait for.
    pub async fn settle(&self) {
        match self {
            Self::Sqlite { .. } => self.execute("PRAGMA wal_checkpoint(TRUNCATE)").await,
            Self::Postgres { .. } => self.execute("VACUUM uploads, accounts, flows").await,
        }
    }

    pub async fn bytes(&self) -> u64 {
        match self {
            Self::Sqlite { folder } => file(folder).metadata().unwrap().len(),
            Self::Postgres { server, url } => {
                let size = "SELECT pg_database_size(current_database())";
                server.count(database_of(url), size).await.try_into().unwrap()
            }
        }
    }
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("records.db")
}

fn database_of(url: &str) -> &str {
    url.rsplit_once('/').unwrap().1
}
