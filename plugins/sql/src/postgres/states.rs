//! What PostgreSQL's error codes say (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).

use std::io;

use sqlx::error::DatabaseError;

use crate::failure::by_database;

/// Whether an error is temporary, and not caused by the statement.
pub(crate) fn is_passing(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|state| is_passing_state(&state))
}

/// Whether a retry on another connection is likely to succeed within moments.
pub(crate) fn is_fleeting(error: &sqlx::Error) -> bool {
    match error {
        // An untrusted certificate is reported as invalid data. A retry does not help.
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::InvalidData,
        // A server that shuts down may do so between any two bytes.
        sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed => true,
        error => by_database(error)
            .and_then(DatabaseError::code)
            .is_some_and(|state| is_fleeting_state(&state)),
    }
}

/// Whether an SQLSTATE is temporary: connections, serialisation failures, resources, operators, locks, disks, standbys.
fn is_passing_state(state: &str) -> bool {
    let class = state.get(..2).unwrap_or_default();
    ["08", "40", "53", "57", "58"].contains(&class) || ["25006", "25P03", "26000", "55P03"].contains(&state)
}

/// Whether a retry on another connection may succeed at once: the server restarted, has no free connection, became a standby,
/// ended an idle session, aborted this transaction for another, or does not know the session's statements.
fn is_fleeting_state(state: &str) -> bool {
    let states = [
        "57P01", "57P02", "57P03", "57P05", "53300", "25006", "25P03", "40001", "40P01", "26000",
    ];
    state.starts_with("08") || states.contains(&state)
}
