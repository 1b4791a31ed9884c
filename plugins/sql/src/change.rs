//! The changes that the writer makes.

use intake_core::UsageChange;

use crate::catalog::{GroupRow, ProjectRow};
use crate::outbox::steps::{PlanRows, Step};
use crate::row::Row;

/// A change to be made.
#[derive(Debug)]
pub(crate) enum Change {
    /// Inserts a row, with its usage change. Boxed, because the other changes are small.
    Insert(Box<Row>, UsageChange),
    /// Replaces the row with the revision `from`, with its usage change.
    Update {
        row: Box<Row>,
        from: i64,
        usage_change: UsageChange,
    },
    /// Replaces rows, all or none. Never empty, and in the order of their ids.
    UpdateAll(Vec<RowUpdate>),
    /// Deletes a row, if it has this revision.
    Remove { id: String, revision: i64 },
    /// Inserts a managed project, or replaces the one with the revision before.
    PutProject(ProjectRow),
    /// Inserts a group, with its usage change.
    AddGroup(GroupRow, UsageChange),
    /// Deletes a group, with its usage change.
    RemoveGroup { id: String, usage_change: UsageChange },
    /// Deletes an account, if it has expired.
    Forget { name: String, now: i64 },
    /// Changes the outbox: statements, of which those behind one that changes no row are not made.
    Steps(Vec<Step>),
    /// Plans events, if they are not planned.
    Plan(Box<PlanRows>),
    /// Changes nothing: checks that a transaction can be committed.
    Nothing,
}

/// A row that replaces the one with the revision `from`, and its usage change.
#[derive(Debug)]
pub(crate) struct RowUpdate {
    pub(crate) row: Row,
    pub(crate) from: i64,
    pub(crate) usage_change: UsageChange,
}

impl Change {
    /// Whether this is about records: their rows are locked first, and written together.
    pub(crate) fn is_of_rows(&self) -> bool {
        matches!(
            self,
            Self::Insert(..) | Self::Update { .. } | Self::UpdateAll(_) | Self::Remove { .. }
        )
    }

    pub(crate) fn usage_changes(&self) -> Vec<&UsageChange> {
        match self {
            Self::Insert(_, usage_change)
            | Self::Update { usage_change, .. }
            | Self::AddGroup(_, usage_change)
            | Self::RemoveGroup { usage_change, .. } => vec![usage_change],
            Self::UpdateAll(updates) => updates.iter().map(|update| &update.usage_change).collect(),
            _ => Vec::new(),
        }
    }
}
