//! What differs between databases. A second one is an implementation of this, a list of migrations, and a line at the end
//! of `statements`.

use std::fmt::Debug;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::{Database, Pool, SqlStr};

use crate::books::Accounts;
use crate::catalog::CatalogStatements;
use crate::failure::Failure;
use crate::statements::Statements;

/// The level at which statements are logged: what an operator reads at `debug` is what happens to uploads.
pub(crate) const STATEMENTS: log::LevelFilter = log::LevelFilter::Trace;

/// How long to wait before another try where nothing else says when there is one to make.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// A connection of a dialect's database.
pub(crate) type ConnectionOf<D> = <<D as Dialect>::Database as Database>::Connection;

/// One database in its own words.
pub(crate) trait Dialect: Debug + Send + Sync + 'static {
    /// The driver.
    type Database: Statements + Accounts + CatalogStatements;

    /// Begins a transaction that is going to write, and whose commit is durable.
    fn begin(&self) -> SqlStr;

    /// Where the records are, for messages: without secrets.
    fn place(&self) -> String;

    /// How long anyone waits for whatever somebody else holds: a lock, a connection, a place in a queue.
    fn patience(&self) -> Duration;

    /// How long an answer may take, where the one who is asked may be on another machine that is gone.
    fn silence(&self) -> Option<Duration>;

    /// Whether the tables were made before. Makes nothing.
    fn exists(&self) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// A connection that writes, with the tables up to date. Waits, within bounds, for others who open at the same time.
    fn writer(&self) -> impl Future<Output = Result<ConnectionOf<Self>, Failure>> + Send
    where
        Self: Sized;

    /// Connections that only read, so many at most, opened when they are needed.
    fn readers(&self, most: u32) -> Pool<Self::Database>;

    /// Whether an error is one of the moment (a lock, a full disk) rather than of the statement. It leaves a transaction in
    /// an unknown state, and passes.
    fn is_passing(error: &dyn DatabaseError) -> bool;

    /// Whether the same may well succeed on another connection, now or in a moment.
    fn is_fleeting(error: &sqlx::Error) -> bool;
}
