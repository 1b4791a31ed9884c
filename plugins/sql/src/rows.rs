//! What becomes of the rows of one transaction, decided before anything is written: pure.
//!
//! The revisions that the rows have are known and locked. So each change either applies or not, one after the other, and each row
//! is written once, as the last of them leaves it.

use std::collections::BTreeMap;

use crate::row::Row;
use crate::writer::{Change, RowUpdate};

/// The rows that the changes of one transaction are about.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    rows: BTreeMap<&'a str, Fate<'a>>,
}

/// One row.
#[derive(Debug, Default)]
struct Fate<'a> {
    /// The revision in the database.
    before: Option<i64>,
    /// The revision after the changes so far.
    now: Option<i64>,
    /// What was written last.
    row: Option<&'a Row>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(crate) struct RowChanges<'a> {
    pub(crate) inserted: Vec<&'a Row>,
    pub(crate) updated: Vec<&'a Row>,
    pub(crate) removed: Vec<&'a str>,
}

impl<'a> Rows<'a> {
    /// The ids of all rows that these changes are about, in order, each once.
    pub(crate) fn ids(changes: impl Iterator<Item = &'a Change>) -> Vec<&'a str> {
        let mut ids: Vec<_> = changes.flat_map(ids_of).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Those of these ids, with the revisions of the rows that exist.
    pub(crate) fn of(ids: Vec<&'a str>, revisions: Vec<(String, i64)>) -> Self {
        let mut rows: BTreeMap<_, _> = ids.into_iter().map(|id| (id, Fate::default())).collect();
        for (id, revision) in revisions {
            if let Some(fate) = rows.get_mut(id.as_str()) {
                (fate.before, fate.now) = (Some(revision), Some(revision));
            }
        }
        Self { rows }
    }

    /// Whether a change can be made to the rows as they are.
    pub(crate) fn admit(&self, change: &Change) -> bool {
        let has = |id: &str, revision| self.now(id) == revision;
        match change {
            Change::Insert(row, _) => has(&row.id, None),
            Change::Update { row, from, .. } => has(&row.id, Some(*from)),
            // They are in the order of their ids, and none is there twice.
            Change::UpdateAll(updates) => {
                let is_twice = updates.windows(2).any(|pair| pair[0].row.id == pair[1].row.id);
                !is_twice && updates.iter().all(|update| has(&update.row.id, Some(update.from)))
            }
            Change::Remove { id, revision } => has(id, Some(*revision)),
            _ => true,
        }
    }

    /// Makes a change, if it can be made, and returns how many rows it changes.
    pub(crate) fn make(&mut self, change: &'a Change) -> u64 {
        if !self.admit(change) {
            return 0;
        }
        match change {
            Change::Insert(row, _) | Change::Update { row, .. } => self.write(row),
            Change::UpdateAll(updates) => updates.iter().map(|RowUpdate { row, .. }| self.write(row)).sum(),
            Change::Remove { id, .. } => {
                let fate = self.rows.entry(id).or_default();
                (fate.now, fate.row) = (None, None);
                1
            }
            _ => 0,
        }
    }

    /// What is to be written, in the order of the ids.
    pub(crate) fn changes(&self) -> RowChanges<'a> {
        let mut changes = RowChanges::default();
        for (id, fate) in &self.rows {
            match (fate.before, fate.row, fate.now) {
                (None, Some(row), _) => changes.inserted.push(row),
                (Some(_), Some(row), _) => changes.updated.push(row),
                (Some(_), None, None) => changes.removed.push(id),
                (_, None, _) => {}
            }
        }
        changes
    }

    fn now(&self, id: &str) -> Option<i64> {
        self.rows.get(id).and_then(|fate| fate.now)
    }

    fn write(&mut self, row: &'a Row) -> u64 {
        let fate = self.rows.entry(&row.id).or_default();
        (fate.now, fate.row) = (Some(row.revision), Some(row));
        1
    }
}

fn ids_of(change: &Change) -> Vec<&str> {
    match change {
        Change::Insert(row, _) | Change::Update { row, .. } => vec![&row.id],
        Change::UpdateAll(updates) => updates.iter().map(|update| update.row.id.as_str()).collect(),
        Change::Remove { id, .. } => vec![id],
        _ => Vec::new(),
    }
}
