//! The parts of an upload on a disk, until they are put together: one file in which each part is written at its offset, files
//! for attempts that must not write there, and a list of the parts that are complete.
//!
//! The first attempt at a part writes at the part's offset, so that nothing has to be copied. An attempt that comes while
//! another one writes there, or after a part was kept there, writes into a file of its own: a kept part is never overwritten.
//! The part that was kept last counts; the file of the one that it replaces is removed.
//!
//! A running attempt holds a lock: one that writes at its offset has a shared lock on the file of all parts, and one with a
//! file of its own has an exclusive lock on that file. So the files of attempts whose process died are recognised and reused.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

use intake_core::{Bytes, Part, PartRange};

use crate::fs::files::{Files, if_there, is_named};
use crate::fs::part_list::{Kept, Lies, Listed, Note};
use crate::fs::write_back;
use crate::name::Name;

/// The most files beside that of all parts.
const MOST_BESIDE: u16 = 256;
/// The most bytes in them together, unless that is less than [`LEAST_BESIDE`] parts.
const MOST_BYTES_BESIDE: u64 = 1 << 30;
/// How many parts may have files of their own, however large they are.
const LEAST_BESIDE: u64 = 4;

/// One attempt at a part, while it is being written.
#[derive(Debug)]
pub(crate) struct OpenPart {
    /// Locked until it is closed, which ends the lock.
    bytes: File,
    number: u16,
    lies: Lies,
    /// The offset of its first byte in the file.
    begins: u64,
}

impl OpenPart {
    /// Writes bytes of the part, from this offset in the part on.
    pub(crate) fn write_at(&self, pieces: &[impl AsRef<[u8]>], offset: u64) -> io::Result<Result<(), Closed>> {
        // The file was removed, so the upload has ended without this part.
        if self.bytes.metadata()?.nlink() == 0 {
            return Ok(Err(Closed::NotOpen));
        }
        let mut at = self.begins + offset;
        for piece in pieces.iter().map(AsRef::as_ref) {
            self.bytes.write_all_at(piece, at)?;
            at += piece.len() as u64;
        }
        Ok(Ok(()))
    }

    /// Begins to write back this range of the part.
    pub(crate) fn write_back(&self, range: Range<u64>) {
        write_back::begin(&self.bytes, self.begins + range.start..self.begins + range.end);
    }
}

/// A kept part, while it is being read. Its bytes are never overwritten, as long as the parts are not put together.
#[derive(Debug)]
pub(crate) struct ReadPart {
    bytes: File,
    at: u64,
    end: u64,
}

impl ReadPart {
    /// How many bytes are read at a time.
    const CHUNK: u64 = 256 * 1024;

    /// The next bytes, or `None` at the end of the part.
    pub(crate) fn next(&mut self) -> io::Result<Option<Bytes>> {
        let length = Self::CHUNK.min(self.end - self.at);
        if length == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
        self.bytes.read_exact_at(&mut piece, self.at)?;
        self.at += length;
        Ok(Some(piece.into()))
    }
}

/// Why a part cannot be written, or parts cannot be put together, without a failure of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The upload was put together or removed.
    NotOpen,
    /// Its parts were sent too often.
    TooOften,
    /// The parts differ from those that the caller listed.
    Changed,
}

impl Files {
    pub(crate) fn parts(&self, name: &Name) -> PathBuf {
        self.folder(name).join(format!("{name}.parts"))
    }

    pub(crate) fn beside(&self, name: &Name, number: u16) -> PathBuf {
        self.folder(name).join(format!("{name}.{number}.part"))
    }

    /// Opens the file of all parts; with `make`, creates it if it does not exist.
    pub(crate) fn open_parts(&self, name: &Name, make: bool) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        if_there(options.write(true).create(make).truncate(false).open(self.parts(name)))
    }

    fn path_of(&self, name: &Name, part: &OpenPart) -> PathBuf {
        match part.lies {
            Lies::InPlace => self.parts(name),
            Lies::Beside(number) => self.beside(name, number),
        }
    }

    /// Begins an attempt at a part. The first one of an upload creates its files.
    pub(crate) fn open_part(&self, name: &Name, range: &PartRange) -> io::Result<Result<OpenPart, Closed>> {
        // Checked before anything is created, and again under the lock, which prevents that parts are put together meanwhile.
        if self.whole(name).try_exists()? {
            return Ok(Err(Closed::NotOpen));
        }
        let list = self.make_list(name)?;
        if self.whole(name).try_exists()? {
            self.finish(name, list)?;
            return Ok(Err(Closed::NotOpen));
        }
        let is_new = list.is_empty()?;
        let Some(bytes) = self.open_parts(name, is_new)? else {
            return Ok(Err(Closed::NotOpen));
        };
        if is_new {
            // Both names are made durable before a line of the list refers to them.
            self.sync_folder(&self.folder(name))?;
        }
        if list.is_full()? {
            return Ok(Err(Closed::TooOften));
        }
        let (number, listed) = (range.number, list.read()?);
        let is_free = match listed.lies(number) {
            Some(Lies::InPlace) => false,
            // If no attempt writes into the file, the attempt that had taken this offset has ended.
            _ => !listed.is_taken(number) || is_unlocked(bytes.try_lock())?,
        };
        if !is_free {
            return self.open_beside(name, range, &listed);
        }
        if !is_unlocked(bytes.try_lock_shared())? {
            return Ok(Err(Closed::NotOpen));
        }
        list.note(number, Note::Taken)?;
        Ok(Ok(OpenPart {
            bytes,
            number,
            lies: Lies::InPlace,
            begins: range.offset,
        }))
    }

    /// Creates a file for one attempt, and removes those of attempts whose process died. The list is locked.
    fn open_beside(&self, name: &Name, range: &PartRange, listed: &Listed) -> io::Result<Result<OpenPart, Closed>> {
        let (mut free, mut bytes) = (None, 0_u64);
        for beside in 0..MOST_BESIDE {
            let path = self.beside(name, beside);
            match if_there(OpenOptions::new().write(true).open(&path))? {
                Some(file) if listed.is_needed(beside) || !is_unlocked(file.try_lock())? => {
                    bytes = bytes.saturating_add(file.metadata()?.len());
                    continue;
                }
                Some(_) => fs::remove_file(&path)?,
                None => {}
            }
            free = free.or(Some((beside, path)));
        }
        let most = MOST_BYTES_BESIDE.max(range.at_most.saturating_mul(LEAST_BESIDE));
        let Some((beside, path)) = free.filter(|_| bytes.saturating_add(range.at_most) <= most) else {
            return Ok(Err(Closed::TooOften));
        };
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.try_lock()?;
        // So that other attempts count its full size. It takes no room on the disk before bytes are written.
        file.set_len(range.at_most)?;
        Ok(Ok(OpenPart {
            bytes: file,
            number: range.number,
            lies: Lies::Beside(beside),
            begins: 0,
        }))
    }

    /// Opens a kept part for reading, if it is the one with this tag.
    pub(crate) fn open_kept(
        &self,
        name: &Name,
        range: &PartRange,
        part: &Part,
    ) -> io::Result<Result<ReadPart, Closed>> {
        let listed = self.listed(name)?;
        let Some(kept) = listed
            .kept
            .get(&part.number)
            .filter(|_| listed.tag(part.number) == part.tag)
        else {
            return Ok(Err(Closed::Changed));
        };
        let (path, at) = match kept.lies {
            Lies::InPlace => (self.parts(name), range.offset),
            Lies::Beside(beside) => (self.beside(name, beside), 0),
        };
        let bytes = File::open(path)?;
        let end = at + kept.size;
        Ok(Ok(ReadPart { bytes, at, end }))
    }

    /// Makes a part durable, and then lists it in place of the one that was kept under its number before: the bytes before the
    /// list.
    pub(crate) fn keep_part(&self, name: &Name, part: &OpenPart, size: u64) -> io::Result<Result<(), Closed>> {
        if let Lies::Beside(_) = part.lies {
            part.bytes.set_len(size)?;
            (self.sync)(&part.bytes)?;
            self.sync_folder(&self.folder(name))?;
        } else {
            (self.sync)(&part.bytes)?;
        }
        let Some(list) = self.lock_list(name)? else {
            return Ok(Err(Closed::NotOpen));
        };
        if self.whole(name).try_exists()? || !is_named(&part.bytes, &self.path_of(name, part))? {
            return Ok(Err(Closed::NotOpen));
        }
        let before = list.read()?.lies(part.number);
        let lies = part.lies;
        list.note(part.number, Note::Kept(Kept { size, lies }))?;
        (self.sync)(list.file())?;
        if let Some(Lies::Beside(replaced)) = before {
            if_there(fs::remove_file(self.beside(name, replaced)))?;
        }
        Ok(Ok(()))
    }

    /// Ends an attempt that was not kept: its offset, or its file, may be used again.
    pub(crate) fn leave_part(&self, name: &Name, part: &OpenPart) -> io::Result<()> {
        let Some(list) = self.lock_list(name)? else {
            return Ok(());
        };
        let path = self.path_of(name, part);
        if !is_named(&part.bytes, &path)? {
            return Ok(());
        }
        match part.lies {
            Lies::InPlace => list.note(part.number, Note::Left),
            Lies::Beside(_) => fs::remove_file(path),
        }
    }

    /// Removes the files of an upload's parts, but not the list, which is locked.
    pub(crate) fn remove_parts(&self, name: &Name) -> io::Result<()> {
        if_there(fs::remove_file(self.parts(name)))?;
        let mut is_changed = false;
        for beside in 0..MOST_BESIDE {
            is_changed |= if_there(fs::remove_file(self.beside(name, beside)))?.is_some();
        }
        if is_changed {
            // Made durable before the list is removed: without a list, they would not be found.
            self.sync_folder(&self.folder(name))?;
        }
        Ok(())
    }
}

/// Whether the lock was acquired.
pub(crate) fn is_unlocked(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The parts in the order of their numbers, each with its offset in the whole.
pub(crate) fn places(parts: &BTreeMap<u16, Kept>) -> impl Iterator<Item = (u16, Kept, u64)> {
    parts.iter().scan(0, |end, (number, kept)| {
        let begins = *end;
        *end += kept.size;
        Some((*number, *kept, begins))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::mem;

    use intake_core::{Key, UploadId};
    use tempfile::TempDir;

    use super::*;

    /// Bytes of every part but the last, in tests.
    pub(crate) const PART: u64 = 8;

    pub(crate) fn range(number: u16) -> PartRange {
        PartRange::new(number, u64::from(number - 1) * PART, PART)
    }

    pub(crate) fn new() -> (TempDir, Files, Name) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::fleeting(folder.path().to_owned());
        let name = Name::of(&Key::whole(UploadId::random())).unwrap();
        (folder, files, name)
    }

    pub(crate) fn begin(files: &Files, name: &Name, number: u16) -> OpenPart {
        files.open_part(name, &range(number)).unwrap().unwrap()
    }

    pub(crate) fn put(files: &Files, name: &Name, number: u16, bytes: &[u8]) -> Lies {
        let part = begin(files, name, number);
        part.write_at(&[bytes], 0).unwrap().unwrap();
        files.keep_part(name, &part, bytes.len() as u64).unwrap().unwrap();
        part.lies
    }

    /// The files of an upload, without what is common to their names.
    pub(crate) fn seen(files: &Files, name: &Name) -> Vec<String> {
        let entries = fs::read_dir(files.folder(name)).unwrap();
        let mut seen: Vec<_> = entries
            .map(|entry| {
                entry
                    .unwrap()
                    .file_name()
                    .into_string()
                    .unwrap()
                    .replace(name.as_str(), "")
            })
            .collect();
        seen.sort();
        seen
    }

    #[test]
    fn the_first_attempt_writes_at_its_place_and_one_after_it_was_given_up_too() {
        let (_folder, files, name) = new();
        let first = begin(&files, &name, 2);
        assert_eq!(first.lies, Lies::InPlace);
        // While it may still write there, no other attempt does.
        let second = begin(&files, &name, 2);
        assert_eq!(second.lies, Lies::Beside(0));
        assert_eq!(begin(&files, &name, 1).lies, Lies::InPlace, "another part");
        files.leave_part(&name, &first).unwrap();
        assert_eq!(begin(&files, &name, 2).lies, Lies::InPlace);
        files.leave_part(&name, &second).unwrap();
        assert_eq!(seen(&files, &name), [".list", ".parts"]);
    }

    #[test]
    fn what_the_dead_have_left_is_used_again() {
        let (_folder, files, name) = new();
        // As after a kill: the attempt was not ended, and no process holds its lock.
        drop(begin(&files, &name, 1));
        assert_eq!(put(&files, &name, 1, b"in place"), Lies::InPlace);
        for _ in 0..3 {
            drop(begin(&files, &name, 1));
            assert_eq!(seen(&files, &name), [".0.part", ".list", ".parts"]);
        }
        assert_eq!(put(&files, &name, 1, b"beside"), Lies::Beside(0));
        assert_eq!(
            put(&files, &name, 1, b"again"),
            Lies::InPlace,
            "what was there counts no more"
        );
        assert_eq!(seen(&files, &name), [".list", ".parts"], "what was replaced is left");
        assert_eq!(files.list_parts(&name).unwrap(), BTreeMap::from([(1, 5)]));
    }

    #[test]
    fn a_part_that_is_kept_is_never_written_over() {
        let (_folder, files, name) = new();
        put(&files, &name, 1, b"is there");
        for ends in [true, false] {
            let again = begin(&files, &name, 1);
            again.write_at(&[b"half"], 0).unwrap().unwrap();
            if ends {
                files.leave_part(&name, &again).unwrap();
            }
            assert_eq!(fs::read(files.parts(&name)).unwrap(), b"is there");
            assert_eq!(files.list_parts(&name).unwrap(), BTreeMap::from([(1, 8)]));
        }
    }

    #[test]
    fn the_last_one_that_is_kept_counts_wherever_it_was_written() {
        let (_folder, files, name) = new();
        let [slow, fast] = [(); 2].map(|()| begin(&files, &name, 1));
        fast.write_at(&[b"fast"], 0).unwrap().unwrap();
        slow.write_at(&[b"slow!"], 0).unwrap().unwrap();
        files.keep_part(&name, &fast, 4).unwrap().unwrap();
        assert_eq!(files.list_parts(&name).unwrap(), BTreeMap::from([(1, 4)]));
        files.keep_part(&name, &slow, 5).unwrap().unwrap();
        assert_eq!(files.list_parts(&name).unwrap(), BTreeMap::from([(1, 5)]));
        assert_eq!(seen(&files, &name), [".list", ".parts"]);
    }

    #[test]
    fn an_upload_has_no_more_beside_its_file_than_it_may() {
        let (_folder, files, name) = new();
        put(&files, &name, 1, b"is there");
        let large = PartRange::new(1, 0, MOST_BYTES_BESIDE);
        let open = || files.open_part(&name, &large).unwrap();
        let mut attempts: Vec<_> = (0..LEAST_BESIDE).map(|_| open().unwrap()).collect();
        assert_eq!(open().unwrap_err(), Closed::TooOften);
        drop(attempts.pop());
        attempts.push(open().unwrap());
        // What is kept takes no more than it has.
        for attempt in &attempts {
            files.keep_part(&name, attempt, 1).unwrap().unwrap();
        }
        drop(attempts);
        // One of them at the part's place, where nothing is any more that counts.
        let small: Vec<_> = (0..MOST_BESIDE).map(|_| begin(&files, &name, 1)).collect();
        assert_eq!(
            files.open_part(&name, &range(1)).unwrap().unwrap_err(),
            Closed::TooOften
        );
        drop(small);
        assert_eq!(put(&files, &name, 1, b"the last"), Lies::InPlace);
    }

    #[test]
    fn an_attempt_that_writes_when_the_upload_is_removed_leaves_nothing() {
        let (_folder, files, name) = new();
        put(&files, &name, 1, b"is there");
        let open = [1, 1, 2, 2].map(|number| begin(&files, &name, number));
        files.remove(&name).unwrap();
        for attempt in &open {
            assert_eq!(attempt.write_at(&[b"late"], 0).unwrap(), Err(Closed::NotOpen));
            assert_eq!(files.keep_part(&name, attempt, 4).unwrap(), Err(Closed::NotOpen));
            files.leave_part(&name, attempt).unwrap();
        }
        assert_eq!(seen(&files, &name), [""; 0]);
    }

    #[test]
    fn what_a_removal_has_left_that_was_cut_off_takes_no_part() {
        let (_folder, files, name) = new();
        put(&files, &name, 1, b"is there");
        fs::remove_file(files.parts(&name)).unwrap();
        assert_eq!(files.open_part(&name, &range(2)).unwrap().unwrap_err(), Closed::NotOpen);
        files.remove(&name).unwrap();
        assert_eq!(seen(&files, &name), [""; 0]);
    }

    #[test]
    fn files_last_before_a_line_says_that_they_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let lines_at_sync: std::sync::Arc<std::sync::Mutex<Vec<(bool, usize)>>> = Default::default();
        let (noted, root) = (lines_at_sync.clone(), folder.path().to_owned());
        let name = Name::of(&Key::whole(UploadId::random())).unwrap();
        let list = Files::fleeting(root.clone()).list(&name);
        let sync = move |file: &File| {
            let lines = fs::read_to_string(&list).map_or(0, |text| text.lines().skip(1).count());
            noted.lock().unwrap().push((file.metadata()?.is_dir(), lines));
            Ok(())
        };
        let files = Files::synced_by(root, Box::new(sync));
        let taken = || mem::take(&mut *lines_at_sync.lock().unwrap());
        let part = begin(&files, &name, 1);
        // The folder above, and that of the files.
        assert_eq!(taken(), [(true, 0), (true, 0)]);
        files.keep_part(&name, &part, 1).unwrap().unwrap();
        assert_eq!(taken(), [(false, 1), (false, 2)], "bytes, and then the line");
        let beside = begin(&files, &name, 1);
        assert_eq!(taken(), []);
        files.keep_part(&name, &beside, 1).unwrap().unwrap();
        assert_eq!(
            taken(),
            [(false, 2), (true, 2), (false, 3)],
            "bytes, their name, and then the line"
        );
    }
}
