//! Operations on files and folders, in the order that durability needs. All of them block.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::fs::sync_group::{SyncGroup, Synced, Together, Written};
use crate::name::Name;

/// Syncs a file, or the names in a folder.
type Sync = Box<dyn Fn(&File) -> io::Result<()> + Send + std::marker::Sync>;

/// The files below one folder.
pub(crate) struct Files {
    root: PathBuf,
    pub(crate) sync: Sync,
    /// The whole file system, if that can be synced at once. Found out at the first use, when the folder is there.
    together: OnceLock<Option<Together>>,
    pub(crate) group: SyncGroup,
    is_durable: bool,
    /// The shards that this process knows to exist durably. There are at most 17 × 17, the pairs of characters of keys.
    shards: Mutex<HashSet<String>>,
}

impl Files {
    /// Files that survive a power failure once they are kept.
    pub(crate) fn durable(root: PathBuf) -> Self {
        let files = Self::synced_by(root, Box::new(File::sync_all));
        Self {
            together: OnceLock::new(),
            is_durable: true,
            ..files
        }
    }

    /// Files that are not synced: the system writes them to the disk at some time.
    pub(crate) fn fleeting(root: PathBuf) -> Self {
        Self::synced_by(root, Box::new(|_| Ok(())))
    }

    pub(crate) fn synced_by(root: PathBuf, sync: Sync) -> Self {
        Self {
            root,
            sync,
            together: OnceLock::from(None),
            group: SyncGroup::default(),
            is_durable: false,
            shards: Mutex::default(),
        }
    }

    /// The same, with a sync for all files.
    #[cfg(test)]
    pub(crate) fn synced_together(self, together: Together) -> Self {
        let together = OnceLock::from(Some(together));
        Self { together, ..self }
    }

    /// Whether a sync will wait for the bytes that are written, so that writing them back early pays off.
    pub(crate) fn is_durable(&self) -> bool {
        self.is_durable
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn folder(&self, name: &Name) -> PathBuf {
        self.root.join(name.shard())
    }

    /// The file of an upload that was kept.
    pub(crate) fn whole(&self, name: &Name) -> PathBuf {
        self.folder(name).join(name.as_str())
    }

    /// The file of an attempt.
    fn part(&self, name: &Name) -> PathBuf {
        self.folder(name).join(format!("{name}.part"))
    }

    /// Creates the file of an attempt, and the folders around it.
    pub(crate) fn create(&self, name: &Name) -> io::Result<File> {
        self.create_at(name, || File::create(self.part(name)))
    }

    fn create_at(&self, name: &Name, create: impl Fn() -> io::Result<File>) -> io::Result<File> {
        self.make_shard(name, false)?;
        match create() {
            // An operator removed empty folders.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_shard(name, true)?;
                create()
            }
            created => created,
        }
    }

    /// Turns the file of an attempt into that of the upload. The order matters: the bytes before their name, and both before the
    /// call returns.
    pub(crate) fn keep(&self, file: &File, name: &Name) -> io::Result<()> {
        (self.sync)(file)?;
        fs::rename(self.part(name), self.whole(name))?;
        self.sync_folder(&self.folder(name))
    }

    /// Creates the file of an upload under its final name, unless it exists. Only for one that is written at once, because other
    /// programs may read the folder.
    pub(crate) fn create_whole(&self, name: &Name) -> io::Result<File> {
        self.create_at(name, || File::create_new(self.whole(name)))
    }

    /// Removes the file of an attempt.
    pub(crate) fn remove_attempt(&self, name: &Name) -> io::Result<()> {
        if_there(fs::remove_file(self.part(name))).map(drop)
    }

    /// Removes a file that has its final name and is not kept, unless another one has that name by now.
    pub(crate) fn remove_written(&self, written: &Written) -> io::Result<()> {
        match is_named(&written.file, &written.path)? {
            true => if_there(fs::remove_file(&written.path)).map(drop),
            false => Ok(()),
        }
    }

    /// Removes all files of a name.
    ///
    /// Attempts go first: if one is being kept at the same time, then either its rename fails, or the renamed file is removed
    /// next. The list of parts goes last, as the other files are found by it.
    pub(crate) fn remove(&self, name: &Name) -> io::Result<()> {
        let list = self.lock_list(name)?;
        if list.is_some() {
            self.remove_parts(name)?;
        }
        // A power failure may have left parts without their list.
        for path in [self.parts(name), self.part(name), self.whole(name)] {
            if_there(fs::remove_file(path))?;
        }
        if list.is_some() {
            if_there(fs::remove_file(self.list(name)))?;
        }
        Ok(())
    }

    /// Removes all files of a name durably. It syncs even if it found none, because an earlier call may have removed them and
    /// failed to sync.
    pub(crate) fn remove_for_good(&self, name: &Name) -> io::Result<()> {
        self.remove(name)?;
        match self.sync_folder(&self.folder(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            synced => synced,
        }
    }

    /// Writes, reads and removes a file once, as an upload and its deletion do, under a name that no upload has. Also removes
    /// what an interrupted earlier try has left. A second try at the same time waits.
    pub(crate) fn try_out(&self, name: &Name, bytes: &[u8]) -> io::Result<()> {
        // The list is created first and removed last, so its lock protects all files of this name.
        let list = self.make_list(name)?;
        let tried = self.write_and_read(name, bytes);
        let remove = || {
            for path in [self.part(name), self.whole(name), self.list(name)] {
                if_there(fs::remove_file(path))?;
            }
            self.sync_folder(&self.folder(name))
        };
        let removed = remove();
        drop(list);
        tried.and(removed)
    }

    fn write_and_read(&self, name: &Name, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.create(name)?;
        file.write_all(bytes)?;
        self.keep(&file, name)?;
        if fs::read(self.whole(name))? == bytes {
            return Ok(());
        }
        Err(io::Error::other(
            "the bytes that were read differ from those that were written",
        ))
    }

    pub(crate) fn make_shard(&self, name: &Name, again: bool) -> io::Result<()> {
        // A panic cannot leave the set half changed. The lock is held during the sync, so that no other caller relies on a
        // folder that a power failure may still remove.
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if again || !shards.contains(name.shard()) {
            self.make_folder(&self.folder(name))?;
            shards.insert(name.shard().to_owned());
        }
        Ok(())
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let above = match folder.parent() {
            Some(above) if above.as_os_str().is_empty() => Path::new("."),
            Some(above) => above,
            None => return Ok(()),
        };
        match fs::create_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_folder(above)?;
                fs::create_dir(folder)?;
            }
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // Also if it existed: a process that was killed may have created it, and not have reached this line.
        self.sync_folder(above)
    }

    pub(crate) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        (self.sync)(&File::open(folder)?)
    }
}

impl Synced for Files {
    fn together(&self) -> Option<&Together> {
        let find = || {
            Together::of(&self.root).unwrap_or_else(|error| {
                tracing::debug!(%error, "cannot tell the kind of the file system; each file is synced by itself");
                None
            })
        };
        self.together.get_or_init(find).as_ref()
    }

    fn keep_written(&self, written: &Written) -> io::Result<()> {
        let folder = written.path.parent().unwrap_or(&self.root);
        let kept = (self.sync)(&written.file).and_then(|()| self.sync_folder(folder));
        if kept.is_err() {
            // What may not be durable is not left under its final name.
            self.remove_written(written)?;
        }
        kept
    }
}

/// `None`, if there is no such file.
pub(crate) fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Whether an open file is the one of this name.
pub(crate) fn is_named(open: &File, path: &Path) -> io::Result<bool> {
    let open = open.metadata()?;
    let named = if_there(fs::metadata(path))?;
    Ok(named.is_some_and(|named| (named.dev(), named.ino()) == (open.dev(), open.ino())))
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::{Arc, Barrier};
    use std::thread;

    use intake_core::{Key, UploadId};
    use tempfile::TempDir;

    use super::*;

    /// Files below `root` in a folder, and what was synced so far, with the files that were there at the time.
    struct Watched {
        files: Files,
        name: Name,
        folder: TempDir,
        synced: Arc<Mutex<Vec<String>>>,
    }

    impl Watched {
        fn new(also: impl Fn(&Path, &Name) + Send + std::marker::Sync + 'static) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let name = Name::of(&Key::whole(UploadId::random())).unwrap();
            let synced: Arc<Mutex<Vec<String>>> = Arc::default();
            let sync = {
                let (synced, above, name) = (synced.clone(), folder.path().to_owned(), name.clone());
                move |file: &File| {
                    synced.lock().unwrap().push(said_of(file, &above, &name));
                    also(&above.join("root"), &name);
                    Ok(())
                }
            };
            let files = Files::synced_by(folder.path().join("root"), Box::new(sync));
            Self {
                files,
                name,
                folder,
                synced,
            }
        }

        fn synced(&self) -> Vec<String> {
            std::mem::take(&mut self.synced.lock().unwrap())
        }

        fn is_empty(&self) -> bool {
            self.files.folder(&self.name).read_dir().unwrap().next().is_none()
        }
    }

    /// What is synced, and which names stand in the upload's folder meanwhile.
    fn said_of(file: &File, above: &Path, name: &Name) -> String {
        let root = above.join("root");
        let shard = root.join(name.shard());
        let part = shard.join(format!("{name}.part"));
        let whole = shard.join(name.as_str());
        let here = file.metadata().unwrap().ino();
        let is = |path: &Path| path.metadata().is_ok_and(|there| there.ino() == here);
        let what = match () {
            () if is(above) => "above",
            () if is(&root) => "root",
            () if is(&shard) => "shard",
            () if is(&part) || is(&whole) => "bytes",
            () => "something else",
        };
        let part = if part.exists() { " part" } else { "" };
        let whole = if whole.exists() { " whole" } else { "" };
        format!("{what}:{part}{whole}")
    }

    #[test]
    fn bytes_are_durable_before_their_name_and_the_name_before_the_call_returns() {
        let watched = Watched::new(|_, _| {});
        let file = watched.files.create(&watched.name).unwrap();
        assert_eq!(watched.synced(), ["above:", "root:"], "folders that are new");
        watched.files.keep(&file, &watched.name).unwrap();
        assert_eq!(watched.synced(), ["bytes: part", "shard: whole"]);
        watched.files.remove_for_good(&watched.name).unwrap();
        assert_eq!(watched.synced(), ["shard:"]);
    }

    #[test]
    fn a_folder_is_made_to_last_once_even_if_an_earlier_process_made_it() {
        let watched = Watched::new(|_, _| {});
        fs::create_dir_all(watched.folder.path().join("root").join(watched.name.shard())).unwrap();
        watched.files.create(&watched.name).unwrap();
        assert_eq!(watched.synced(), ["root:"]);
        watched.files.create(&watched.name).unwrap();
        assert_eq!(watched.synced(), [""; 0]);
    }

    #[test]
    fn removing_while_an_attempt_is_kept_leaves_nothing() {
        // Once while the bytes are synced, once while the folder is.
        for syncs in [3, 4] {
            let calls = Mutex::new(0);
            let watched = Watched::new(move |root, name| {
                *calls.lock().unwrap() += 1;
                if *calls.lock().unwrap() == syncs {
                    Files::fleeting(root.to_owned()).remove(name).unwrap();
                }
            });
            let file = watched.files.create(&watched.name).unwrap();
            let kept = watched.files.keep(&file, &watched.name);
            assert_eq!(kept.is_ok(), syncs == 4, "too late only after the rename");
            assert_eq!(watched.synced().len(), syncs);
            assert!(watched.is_empty());
        }
    }

    #[test]
    fn keeping_and_removing_at_the_same_time_leaves_nothing() {
        let watched = Watched::new(|_, _| {});
        let Watched { files, name, .. } = &watched;
        // Enough for every order of their steps to come up.
        for _ in 0..500 {
            let file = files.create(name).unwrap();
            let start = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    let _ = files.keep(&file, name);
                });
                start.wait();
                files.remove(name).unwrap();
            });
            assert!(watched.is_empty());
        }
    }

    #[test]
    fn what_could_not_be_synced_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let name = Name::of(&Key::whole(UploadId::random())).unwrap();
        let sync = |file: &File| match file.metadata()?.is_dir() {
            true => Ok(()),
            false => Err(io::Error::other("the disk is broken")),
        };
        let files = Files::synced_by(folder.path().to_owned(), Box::new(sync));
        let file = files.create(&name).unwrap();
        assert!(files.keep(&file, &name).is_err());
        assert!(!files.whole(&name).exists());
    }
}
