//! The connections that look up.

use sqlx::{Database, Pool};

use crate::dialect::Dialect;
use crate::question::Question;

/// Connections that read. Those of maintenance and of readiness are apart, so that however many requests wait for theirs, what
/// is abandoned is found and removed, and a database that answers is known to answer.
#[derive(Debug)]
pub(crate) struct Readers<DB: Database> {
    of_requests: Pool<DB>,
    of_maintenance: Pool<DB>,
}

impl<DB: Database> Readers<DB> {
    /// More would wait for the same disk, and over a network a look-up takes about a round trip.
    const OF_REQUESTS: u32 = 4;
    const OF_MAINTENANCE: u32 = 1;

    pub(crate) fn of(dialect: &impl Dialect<Database = DB>) -> Self {
        Self {
            of_requests: dialect.readers(Self::OF_REQUESTS),
            of_maintenance: dialect.readers(Self::OF_MAINTENANCE),
        }
    }

    /// Those to ask this by.
    pub(crate) fn for_asking(&self, question: &Question<'_>) -> &Pool<DB> {
        match question.is_of_maintenance() {
            true => &self.of_maintenance,
            false => &self.of_requests,
        }
    }

    pub(crate) async fn close(&self) {
        self.of_requests.close().await;
        self.of_maintenance.close().await;
    }
}
