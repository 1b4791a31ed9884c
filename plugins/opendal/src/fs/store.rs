//! The store in a folder: one file for each upload.
//!
//! An upload is written to `<aa>/<key>.part`, synced, renamed to `<aa>/<key>`, and its folder is synced; `aa` are the
//! key's first two characters. Both names follow from the key, so everything that an attempt leaves can be found by its key.
//! A small upload, whose bytes are all there at its end, is written to its final name at once, and shares a sync with others.
//!
//! OpenDAL's writer is not used, for two reasons. It may create the file of a cancelled upload after everything was removed:
//! here a file that appears after its handle was dropped is removed again. And it syncs on the thread of the caller, and never
//! the folder.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use intake_core::{ByteStream, Bytes, Fault, Staged};
use opendal::{Operator, services};
use tokio::sync::{OnceCell, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::codes::STORE_FAILED;
use crate::fault;
use crate::fs::files::Files;
use crate::fs::sync_group::Written;
use crate::name::Name;
use crate::read::{read, size};
use crate::write_buffer::{Sink, WriteBuffer};

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

    /// Begins an attempt. Its file is created with its first bytes, so that a small upload is one blocking call: create, write,
    /// sync, rename, sync the folder.
    pub(crate) fn stage(&self, name: Name) -> Box<dyn Staged> {
        Box::new(WriteBuffer::into(StagedFile {
            files: self.files.clone(),
            name,
            file: None,
            is_begun: false,
            handle: Arc::new(()),
            writing: None,
        }))
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

/// The file of an attempt: created now, unless it was before. If the handle was dropped meanwhile, the file is removed again: no
/// file may appear after a [`delete`](FsStore::delete) that followed the drop.
fn opened(files: &Files, name: &Name, file: Option<Arc<File>>, handle: &Weak<()>) -> io::Result<Arc<File>> {
    if let Some(file) = file {
        return Ok(file);
    }
    let file = files.create(name)?;
    if handle.strong_count() == 0 {
        files.remove_attempt(name)?;
        return Err(io::Error::other("the upload was given up before its file was created"));
    }
    Ok(Arc::new(file))
}

/// A file that is being written.
struct StagedFile {
    files: Arc<Files>,
    name: Name,
    /// `None` before the first bytes.
    file: Option<Arc<File>>,
    /// Whether there may be a file, even if the write that was to create it failed.
    is_begun: bool,
    /// Lives as long as the caller has the handle, or waits for its commit.
    handle: Arc<()>,
    /// The running write. It stays here if the future that waits for it is dropped.
    writing: Option<JoinHandle<io::Result<Arc<File>>>>,
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
        let file = ended
            .map_err(|_| fault::of_lost_work(&doing))?
            .map_err(|error| fault::of_io(&doing, error))?;
        self.file = Some(file);
        Ok(())
    }
}

#[async_trait]
impl Staged for StagedFile {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        self.settle().await?;
        let (files, name, file) = (self.files.clone(), self.name.clone(), self.file.clone());
        let handle = Arc::downgrade(&self.handle);
        self.is_begun = true;
        self.writing = Some(spawn_blocking(move || {
            let file = opened(&files, &name, file, &handle)?;
            (&*file).write_all(&piece)?;
            Ok(file)
        }));
        self.settle().await
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        self.finish(Bytes::new()).await
    }

    async fn discard(mut self: Box<Self>) -> Result<(), Fault> {
        // The outcome of the write does not matter: its bytes are removed.
        let _ = self.settle().await;
        if !self.is_begun {
            return Ok(());
        }
        let Self { files, name, .. } = *self;
        blocking(&format!("remove {name}"), move || files.remove(&name)).await
    }
}

#[async_trait]
impl Sink for StagedFile {
    async fn finish(mut self: Box<Self>, rest: Bytes) -> Result<(), Fault> {
        self.settle().await?;
        // The handle stays here, and is dropped with this future.
        let Self {
            files,
            name,
            file,
            is_begun,
            handle,
            ..
        } = *self;
        let (held, doing) = (Arc::downgrade(&handle), format!("make {name} durable"));
        if is_begun {
            let keep = move || {
                let file = opened(&files, &name, file, &held)?;
                (&*file).write_all(&rest)?;
                files.keep(&file, &name)
            };
            return blocking(&doing, keep).await;
        }
        let (done, kept) = oneshot::channel();
        // One hand-off: the thread that writes the file also syncs, unless another one does so for it.
        spawn_blocking(move || match write_whole(&files, &name, &held, &rest) {
            Ok(written) => files.group.join(&files, written, done),
            Err(error) => {
                // The caller may have gone away.
                let _gone = done.send(Err(error));
            }
        });
        let kept = kept.await.map_err(|_| fault::of_lost_work(&doing))?;
        kept.map_err(|error| fault::of_io(&doing, error))
    }
}

/// Writes a small upload to its final name. If the handle was dropped meanwhile, or the disk is full, nothing stays.
fn write_whole(files: &Files, name: &Name, handle: &Weak<()>, bytes: &[u8]) -> io::Result<Written> {
    let folder = files.folder(name);
    let file = match files.create_whole(name) {
        // An upload that is written again replaces the bytes at once.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = opened(files, name, None, handle)?;
            (&*file).write_all(bytes)?;
            files.keep(&file, name)?;
            return Ok(Written {
                file: Arc::try_unwrap(file).or_else(|file| file.try_clone())?,
                folder,
            });
        }
        created => created?,
    };
    let written = match handle.strong_count() {
        0 => Err(io::Error::other("the upload was given up before its file was created")),
        _ => (&file).write_all(bytes),
    };
    match written {
        Ok(()) => Ok(Written { file, folder }),
        Err(error) => {
            files.remove_whole(name)?;
            Err(error)
        }
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
        let mut staged = disk.stage(name.clone());
        staged.write(Bytes::from_static(b"bytes")).await.unwrap();
        staged.commit().await.unwrap();
        disk.delete(name).await.unwrap();
        let synced_on = synced_on.lock().unwrap();
        assert_eq!(synced_on.len(), 4, "root, bytes, shard, shard");
        assert!(!synced_on.contains(&thread::current().id()));
    }
}
