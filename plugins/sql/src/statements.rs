//! The statements, the same for every database.
//!
//! Each finds its rows by the primary key or by an index; a test checks that against the database's query plans.

use intake_core::{Fault, Listing, ListingOfAll};
use sqlx::{ColumnIndex, Database, Decode, Type, query, query_scalar};

use crate::row::{Stored, unreadable};

/// All columns, in the order in which they are written.
macro_rules! columns {
    () => {
        "id, revision, state, duty, due, created, project, known_as, record, listed, uploaded"
    };
}
pub(crate) use columns;

/// The columns that are read.
macro_rules! stored {
    () => {
        "id, revision, state, record"
    };
}
pub(crate) use stored;

pub(crate) const GET: &str = concat!("SELECT ", stored!(), " FROM uploads WHERE id = $1");

pub(crate) const DUE: &str = concat!(
    "SELECT ",
    stored!(),
    " FROM uploads WHERE duty = $1 AND due <= $2 ORDER BY due LIMIT $3"
);

pub(crate) const KNOWN_AS: &str = concat!(
    "SELECT ",
    stored!(),
    " FROM uploads WHERE known_as = $1 AND state = 'ready' ORDER BY created DESC LIMIT 1"
);

/// The newest first. The list begins before the highest time and id.
pub(crate) const FILES_OF: &str = concat!(
    "SELECT ",
    stored!(),
    " FROM uploads WHERE project = $1 AND (created, id) < ($2, $3) AND state IN ('ready', 'trashed') \
     ORDER BY created DESC, id DESC LIMIT $4"
);

/// The newest that were refused of a project, or of none, by the index of just these rows.
pub(crate) const REFUSED_OF: &str = concat!(
    "SELECT ",
    stored!(),
    " FROM uploads WHERE state = 'rejected' AND coalesce(project, '') = $1 AND (created, id) < ($2, $3) \
     ORDER BY created DESC, id DESC LIMIT $4"
);

/// The newest whose parts are arriving or being put together, by the index of just these rows.
pub(crate) const UNFINISHED_OF: &str = concat!(
    "SELECT ",
    stored!(),
    " FROM uploads WHERE project = $1 AND state IN ('open', 'assembling') AND (created, id) < ($2, $3) \
     ORDER BY created DESC, id DESC LIMIT $4"
);

/// The newest fetch jobs that have not ended, by the index of just these rows.
pub(crate) const ORDERS_OF: &str = concat!(
    "SELECT ",
    stored!(),
    " FROM uploads WHERE project = $1 AND duty = 'pull' AND (created, id) < ($2, $3) \
     ORDER BY created DESC, id DESC LIMIT $4"
);

/// The newest files that can be read of all projects, by the index of just these rows.
pub(crate) const ALL_READY: &str = concat!(
    "SELECT ",
    stored!(),
    " FROM uploads WHERE state = 'ready' AND (created, id) < ($1, $2) ORDER BY created DESC, id DESC LIMIT $3"
);

/// The newest uploads in quarantine of all projects, by the index of just these rows.
pub(crate) const ALL_QUARANTINED: &str = concat!(
    "SELECT ",
    stored!(),
    " FROM uploads WHERE state = 'quarantined' AND (created, id) < ($1, $2) ORDER BY created DESC, id DESC LIMIT $3"
);

/// The oldest that were refused of a project, or of none, by the index of just these rows.
pub(crate) const OLDEST_REFUSED: &str = concat!(
    "SELECT ",
    stored!(),
    " FROM uploads WHERE state = 'rejected' AND coalesce(project, '') = $1 ORDER BY created, id LIMIT $2"
);

/// The statement that lists rows of a kind.
fn list_of(kind: Listing) -> &'static str {
    match kind {
        Listing::Files => FILES_OF,
        Listing::Refused => REFUSED_OF,
        Listing::Unfinished => UNFINISHED_OF,
        Listing::Fetches => ORDERS_OF,
    }
}

/// The statement that lists rows of a kind in all projects.
fn list_of_all(kind: ListingOfAll) -> &'static str {
    match kind {
        ListingOfAll::Ready => ALL_READY,
        ListingOfAll::Quarantined => ALL_QUARANTINED,
    }
}

/// The states are written out, so that the index of just these rows is used.
pub(crate) const UNFINISHED: &str = "SELECT count(*) FROM uploads WHERE state IN ('open', 'assembling')";

pub(crate) const ORDERS: &str = "SELECT count(*) FROM uploads WHERE duty = 'pull'";

/// A row of a result, or why it cannot be read.
pub(crate) type Answer = Result<Stored, Fault>;

/// The statements that read, as functions. Those that write are in the sessions of the databases.
pub(crate) trait Statements: Database {
    /// The row of this id.
    fn get(connection: &mut Self::Connection, id: &str) -> impl Future<Output = sqlx::Result<Option<Answer>>> + Send;

    /// The rows of this duty that are due, those first that have been due longest.
    fn due(
        connection: &mut Self::Connection,
        duty: &str,
        now: i64,
        limit: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<Answer>>> + Send;

    /// The newest row of a readable upload with this name.
    fn known_as(
        connection: &mut Self::Connection,
        name: &str,
    ) -> impl Future<Output = sqlx::Result<Option<Answer>>> + Send;

    /// The rows of a kind and a project, the newest first, after this one. For refused uploads, an empty project stands for
    /// those without one.
    fn list(
        connection: &mut Self::Connection,
        kind: Listing,
        project: &str,
        behind: (i64, &str),
        limit: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<Answer>>> + Send;

    /// The rows of a kind in all projects, the newest first, after this one.
    fn list_all(
        connection: &mut Self::Connection,
        kind: ListingOfAll,
        behind: (i64, &str),
        limit: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<Answer>>> + Send;

    /// The rows of refused uploads of a project, or of none if this is empty, the oldest first.
    fn oldest_refused(
        connection: &mut Self::Connection,
        project: &str,
        limit: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<Answer>>> + Send;

    /// How many rows are uploads in parts that are not completed, and how many are to be fetched.
    fn backlog(connection: &mut Self::Connection) -> impl Future<Output = sqlx::Result<(i64, i64)>> + Send;
}

/// The bodies are a macro, because no trait bound covers all types that each driver can bind.
macro_rules! statements {
    ($database:ty) => {
        impl Statements for $database {
            async fn get(connection: &mut Self::Connection, id: &str) -> sqlx::Result<Option<Answer>> {
                let row = query(GET).bind(id).fetch_optional(connection).await?;
                Ok(row.as_ref().map(read))
            }

            async fn due(
                connection: &mut Self::Connection,
                duty: &str,
                now: i64,
                limit: i64,
            ) -> sqlx::Result<Vec<Answer>> {
                let rows = query(DUE)
                    .bind(duty)
                    .bind(now)
                    .bind(limit)
                    .fetch_all(connection)
                    .await?;
                Ok(rows.iter().map(read).collect())
            }

            async fn known_as(connection: &mut Self::Connection, name: &str) -> sqlx::Result<Option<Answer>> {
                let row = query(KNOWN_AS).bind(name).fetch_optional(connection).await?;
                Ok(row.as_ref().map(read))
            }

            async fn list(
                connection: &mut Self::Connection,
                kind: Listing,
                project: &str,
                (created, id): (i64, &str),
                limit: i64,
            ) -> sqlx::Result<Vec<Answer>> {
                let listed = query(list_of(kind)).bind(project).bind(created).bind(id);
                let listed = listed.bind(limit).fetch_all(connection).await?;
                Ok(listed.iter().map(read).collect())
            }

            async fn list_all(
                connection: &mut Self::Connection,
                kind: ListingOfAll,
                (created, id): (i64, &str),
                limit: i64,
            ) -> sqlx::Result<Vec<Answer>> {
                let listed = query(list_of_all(kind)).bind(created).bind(id).bind(limit);
                Ok(listed.fetch_all(connection).await?.iter().map(read).collect())
            }

            async fn oldest_refused(
                connection: &mut Self::Connection,
                project: &str,
                limit: i64,
            ) -> sqlx::Result<Vec<Answer>> {
                let oldest = query(OLDEST_REFUSED).bind(project).bind(limit);
                Ok(oldest.fetch_all(connection).await?.iter().map(read).collect())
            }

            async fn backlog(connection: &mut Self::Connection) -> sqlx::Result<(i64, i64)> {
                let unfinished = query_scalar(UNFINISHED).fetch_one(&mut *connection).await?;
                let orders = query_scalar(ORDERS).fetch_one(&mut *connection).await?;
                Ok((unfinished, orders))
            }
        }
    };
}

statements!(sqlx::Sqlite);
statements!(sqlx::Postgres);

/// Reads a row.
pub(crate) fn read<'r, R>(row: &'r R) -> Answer
where
    R: sqlx::Row,
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let id: String = column(row, "of unknown id", "id")?;
    Ok(Stored {
        revision: column(row, &id, "revision")?,
        state: column(row, &id, "state")?,
        record: column(row, &id, "record")?,
        id,
    })
}

/// Reads one column of a row.
fn column<'r, T, R>(row: &'r R, id: &str, name: &'static str) -> Result<T, Fault>
where
    R: sqlx::Row,
    &'static str: ColumnIndex<R>,
    T: Decode<'r, R::Database> + Type<R::Database>,
{
    row.try_get(name)
        .map_err(|error| unreadable(id, name).with_source(error))
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Row as _};

    use super::*;
    use crate::catalog;
    use crate::file_lists;
    use crate::sqlite::{Sqlite, session};

    #[tokio::test]
    async fn no_statement_reads_more_rows_than_it_is_about() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Sqlite::new(folder.path().join("records.db")).tables().await.unwrap();
        for (statement, plan) in [
            (session::INSERT, None),
            (
                session::REVISION,
                Some("SEARCH uploads USING INDEX sqlite_autoindex_uploads_1 (id=?)"),
            ),
            (
                session::UPDATE,
                Some("SEARCH uploads USING INDEX sqlite_autoindex_uploads_1 (id=?)"),
            ),
            (
                session::REMOVE,
                Some("SEARCH uploads USING INDEX sqlite_autoindex_uploads_1 (id=?)"),
            ),
            (
                GET,
                Some("SEARCH uploads USING INDEX sqlite_autoindex_uploads_1 (id=?)"),
            ),
            (DUE, Some("SEARCH uploads USING INDEX uploads_duty (duty=? AND due<?)")),
            (
                KNOWN_AS,
                Some("SEARCH uploads USING INDEX uploads_known_as (known_as=?)"),
            ),
            (
                FILES_OF,
                Some("SEARCH uploads USING INDEX uploads_project (project=? AND created<?)"),
            ),
            (
                REFUSED_OF,
                Some("SEARCH uploads USING INDEX uploads_refused_of (<expr>=? AND (created,id)<(?,?))"),
            ),
            (
                OLDEST_REFUSED,
                Some("SEARCH uploads USING INDEX uploads_refused_of (<expr>=?)"),
            ),
            (
                UNFINISHED_OF,
                Some("SEARCH uploads USING INDEX uploads_unfinished (project=? AND (created,id)<(?,?))"),
            ),
            (
                ORDERS_OF,
                Some("SEARCH uploads USING INDEX uploads_orders (project=? AND (created,id)<(?,?))"),
            ),
            (
                ALL_READY,
                Some("SEARCH uploads USING INDEX uploads_ready ((created,id)<(?,?))"),
            ),
            (
                ALL_QUARANTINED,
                Some("SEARCH uploads USING INDEX uploads_quarantined ((created,id)<(?,?))"),
            ),
            (
                file_lists::NEWEST,
                Some("SEARCH uploads USING INDEX uploads_listed (project=? AND listed=? AND (uploaded,id)<(?,?))"),
            ),
            (
                file_lists::OLDEST,
                Some("SEARCH uploads USING INDEX uploads_listed (project=? AND listed=? AND (uploaded,id)>(?,?))"),
            ),
            (UNFINISHED, Some("SCAN uploads USING INDEX uploads_unfinished")),
            (ORDERS, Some("SCAN uploads USING COVERING INDEX uploads_orders")),
            (
                catalog::PROJECT,
                Some("SEARCH projects USING INDEX sqlite_autoindex_projects_1 (public_key=?)"),
            ),
            (
                catalog::PROJECTS,
                Some("SEARCH projects USING INDEX sqlite_autoindex_projects_1 (public_key>?)"),
            ),
            (
                catalog::CHANGE_PROJECT,
                Some("SEARCH projects USING INDEX sqlite_autoindex_projects_1 (public_key=?)"),
            ),
            (
                catalog::GROUP,
                Some("SEARCH file_groups USING INDEX sqlite_autoindex_file_groups_1 (id=?)"),
            ),
            (
                catalog::GROUPS,
                Some("SEARCH file_groups USING INDEX file_groups_project (project=? AND (created,id)<(?,?))"),
            ),
            (
                catalog::OLDEST_GROUPS,
                Some("SEARCH file_groups USING INDEX file_groups_project (project=? AND (created,id)>(?,?))"),
            ),
            (
                catalog::EXPIRED_GROUPS,
                Some("SEARCH file_groups USING INDEX file_groups_expires (expires<?)"),
            ),
            (
                catalog::REMOVE_GROUP,
                Some("SEARCH file_groups USING INDEX sqlite_autoindex_file_groups_1 (id=?)"),
            ),
            (
                catalog::HOLDINGS,
                Some("SEARCH accounts USING INDEX sqlite_autoindex_accounts_1 (name=?)"),
            ),
            (
                catalog::FLOWS_OF,
                Some("SEARCH flows USING INDEX sqlite_autoindex_flows_1 (project=? AND day>? AND day<?)"),
            ),
            (
                catalog::OVER,
                Some("SEARCH accounts USING INDEX accounts_until (until<?)"),
            ),
            (
                catalog::FORGET,
                Some("SEARCH accounts USING INDEX sqlite_autoindex_accounts_1 (name=?)"),
            ),
            (
                session::EMPTY,
                Some("SEARCH accounts USING INDEX sqlite_autoindex_accounts_1 (name=?)"),
            ),
            (
                session::BALANCE,
                Some("SEARCH accounts USING INDEX sqlite_autoindex_accounts_1 (name=?)"),
            ),
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let steps = query(explain).fetch_all(&mut connection).await.unwrap();
            let mut steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            // Those of one microsecond are put in the order of their ids.
            steps.retain(|step| step != "USE TEMP B-TREE FOR LAST TERM OF ORDER BY");
            assert_eq!(steps, Vec::from_iter(plan), "{statement}");
        }
    }
}
