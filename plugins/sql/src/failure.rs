//! Failures of the database, in a form that can be reported to several callers.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use intake_core::Fault;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

use crate::codes::RECORD_FAILED;

/// Becomes a [`Fault`]. It can be cloned, as a failed commit is a fault for all callers whose changes were in it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    message: String,
    retryable: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Failure {
    /// Trying again will not help.
    pub(crate) fn lasting(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retryable: false,
            source: None,
        }
    }

    /// Trying again may help.
    pub(crate) fn passing(message: impl Into<String>) -> Self {
        Self::lasting(message).passes()
    }

    /// The same, where trying again may help.
    pub(crate) fn passes(self) -> Self {
        Self {
            retryable: true,
            ..self
        }
    }

    /// The system refused to open or create a file or a folder.
    pub(crate) fn of_system(message: impl Into<String>, error: io::Error) -> Self {
        use io::ErrorKind::{Interrupted, QuotaExceeded, StorageFull, TimedOut};

        Self {
            message: message.into(),
            retryable: matches!(error.kind(), Interrupted | QuotaExceeded | StorageFull | TimedOut),
            source: Some(Arc::new(error)),
        }
    }

    /// The database failed; `is_passing` if trying again may help.
    pub(crate) fn of(
        message: impl Into<String>,
        error: impl StdError + Send + Sync + 'static,
        is_passing: bool,
    ) -> Self {
        Self {
            message: message.into(),
            retryable: is_passing,
            source: Some(Arc::new(error)),
        }
    }

    /// The database failed; its dialect's `is_passing` decides which of its errors are temporary.
    pub(crate) fn of_database(
        message: impl Into<String>,
        error: sqlx::Error,
        is_passing: fn(&dyn DatabaseError) -> bool,
    ) -> Self {
        Self {
            message: message.into(),
            // Other errors, such as an exhausted pool or a broken connection, end with a new connection.
            retryable: by_database(&error).map_or(!is_set_so(&error), is_passing),
            source: Some(Arc::new(error)),
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let mut fault = Self::new(RECORD_FAILED, failure.message);
        fault.retryable = failure.retryable;
        fault.source = failure.source.map(Into::into);
        fault
    }
}

/// The error of the database itself, also within that of a migration.
pub(crate) fn by_database(error: &sqlx::Error) -> Option<&dyn DatabaseError> {
    match error {
        sqlx::Error::Database(error) => Some(&**error),
        sqlx::Error::Migrate(error) => match &**error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => by_database(error),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the error lasts until an operator changes the tables or the configuration.
fn is_set_so(error: &sqlx::Error) -> bool {
    is_of_versions(error) || matches!(error, sqlx::Error::Configuration(_))
}

/// Whether the tables are those of another version of this program.
pub(crate) fn is_of_versions(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Migrate(error) => {
            !matches!(**error, MigrateError::Execute(_) | MigrateError::ExecuteMigration(..))
        }
        _ => false,
    }
}
