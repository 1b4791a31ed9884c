//! Uploads in parts, into a folder.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use intake_core::{Bytes, Fault, Key, Multipart, Part, Slot, Staged, codes};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::disk::{Disk, blocking};
use crate::files::Files;
use crate::gather::Gather;
use crate::name::Name;
use crate::part_files::{Closed, OpenPart};
use crate::{STORE_FAILED, fault};

/// The folder needs no name for an upload beside its key.
const UPLOAD: &str = "disk";

#[async_trait]
impl Multipart for Disk {
    async fn begin(&self, key: &Key) -> Result<String, Fault> {
        let (files, name) = (self.files().clone(), Name::of(key)?);
        blocking(&format!("begin the parts of {name}"), move || files.begin_parts(&name)).await?;
        Ok(UPLOAD.to_owned())
    }

    async fn stage(&self, key: &Key, _upload: &str, slot: &Slot, _size: Option<u64>) -> Result<Box<dyn Staged>, Fault> {
        let (files, name, number) = (self.files().clone(), Name::of(key)?, slot.number);
        let doing = format!("write part {number} of {name}");
        let opened = blocking(&doing, move || files.open_part(&name, number)).await?;
        let part = opened.map_err(|closed| of_closed(&doing, closed))?;
        Ok(Box::new(Gather::into(StagedPart {
            files: self.files().clone(),
            part: Arc::new(part),
            begins: slot.offset,
            size: 0,
            doing,
            writing: None,
        })))
    }

    async fn list(&self, key: &Key, _upload: &str) -> Result<Vec<Part>, Fault> {
        let (files, name) = (self.files().clone(), Name::of(key)?);
        let parts = blocking(&format!("list the parts of {name}"), move || files.list_parts(&name)).await?;
        let part = |(number, size)| Part {
            number,
            size,
            tag: String::new(),
        };
        Ok(parts.into_iter().map(part).collect())
    }

    async fn assemble(&self, key: &Key, _upload: &str, parts: &[Part]) -> Result<(), Fault> {
        let (files, name) = (self.files().clone(), Name::of(key)?);
        let parts: BTreeMap<_, _> = parts.iter().map(|part| (part.number, part.size)).collect();
        let doing = format!("put the parts of {name} together");
        let kept = blocking(&doing, move || files.keep_parts(&name, &parts)).await?;
        kept.map_err(|closed| of_closed(&doing, closed))
    }

    async fn url(
        &self,
        _key: &Key,
        _upload: &str,
        _slot: &Slot,
        _size: Option<u64>,
        _: Duration,
    ) -> Result<Option<String>, Fault> {
        Ok(None)
    }
}

fn of_closed(doing: &str, closed: Closed) -> Fault {
    match closed {
        Closed::NotOpen => Fault::new(codes::NOT_OPEN, "this upload takes no parts any more"),
        Closed::TooOften => Fault::new(STORE_FAILED, format!("cannot {doing}: parts came again too often")),
        Closed::Changing => {
            let message = "a part was sent again while the parts were put together";
            Fault::new(codes::PARTS_MISSING, message).retryable()
        }
    }
}

/// A part that is being written.
struct StagedPart {
    files: Arc<Files>,
    part: Arc<OpenPart>,
    begins: u64,
    size: u64,
    doing: String,
    /// The write that is under way. It stays here if whoever waits for it is dropped.
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl StagedPart {
    /// Waits until nobody writes.
    async fn settle(&mut self) -> Result<(), Fault> {
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        let ended = writing.await;
        self.writing = None;
        ended
            .map_err(|_| fault::of_lost_work(&self.doing))?
            .map_err(|error| fault::of_io(&self.doing, error))
    }
}

#[async_trait]
impl Staged for StagedPart {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        self.settle().await?;
        let (part, at) = (self.part.clone(), self.begins + self.size);
        self.size += piece.len() as u64;
        self.writing = Some(spawn_blocking(move || part.bytes.write_all_at(&piece, at)));
        self.settle().await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        self.settle().await?;
        let Self {
            files,
            part,
            size,
            doing,
            ..
        } = *self;
        blocking(&doing, move || files.keep_part(&part, size)).await
    }

    async fn discard(mut self: Box<Self>) -> Result<(), Fault> {
        // What was written is in no list; the next one overwrites it.
        let _ended = self.settle().await;
        Ok(())
    }
}
