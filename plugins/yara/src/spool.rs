//! Keeps contents until their last byte has come: in memory if they are small, else in files.
//!
//! The rules need the whole content at once, and a sender may take hours for it. So a content is in memory only while it is
//! scanned, and what bounds the others is the disk.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use intake_core::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::codes::{SCANNER_FAILED, SCANNER_UNAVAILABLE};

/// How many bytes of a content are kept in memory until they are written.
const IN_MEMORY: usize = 128 * 1024;
/// The bytes of the disk are counted in these.
pub(crate) const UNIT: u64 = 64 * 1024;

/// A folder for contents, and the room in it.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    /// One permit for each unit.
    room: Arc<Semaphore>,
    wait: Duration,
}

impl Spool {
    pub(crate) fn new(folder: PathBuf, size: u64, wait: Duration) -> Self {
        let units = usize::try_from(size / UNIT).unwrap_or(usize::MAX);
        let room = Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)));
        Self { folder, room, wait }
    }

    /// An empty content.
    pub(crate) fn begin(&self) -> Content {
        Content {
            spool: self.clone(),
            pending: Vec::new(),
            written: None,
            length: 0,
        }
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

    async fn room(&self, units: u32) -> Result<OwnedSemaphorePermit, Fault> {
        let room = Arc::clone(&self.room).acquire_many_owned(units);
        if let Ok(Ok(room)) = timeout(self.wait, room).await {
            return Ok(room);
        }
        let wait = humantime_serde::re::humantime::format_duration(self.wait);
        let message = format!("the contents of other uploads use all of `spool_size`, for more than {wait}");
        Err(Fault::new(SCANNER_UNAVAILABLE, message).retryable())
    }
}

/// A content that has come in part, or as a whole.
#[derive(Debug)]
pub(crate) struct Content {
    spool: Spool,
    /// What is not in the file yet.
    pending: Vec<u8>,
    written: Option<Written>,
    length: u64,
}

#[derive(Debug)]
struct Written {
    /// It has no name: the system removes it when it is closed, so a crash leaves nothing.
    file: File,
    room: OwnedSemaphorePermit,
}

impl Content {
    /// Its bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Keeps more of it.
    ///
    /// # Errors
    ///
    /// If there is no room in time, or it cannot be written.
    pub(crate) async fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.length += bytes.len() as u64;
        for piece in bytes.chunks(IN_MEMORY) {
            if self.pending.len() + piece.len() > IN_MEMORY {
                self.write().await?;
            }
            self.pending.extend_from_slice(piece);
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Fault> {
        let bytes = std::mem::take(&mut self.pending);
        let (file, room) = self.written.take().map(|written| (written.file, written.room)).unzip();
        let held = room.as_ref().map_or(0, |room| room.num_permits() as u64);
        let needed = self.length.div_ceil(UNIT).saturating_sub(held);
        let mut more = self.spool.room(u32::try_from(needed).unwrap_or(u32::MAX)).await?;
        if let Some(room) = room {
            more.merge(room);
        }
        let folder = self.spool.folder.clone();
        let write = move || {
            let mut file = file.map_or_else(|| tempfile::tempfile_in(folder), Ok)?;
            file.write_all(&bytes)?;
            Ok::<_, io::Error>(file)
        };
        let written = spawn_blocking(write).await.map_err(io::Error::other).flatten();
        let file = self.spool.told(written)?;
        self.written = Some(Written { file, room: more });
        Ok(())
    }

    /// All of its bytes. It blocks.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub(crate) fn into_bytes(self) -> Result<Vec<u8>, Fault> {
        let Some(Written { mut file, room: _room }) = self.written else {
            return Ok(self.pending);
        };
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(length);
        let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
        bytes.extend_from_slice(&self.pending);
        match read {
            Ok(_) if bytes.len() == length => Ok(bytes),
            Ok(_) => Err(Fault::new(
                SCANNER_FAILED,
                "a content was cut short on its way through the spool folder",
            )),
            Err(error) => {
                let message = "cannot read a content from the spool folder";
                Err(Fault::new(SCANNER_FAILED, message).retryable().with_source(error))
            }
        }
    }
}
