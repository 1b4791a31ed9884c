//! Copies on this machine's disk of parts that are being sent to the service, so that a part can be sent again if the service
//! fails. See docs/decisions/0020-parts-are-kept-until-the-store-has-them.md.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use intake_core::{Bytes, Fault};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::codes::STORE_FAILED;
use crate::fault;

/// How many bytes are read from a copy at a time.
const PIECE: usize = 256 * 1024;

/// A folder for copies, and the most bytes of all of them.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    /// One permit for each byte.
    room: Arc<Semaphore>,
}

impl Spool {
    /// Copies in this folder, which has to exist. `None` if the size is zero.
    pub(crate) fn new(folder: PathBuf, size: u64) -> Option<Self> {
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(size));
        (size > 0).then_some(Self { folder, room })
    }

    /// Begins an empty copy, without a file yet.
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

    /// Checks that files can be created in the folder, and written.
    ///
    /// # Errors
    ///
    /// If they cannot; the fault names the settings to change.
    pub(crate) async fn ready(&self) -> Result<(), Fault> {
        let folder = self.folder.clone();
        let tried = spawn_blocking(move || create(&folder)?.write_all_at(b"intake", 0)).await;
        tried
            .map_err(|_| fault::of_lost_work("write to the spool folder"))?
            .map_err(|error| {
                let message = format!(
                    "cannot keep copies of parts in {}: set `spool_folder` to a folder that can be written, or `spool_size` to \
                     0 for no copies",
                    self.folder.display()
                );
                Fault::new(STORE_FAILED, message).with_source(error)
            })
    }
}

/// A file without a name: the system removes it when it is closed, so a crash leaves nothing.
fn create(folder: &std::path::Path) -> io::Result<File> {
    tempfile::tempfile_in(folder)
}

/// A copy of the bytes of one part. If it cannot be written any more, it is dropped, and the part is sent without a copy.
#[derive(Clone)]
pub(crate) struct Copy {
    spool: Spool,
    state: Arc<Mutex<State>>,
}

struct State {
    kept: Option<Kept>,
    /// Bytes.
    length: u64,
    /// Whether all bytes were kept so far.
    whole: bool,
}

struct Kept {
    file: Arc<File>,
    /// One permit for each byte of the file.
    room: OwnedSemaphorePermit,
}

impl Copy {
    /// Whether all bytes were kept so far.
    pub(crate) fn is_whole(&self) -> bool {
        self.state().whole
    }

    /// Keeps the bytes that follow those before. One call at a time.
    pub(crate) async fn keep(&self, bytes: &Bytes) {
        if !self.is_whole() || bytes.is_empty() {
            return;
        }
        if let Err(error) = self.try_to_keep(bytes).await {
            tracing::warn!(%error, "cannot keep a copy of a part; if the store fails, its sender has to send it again");
            let mut state = self.state();
            state.whole = false;
            state.kept = None;
        }
    }

    async fn try_to_keep(&self, bytes: &Bytes) -> io::Result<()> {
        let more = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let more = self.spool.room.clone().try_acquire_many_owned(more);
        let more = more.map_err(|_| io::Error::other("the copies of other parts use all of `spool_size`"))?;
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

    /// The bytes from this offset on, as many as are read at a time; empty at the end.
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
        assert!(fault.report().contains("`spool_folder`"), "{}", fault.report());
        let copy = spool.begin();
        copy.keep(&noise(1, 10)).await;
        assert!(!copy.is_whole());
        assert!(Spool::new("/tmp".into(), 0).is_none());
    }
}
