//! Bytes in a folder.
//!
//! An upload is written to `<aa>/<key>.part`, synced, renamed to `<aa>/<key>`, and its folder is synced; `aa` are the
//! key's first two characters. Both names follow from the key, so whatever an attempt leaves can be found by it.
//!
//! OpenDAL's writer is not used: it opens its file with the first bytes and not before, so that one whose upload was
//! dropped in that moment makes a file after everything was removed; it syncs on the thread of the caller, and never the
//! folder.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use intake_core::{ByteStream, Bytes, Fault, Staged};
use opendal::{Operator, services};
use tokio::sync::OnceCell;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::files::Files;
use crate::gather::Gather;
use crate::name::Name;
use crate::read::{read, size};
use crate::{STORE_FAILED, fault};

/// How much is read from a file at a time.
const CHUNK: usize = 256 * 1024;

/// Keeps bytes in a folder.
#[derive(Debug)]
pub(crate) struct Disk {
    files: Arc<Files>,
    /// Reads. Opened when first needed, because that makes the folder.
    operator: OnceCell<Operator>,
}

impl Disk {
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
        // The file is there before the caller can drop what stands for it, so that there is nothing that could come later.
        let waiting = Arc::new(());
        let waited_for = Arc::downgrade(&waiting);
        let file = blocking(&doing, {
            let name = name.clone();
            move || create(&files, &name, &waited_for)
        })
        .await?;
        drop(waiting);
        Ok(Box::new(Gather::into(StagedFile {
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

    /// Does once what an upload does, and one who reads and removes it.
    pub(crate) async fn try_out(&self) -> Result<(), Fault> {
        /// Always the same, so that what a try has left that was cut off is found by the next one.
        const NAME: &str = "00000000-0000-0000-0000-000000000000";

        let (files, name) = (self.files.clone(), Name::checked(NAME)?);
        // In one go, so that it comes to its end though nobody waits for it any more.
        let tried = blocking("write", move || files.try_out(&name, b"intake was here")).await;
        // What was written to try the folder out is not what the operator knows.
        tried.map_err(|fault| {
            let message = format!("cannot keep files in the folder {}", self.files.root().display());
            Fault { message, ..fault }
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

/// Creates the file of an attempt, unless nobody waits for it any more: a cancelled call leaves nothing that a
/// [`delete`](Disk::delete) could be too early for.
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
    /// The write that is under way. It stays here if whoever waits for it is dropped.
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl StagedFile {
    /// Waits until nobody writes.
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
        // Whatever became of the write: it ends here, and what it has written goes.
        let _ = self.settle().await;
        let Self { files, name, .. } = *self;
        blocking(&format!("remove {name}"), move || files.remove(&name)).await
    }
}

/// Has work done on a thread that may wait for the disk. It goes on to its end even if nobody waits for it.
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
        let disk = Disk::new(Files::synced_by(folder.path().to_owned(), Box::new(sync)));
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
