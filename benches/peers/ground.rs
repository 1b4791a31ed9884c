//! The ground that the contest takes place on, a disk and memory, made alike for all before each turn.
//!
//! Three things are known to spoil figures. Memory that a virtual machine has not touched costs seconds when it first is. Bytes
//! that one server left unwritten are written while the next is measured. And where many files were deleted, the file system
//! takes minutes until new ones are cheap again, as it does not give out the numbers of files that are just gone.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{statvfs, syncfs};
use tempfile::TempDir;

use crate::measure::MIB;
use crate::support::in_parallel;

/// Bytes that a turn may leave; with less room than this, what earlier turns left is removed.
const ROOM: u64 = 16 << 30;

/// A folder where `TMPDIR` says, which is removed when all is over.
pub struct Ground {
    folder: TempDir,
}

impl Ground {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("intake-peers-").tempdir().unwrap();
        // Peers may run as another user.
        open_for_all(folder.path());
        Self { folder }
    }

    /// A new folder for a turn, on a disk with room.
    pub fn prepare(&self, turn: &str) -> PathBuf {
        if self.room() < ROOM {
            println!("  (the disk is almost full: what earlier turns left is removed, and creating files may be slow)");
            self.clear();
            self.settle();
        }
        let folder = self.folder.path().join(turn);
        fs::create_dir(&folder).unwrap();
        open_for_all(&folder);
        folder
    }

    /// Waits until all that a turn left is on the disk.
    pub fn settle(&self) {
        let folder = fs::File::open(self.folder.path()).unwrap();
        syncfs(&folder).unwrap();
    }

    /// Several folders at a time, as each file may cost the disk a discard of its own.
    fn clear(&self) {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        in_parallel(folders.len(), 16, |number| {
            // What cannot be removed now is left to the end of this program.
            let _left = fs::remove_dir_all(&folders[number]);
        });
    }

    fn room(&self) -> u64 {
        let free = statvfs(self.folder.path()).unwrap();
        free.f_bavail * free.f_frsize
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        println!("\nwhat all turns have left is removed");
        self.clear();
    }
}

fn open_for_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
}

/// Writes to each page of so many bytes of memory, and gives it back. That has to be just before it is wanted: a virtual machine
/// may give free memory back to its host within seconds.
pub fn touch(bytes: usize) {
    const PIECE: usize = 64 * MIB;
    let mut pieces = Vec::new();
    for _ in 0..bytes.div_ceil(PIECE) {
        let mut piece = vec![0_u8; PIECE];
        for page in piece.chunks_mut(4096) {
            page[0] = 1;
        }
        pieces.push(std::hint::black_box(piece));
    }
}
