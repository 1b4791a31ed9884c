//! The statements for projects, groups, accounts and daily usage.

use std::ops::RangeInclusive;

use intake_core::accounting::{DailyUsage, Day, Usage};
use intake_core::{Fault, Group, ManagedProject, Order};
use sqlx::{Database, query_as, query_scalar};

use crate::accounting::{signed, unsigned};
use crate::codes::RECORD_UNREADABLE;
use intake_core::micros::from_micros;

// Statements that write have their parameters in the order of their numbers: a driver of SQLite numbers them by their places.

pub(crate) const ADD_PROJECT: &str =
    "INSERT INTO projects (public_key, revision, settings) VALUES ($1, $2, $3) ON CONFLICT (public_key) DO NOTHING";

pub(crate) const CHANGE_PROJECT: &str =
    "UPDATE projects SET revision = $1, settings = $2 WHERE public_key = $3 AND revision = $4";

pub(crate) const PROJECT: &str = "SELECT public_key, revision, settings FROM projects WHERE public_key = $1";

pub(crate) const PROJECTS: &str =
    "SELECT public_key, revision, settings FROM projects WHERE public_key > $1 ORDER BY public_key LIMIT $2";

pub(crate) const ADD_GROUP: &str = "INSERT INTO file_groups (id, project, created, expires, members) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";

pub(crate) const GROUP: &str = "SELECT id, project, created, expires, members FROM file_groups WHERE id = $1";

/// The newest first. The list begins before the highest time and id.
pub(crate) const GROUPS: &str = "SELECT id, project, created, expires, members FROM file_groups \
    WHERE project = $1 AND (created, id) < ($2, $3) ORDER BY created DESC, id DESC LIMIT $4";

/// The oldest first. The list begins after the lowest time and id.
pub(crate) const OLDEST_GROUPS: &str = "SELECT id, project, created, expires, members FROM file_groups \
    WHERE project = $1 AND (created, id) > ($2, $3) ORDER BY created, id LIMIT $4";

pub(crate) const EXPIRED_GROUPS: &str = "SELECT id, project, created, expires, members FROM file_groups \
    WHERE expires <= $1 ORDER BY expires LIMIT $2";

pub(crate) const REMOVE_GROUP: &str = "DELETE FROM file_groups WHERE id = $1";

pub(crate) const HOLDINGS: &str = "SELECT bytes, files FROM accounts WHERE name = $1";

pub(crate) const FLOWS_OF: &str = "SELECT project, day, asked, received, received_bytes, removed, removed_bytes \
    FROM flows WHERE project = $1 AND day BETWEEN $2 AND $3 ORDER BY day";

pub(crate) const FLOWS: &str = "SELECT project, day, asked, received, received_bytes, removed, removed_bytes \
    FROM flows WHERE day BETWEEN $1 AND $2 ORDER BY day, project";

pub(crate) const OVER: &str = "SELECT name FROM accounts WHERE until <= $1 ORDER BY until LIMIT $2";

/// One by one, as a database may read all accounts to find those of a list.
pub(crate) const FORGET: &str = "DELETE FROM accounts WHERE name = $1 AND until <= $2";

/// Key, revision, settings.
pub(crate) type ProjectRow = (String, i64, String);
/// Id, project, created, expires, members.
pub(crate) type GroupRow = (String, String, i64, Option<i64>, String);
type FlowRow = (String, i64, i64, i64, i64, i64, i64);

/// The statements that read, as functions.
pub(crate) trait CatalogStatements: Database {
    fn project(
        connection: &mut Self::Connection,
        key: &str,
    ) -> impl Future<Output = sqlx::Result<Option<ProjectRow>>> + Send;

    fn projects(
        connection: &mut Self::Connection,
        behind: &str,
        limit: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<ProjectRow>>> + Send;

    fn group(
        connection: &mut Self::Connection,
        id: &str,
    ) -> impl Future<Output = sqlx::Result<Option<GroupRow>>> + Send;

    /// Groups of a project, in this order, after this one.
    fn groups(
        connection: &mut Self::Connection,
        project: &str,
        order: Order,
        behind: (i64, &str),
        limit: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<GroupRow>>> + Send;

    /// Expired groups.
    fn expired_groups(
        connection: &mut Self::Connection,
        now: i64,
        limit: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<GroupRow>>> + Send;

    fn usage(connection: &mut Self::Connection, name: &str) -> impl Future<Output = sqlx::Result<Usage>> + Send;

    fn daily_usage(
        connection: &mut Self::Connection,
        project: Option<&str>,
        days: RangeInclusive<i64>,
    ) -> impl Future<Output = sqlx::Result<Vec<DailyUsage>>> + Send;

    /// Expired accounts.
    fn over(
        connection: &mut Self::Connection,
        now: i64,
        limit: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<String>>> + Send;
}

macro_rules! statements {
    ($database:ty) => {
        impl CatalogStatements for $database {
            async fn project(connection: &mut Self::Connection, key: &str) -> sqlx::Result<Option<ProjectRow>> {
                query_as(PROJECT).bind(key).fetch_optional(connection).await
            }

            async fn projects(
                connection: &mut Self::Connection,
                behind: &str,
                limit: i64,
            ) -> sqlx::Result<Vec<ProjectRow>> {
                query_as(PROJECTS)
                    .bind(behind)
                    .bind(limit)
                    .fetch_all(connection)
                    .await
            }

            async fn group(connection: &mut Self::Connection, id: &str) -> sqlx::Result<Option<GroupRow>> {
                query_as(GROUP).bind(id).fetch_optional(connection).await
            }

            async fn groups(
                connection: &mut Self::Connection,
                project: &str,
                order: Order,
                (created, id): (i64, &str),
                limit: i64,
            ) -> sqlx::Result<Vec<GroupRow>> {
                let statement = match order {
                    Order::NewestFirst => GROUPS,
                    Order::OldestFirst => OLDEST_GROUPS,
                };
                let groups = query_as(statement).bind(project).bind(created).bind(id);
                groups.bind(limit).fetch_all(connection).await
            }

            async fn expired_groups(
                connection: &mut Self::Connection,
                now: i64,
                limit: i64,
            ) -> sqlx::Result<Vec<GroupRow>> {
                let over = query_as(EXPIRED_GROUPS).bind(now).bind(limit);
                over.fetch_all(connection).await
            }

            async fn usage(connection: &mut Self::Connection, name: &str) -> sqlx::Result<Usage> {
                let found: Option<(i64, i64)> = query_as(HOLDINGS).bind(name).fetch_optional(connection).await?;
                let (bytes, files) = found.unwrap_or_default();
                Ok(Usage {
                    bytes: unsigned(bytes),
                    files: unsigned(files),
                })
            }

            async fn daily_usage(
                connection: &mut Self::Connection,
                project: Option<&str>,
                days: RangeInclusive<i64>,
            ) -> sqlx::Result<Vec<DailyUsage>> {
                let (first, last) = days.into_inner();
                let rows: Vec<FlowRow> = match project {
                    Some(project) => {
                        query_as(FLOWS_OF)
                            .bind(project)
                            .bind(first)
                            .bind(last)
                            .fetch_all(connection)
                            .await?
                    }
                    None => {
                        query_as(FLOWS)
                            .bind(first)
                            .bind(last)
                            .fetch_all(connection)
                            .await?
                    }
                };
                Ok(rows.into_iter().map(daily_usage).collect())
            }

            async fn over(connection: &mut Self::Connection, now: i64, limit: i64) -> sqlx::Result<Vec<String>> {
                query_scalar(OVER)
                    .bind(now)
                    .bind(limit)
                    .fetch_all(connection)
                    .await
            }
        }
    };
}

statements!(sqlx::Sqlite);
statements!(sqlx::Postgres);

fn daily_usage((project, day, asked, received, received_bytes, removed, removed_bytes): FlowRow) -> DailyUsage {
    DailyUsage::new(project, Day(day)).with(|usage| {
        usage.asked = unsigned(asked);
        usage.received = unsigned(received);
        usage.received_bytes = unsigned(received_bytes);
        usage.removed = unsigned(removed);
        usage.removed_bytes = unsigned(removed_bytes);
    })
}

/// The most rows to read, in the signed type of databases.
pub(crate) fn at_most(limit: usize) -> i64 {
    signed(limit as u64)
}

/// The project of a row.
///
/// # Errors
///
/// [`RECORD_UNREADABLE`] if this version has not written it.
pub(crate) fn project_of((public_key, revision, settings): ProjectRow) -> Result<ManagedProject, Fault> {
    let settings = serde_json::from_str(&settings).map_err(|_| {
        // The text is not shown: it contains secrets.
        Fault::new(
            RECORD_UNREADABLE,
            format!("the settings of the project {public_key} are invalid"),
        )
    })?;
    let revision = revision.cast_unsigned();
    Ok(ManagedProject::new(public_key, revision, settings))
}

/// The group of a row.
///
/// # Errors
///
/// [`RECORD_UNREADABLE`] if this version has not written it.
pub(crate) fn group_of((id, project, created, expires, members): GroupRow) -> Result<Group, Fault> {
    let wrong = || Fault::new(RECORD_UNREADABLE, format!("the group {id} cannot be read"));
    let mut group = Group::new(
        id.parse().map_err(|error| wrong().with_source(error))?,
        project,
        from_micros(created).ok_or_else(wrong)?,
        serde_json::from_str(&members).map_err(|error| wrong().with_source(error))?,
    );
    group.expires = expires
        .map(|expires| from_micros(expires).ok_or_else(wrong))
        .transpose()?;
    Ok(group)
}
