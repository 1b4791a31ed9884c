//! The differences between databases. A further database needs an implementation of this and of [`Session`], a list of
//! migrations, and a line at the end of `statements`, `catalog` and `file_lists`.

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::{Database, Pool};

use crate::catalog::CatalogStatements;
use crate::failure::Failure;
use crate::file_lists::FileStatements;
use crate::outbox::asking::OutboxStatements;
use crate::session::Session;
use crate::statements::Statements;

/// The level at which statements are logged. The level `debug` is for events of uploads.
pub(crate) const STATEMENTS: log::LevelFilter = log::LevelFilter::Trace;

/// How long to wait before another try.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// A connection that reads from a dialect's database.
pub(crate) type ConnectionOf<D> = <<D as Dialect>::Database as Database>::Connection;

/// One database.
pub(crate) trait Dialect: Debug + Send + Sync + 'static {
    /// The driver of the connections that read.
    type Database: Statements + CatalogStatements + FileStatements + OutboxStatements;

    /// The connection that writes.
    type Session: Session;

    /// Runs the writer until it ends, where its work disturbs nothing else.
    fn run(&self, writer: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure>;

    /// Waits a moment for more changes, where that pays off: less than a commit takes.
    fn gather(&self) -> impl Future<Output = ()> + Send;

    /// Where the records are, for messages; without secrets.
    fn place(&self) -> String;

    /// How long a caller waits for a lock, a connection or a place in a queue.
    fn patience(&self) -> Duration;

    /// How long an answer may take, if the database is a server, which may become unreachable.
    fn silence(&self) -> Option<Duration>;

    /// Whether the tables exist. Creates nothing.
    fn exists(&self) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// A connection that writes, with the tables up to date. Waits, within bounds, for others that open at the same time.
    fn writer(&self) -> impl Future<Output = Result<Self::Session, Failure>> + Send;

    /// Connections that only read, opened when they are needed; `most` is their greatest number.
    fn readers(&self, most: u32) -> Pool<Self::Database>;

    /// The database's file, if it is one: single rows are then looked up by a thread of their own.
    fn file(&self) -> Option<&Path> {
        None
    }

    /// Whether an error is temporary (a lock, a full disk) and not caused by the statement. It leaves the transaction in an
    /// unknown state.
    fn is_passing(error: &dyn DatabaseError) -> bool;

    /// Whether a retry on another connection is likely to succeed within moments.
    fn is_fleeting(error: &sqlx::Error) -> bool;
}
