//! An upload in parts, on a disk: one file into which every part is written at its place, and a list of those that are there.
//!
//! Nothing is copied when the parts are put together: the file gets its name. Until then each part is the work of one who
//! holds the file's lock together with the others; who puts them together holds it alone, so that nobody can change what the
//! stages are about to read.
//!
//! The list only grows: a line for each part that is whole and synced, and a line that takes it back before the part is
//! written again. A line that a crash cut short is none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::files::Files;
use crate::name::Name;

/// Bytes of one list at most: about 100,000 parts that came.
const LONGEST_LIST: u64 = 4 << 20;
/// How long who puts parts together waits for those who still write one.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(20);

/// The part of one sender, while it is being written. Shares the lock until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenPart {
    pub(crate) bytes: File,
    list: File,
    number: u16,
}

/// Why a part cannot be written, or parts cannot be put together, that is not the system's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The upload was put together or removed.
    NotOpen,
    /// Its parts came again and again.
    TooOften,
    /// Somebody writes a part that was thought to be there.
    Changing,
}

impl Files {
    fn parts(&self, name: &Name) -> PathBuf {
        self.folder(name).join(format!("{name}.parts"))
    }

    fn list(&self, name: &Name) -> PathBuf {
        self.folder(name).join(format!("{name}.list"))
    }

    /// The files that there may be of an upload in parts before it is put together.
    pub(crate) fn unassembled(&self, name: &Name) -> [PathBuf; 2] {
        [self.parts(name), self.list(name)]
    }

    /// Begins an upload in parts.
    pub(crate) fn begin_parts(&self, name: &Name) -> io::Result<()> {
        self.make_shard(name, false)?;
        for path in self.unassembled(name) {
            match File::create(&path) {
                // Somebody tidied up empty folders.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.make_shard(name, true)?;
                    File::create(&path)?
                }
                created => created?,
            };
        }
        self.sync_folder(&self.folder(name))
    }

    /// Begins to write a part; one of the same number that is there is taken back first.
    pub(crate) fn open_part(&self, name: &Name, number: u16) -> io::Result<Result<OpenPart, Closed>> {
        let opened = OpenOptions::new().write(true).open(self.parts(name));
        let Some(bytes) = if_there(opened)? else {
            return Ok(Err(Closed::NotOpen));
        };
        match bytes.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Err(Closed::NotOpen)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Who had the lock before may have put it together.
        if !self.is_still(&bytes, name)? {
            return Ok(Err(Closed::NotOpen));
        }
        let Some(list) = if_there(OpenOptions::new().append(true).open(self.list(name)))? else {
            return Ok(Err(Closed::NotOpen));
        };
        if list.metadata()?.len() > LONGEST_LIST {
            return Ok(Err(Closed::TooOften));
        }
        if self.list_parts(name)?.contains_key(&number) {
            note(&list, number, None)?;
            (self.sync)(&list)?;
        }
        Ok(Ok(OpenPart { bytes, list, number }))
    }

    /// Makes a part durable, and then says that it is there: bytes before the list.
    pub(crate) fn keep_part(&self, part: &OpenPart, size: u64) -> io::Result<()> {
        (self.sync)(&part.bytes)?;
        note(&part.list, part.number, Some(size))?;
        (self.sync)(&part.list)
    }

    /// The sizes of the parts that are there, by number.
    pub(crate) fn list_parts(&self, name: &Name) -> io::Result<BTreeMap<u16, u64>> {
        let mut text = String::new();
        if let Some(list) = if_there(File::open(self.list(name)))? {
            list.take(LONGEST_LIST + 4096).read_to_string(&mut text)?;
        }
        Ok(parse(&text))
    }

    /// Makes the parts the upload. If that was done already, it is done.
    pub(crate) fn keep_parts(&self, name: &Name, parts: &BTreeMap<u16, u64>) -> io::Result<Result<(), Closed>> {
        let Some(bytes) = if_there(OpenOptions::new().write(true).open(self.parts(name)))? else {
            return self.is_kept(name);
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            match bytes.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Ok(Err(Closed::Changing)),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        if !self.is_still(&bytes, name)? {
            return self.is_kept(name);
        }
        if self.list_parts(name)? != *parts {
            return Ok(Err(Closed::Changing));
        }
        // A part that came again may have been longer before.
        bytes.set_len(parts.values().sum())?;
        (self.sync)(&bytes)?;
        fs::rename(self.parts(name), self.whole(name))?;
        self.make_name_last(name)?;
        Ok(Ok(()))
    }

    fn is_kept(&self, name: &Name) -> io::Result<Result<(), Closed>> {
        self.finish_parts(name)?;
        let is_kept = self.whole(name).try_exists()?;
        Ok(if is_kept { Ok(()) } else { Err(Closed::NotOpen) })
    }

    /// Does what a process did not come to that died when it had given the file its name: nobody may count on a name that a
    /// loss of power still takes.
    pub(crate) fn finish_parts(&self, name: &Name) -> io::Result<()> {
        if self.list(name).try_exists()? && self.whole(name).try_exists()? {
            self.make_name_last(name)?;
        }
        Ok(())
    }

    /// The list goes last: while it is there, the file's name may not be there for good.
    fn make_name_last(&self, name: &Name) -> io::Result<()> {
        self.sync_folder(&self.folder(name))?;
        if_there(fs::remove_file(self.list(name)))?;
        Ok(())
    }

    /// Whether an open file is still the one of this upload's parts.
    fn is_still(&self, open: &File, name: &Name) -> io::Result<bool> {
        let open = open.metadata()?;
        let named = if_there(fs::metadata(self.parts(name)))?;
        Ok(named.is_some_and(|named| (named.dev(), named.ino()) == (open.dev(), open.ino())))
    }
}

fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Adds a line in one write. It begins with a line end, so that it is whole whatever a crash has left before it.
fn note(mut list: &File, number: u16, size: Option<u64>) -> io::Result<()> {
    let mut line = String::new();
    // Writing to a string does not fail.
    let _ok = match size {
        Some(size) => write!(line, "\n{number} {size} ."),
        None => write!(line, "\n{number} - ."),
    };
    list.write_all(line.as_bytes())
}

fn parse(text: &str) -> BTreeMap<u16, u64> {
    let mut parts = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(number), Some(size), Some("."), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        match (number.parse(), size.parse()) {
            (Ok(number), Ok(size)) => {
                parts.insert(number, size);
            }
            (Ok(number), Err(_)) => {
                parts.remove(&number);
            }
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use intake_core::{Key, UploadId};
    use tempfile::TempDir;

    use super::*;

    fn begun() -> (TempDir, Files, Name) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::fleeting(folder.path().to_owned());
        let name = Name::of(&Key::whole(UploadId::random())).unwrap();
        files.begin_parts(&name).unwrap();
        (folder, files, name)
    }

    #[test]
    fn a_line_counts_only_if_it_is_whole_and_the_last_one_of_its_part() {
        for (text, expected) in [
            ("", &[][..]),
            ("\n1 10 .", &[(1, 10)]),
            ("\n1 10 .\n2 5 .", &[(1, 10), (2, 5)]),
            ("\n1 10 .\n1 - .", &[]),
            ("\n1 10 .\n1 - .\n1 7 .", &[(1, 7)]),
            // What a crash may leave, with and without something behind it.
            ("\n1 10 .\n2 5", &[(1, 10)]),
            ("\n1 10 .\n2 5\n3 6 .", &[(1, 10), (3, 6)]),
            ("\n1 10 .\n1 1\n2 5 .", &[(1, 10), (2, 5)]),
            ("\n\0\0\0\n4 4 .", &[(4, 4)]),
            ("\n99999 4 .\n-1 4 .\n1 2 3 .", &[]),
        ] {
            assert_eq!(parse(text).into_iter().collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_part_is_taken_back_before_it_is_written_again() {
        let (_folder, files, name) = begun();
        let part = files.open_part(&name, 1).unwrap().unwrap();
        files.keep_part(&part, 10).unwrap();
        assert_eq!(files.list_parts(&name).unwrap(), BTreeMap::from([(1, 10)]));
        // Whoever dies from here on has destroyed what was there.
        let _again = files.open_part(&name, 1).unwrap().unwrap();
        assert_eq!(files.list_parts(&name).unwrap(), BTreeMap::new());
    }

    #[test]
    fn who_puts_parts_together_waits_for_those_who_write() {
        let (_folder, files, name) = begun();
        let part = files.open_part(&name, 1).unwrap().unwrap();
        let parts = BTreeMap::from([(1, 4)]);
        thread::scope(|scope| {
            let together = scope.spawn(|| files.keep_parts(&name, &parts));
            part.bytes.write_all_at(b"part", 0).unwrap();
            files.keep_part(&part, 4).unwrap();
            drop(part);
            assert_eq!(together.join().unwrap().unwrap(), Ok(()));
        });
        assert_eq!(fs::read(files.whole(&name)).unwrap(), b"part");
    }

    #[test]
    fn nobody_writes_what_is_put_together() {
        let (_folder, files, name) = begun();
        // Opened before, and slow to ask for the lock.
        let slow = OpenOptions::new().write(true).open(files.parts(&name)).unwrap();
        assert_eq!(files.keep_parts(&name, &BTreeMap::new()).unwrap(), Ok(()));
        assert!(!files.is_still(&slow, &name).unwrap());
        assert_eq!(files.open_part(&name, 1).unwrap().unwrap_err(), Closed::NotOpen);
        // Another upload's file in its place changes nothing.
        files.begin_parts(&name).unwrap();
        assert!(!files.is_still(&slow, &name).unwrap());
    }

    #[test]
    fn a_name_that_a_dead_process_has_given_is_made_to_last_before_anybody_counts_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let folders_synced = Arc::new(AtomicUsize::new(0));
        let count = folders_synced.clone();
        let sync = move |file: &File| {
            count.fetch_add(usize::from(file.metadata()?.is_dir()), Ordering::SeqCst);
            Ok(())
        };
        let files = Files::synced_by(folder.path().to_owned(), Box::new(sync));
        for again in [Files::finish_parts, |files: &Files, name: &Name| {
            assert_eq!(files.keep_parts(name, &BTreeMap::from([(1, 4)]))?, Ok(()));
            Ok(())
        }] {
            let name = Name::of(&Key::whole(UploadId::random())).unwrap();
            files.begin_parts(&name).unwrap();
            let part = files.open_part(&name, 1).unwrap().unwrap();
            files.keep_part(&part, 4).unwrap();
            // Whoever put it together came to this line.
            fs::rename(files.parts(&name), files.whole(&name)).unwrap();
            let before = folders_synced.load(Ordering::SeqCst);
            again(&files, &name).unwrap();
            assert_eq!(folders_synced.load(Ordering::SeqCst), before + 1);
            assert!(!files.list(&name).exists(), "a list is left for ever");
            again(&files, &name).unwrap();
            assert_eq!(folders_synced.load(Ordering::SeqCst), before + 1, "it was done already");
        }
    }

    #[test]
    fn parts_that_changed_meanwhile_are_not_put_together() {
        let (_folder, files, name) = begun();
        let part = files.open_part(&name, 1).unwrap().unwrap();
        files.keep_part(&part, 4).unwrap();
        drop(part);
        let other = BTreeMap::from([(1, 5)]);
        assert_eq!(files.keep_parts(&name, &other).unwrap(), Err(Closed::Changing));
    }

    #[test]
    fn bytes_of_a_longer_part_that_came_before_are_not_in_the_whole() {
        let (_folder, files, name) = begun();
        for bytes in [&b"longer"[..], b"short"] {
            let part = files.open_part(&name, 1).unwrap().unwrap();
            part.bytes.write_all_at(bytes, 0).unwrap();
            files.keep_part(&part, bytes.len() as u64).unwrap();
        }
        assert_eq!(files.keep_parts(&name, &BTreeMap::from([(1, 5)])).unwrap(), Ok(()));
        assert_eq!(fs::read(files.whole(&name)).unwrap(), b"short");
        assert!(files.unassembled(&name).iter().all(|path| !path.exists()));
    }
}
