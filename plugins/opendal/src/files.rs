//! What is done to files and folders, in which order. Everything here waits for the disk.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::name::Name;

/// Makes what was done to a file, or to the names in a folder, outlive a loss of power.
type Sync = Box<dyn Fn(&File) -> io::Result<()> + Send + std::marker::Sync>;

/// The files below one folder.
pub(crate) struct Files {
    root: PathBuf,
    sync: Sync,
    /// The shards that this process knows to be there for good. There are at most 17 × 17, as many as pairs of what keys
    /// are made of.
    shards: Mutex<HashSet<String>>,
}

impl Files {
    /// Files that outlive a loss of power once they are kept.
    pub(crate) fn durable(root: PathBuf) -> Self {
        Self::synced_by(root, Box::new(File::sync_all))
    }

    /// Files that are on the disk when the system gets round to it.
    pub(crate) fn fleeting(root: PathBuf) -> Self {
        Self::synced_by(root, Box::new(|_| Ok(())))
    }

    fn synced_by(root: PathBuf, sync: Sync) -> Self {
        let shards = Mutex::default();
        Self { root, sync, shards }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn folder(&self, name: &Name) -> PathBuf {
        self.root.join(name.shard())
    }

    /// The file of an upload that was kept.
    fn whole(&self, name: &Name) -> PathBuf {
        self.folder(name).join(name.as_str())
    }

    /// The file of an attempt.
    fn part(&self, name: &Name) -> PathBuf {
        self.folder(name).join(format!("{name}.part"))
    }

    /// Creates the file of an attempt, and the folders around it.
    pub(crate) fn create(&self, name: &Name) -> io::Result<File> {
        self.make_shard(name, false)?;
        match File::create(self.part(name)) {
            // Somebody tidied up empty folders.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_shard(name, true)?;
                File::create(self.part(name))
            }
            created => created,
        }
    }

    /// Makes an attempt the upload. The order is the point: the bytes before their name, and both before anybody is told.
    pub(crate) fn keep(&self, file: &File, name: &Name) -> io::Result<()> {
        (self.sync)(file)?;
        fs::rename(self.part(name), self.whole(name))?;
        self.sync_folder(&self.folder(name))
    }

    /// Removes whatever is there under a name.
    ///
    /// The attempt goes first: if somebody is just keeping it, then either their rename comes too late, or its outcome is
    /// there to be removed next.
    pub(crate) fn remove(&self, name: &Name) -> io::Result<()> {
        for path in [self.part(name), self.whole(name)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes whatever is there under a name, so that it does not come back after a loss of power. It syncs even if it
    /// found nothing, because an earlier call may have removed it and failed to sync.
    pub(crate) fn remove_for_good(&self, name: &Name) -> io::Result<()> {
        self.remove(name)?;
        match self.sync_folder(&self.folder(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            synced => synced,
        }
    }

    fn make_shard(&self, name: &Name, again: bool) -> io::Result<()> {
        // Nothing that is held across a panic here can be half changed. It is held across the sync: whoever comes second
        // must not count on a folder that a loss of power may still take.
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
        // Also if it was there: a process that died may have made it, and not have come to this line.
        self.sync_folder(above)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        (self.sync)(&File::open(folder)?)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}
