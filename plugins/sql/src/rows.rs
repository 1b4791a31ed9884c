//! What becomes of the rows of one transaction, decided before anything is written: pure.
//!
//! The revisions that the rows have are known and locked. So each change either applies or not, one after the other, and each row
//! is written once, as the last of them leaves it.

use std::collections::BTreeMap;

use crate::change::{Change, RowUpdate};
use crate::outbox::rows::NewEvent;
use crate::row::Row;

/// The rows that the changes of one transaction are about.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    rows: BTreeMap<&'a str, Fate<'a>>,
    events: Vec<(&'a Row, &'a NewEvent)>,
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
    /// The events of all changes, in their order, also of those whose rows are written over. Each with the row of its record.
    pub(crate) events: Vec<(&'a Row, &'a NewEvent)>,
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
        Self {
            rows,
            events: Vec::new(),
        }
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
        let mut changes = RowChanges {
            events: self.events.clone(),
            ..RowChanges::default()
        };
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
        self.events.extend(row.events.iter().map(|event| (row, event)));
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

#[cfg(test)]
mod tests {
    use intake_core::UsageChange;

    use super::*;

    fn row(id: &str, revision: i64) -> Row {
        Row {
            id: id.to_owned(),
            revision,
            state: "staged".to_owned(),
            task: "sweep".to_owned(),
            due: None,
            created: 0,
            project: None,
            source_key: None,
            listed: None,
            uploaded: None,
            record: "{}".to_owned(),
            events: vec![NewEvent {
                id: format!("{id}{revision}"),
                at: 0,
                event: String::new(),
            }],
        }
    }

    fn insert(id: &str, revision: i64) -> Change {
        Change::Insert(Box::new(row(id, revision)), UsageChange::default())
    }

    fn update(id: &str, from: i64) -> Change {
        Change::Update {
            row: Box::new(row(id, from + 1)),
            from,
            usage_change: UsageChange::default(),
        }
    }

    fn update_all(updates: &[(&str, i64)]) -> Change {
        let update = |(id, from): &(&str, i64)| RowUpdate {
            row: row(id, from + 1),
            from: *from,
            usage_change: UsageChange::default(),
        };
        Change::UpdateAll(updates.iter().map(update).collect())
    }

    fn remove(id: &str, revision: i64) -> Change {
        let id = id.to_owned();
        Change::Remove { id, revision }
    }

    #[test]
    fn each_change_applies_to_what_those_before_it_have_left_and_each_row_is_written_once() {
        // In the database are `a` and `b` with revision 1; of each change how many rows it changes; what is inserted, updated,
        // removed.
        type Case = (Vec<(Change, u64)>, &'static str);
        let cases: [Case; 9] = [
            (
                vec![(insert("a", 0), 0), (insert("c", 0), 1), (insert("c", 0), 0)],
                "+c0",
            ),
            (
                vec![(insert("c", 0), 1), (update("c", 0), 1), (update("c", 0), 0)],
                "+c1",
            ),
            (
                vec![(update("a", 1), 1), (update("a", 2), 1), (update("a", 1), 0)],
                "=a3",
            ),
            (vec![(update("a", 0), 0), (update("c", 0), 0)], ""),
            (
                vec![(remove("a", 0), 0), (remove("a", 1), 1), (remove("a", 1), 0)],
                "-a",
            ),
            (vec![(remove("a", 1), 1), (insert("a", 7), 1)], "=a7"),
            (vec![(insert("c", 0), 1), (remove("c", 0), 1)], ""),
            (
                vec![
                    (update_all(&[("a", 1), ("b", 1)]), 2),
                    (update_all(&[("a", 2), ("b", 1)]), 0),
                ],
                "=a2=b2",
            ),
            (
                vec![
                    (update_all(&[("a", 1), ("a", 2)]), 0),
                    (update_all(&[("a", 1), ("c", 1)]), 0),
                ],
                "",
            ),
        ];
        for (case, written) in &cases {
            let ids = Rows::ids(case.iter().map(|(change, _)| change));
            let there = ["a", "b"].map(|id| (id.to_owned(), 1));
            let mut rows = Rows::of(ids, there.into_iter().collect());
            for (change, changed) in case {
                assert_eq!(rows.admit(change), *changed > 0, "{change:?}");
                assert_eq!(rows.make(change), *changed, "{change:?}");
            }
            let changes = rows.changes();
            let shown = |sign: char, rows: &[&Row]| -> String {
                let row = |row: &&Row| format!("{sign}{}{}", row.id, row.revision);
                rows.iter().map(row).collect()
            };
            // Each change that was made has its event, also if its row was written over or removed.
            let count = changes.events.len() as u64;
            let is_removal = |change: &Change| matches!(change, Change::Remove { .. });
            let removals: u64 = case
                .iter()
                .filter(|(change, _)| is_removal(change))
                .map(|(_, changed)| changed)
                .sum();
            assert_eq!(count + removals, case.iter().map(|(_, changed)| changed).sum::<u64>());
            let removed: String = changes.removed.iter().map(|id| format!("-{id}")).collect();
            let found = shown('+', &changes.inserted) + &shown('=', &changes.updated) + &removed;
            assert_eq!(found, *written);
        }
    }
}
