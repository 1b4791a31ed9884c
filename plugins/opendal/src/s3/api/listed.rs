//! The parts of a list in order, each once.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::lists;
use super::types::Part;

/// Parts that were listed, by number. A part that was sent again is listed twice by some services; the newer one counts.
///
/// Their clocks may be too coarse to tell which one that is. Then neither counts: the sender is told that a part is missing, and
/// sends it once more, so that no replaced bytes end up in the file.
#[derive(Default)]
pub(super) struct Listed {
    parts: BTreeMap<u16, Option<lists::Part>>,
    /// The time of the newest one of each number.
    newest: BTreeMap<u16, String>,
}

impl Listed {
    pub(super) fn add(&mut self, part: lists::Part) {
        let newest = self.newest.entry(part.number).or_default();
        match part.modified.cmp(newest) {
            Ordering::Less => {}
            Ordering::Greater => {
                newest.clone_from(&part.modified);
                self.parts.insert(part.number, Some(part));
            }
            Ordering::Equal => {
                let known = self.parts.entry(part.number).or_insert(None);
                if known.as_ref().is_some_and(|known| known.tag != part.tag) {
                    *known = None;
                }
            }
        }
    }

    /// The number of different parts.
    pub(super) fn len(&self) -> usize {
        self.newest.len()
    }

    pub(super) fn into_parts(self) -> Vec<Part> {
        self.parts.into_values().flatten().map(lists::Part::into).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_part_that_is_listed_twice_the_newer_one_counts_or_none() {
        let page = |parts: &[(u16, &str, &str)]| {
            let parts = parts.iter().map(|(number, tag, modified)| {
                format!(
                    "<Part><PartNumber>{number}</PartNumber><Size>5</Size><ETag>{tag}</ETag>\
                     <LastModified>2026-01-01T00:00:{modified}Z</LastModified></Part>"
                )
            });
            format!("<ListPartsResult>{}</ListPartsResult>", parts.collect::<String>())
        };
        for (listed, expected) in [
            (&[(1, "a", "01"), (2, "b", "01")][..], &[(1, "a"), (2, "b")][..]),
            (&[(1, "a", "01"), (1, "b", "02")], &[(1, "b")]),
            (&[(1, "b", "02"), (1, "a", "01")], &[(1, "b")]),
            // It is unknown which came last.
            (&[(1, "a", "01"), (1, "b", "01")], &[]),
            (&[(1, "a", "01"), (1, "b", "01"), (1, "a", "01")], &[]),
            (&[(1, "a", "01"), (1, "b", "01"), (1, "c", "02")], &[(1, "c")]),
            (&[(1, "c", "02"), (1, "a", "01"), (1, "b", "01")], &[(1, "c")]),
            // It does not matter.
            (&[(1, "a", "01"), (1, "a", "01")], &[(1, "a")]),
        ] {
            let mut parts = Listed::default();
            let read = lists::Parts::read(&page(listed)).unwrap_or_else(|_| panic!("a page"));
            read.parts.into_iter().for_each(|part| parts.add(part));
            let parts = parts.into_parts();
            let found: Vec<_> = parts.iter().map(|part| (part.number, part.tag.as_str())).collect();
            assert_eq!(found, expected, "{listed:?}");
        }
    }
}
