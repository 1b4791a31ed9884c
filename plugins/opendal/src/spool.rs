//! Copies of parts that are on their way to the service, on this machine's disk, so that a part which the service did not take
//! can be sent to it again. See docs/decisions/0020-parts-are-kept-until-the-store-has-them.md.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use intake_core::{Bytes, Fault};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::{STORE_FAILED, fault};

/// Bytes that are read from a copy at once.
const PIECE: usize = 256 * 1024;

/// A folder for copies, and how many bytes they may have together.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    /// One permit for each byte.
    room: Arc<Semaphore>,
}

impl Spool {
    /// Copies in this folder, which is there already. `None` if they may not have a byte.
    pub(crate) fn new(folder: PathBuf, size: u64) -> Option<Self> {
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(size));
        (size > 0).then_some(Self { folder, room })
    }

    /// Begins a copy, which is empty and has no file yet.
    pub(crate) fn begin(&self) -> Copy {
        let state = State {
            kept: None,
            length: 0,
            whole: true,
        };
        Copy {
            spool: self.clone(),
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Whether files can be made in the folder, and written.
    ///
    /// # Errors
    ///
    /// The fault says which settings are to be changed.
    pub(crate) async fn ready(&self) -> Result<(), Fault> {
        let folder = self.folder.clone();
        let tried = spawn_blocking(move || create(&folder)?.write_all_at(b"intake", 0)).await;
        tried
            .map_err(|_| fault::of_lost_work("write to the spool folder"))?
            .map_err(|error| {
                let message = format!(
                    "cannot keep copies of parts in {}: set `spool_folder` to a folder that can be written, or `spool_size` to \
                     0 to keep none",
                    self.folder.display()
                );
                Fault::new(STORE_FAILED, message).because(error)
            })
    }
}

/// A file without a name: the system removes it when it is closed, so a crash leaves nothing.
fn create(folder: &std::path::Path) -> io::Result<File> {
    tempfile::tempfile_in(folder)
}

/// The bytes of one part from its first on, or nothing. A copy that cannot be written any more is given up, and its part goes
/// on without one.
#[derive(Clone)]
pub(crate) struct Copy {
    spool: Spool,
    state: Arc<Mutex<State>>,
}

struct State {
    kept: Option<Kept>,
    /// Bytes.
    length: u64,
    /// Whether every byte that was to be kept was kept.
    whole: bool,
}

struct Kept {
    file: Arc<File>,
    /// For as many bytes as the file has.
    room: OwnedSemaphorePermit,
}

impl Copy {
    /// Whether every byte that was to be kept was kept.
    pub(crate) fn is_whole(&self) -> bool {
        self.state().whole
    }

    /// Keeps the bytes that follow those before. One call at a time.
    pub(crate) async fn keep(&self, bytes: &Bytes) {
        if !self.is_whole() || bytes.is_empty() {
            return;
        }
        if let Err(error) = self.try_to_keep(bytes).await {
            tracing::warn!(%error, "cannot keep a copy of a part; if the store does not take it, its sender has to send it again");
            let mut state = self.state();
            state.whole = false;
            state.kept = None;
        }
    }

    async fn try_to_keep(&self, bytes: &Bytes) -> io::Result<()> {
        let more = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let more = self.spool.room.clone().try_acquire_many_owned(more);
        let more = more.map_err(|_| io::Error::other("the copies of other parts take up all of `spool_size`"))?;
        let (file, length) = {
            let state = self.state();
            (state.kept.as_ref().map(|kept| kept.file.clone()), state.length)
        };
        let (folder, bytes) = (self.spool.folder.clone(), bytes.clone());
        let end = length + bytes.len() as u64;
        let write = move || {
            let file = file.map_or_else(|| create(&folder).map(Arc::new), Ok)?;
            file.write_all_at(&bytes, length)?;
            Ok::<_, io::Error>(file)
        };
        let file = spawn_blocking(write).await.map_err(io::Error::other)??;
        let mut state = self.state();
        state.length = end;
        match &mut state.kept {
            Some(kept) => kept.room.merge(more),
            none => *none = Some(Kept { file, room: more }),
        }
        Ok(())
    }

    /// The bytes from this offset on, as many as are read at once. Nothing is behind the last one.
    pub(crate) async fn read(&self, offset: u64) -> io::Result<Bytes> {
        let (file, length) = {
            let state = self.state();
            (state.kept.as_ref().map(|kept| kept.file.clone()), state.length)
        };
        let left = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (Some(file), 1..) = (file, left) else {
            return Ok(Bytes::new());
        };
        let read = move || {
            let mut piece = vec![0; left.min(PIECE)];
            file.read_exact_at(&mut piece, offset)?;
            Ok(Bytes::from(piece))
        };
        spawn_blocking(read).await.map_err(io::Error::other)?
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use intake_core::testkit::noise;

    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_read_again_from_any_byte_on_and_nothing_stays_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned(), 1 << 20).unwrap();
        let (copy, bytes) = (spool.begin(), noise(1, 700_000));
        for piece in bytes.chunks(300_000) {
            copy.keep(&bytes.slice_ref(piece)).await;
        }
        assert!(copy.is_whole());
        for start in [0, 1, 299_999, 300_000, 699_999, 700_000] {
            let mut read = Vec::new();
            loop {
                let piece = copy.read((start + read.len()) as u64).await.unwrap();
                if piece.is_empty() {
                    break;
                }
                read.extend_from_slice(&piece);
            }
            assert!(read == bytes[start..], "from byte {start}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn copies_have_no_more_bytes_than_they_may_and_give_them_back() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned(), 1000).unwrap();
        let (one, other) = (spool.begin(), spool.begin());
        one.keep(&noise(1, 600)).await;
        other.keep(&noise(1, 400)).await;
        one.keep(&noise(1, 1)).await;
        assert!(!one.is_whole() && other.is_whole());
        // What the first one had is free again.
        other.keep(&noise(1, 600)).await;
        assert!(other.is_whole());
        drop(other);
        let last = spool.begin();
        last.keep(&noise(1, 1000)).await;
        assert!(last.is_whole());
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_said_with_its_setting_and_keeps_nothing() {
        let spool = Spool::new("/no/such/folder".into(), 1000).unwrap();
        let fault = spool.ready().await.unwrap_err();
        assert!(fault.chain().contains("`spool_folder`"), "{}", fault.chain());
        let copy = spool.begin();
        copy.keep(&noise(1, 10)).await;
        assert!(!copy.is_whole());
        assert!(Spool::new("/tmp".into(), 0).is_none());
    }
}
