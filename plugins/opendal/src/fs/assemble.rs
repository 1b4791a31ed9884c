//! Putting the parts of an upload together: the file of all parts gets the upload's name.
//!
//! Parts in files of their own, which are those that were sent again, are copied to their offsets first. If another process
//! still writes into the file, all parts are copied into a new file, and no attempt is waited for.
//!
//! A process that dies meanwhile leaves a list that still says where each part is, or a file that has its final name. The
//! next call does the rest.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};

use crate::fs::files::{Files, if_there};
use crate::fs::part_file::{Closed, is_unlocked, places};
use crate::fs::part_list::{Kept, Lies, List, Listed, Note};
use crate::name::Name;

impl Files {
    /// Turns the parts, of these sizes, into the file of the upload, if `are_these` says that they are the right ones. Succeeds if
    /// that was done before.
    pub(crate) fn keep_parts(
        &self,
        name: &Name,
        parts: &BTreeMap<u16, u64>,
        are_these: impl Fn(&Listed) -> bool,
    ) -> io::Result<Result<(), Closed>> {
        if self.whole(name).try_exists()? {
            self.finish_parts(name)?;
            return Ok(Ok(()));
        }
        // For an empty upload no list was created yet.
        let list = match parts.is_empty() {
            true => Some(self.make_list(name)?),
            false => self.lock_list(name)?,
        };
        let Some(list) = list else {
            let is_kept = self.whole(name).try_exists()?;
            return Ok(if is_kept { Ok(()) } else { Err(Closed::NotOpen) });
        };
        if self.whole(name).try_exists()? {
            self.finish(name, list)?;
            return Ok(Ok(()));
        }
        let listed = list.read()?;
        if listed.sizes() != *parts || !are_these(&listed) {
            return Ok(Err(Closed::Changed));
        }
        let Some(bytes) = self.open_parts(name, parts.is_empty())? else {
            return Ok(Err(Closed::NotOpen));
        };
        if is_unlocked(bytes.try_lock())? {
            self.relocate(name, &listed.kept, &bytes, &list)?;
            // An attempt that was not kept may have written more.
            bytes.set_len(parts.values().sum())?;
            (self.sync)(&bytes)?;
            fs::rename(self.parts(name), self.whole(name))?;
        } else {
            let copy = self.create(name)?;
            for (number, kept, begins) in places(&listed.kept) {
                self.copy(name, number, kept, begins, &copy)?;
            }
            // As a direct upload is kept.
            self.keep(&copy, name)?;
        }
        self.finish(name, list)?;
        Ok(Ok(()))
    }

    /// Copies parts from files of their own to their offsets in the file of all parts, and then lists them there.
    fn relocate(&self, name: &Name, kept: &BTreeMap<u16, Kept>, bytes: &File, list: &List) -> io::Result<()> {
        let is_beside = |kept: &Kept| matches!(kept.lies, Lies::Beside(_));
        if !kept.values().any(is_beside) {
            return Ok(());
        }
        for (number, kept, begins) in places(kept).filter(|(_, kept, _)| is_beside(kept)) {
            self.copy(name, number, kept, begins, bytes)?;
        }
        (self.sync)(bytes)?;
        for (number, kept) in kept.iter().filter(|(_, kept)| is_beside(kept)) {
            let lies = Lies::InPlace;
            list.note(*number, Note::Kept(Kept { lies, ..*kept }))?;
        }
        (self.sync)(list.file())
    }

    /// Copies a part to its offset in the whole.
    fn copy(&self, name: &Name, number: u16, kept: Kept, begins: u64, mut to: &File) -> io::Result<()> {
        let (path, at) = match kept.lies {
            Lies::InPlace => (self.parts(name), begins),
            Lies::Beside(number) => (self.beside(name, number), 0),
        };
        let mut from = File::open(path)?;
        from.seek(SeekFrom::Start(at))?;
        to.seek(SeekFrom::Start(begins))?;
        let copied = io::copy(&mut from.take(kept.size), &mut to)?;
        if copied == kept.size {
            return Ok(());
        }
        let message = format!("part {number} has only {copied} of its {} bytes", kept.size);
        Err(io::Error::new(ErrorKind::UnexpectedEof, message))
    }

    /// Completes the work of a process that died after it had renamed the file: the name has to be durable before the upload
    /// counts as complete.
    pub(crate) fn finish_parts(&self, name: &Name) -> io::Result<()> {
        if !self.list(name).try_exists()? || !self.whole(name).try_exists()? {
            return Ok(());
        }
        match self.lock_list(name)? {
            Some(list) if self.whole(name).try_exists()? => self.finish(name, list),
            _ => Ok(()),
        }
    }

    /// Makes the file's name durable, and removes what is left of its parts. The list goes last: while it exists, the name may
    /// not be durable, and there may be other files.
    pub(crate) fn finish(&self, name: &Name, list: List) -> io::Result<()> {
        self.sync_folder(&self.folder(name))?;
        self.remove_parts(name)?;
        if_there(fs::remove_file(self.list(name)))?;
        drop(list);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use intake_core::{Key, UploadId};

    use super::*;
    use crate::fs::part_file::tests::{begin, new, put, range, seen};

    fn sizes(files: &Files, name: &Name) -> BTreeMap<u16, u64> {
        files.list_parts(name).unwrap()
    }

    fn keep(files: &Files, name: &Name, parts: &BTreeMap<u16, u64>) -> io::Result<Result<(), Closed>> {
        files.keep_parts(name, parts, |_| true)
    }

    fn together(files: &Files, name: &Name) -> Result<(), Closed> {
        keep(files, name, &sizes(files, name)).unwrap()
    }

    /// Whether the whole is this, and nothing is beside it.
    fn is_whole(files: &Files, name: &Name, bytes: &[u8]) {
        let whole = fs::read(files.whole(name)).unwrap();
        assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(bytes));
        assert_eq!(seen(files, name), [""]);
    }

    #[test]
    fn parts_that_came_once_are_not_copied() {
        let (_folder, files, name) = new();
        put(&files, &name, 2, b"end");
        put(&files, &name, 1, b"thebegin");
        let inode = fs::metadata(files.parts(&name)).unwrap().ino();
        assert_eq!(together(&files, &name), Ok(()));
        is_whole(&files, &name, b"thebeginend");
        assert_eq!(fs::metadata(files.whole(&name)).unwrap().ino(), inode);
        assert_eq!(keep(&files, &name, &BTreeMap::new()).unwrap(), Ok(()), "done is done");
    }

    #[test]
    fn nothing_is_an_upload_too() {
        let (_folder, files, name) = new();
        assert_eq!(
            keep(&files, &name, &BTreeMap::from([(1, 1)])).unwrap(),
            Err(Closed::NotOpen)
        );
        assert_eq!(keep(&files, &name, &BTreeMap::new()).unwrap(), Ok(()));
        is_whole(&files, &name, b"");
    }

    #[test]
    fn parts_that_came_again_are_in_the_whole_and_no_byte_of_others() {
        let (_folder, files, name) = new();
        for (number, bytes) in [
            (1, b"00000000"),
            (2, b"11111111"),
            (3, b"33333333"),
            (1, b"thebegin"),
            (2, b"xxxxxxxx"),
        ] {
            put(&files, &name, number, bytes);
        }
        put(&files, &name, 2, b"themidst");
        put(&files, &name, 3, b"end");
        drop(begin(&files, &name, 3));
        assert_eq!(together(&files, &name), Ok(()));
        is_whole(&files, &name, b"thebeginthemidstend");
    }

    #[test]
    fn an_attempt_that_still_writes_is_not_waited_for_and_does_not_change_the_whole() {
        let (_folder, files, name) = new();
        // The first attempt hangs, in place; another one at a part that is there, beside.
        let first = begin(&files, &name, 1);
        first.write_at(&[b"first"], 0).unwrap().unwrap();
        put(&files, &name, 1, b"thebegin");
        put(&files, &name, 2, b"end");
        let second = begin(&files, &name, 2);
        second.write_at(&[b"xx"], 0).unwrap().unwrap();
        assert_eq!(together(&files, &name), Ok(()));
        for hung in [&first, &second] {
            assert_eq!(hung.write_at(&[b"xxx"], 0).unwrap(), Err(Closed::NotOpen));
            assert_eq!(files.keep_part(&name, hung, 3).unwrap(), Err(Closed::NotOpen));
        }
        files.leave_part(&name, &first).unwrap();
        assert_eq!(files.open_part(&name, &range(2)).unwrap().unwrap_err(), Closed::NotOpen);
        is_whole(&files, &name, b"thebeginend");
    }

    #[test]
    fn parts_that_changed_meanwhile_are_not_put_together() {
        let (_folder, files, name) = new();
        put(&files, &name, 1, b"part");
        let thought = sizes(&files, &name);
        put(&files, &name, 1, b"other");
        assert_eq!(keep(&files, &name, &thought).unwrap(), Err(Closed::Changed));
        put(&files, &name, 1, b"last");
        assert_eq!(together(&files, &name), Ok(()));
        is_whole(&files, &name, b"last");
    }

    /// Fails from the sync of this number on, as if the process died before it.
    fn dying(root: &std::path::Path, at: usize) -> (Files, Arc<AtomicUsize>) {
        let syncs = Arc::new(AtomicUsize::new(0));
        let count = syncs.clone();
        let sync = move |_: &File| match count.fetch_add(1, Ordering::SeqCst) >= at {
            true => Err(io::Error::other("died")),
            false => Ok(()),
        };
        (Files::synced_by(root.to_owned(), Box::new(sync)), syncs)
    }

    #[test]
    fn a_process_that_dies_while_putting_parts_together_costs_nothing_and_leaves_nothing() {
        for hangs in [false, true] {
            for again in [false, true] {
                for at in 0.. {
                    let (folder, files, name) = new();
                    let hung = hangs.then(|| begin(&files, &name, 1));
                    for bytes in [b"00000000", b"thebegin"] {
                        put(&files, &name, 1, bytes);
                    }
                    put(&files, &name, 2, b"end");
                    let parts = sizes(&files, &name);
                    let (dies, syncs) = dying(folder.path(), at);
                    let died = keep(&dies, &name, &parts).is_err();
                    assert_eq!(died, syncs.load(Ordering::SeqCst) > at);
                    let mut expected = *b"thebeginend";
                    let is_open = !files.whole(&name).exists();
                    if is_open && again {
                        put(&files, &name, 1, b"another1");
                        expected[..8].copy_from_slice(b"another1");
                    }
                    assert_eq!(keep(&files, &name, &parts).unwrap(), Ok(()), "died at {at}");
                    drop(hung);
                    is_whole(&files, &name, &expected);
                    if !died {
                        assert!(at >= 3, "only {at} syncs");
                        break;
                    }
                }
            }
        }
    }

    #[test]
    fn a_name_that_a_dead_process_has_given_is_made_durable_before_it_is_relied_on() {
        let folder = tempfile::tempdir().unwrap();
        let folders_synced = Arc::new(AtomicUsize::new(0));
        let count = folders_synced.clone();
        let sync = move |file: &File| {
            count.fetch_add(usize::from(file.metadata()?.is_dir()), Ordering::SeqCst);
            Ok(())
        };
        let files = Files::synced_by(folder.path().to_owned(), Box::new(sync));
        for again in [Files::finish_parts, |files: &Files, name: &Name| {
            assert_eq!(keep(files, name, &BTreeMap::from([(1, 4)]))?, Ok(()));
            Ok(())
        }] {
            let name = Name::of(&Key::whole(UploadId::random())).unwrap();
            put(&files, &name, 1, b"part");
            // The process that put it together died here.
            fs::rename(files.parts(&name), files.whole(&name)).unwrap();
            let before = folders_synced.load(Ordering::SeqCst);
            again(&files, &name).unwrap();
            assert_eq!(folders_synced.load(Ordering::SeqCst), before + 1);
            is_whole(&files, &name, b"part");
            again(&files, &name).unwrap();
            assert_eq!(folders_synced.load(Ordering::SeqCst), before + 1, "it was done already");
        }
    }
}
