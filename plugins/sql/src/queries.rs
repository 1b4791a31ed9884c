//! The queries, and their results.

use std::ops::RangeInclusive;

use intake_core::accounting::{DailyUsage, Usage};
use intake_core::{Backlog, Fault, FileList, Group, Listing, ListingOfAll, ManagedProject, Order};

use crate::catalog::{CatalogStatements, GroupRow, ProjectRow, group_of, project_of};
use crate::dialect::{ConnectionOf, Dialect};
use crate::file_lists::FileStatements;
use crate::outbox::asking::{Answered, Asked, OutboxStatements};
use crate::statements::{Answer, Statements};

/// A query.
#[derive(Clone)]
pub(crate) enum Query<'a> {
    /// The row of this id.
    Of(&'a str),
    /// The rows of a task that are due, at most so many.
    Due { task: &'a str, now: i64, limit: i64 },
    /// The newest row of a readable upload with this name.
    KnownAs(&'a str),
    /// How many rows are unfinished, in all projects.
    Backlog,
    /// Rows of this kind and project, after this one.
    List {
        kind: Listing,
        project: &'a str,
        behind: (i64, &'a str),
        limit: i64,
    },
    /// Rows of this kind in all projects, after this one.
    ListAll {
        kind: ListingOfAll,
        behind: (i64, &'a str),
        limit: i64,
    },
    /// Rows of refused uploads of this project, or of none if this is empty, the oldest first.
    OldestRefused { project: &'a str, limit: i64 },
    /// The managed project of this key.
    Project(&'a str),
    /// Managed projects after this key.
    Projects { behind: &'a str, limit: i64 },
    /// The group of this id.
    Group(&'a str),
    /// Files of a project.
    Files(FileList<'a>),
    /// Groups of this project, in this order, after this one.
    Groups {
        project: &'a str,
        order: Order,
        behind: (i64, &'a str),
        limit: i64,
    },
    /// Expired groups.
    ExpiredGroups { now: i64, limit: i64 },
    /// The balance of this account.
    Usage(&'a str),
    /// Expired accounts.
    Over { now: i64, limit: i64 },
    /// Something of the outbox.
    Outbox(Asked<'a>),
    /// The daily usage of these days.
    Flows {
        project: Option<&'a str>,
        days: RangeInclusive<i64>,
    },
}

impl Query<'_> {
    /// Whether only maintenance runs this query, and no request does.
    pub(crate) fn is_maintenance(&self) -> bool {
        match self {
            Self::Due { .. }
            | Self::ListAll { .. }
            | Self::Backlog
            | Self::ExpiredGroups { .. }
            | Self::Over { .. } => true,
            Self::Outbox(asked) => asked.is_maintenance(),
            // A refused request drops the oldest tombstones.
            Self::OldestRefused { .. }
            | Self::Of(_)
            | Self::KnownAs(_)
            | Self::List { .. }
            | Self::Project(_)
            | Self::Projects { .. }
            | Self::Group(_)
            | Self::Files(_)
            | Self::Groups { .. }
            | Self::Usage(_)
            | Self::Flows { .. } => false,
        }
    }
}

/// The result of a query.
pub(crate) enum Found {
    Rows(Vec<Answer>),
    Backlog(i64, i64),
    Projects(Vec<ProjectRow>),
    Groups(Vec<GroupRow>),
    Usage(Usage),
    Flows(Vec<DailyUsage>),
    Names(Vec<String>),
    Outbox(Answered),
}

impl Found {
    pub(crate) fn rows(self) -> Vec<Answer> {
        match self {
            Self::Rows(rows) => rows,
            _ => Vec::new(),
        }
    }

    pub(crate) fn groups(self) -> Result<Vec<Group>, Fault> {
        match self {
            Self::Groups(rows) => rows.into_iter().map(group_of).collect(),
            _ => Ok(Vec::new()),
        }
    }

    pub(crate) fn backlog(self) -> Backlog {
        let (unfinished, fetches) = match self {
            Self::Backlog(unfinished, fetches) => (unfinished, fetches),
            _ => (0, 0),
        };
        Backlog::new(
            unfinished.try_into().unwrap_or_default(),
            fetches.try_into().unwrap_or_default(),
        )
    }

    pub(crate) fn projects(self) -> Result<Vec<ManagedProject>, Fault> {
        match self {
            Self::Projects(rows) => rows.into_iter().map(project_of).collect(),
            _ => Ok(Vec::new()),
        }
    }
}

/// Runs a query.
pub(crate) async fn look_up<D: Dialect>(reader: &mut ConnectionOf<D>, query: &Query<'_>) -> sqlx::Result<Found> {
    let one = |row: Option<Answer>| Found::Rows(row.into_iter().collect());
    match query.clone() {
        Query::Of(id) => D::Database::get(reader, id).await.map(one),
        Query::Due { task, now, limit } => D::Database::due(reader, task, now, limit).await.map(Found::Rows),
        Query::KnownAs(name) => D::Database::known_as(reader, name).await.map(one),
        Query::Backlog => {
            let (unfinished, fetches) = D::Database::backlog(reader).await?;
            Ok(Found::Backlog(unfinished, fetches))
        }
        Query::List {
            kind,
            project,
            behind,
            limit,
        } => D::Database::list(reader, kind, project, behind, limit)
            .await
            .map(Found::Rows),
        Query::ListAll { kind, behind, limit } => D::Database::list_all(reader, kind, behind, limit)
            .await
            .map(Found::Rows),
        Query::OldestRefused { project, limit } => D::Database::oldest_refused(reader, project, limit)
            .await
            .map(Found::Rows),
        Query::Project(key) => {
            let project = D::Database::project(reader, key).await?;
            Ok(Found::Projects(project.into_iter().collect()))
        }
        Query::Projects { behind, limit } => D::Database::projects(reader, behind, limit).await.map(Found::Projects),
        Query::Group(id) => {
            let group = D::Database::group(reader, id).await?;
            Ok(Found::Groups(group.into_iter().collect()))
        }
        Query::Files(list) => D::Database::files(reader, &list).await.map(Found::Rows),
        Query::Groups {
            project,
            order,
            behind,
            limit,
        } => D::Database::groups(reader, project, order, behind, limit)
            .await
            .map(Found::Groups),
        Query::ExpiredGroups { now, limit } => D::Database::expired_groups(reader, now, limit).await.map(Found::Groups),
        Query::Usage(name) => D::Database::usage(reader, name).await.map(Found::Usage),
        Query::Outbox(asked) => D::Database::ask(reader, &asked).await.map(Found::Outbox),
        Query::Over { now, limit } => D::Database::over(reader, now, limit).await.map(Found::Names),
        Query::Flows { project, days } => D::Database::daily_usage(reader, project, days).await.map(Found::Flows),
    }
}
