//! The kinds of files that are told apart. They are data: `kinds.tsv`, beside this file.

use std::collections::HashMap;
use std::sync::LazyLock;

use intake_core::{MediaRange, MediaType};

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| read(include_str!("kinds.tsv")));

/// What formats are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// An image of pixels.
    Picture,
    /// Video or sound.
    Recording,
    /// Anything else.
    Other,
}

/// A kind of file.
#[derive(Debug)]
pub(crate) struct Kind {
    endings: Vec<&'static str>,
    declared: Vec<MediaRange>,
    /// The types that its content is found to be of.
    pub(crate) found: Vec<&'static str>,
    pub(crate) used_as: Use,
    /// Whether its content may also be of no type that can be found.
    pub(crate) may_be_unknown: bool,
}

impl Kind {
    /// Whether content of this kind is found to be of the type.
    pub(crate) fn is_found_as(&self, media_type: &MediaType) -> bool {
        self.found.contains(&media_type.as_str())
    }
}

/// The kinds whose names have this ending, in lower case. None if it is in no row: such a name is no claim.
pub(crate) fn with_ending(ending: &str) -> Vec<&'static Kind> {
    KINDS.iter().filter(|kind| kind.endings.contains(&ending)).collect()
}

/// The kinds that a sender may mean who declares this type, by any of the type's names. None if it is in no row.
pub(crate) fn declared_as(media_type: &MediaType) -> Vec<&'static Kind> {
    let means = |kind: &&Kind| kind.declared.iter().any(|range| range.contains(media_type));
    KINDS.iter().filter(means).collect()
}

/// The kinds whose content is found to be of this type.
pub(crate) fn found_as(media_type: &MediaType) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(move |kind| kind.is_found_as(media_type))
}

fn read(table: &'static str) -> Vec<Kind> {
    let mut groups = HashMap::new();
    let mut kinds = Vec::new();
    for line in table.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            [group, found] if group.starts_with('@') => {
                groups.insert(group, found);
            }
            [used_as, signature, endings, declared, found] => kinds.push(Kind {
                endings: endings.split(' ').collect(),
                declared: declared.split(' ').filter_map(|name| name.parse().ok()).collect(),
                found: found
                    .split(' ')
                    .flat_map(|name| groups.get(name).unwrap_or(&name).split(' '))
                    .collect(),
                used_as: match used_as {
                    "picture" => Use::Picture,
                    "recording" => Use::Recording,
                    _ => Use::Other,
                },
                may_be_unknown: signature == "maybe",
            }),
            // A comment, or an empty line. The tests check that there is nothing else.
            _ => {}
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_as_it_is_meant() {
        let table = include_str!("kinds.tsv");
        let lines = || table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let kinds = lines().filter(|line| !line.starts_with('@'));
        assert_eq!(kinds.clone().count(), KINDS.len());
        for line in kinds {
            let columns: Vec<_> = line.split('\t').collect();
            let [used_as, signature, endings, declared, _] = columns[..] else {
                panic!("five columns: {line}")
            };
            assert!(["picture", "recording", "other"].contains(&used_as), "{line}");
            assert!(["known", "maybe"].contains(&signature), "{line}");
            assert_eq!(endings, endings.to_lowercase(), "{line}");
            for name in declared.split(' ') {
                assert!(name.parse::<MediaType>().is_ok(), "{name} in {line}");
            }
        }
    }

    #[test]
    fn every_type_that_a_kind_expects_can_be_found() {
        for name in KINDS.iter().flat_map(|kind| &kind.found) {
            let range: MediaRange = name.parse().expect("a media type, or a group above it");
            // These are found as the file itself names them.
            let is_open_document = name.starts_with("application/vnd.oasis.opendocument.");
            assert!(
                range.is_ever_found() || is_open_document,
                "{name} is found in no content"
            );
        }
    }
}
