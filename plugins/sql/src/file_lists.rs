//! The lists of a project's files: by status and by the time at which they became files, in either order.
//!
//! One index serves all of them. Files that are not deleted have one of two statuses; their list merges the lists of both, each of
//! which ends at the limit.

use std::time::SystemTime;

use intake_core::micros::to_micros;
use intake_core::{FileFilter, FileList, FileStatus, Order, UploadId};
use sqlx::{Database, query};

use crate::catalog::at_most;
use crate::statements::{Answer, read, stored};

/// A list of files with the status `$status`, which is a parameter or a literal.
macro_rules! list {
    ($status:literal, $than:literal, $order:literal) => {
        concat!(
            "SELECT ",
            stored!(),
            ", uploaded FROM uploads WHERE project = $1 AND listed = ",
            $status,
            " AND (uploaded, id) ",
            $than,
            " ($2, $3) ORDER BY uploaded ",
            $order,
            ", id ",
            $order,
            " LIMIT $4"
        )
    };
}

/// A list of files that are not deleted.
macro_rules! present {
    ($than:literal, $order:literal) => {
        concat!(
            "SELECT * FROM (",
            list!("'stored'", $than, $order),
            ") AS stored UNION ALL SELECT * FROM (",
            list!("'unstored'", $than, $order),
            ") AS unstored ORDER BY uploaded ",
            $order,
            ", id ",
            $order,
            " LIMIT $4"
        )
    };
}

/// The newest first. The list begins before the highest time and id.
pub(crate) const NEWEST: &str = list!("$5", "<", "DESC");
/// The oldest first. The list begins after the lowest time and id.
pub(crate) const OLDEST: &str = list!("$5", ">", "ASC");
/// As [`NEWEST`], for files that are not deleted.
pub(crate) const NEWEST_PRESENT: &str = present!("<", "DESC");
/// As [`OLDEST`], for files that are not deleted.
pub(crate) const OLDEST_PRESENT: &str = present!(">", "ASC");

/// The place after which a list begins: this entry, or the end from which its order counts.
pub(crate) fn from(order: Order, behind: Option<(SystemTime, UploadId)>) -> (i64, String) {
    match (behind, order) {
        (Some((time, id)), _) => (to_micros(time), id.to_string()),
        (None, Order::NewestFirst) => (i64::MAX, String::new()),
        (None, Order::OldestFirst) => (i64::MIN, String::new()),
    }
}

/// The statement of a list, and the status that is its parameter.
fn statement(list: &FileList<'_>) -> (&'static str, Option<&'static str>) {
    let status = match list.filter {
        FileFilter::Stored => Some(FileStatus::Stored.name()),
        FileFilter::Unstored => Some(FileStatus::Unstored.name()),
        FileFilter::Removed => Some(FileStatus::Removed.name()),
        _ => None,
    };
    let statement = match (list.order, status) {
        (Order::NewestFirst, Some(_)) => NEWEST,
        (Order::OldestFirst, Some(_)) => OLDEST,
        (Order::NewestFirst, None) => NEWEST_PRESENT,
        (Order::OldestFirst, None) => OLDEST_PRESENT,
    };
    (statement, status)
}

/// The statement that reads, as a function.
pub(crate) trait FileStatements: Database {
    /// The rows of a list of files.
    fn files(
        connection: &mut Self::Connection,
        list: &FileList<'_>,
    ) -> impl Future<Output = sqlx::Result<Vec<Answer>>> + Send;
}

macro_rules! statements {
    ($database:ty) => {
        impl FileStatements for $database {
            async fn files(connection: &mut Self::Connection, list: &FileList<'_>) -> sqlx::Result<Vec<Answer>> {
                let (statement, status) = statement(list);
                let (uploaded, id) = from(list.order, list.behind);
                let rows = query(statement).bind(list.project).bind(uploaded).bind(id);
                let rows = rows.bind(at_most(list.limit));
                let rows = match status {
                    Some(status) => rows.bind(status),
                    None => rows,
                };
                Ok(rows.fetch_all(connection).await?.iter().map(read).collect())
            }
        }
    };
}

statements!(sqlx::Sqlite);
statements!(sqlx::Postgres);

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Row as _};

    use super::*;
    use crate::sqlite::Sqlite;

    #[tokio::test]
    async fn a_list_of_files_that_are_not_deleted_merges_two_lists_by_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Sqlite::new(folder.path().join("records.db")).tables().await.unwrap();
        for (statement, than) in [(NEWEST_PRESENT, "<"), (OLDEST_PRESENT, ">")] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let steps = query(explain).fetch_all(&mut connection).await.unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            let by_index = format!(
                "SEARCH uploads USING INDEX uploads_listed (project=? AND listed=? AND (uploaded,id){than}(?,?))"
            );
            let searches = steps.iter().filter(|step| step.contains("uploads"));
            assert_eq!(searches.collect::<Vec<_>>(), [&by_index, &by_index], "{steps:#?}");
            assert!(!steps.iter().any(|step| step.contains("SCAN uploads")), "{steps:#?}");
        }
    }
}
