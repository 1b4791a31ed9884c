//! The store in a folder: one file for each upload.
//!
//! An upload is written to `<aa>/<key>.part`, synced, renamed to `<aa>/<key>`, and its folder is synced; `aa` are the
//! key's first two characters. Both names follow from the key, so everything that an attempt leaves can be found by its key.
//!
//! OpenDAL's writer is not used, for two reasons. It opens its file with the first bytes and not before, so that it may
//! create the file of a cancelled upload after everything was removed. And it syncs on the thread of the caller, and never
//! the folder.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use intake_core::{ByteStream, Bytes, Fault, Staged};
use opendal::{Operator, services};
use tokio::sync::OnceCell;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::codes::STORE_FAILED;
use crate::fault;
use crate::fs::files::Files;
use crate::name::Name;
use crate::read::{read, size};
use crate::write_buffer::WriteBuffer;

/// How many bytes are read from a file at a time.
const CHUNK: usize = 256 * 1024;

/// Keeps bytes in a folder.
#[derive(Debug)]
pub(crate) struct FsStore {
    files: Arc<Files>,
    /// For reading. Opened at the first use, because that creates the folder.
    operator: OnceCell<Operator>,
}

impl FsStore {
    pub(crate) fn new(files: Files) -> Self {
        let files = Arc::new(files);
        let operator = OnceCell::new();
        Self { files, operator }
    }

    pub(crate) fn files(&self) -> &Arc<Files> {
        &self.files
    }

    pub(crate) async fn stage(&self, name: Name) -> Result<Box<dyn Staged>, Fault> {
        let files = self.files.clone();
        let doing = format!("create a file for {name}");
        // The caller gets the handle after the file was created, so no file can appear after the handle was dropped.
        let waiting = Arc::new(());
        let waited_for = Arc::downgrade(&waiting);
        let file = blocking(&doing, {
            let name = name.clone();
            move || create(&files, &name, &waited_for)
        })
        .await?;
        drop(waiting);
        Ok(Box::new(WriteBuffer::into(StagedFile {
            files: self.files.clone(),
            name,
            file: Arc::new(file),
            writing: None,
        })))
    }

    pub(crate) async fn read(&self, name: &Name, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        let operator = self.operator.get_or_try_init(|| self.open()).await?;
        read(operator, &format!("{}/{name}", name.shard()), Some(CHUNK), range).await
    }

    pub(crate) async fn size(&self, name: &Name) -> Result<Option<u64>, Fault> {
        let (files, of) = (self.files.clone(), name.clone());
        blocking(&format!("look up {name}"), move || files.finish_parts(&of)).await?;
        let operator = self.operator.get_or_try_init(|| self.open()).await?;
        size(operator, &format!("{}/{name}", name.shard())).await
    }

    pub(crate) async fn delete(&self, name: Name) -> Result<(), Fault> {
        let files = self.files.clone();
        blocking(&format!("remove {name}"), move || files.remove_for_good(&name)).await
    }

    /// Writes, reads and removes a file once.
    pub(crate) async fn try_out(&self) -> Result<(), Fault> {
        /// Always the same, so that the next try removes what an interrupted one has left.
        const NAME: &str = "00000000-0000-0000-0000-000000000000";

        let (files, name) = (self.files.clone(), Name::checked(NAME)?);
        // One blocking call, so that it runs to its end even if the caller is cancelled.
        let tried = blocking("write", move || files.try_out(&name, b"intake was here")).await;
        // The operator knows the folder, and not the file that was tried.
        tried.map_err(|mut fault| {
            fault.message = format!("cannot keep files in the folder {}", self.files.root().display());
            fault
        })?;
        self.operator.get_or_try_init(|| self.open()).await.map(drop)
    }

    async fn open(&self) -> Result<Operator, Fault> {
        let doing = "open the folder";
        let Some(root) = self.files.root().to_str().map(str::to_owned) else {
            return Err(Fault::new(STORE_FAILED, "the folder's name must be UTF-8"));
        };
        spawn_blocking(move || Operator::new(services::Fs::default().root(&root)))
            .await
            .map_err(|_| fault::of_lost_work(doing))?
            .map_err(|error| fault::of_opendal(doing, error))
    }
}

/// Creates the file of an attempt, and removes it again if the caller was cancelled meanwhile: the cancelled call must not
/// leave a file that comes after a [`delete`](FsStore::delete).
fn create(files: &Files, name: &Name, waited_for: &Weak<()>) -> io::Result<File> {
    let file = files.create(name)?;
    if waited_for.strong_count() == 0 {
        files.remove(name)?;
    }
    Ok(file)
}

/// A file that is being written.
struct StagedFile {
    files: Arc<Files>,
    name: Name,
    file: Arc<File>,
    /// The running write. It stays here if the future that waits for it is dropped.
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl StagedFile {
    /// Waits until no write runs.
    async fn settle(&mut self) -> Result<(), Fault> {
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        let ended = writing.await;
        self.writing = None;
        let doing = format!("write {}", self.name);
        ended
            .map_err(|_| fault::of_lost_work(&doing))?
            .map_err(|error| fault::of_io(&doing, error))
    }
}

#[async_trait]
impl Staged for StagedFile {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        self.settle().await?;
        let file = self.file.clone();
        self.writing = Some(spawn_blocking(move || (&*file).write_all(&piece)));
        self.settle().await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        self.settle().await?;
        let Self { files, name, file, .. } = *self;
        blocking(&format!("make {name} durable"), move || files.keep(&file, &name)).await
    }

    async fn discard(mut self: Box<Self>) -> Result<(), Fault> {
        // The outcome of the write does not matter: its bytes are removed.
        let _ = self.settle().await;
        let Self { files, name, .. } = *self;
        blocking(&format!("remove {name}"), move || files.remove(&name)).await
    }
}

/// Runs work on a blocking thread. It runs to its end even if the caller is cancelled.
pub(crate) async fn blocking<T: Send + 'static>(
    doing: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Fault> {
    spawn_blocking(work)
        .await
        .map_err(|_| fault::of_lost_work(doing))?
        .map_err(|error| fault::of_io(doing, error))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread::{self, ThreadId};

    use intake_core::{Key, UploadId};

    use super::*;

    /// Everything else that this thread serves would wait for the disk as well.
    #[tokio::test]
    async fn no_sync_is_waited_for_on_the_thread_that_asks() {
        let folder = tempfile::tempdir().unwrap();
        let synced_on: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
        let sync = {
            let synced_on = synced_on.clone();
            move |_: &File| {
                synced_on.lock().unwrap().push(thread::current().id());
                Ok(())
            }
        };
        let disk = FsStore::new(Files::synced_by(folder.path().to_owned(), Box::new(sync)));
        let name = Name::of(&Key::whole(UploadId::random())).unwrap();
        let mut staged = disk.stage(name.clone()).await.unwrap();
        staged.write(Bytes::from_static(b"bytes")).await.unwrap();
        staged.commit().await.unwrap();
        disk.delete(name).await.unwrap();
        let synced_on = synced_on.lock().unwrap();
        assert_eq!(synced_on.len(), 4, "root, bytes, shard, shard");
        assert!(!synced_on.contains(&thread::current().id()));
    }
}
