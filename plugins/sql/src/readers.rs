//! The connections that run queries.

use sqlx::{Database, Pool};

use crate::dialect::Dialect;
use crate::failure::Failure;
use crate::look_ups::LookUps;
use crate::queries::{Found, Query};

/// Connections that read. Maintenance and readiness have their own, so that they work however many requests wait for theirs:
/// abandoned uploads are still found and removed, and the readiness check still sees a database that answers.
#[derive(Debug)]
pub(crate) struct Readers<DB: Database> {
    of_requests: Pool<DB>,
    of_maintenance: Pool<DB>,
    look_ups: Option<LookUps>,
}

impl<DB: Database> Readers<DB> {
    /// More connections would wait for the same disk, and over a network a query takes about a round trip.
    const OF_REQUESTS: u32 = 4;
    const OF_MAINTENANCE: u32 = 1;

    pub(crate) fn of(dialect: &impl Dialect<Database = DB>) -> Result<Self, Failure> {
        let start = |file| LookUps::start(file, dialect.patience());
        Ok(Self {
            of_requests: dialect.readers(Self::OF_REQUESTS),
            of_maintenance: dialect.readers(Self::OF_MAINTENANCE),
            look_ups: dialect.file().map(start).transpose()?,
        })
    }

    /// The answer to a look-up, if they do not go through these connections.
    pub(crate) async fn look_up(&self, query: &Query<'_>) -> Option<Result<Found, Failure>> {
        self.look_ups.as_ref()?.answer(query).await
    }

    /// The connections for this query.
    pub(crate) fn for_asking(&self, query: &Query<'_>) -> &Pool<DB> {
        match query.is_maintenance() {
            true => &self.of_maintenance,
            false => &self.of_requests,
        }
    }

    pub(crate) async fn close(&self) {
        if let Some(look_ups) = &self.look_ups {
            look_ups.close().await;
        }
        self.of_requests.close().await;
        self.of_maintenance.close().await;
    }
}
