//! The list beside the parts of an upload: a line for each attempt that was begun or ended at the offset of its part, and for
//! each part that was kept.
//!
//! It only grows, and the last line about a part counts. A line that a crash cut short is ignored.
//!
//! Only the holder of the list's lock creates and removes files of the upload. The list is created first and removed last, so
//! that no file exists which only a list would name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use crate::fs::files::{Files, if_there, is_named};
use crate::name::Name;

/// The most bytes of one list: about 100,000 attempts.
const LONGEST_LIST: u64 = 4 << 20;

/// Where the bytes of a part are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lies {
    /// In the file of all parts, at the part's offset.
    InPlace,
    /// In a file of their own, of this number.
    Beside(u16),
}

/// A part that is complete and durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) lies: Lies,
}

/// The event that a line records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// An attempt begins to write at the part's offset.
    Taken,
    /// That attempt has ended without a part.
    Left,
    /// The part was kept.
    Kept(Kept),
}

/// The state after all lines of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The parts that are there, by number.
    pub(crate) kept: BTreeMap<u16, Kept>,
    /// How often each part was kept. So a part that was replaced differs from the one before, even if it has the same size.
    times: BTreeMap<u16, u32>,
    /// The numbers of the parts at whose offset an attempt has written, or may be writing.
    taken: BTreeSet<u16>,
}

impl Listed {
    /// Reads the text of a list.
    pub(crate) fn parse(text: &str) -> Self {
        let mut listed = Self::default();
        for (number, note) in text.lines().filter_map(note_of) {
            listed.apply(number, note);
        }
        listed
    }

    fn apply(&mut self, number: u16, note: Note) {
        match note {
            Note::Taken => {
                self.taken.insert(number);
            }
            Note::Left => {
                self.taken.remove(&number);
                if self.lies(number) == Some(Lies::InPlace) {
                    self.kept.remove(&number);
                }
            }
            Note::Kept(kept) => {
                if kept.lies == Lies::InPlace {
                    self.taken.insert(number);
                }
                self.kept.insert(number, kept);
                *self.times.entry(number).or_default() += 1;
            }
        }
    }

    /// Where the part of this number is, if it is there.
    pub(crate) fn lies(&self, number: u16) -> Option<Lies> {
        self.kept.get(&number).map(|kept| kept.lies)
    }

    /// Whether an attempt has written, or may be writing, at the offset of this part.
    pub(crate) fn is_taken(&self, number: u16) -> bool {
        self.taken.contains(&number)
    }

    /// Whether the file of this number holds a kept part.
    pub(crate) fn is_needed(&self, beside: u16) -> bool {
        self.kept.values().any(|kept| kept.lies == Lies::Beside(beside))
    }

    /// Which commit of a part is there.
    pub(crate) fn tag(&self, number: u16) -> String {
        self.times.get(&number).map(u32::to_string).unwrap_or_default()
    }

    /// The sizes of the parts that are there, by number.
    pub(crate) fn sizes(&self) -> BTreeMap<u16, u64> {
        self.kept.iter().map(|(number, kept)| (*number, kept.size)).collect()
    }
}

fn note_of(line: &str) -> Option<(u16, Note)> {
    let words: Vec<_> = line.split(' ').collect();
    let (number, note) = match words[..] {
        [number, "+", "."] => (number, Note::Taken),
        [number, "-", "."] => (number, Note::Left),
        [number, size, "."] => {
            let size = size.parse().ok()?;
            let lies = Lies::InPlace;
            (number, Note::Kept(Kept { size, lies }))
        }
        [number, size, beside, "."] => {
            let size = size.parse().ok()?;
            let lies = Lies::Beside(beside.parse().ok()?);
            (number, Note::Kept(Kept { size, lies }))
        }
        _ => return None,
    };
    Some((number.parse().ok()?, note))
}

/// The line for an event. It begins with a line end, so that it is complete even after a line that a crash cut short.
fn line_of(number: u16, note: Note) -> String {
    match note {
        Note::Taken => format!("\n{number} + ."),
        Note::Left => format!("\n{number} - ."),
        Note::Kept(Kept { size, lies }) => match lies {
            Lies::InPlace => format!("\n{number} {size} ."),
            Lies::Beside(beside) => format!("\n{number} {size} {beside} ."),
        },
    }
}

/// The list of an upload, locked until this is dropped.
#[derive(Debug)]
pub(crate) struct List(File);

impl List {
    /// Reads its present state.
    pub(crate) fn read(&self) -> io::Result<Listed> {
        let mut list = &self.0;
        list.seek(SeekFrom::Start(0))?;
        read(list)
    }

    /// Adds a line, in one write. It is durable once the list is [synced](Self::file).
    pub(crate) fn note(&self, number: u16, note: Note) -> io::Result<()> {
        (&self.0).write_all(line_of(number, note).as_bytes())
    }

    pub(crate) fn file(&self) -> &File {
        &self.0
    }

    /// Whether it has no line.
    pub(crate) fn is_empty(&self) -> io::Result<bool> {
        Ok(self.0.metadata()?.len() == 0)
    }

    /// Whether it is too long for another attempt to begin.
    pub(crate) fn is_full(&self) -> io::Result<bool> {
        Ok(self.0.metadata()?.len() > LONGEST_LIST)
    }
}

fn read(list: &File) -> io::Result<Listed> {
    // Attempts that have begun may still add lines.
    const LONGEST_READ: u64 = 2 * LONGEST_LIST;

    let mut text = Vec::new();
    list.take(LONGEST_READ).read_to_end(&mut text)?;
    // A power failure may leave any bytes.
    Ok(Listed::parse(&String::from_utf8_lossy(&text)))
}

impl Files {
    pub(crate) fn list(&self, name: &Name) -> PathBuf {
        self.folder(name).join(format!("{name}.list"))
    }

    /// Waits for the lock of an upload's list, which others hold for moments, or while parts are put together. `None` if there
    /// is no list.
    pub(crate) fn lock_list(&self, name: &Name) -> io::Result<Option<List>> {
        loop {
            let opened = OpenOptions::new().read(true).append(true).open(self.list(name));
            let Some(list) = if_there(opened)? else {
                return Ok(None);
            };
            if let Some(list) = self.locked(list, name)? {
                return Ok(Some(list));
            }
        }
    }

    /// The same; the list is created if there is none.
    pub(crate) fn make_list(&self, name: &Name) -> io::Result<List> {
        self.make_shard(name, false)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        loop {
            let list = match options.open(self.list(name)) {
                // An operator removed empty folders.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.make_shard(name, true)?;
                    options.open(self.list(name))?
                }
                opened => opened?,
            };
            if let Some(list) = self.locked(list, name)? {
                return Ok(list);
            }
        }
    }

    /// `None` if it was removed by who had the lock before.
    fn locked(&self, list: File, name: &Name) -> io::Result<Option<List>> {
        list.lock()?;
        Ok(is_named(&list, &self.list(name))?.then_some(List(list)))
    }

    /// The parts that are there.
    pub(crate) fn listed(&self, name: &Name) -> io::Result<Listed> {
        let list = if_there(File::open(self.list(name)))?;
        let listed = list.map(|list| read(&list)).transpose()?;
        Ok(listed.unwrap_or_default())
    }

    /// The sizes of the parts that are there, by number.
    #[cfg(test)]
    pub(crate) fn list_parts(&self, name: &Name) -> io::Result<BTreeMap<u16, u64>> {
        Ok(self.listed(name)?.sizes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_only_if_it_is_whole_and_the_last_one_of_its_part() {
        for (text, expected) in [
            ("", &[][..]),
            ("\n1 10 .", &[(1, 10)]),
            ("\n1 10 .\n2 5 .", &[(1, 10), (2, 5)]),
            ("\n1 + .\n1 10 .\n1 7 0 .", &[(1, 7)]),
            ("\n1 7 0 .\n1 10 .", &[(1, 10)]),
            // The end of an attempt does not remove a part in a file of its own.
            ("\n1 + .\n1 7 0 .\n1 - .", &[(1, 7)]),
            // As earlier versions took a part back.
            ("\n1 10 .\n1 - .", &[]),
            ("\n1 10 .\n1 - .\n1 7 .", &[(1, 7)]),
            // What a crash may leave, with and without something behind it.
            ("\n1 10 .\n2 5", &[(1, 10)]),
            ("\n1 10 .\n2 5\n3 6 .", &[(1, 10), (3, 6)]),
            ("\n1 10 .\n1 1\n2 5 .", &[(1, 10), (2, 5)]),
            ("\n1 10 .\n1 11 3\n2 5 .", &[(1, 10), (2, 5)]),
            ("\n\0\0\0\n4 4 .", &[(4, 4)]),
            ("\n99999 4 .\n-1 4 .\n1 2 3 4 .\n1 2 x .", &[]),
        ] {
            let sizes: Vec<_> = Listed::parse(text).sizes().into_iter().collect();
            assert_eq!(sizes, expected, "{text:?}");
        }
    }

    #[test]
    fn an_offset_is_taken_by_a_running_attempt_and_by_a_part_that_was_kept_there() {
        for (text, taken) in [
            ("", false),
            ("\n1 + .", true),
            ("\n1 + .\n1 - .", false),
            ("\n1 + .\n1 10 .", true),
            ("\n1 10 0 .", false),
            ("\n1 + .\n1 10 0 .", true),
            ("\n1 + .\n1 10 0 .\n1 - .", false),
            ("\n1 10 .", true),
        ] {
            assert_eq!(Listed::parse(text).is_taken(1), taken, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let [beside, in_place] = [Lies::Beside(7), Lies::InPlace].map(|lies| Note::Kept(Kept { size: 12, lies }));
        for note in [Note::Taken, Note::Left, beside, in_place] {
            let line = line_of(3, note);
            assert_eq!(note_of(line.trim_start()), Some((3, note)), "{line:?}");
        }
    }
}
