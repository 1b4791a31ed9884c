//! The store in a folder: one file for each upload.
//!
//! An upload is written to `<aa>/<key>.part`, synced, renamed to `<aa>/<key>`, and its folder is synced; `aa` are the
//! key's first two characters. Both names follow from the key, so everything that an attempt leaves can be found by its key.
//! A small upload, whose bytes are all there at its end, is written to its final name at once, and shares a sync with others.
//!
//! OpenDAL's reader is not used, because it changes threads for each piece, and opens the file anew ([`read`]). Its writer is
//! not used, for two reasons. It may create the file of a cancelled upload after everything was removed:
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

use crate::buffer_size::Room;
use crate::codes::STORE_FAILED;
use crate::fault;
use crate::fs::files::Files;
use crate::fs::read;
use crate::fs::sync_group::Written;
use crate::fs::write_back::{self, WriteBack};
use crate::name::Name;
use crate::read::size;
use crate::write_buffer::{Sink, WriteBuffer};

/// The most bytes of one write.
const MOST: usize = 1 << 20;
/// The most bytes of all buffers together, beyond what each upload may have anyway.
const ROOM: usize = 32 << 20;

/// Keeps bytes in a folder.
#[derive(Debug)]
pub(crate) struct FsStore {
    files: Arc<Files>,
    /// Shared by the buffers of all uploads.
    room: Arc<Room>,
    /// For look-ups. Opened at the first use, because that creates the folder.
    operator: OnceCell<Operator>,
}

impl FsStore {
    pub(crate) fn new(files: Files) -> Self {
        Self {
            files: Arc::new(files),
            room: Arc::new(Room::new(ROOM, MOST)),
            operator: OnceCell::new(),
        }
    }

    pub(crate) fn files(&self) -> &Arc<Files> {
        &self.files
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Begins an attempt. Its file is created with its first bytes, so that a small upload is one blocking call: create, write,
    /// sync, rename, sync the folder.
    pub(crate) fn stage(&self, name: Name) -> Box<dyn Staged> {
        let staged = StagedFile {
            files: self.files.clone(),
            name,
            file: None,
            is_begun: false,
            handle: Arc::new(()),
            size: 0,
            back: WriteBack::default(),
            writing: None,
            syncing: None,
        };
        Box::new(WriteBuffer::into(staged, self.room.clone()))
    }

    pub(crate) async fn read(&self, name: &Name, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        read::read(self.files.whole(name), range).await
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
    /// The bytes of all writes so far, the running one included.
    size: u64,
    back: WriteBack,
    /// The running write, while its caller gathers the bytes of the next one.
    writing: Option<JoinHandle<io::Result<Arc<File>>>>,
    /// The running sync of earlier bytes.
    syncing: Option<JoinHandle<io::Result<()>>>,
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

    /// Waits until no sync runs. A failure of the disk is reported to one sync only, so it counts whichever this was.
    async fn settle_sync(&mut self) -> Result<(), Fault> {
        let Some(syncing) = &mut self.syncing else {
            return Ok(());
        };
        let ended = syncing.await;
        self.syncing = None;
        let doing = format!("make {} durable", self.name);
        ended
            .map_err(|_| fault::of_lost_work(&doing))?
            .map_err(|error| fault::of_io(&doing, error))
    }

    /// Syncs what was written so far, once it is enough, while the next bytes are written.
    async fn sync_early(&mut self) -> Result<(), Fault> {
        let Some(file) = self.file.clone().filter(|_| self.back.is_due(self.size)) else {
            return Ok(());
        };
        self.settle_sync().await?;
        let files = self.files.clone();
        self.syncing = Some(spawn_blocking(move || (files.sync)(&file)));
        Ok(())
    }
}

#[async_trait]
impl Staged for StagedFile {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        self.write_all(vec![piece]).await
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        self.finish(Bytes::new()).await
    }

    async fn discard(mut self: Box<Self>) -> Result<(), Fault> {
        // Their outcome does not matter: the bytes are removed.
        let _ = self.settle().await;
        let _ = self.settle_sync().await;
        if !self.is_begun {
            return Ok(());
        }
        let Self { files, name, .. } = *self;
        blocking(&format!("remove {name}"), move || files.remove(&name)).await
    }
}

#[async_trait]
impl Sink for StagedFile {
    /// Waits for the write before, and leaves this one running.
    async fn write_all(&mut self, pieces: Vec<Bytes>) -> Result<(), Fault> {
        self.settle().await?;
        self.sync_early().await?;
        let (files, name, file) = (self.files.clone(), self.name.clone(), self.file.clone());
        let handle = Arc::downgrade(&self.handle);
        self.is_begun = true;
        self.size += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        let back = self.back.next(self.size).filter(|_| files.is_durable());
        self.writing = Some(spawn_blocking(move || {
            let file = opened(&files, &name, file, &handle)?;
            for piece in pieces {
                (&*file).write_all(&piece)?;
            }
            if let Some(range) = back {
                write_back::begin(&file, range);
            }
            Ok(file)
        }));
        Ok(())
    }

    async fn finish(mut self: Box<Self>, rest: Bytes) -> Result<(), Fault> {
        self.settle().await?;
        self.settle_sync().await?;
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
    let path = files.whole(name);
    let file = match files.create_whole(name) {
        // An upload that is written again replaces the bytes at once.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = opened(files, name, None, handle)?;
            (&*file).write_all(bytes)?;
            files.keep(&file, name)?;
            return Ok(Written {
                file: Arc::try_unwrap(file).or_else(|file| file.try_clone())?,
                path,
            });
        }
        created => created?,
    };
    let written = Written { file, path };
    let wrote = match handle.strong_count() {
        0 => Err(io::Error::other("the upload was given up before its file was created")),
        _ => (&written.file).write_all(bytes),
    };
    match wrote {
        Ok(()) => Ok(written),
        Err(error) => {
            files.remove_written(&written)?;
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
    use tempfile::TempDir;

    use super::*;

    fn stage(sync: impl Fn(&File) -> io::Result<()> + Send + Sync + 'static) -> (TempDir, FsStore, Name) {
        let folder = tempfile::tempdir().unwrap();
        let store = FsStore::new(Files::synced_by(folder.path().to_owned(), Box::new(sync)));
        (folder, store, Name::of(&Key::whole(UploadId::random())).unwrap())
    }

    #[tokio::test]
    async fn a_write_that_fails_while_the_next_bytes_come_is_reported_and_nothing_is_committed() {
        for is_last in [true, false] {
            let (folder, store, name) = stage(|_| Ok(()));
            let mut staged = store.stage(name.clone());
            // No file can be created below what is no folder.
            let shard = folder.path().join(name.shard());
            std::fs::write(&shard, "").unwrap();
            let large = || Bytes::from(vec![0; MOST]);
            staged.write(large()).await.unwrap();
            let says = "Not a directory";
            if !is_last {
                let fault = staged.write(large()).await.unwrap_err();
                assert!(fault.report().contains(says), "{}", fault.report());
                std::fs::remove_file(&shard).unwrap();
                staged.write(large()).await.unwrap();
            }
            let fault = staged.commit().await.unwrap_err();
            assert_eq!(fault.report().contains(says), is_last, "{}", fault.report());
            assert!(is_last || store.size(&name).await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn a_disk_that_fails_before_the_last_sync_is_reported_and_nothing_is_committed() {
        let files_synced = Arc::new(Mutex::new(0));
        let counted = files_synced.clone();
        let (_folder, store, name) = stage(move |file| {
            if file.metadata()?.is_dir() {
                return Ok(());
            }
            *counted.lock().unwrap() += 1;
            match *counted.lock().unwrap() {
                1 => Err(io::Error::other("the disk is broken")),
                _ => Ok(()),
            }
        });
        let mut staged = store.stage(name.clone());
        for _ in 0..70 {
            staged.write(Bytes::from(vec![0; MOST])).await.unwrap();
        }
        let fault = staged.commit().await.unwrap_err();
        assert!(fault.report().contains("the disk is broken"), "{}", fault.report());
        assert_eq!(*files_synced.lock().unwrap(), 1);
        assert_eq!(store.size(&name).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_small_upload_that_cannot_be_synced_is_not_there() {
        let (_folder, store, name) = stage(|file| match file.metadata()?.is_dir() {
            true => Ok(()),
            false => Err(io::Error::other("the disk is broken")),
        });
        let mut staged = store.stage(name.clone());
        staged.write(Bytes::from_static(b"bytes")).await.unwrap();
        let fault = staged.commit().await.unwrap_err();
        assert!(fault.report().contains("the disk is broken"), "{}", fault.report());
        assert_eq!(store.size(&name).await.unwrap(), None);
    }

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
