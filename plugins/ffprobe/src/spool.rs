//! Keeps contents until their last byte has come, in files without a name: the system removes them when they are closed, so a crash
//! leaves nothing.
//!
//! The index of a film may stand at its end, so the program has to go back and forth in it.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use intake_core::{Bytes, Fault};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::codes::SCANNER_UNAVAILABLE;

/// The bytes of the disk are counted in these.
const UNIT: u64 = 64 * 1024;
/// How many bytes of a content are kept in memory until they are written.
const IN_MEMORY: usize = 128 * 1024;

/// A folder for contents, and the room in it.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    /// One permit for each unit.
    room: Arc<Semaphore>,
    /// The most bytes of a content.
    max_size: u64,
}

/// A content that has come in part, or as a whole.
#[derive(Debug)]
pub(crate) struct Content {
    spool: Spool,
    pending: Vec<u8>,
    file: Option<File>,
    room: Option<OwnedSemaphorePermit>,
    length: u64,
}

/// Why a content is not kept.
#[derive(Debug)]
pub(crate) enum NotKept {
    /// It is too large, or there is no room, in words.
    TooMuch(String),
    Failed(Fault),
}

impl Spool {
    pub(crate) fn new(folder: PathBuf, size: u64, max_size: u64) -> Self {
        let units = usize::try_from(size / UNIT).unwrap_or(usize::MAX);
        Self {
            folder,
            room: Arc::new(Semaphore::new(units.clamp(1, Semaphore::MAX_PERMITS))),
            max_size,
        }
    }

    /// An empty content.
    pub(crate) fn begin(&self) -> Content {
        Content {
            spool: self.clone(),
            pending: Vec::new(),
            file: None,
            room: None,
            length: 0,
        }
    }

    /// Why a content of this size is not kept, if it is too large.
    pub(crate) fn too_large(&self, size: u64) -> Option<String> {
        let most = self.max_size;
        (size > most).then(|| format!("it has more than {most} bytes (max_size)"))
    }

    /// Checks that files can be created in the folder, and written.
    ///
    /// # Errors
    ///
    /// If they cannot.
    pub(crate) async fn ready(&self) -> Result<(), Fault> {
        let folder = self.folder.clone();
        let tried = spawn_blocking(move || tempfile::tempfile_in(folder)?.write_all(b"intake"));
        self.told(tried.await.map_err(io::Error::other).flatten())
    }

    fn told<T>(&self, result: io::Result<T>) -> Result<T, Fault> {
        result.map_err(|error| {
            let folder = self.folder.display();
            let message =
                format!("cannot keep contents in {folder}: set `spool_folder` to a folder that can be written");
            Fault::new(SCANNER_UNAVAILABLE, message).retryable().with_source(error)
        })
    }
}

impl Content {
    /// Keeps more of it.
    ///
    /// # Errors
    ///
    /// If it is too much, or cannot be written.
    pub(crate) async fn push(&mut self, chunk: &Bytes) -> Result<(), NotKept> {
        let length = self.length.saturating_add(chunk.len() as u64);
        if let Some(why) = self.spool.too_large(length) {
            return Err(NotKept::TooMuch(why));
        }
        self.length = length;
        for piece in chunk.chunks(IN_MEMORY) {
            self.pending.extend_from_slice(piece);
            if self.pending.len() >= IN_MEMORY {
                self.write().await?;
            }
        }
        Ok(())
    }

    /// All of its bytes, and the room that they take.
    ///
    /// # Errors
    ///
    /// As above.
    pub(crate) async fn into_file(mut self) -> Result<(File, Option<OwnedSemaphorePermit>), NotKept> {
        self.write().await?;
        match self.file {
            Some(file) => Ok((file, self.room)),
            None => Err(NotKept::TooMuch("it has no bytes".to_owned())),
        }
    }

    async fn write(&mut self) -> Result<(), NotKept> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.take_room()?;
        let bytes = std::mem::take(&mut self.pending);
        let (file, folder) = (self.file.take(), self.spool.folder.clone());
        let write = move || {
            let mut file = file.map_or_else(|| tempfile::tempfile_in(folder), Ok)?;
            file.write_all(&bytes)?;
            Ok::<_, io::Error>(file)
        };
        let written = spawn_blocking(write).await.map_err(io::Error::other).flatten();
        self.file = Some(self.spool.told(written).map_err(NotKept::Failed)?);
        Ok(())
    }

    fn take_room(&mut self) -> Result<(), NotKept> {
        let held = self.room.as_ref().map_or(0, |room| room.num_permits() as u64);
        let needed = self.length.div_ceil(UNIT).saturating_sub(held);
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&self.spool.room).try_acquire_many_owned(needed) else {
            let why = "other files take all of the disk that is set aside (spool_size)";
            return Err(NotKept::TooMuch(why.to_owned()));
        };
        match &mut self.room {
            Some(room) => room.merge(more),
            None => self.room = Some(more),
        }
        Ok(())
    }
}
