//! Keeps records in SQLite or PostgreSQL.
//!
//! ```
//! use intake_plugin_sql::SqlRecorder;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("records.db");
//! let recorder = SqlRecorder::sqlite(&path);
//! assert!(!path.exists(), "building opens nothing");
//! ```
//!
//! ```text
//! SqlRecorder ──► Records ──► Writer ─── one task, one connection, many changes to a commit
//!  (settings)     (Recorder)    │
//!                    │          └──► Statements, Dialect ──► sqlite, postgres
//!                    └──► pool of connections that only read
//! ```
//!
//! Only `dialect`, `sqlite` and `postgres` differ between databases; the rest is shared.

mod accounting;
#[cfg(test)]
mod before;
mod catalog;
mod change;
mod codes;
mod dialect;
mod failure;
mod file_lists;
mod look_ups;
mod outbox;
mod postgres;
mod queries;
mod readers;
mod records;
mod row;
mod rows;
mod session;
mod sqlite;
mod statements;
#[cfg(feature = "testkit")]
pub mod testkit;
mod writer;

use std::path::PathBuf;
use std::time::SystemTime;

use async_trait::async_trait;
use intake_core::{
    Backlog, Catalog, ConfigError, Fault, FileList, FromSettings, Listing, ListingOfAll, Outbox, Plugin, Record,
    Recorder, Secret, Task, Update, UploadId, UsageChange, inventory,
};
use serde::Deserialize;

use crate::postgres::Postgres;
use crate::records::Records;
use crate::sqlite::Sqlite;

pub use crate::codes::{RECORD_FAILED, RECORD_UNREADABLE};

inventory::submit! {
    Plugin::recorder::<SqlRecorder>("sql", "keeps records in SQLite or PostgreSQL").version(env!("CARGO_PKG_VERSION"))
}

/// Keeps records in an SQL database.
///
/// When a call has succeeded, its change is on the disk. The first use creates the tables, and for SQLite the file and the
/// folders above it.
#[derive(Debug)]
pub struct SqlRecorder(Box<dyn Recorder>);

/// The settings of `use = "sql"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The database: `sqlite:///path/to/records.db` or `postgres://user:password@host/database`. A secret, because
    /// it may contain a password.
    ///
    /// Optional here only so that the error for a missing url names the supported ones.
    pub url: Option<Secret>,
}

/// The supported urls, for messages.
const SUPPORTED: &str = "supported are `sqlite:///path/to/records.db` and `postgres://user:password@host/database`";

impl SqlRecorder {
    /// Keeps records in this SQLite file, on a disk of this machine. Opens nothing.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Box::new(Records::new(Sqlite::new(path.into()))))
    }

    /// Keeps records in the PostgreSQL database of this url, which several nodes may share. Opens nothing.
    ///
    /// # Errors
    ///
    /// If it is not a url of PostgreSQL. The error shows no part of it.
    pub fn postgres(url: &str) -> Result<Self, ConfigError> {
        let refused = |why| ConfigError::new(format!("not a url of PostgreSQL: {why}; {SUPPORTED}"));
        Ok(Self(Box::new(Records::new(Postgres::new(url).map_err(refused)?))))
    }

    /// The recorder for a url. No error shows any part of the url, as it may contain a password.
    fn from_url(url: &str) -> Result<Self, ConfigError> {
        let (scheme, rest) = url.split_once(':').unwrap_or_default();
        match scheme {
            "sqlite" => {}
            "postgres" | "postgresql" => return Self::postgres(url),
            _ => {
                return Err(ConfigError::new(format!(
                    "not a url of a supported database; {SUPPORTED}"
                )));
            }
        }
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path == ":memory:" {
            return Err(ConfigError::new(format!(
                "records in memory are not supported, as they would not outlive the process; {SUPPORTED}"
            )));
        }
        if path.is_empty() {
            return Err(ConfigError::new(format!("the url names no file; {SUPPORTED}")));
        }
        // Some of SQLite's parameters break the promises of a recorder: `mode=memory`, `immutable`, `vfs`.
        if path.contains('?') {
            return Err(ConfigError::new(format!(
                "the url takes no parameters, and a `?` in a file's name is written `%3F`; {SUPPORTED}"
            )));
        }
        let path = sqlite::path_of_url(path).ok_or_else(|| ConfigError::new("the file's name is not UTF-8 text"))?;
        Ok(Self::sqlite(path))
    }
}

impl FromSettings for SqlRecorder {
    type Settings = Settings;

    fn from_settings(Settings { url }: Settings) -> Result<Self, ConfigError> {
        let url = url.ok_or_else(|| ConfigError::at("url", format!("missing; {SUPPORTED}")))?;
        url.expose(Self::from_url)
            .flatten()
            .map_err(|error| error.within("url"))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Recorder for SqlRecorder {
    async fn insert(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        self.0.insert(record, usage_change).await
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        self.0.get(id).await
    }

    async fn update(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        self.0.update(record, usage_change).await
    }

    async fn update_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault> {
        self.0.update_all(changes).await
    }

    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault> {
        self.0.remove(id, revision).await
    }

    async fn due(&self, task: Task, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        self.0.due(task, now, limit).await
    }

    async fn find_by_source_key(&self, name: &str) -> Result<Option<Record>, Fault> {
        self.0.find_by_source_key(name).await
    }

    async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.0.list(kind, project, behind, limit).await
    }

    async fn list_all(
        &self,
        kind: ListingOfAll,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.0.list_all(kind, behind, limit).await
    }

    async fn files(&self, list: &FileList<'_>) -> Result<Vec<Record>, Fault> {
        self.0.files(list).await
    }

    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault> {
        self.0.oldest_refused(project, limit).await
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        self.0.backlog().await
    }

    fn catalog(&self) -> &dyn Catalog {
        self.0.catalog()
    }

    fn outbox(&self) -> &dyn Outbox {
        self.0.outbox()
    }

    async fn exists(&self) -> Result<bool, Fault> {
        self.0.exists().await
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.0.ready().await
    }
}
