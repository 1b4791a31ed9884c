//! The connections that run queries.

use sqlx::{Database, Pool};

use crate::dialect::Dialect;
use crate::queries::Query;

/// Connections that read. Maintenance and readiness have their own, so that they work however many requests wait for theirs:
/// abandoned uploads are still found and removed, and the readiness check still sees a database that answers.
#[derive(Debug)]
pub(crate) struct Readers<DB: Database> {
    of_requests: Pool<DB>,
    of_maintenance: Pool<DB>,
}

impl<DB: Database> Readers<DB> {
    /// More connections would wait for the same disk, and over a network a query takes about a round trip.
    const OF_REQUESTS: u32 = 4;
    const OF_MAINTENANCE: u32 = 1;

    pub(crate) fn of(dialect: &impl Dialect<Database = DB>) -> Self {
        Self {
            of_requests: dialect.readers(Self::OF_REQUESTS),
            of_maintenance: dialect.readers(Self::OF_MAINTENANCE),
        }
    }

    /// The connections for this query.
    pub(crate) fn for_asking(&self, query: &Query<'_>) -> &Pool<DB> {
        match query.is_maintenance() {
            true => &self.of_maintenance,
            false => &self.of_requests,
        }
    }

    pub(crate) async fn close(&self) {
        self.of_requests.close().await;
        self.of_maintenance.close().await;
    }
}
