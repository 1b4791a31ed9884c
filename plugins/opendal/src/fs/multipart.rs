//! Multipart uploads in a folder.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use intake_core::{BoxError, ByteStream, Bytes, Fault, Key, Multipart, Part, PartRange, Staged, codes};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::fault;
use crate::fs::files::Files;
use crate::fs::part_file::{Closed, OpenPart, ReadPart};
use crate::fs::part_list::Listed;
use crate::fs::store::{FsStore, blocking};
use crate::fs::write_back::WriteBack;
use crate::name::Name;
use crate::write_buffer::{Sink, WriteBuffer};

/// The id of every upload: a folder needs no other id than the key.
const UPLOAD: &str = "disk";

#[async_trait]
impl Multipart for FsStore {
    async fn begin(&self, key: &Key) -> Result<String, Fault> {
        // The first part creates the files.
        Name::of(key).map(|_| UPLOAD.to_owned())
    }

    async fn stage(
        &self,
        key: &Key,
        _upload: &str,
        range: &PartRange,
        _size: Option<u64>,
    ) -> Result<Box<dyn Staged>, Fault> {
        let (files, name, range) = (self.files().clone(), Name::of(key)?, *range);
        let doing = format!("write part {} of {name}", range.number);
        let of = name.clone();
        let opened = blocking(&doing, move || files.open_part(&of, &range)).await?;
        let staged = StagedPart {
            files: self.files().clone(),
            name,
            part: Arc::new(opened.map_err(of_closed)?),
            size: 0,
            back: WriteBack::default(),
            doing,
            writing: None,
        };
        Ok(Box::new(WriteBuffer::into(staged, self.room().clone())))
    }

    async fn list(&self, key: &Key, _upload: &str) -> Result<Vec<Part>, Fault> {
        let (files, name) = (self.files().clone(), Name::of(key)?);
        let listed = blocking(&format!("list the parts of {name}"), move || files.listed(&name)).await?;
        let part = |(number, size)| Part::new(number, size, listed.tag(number));
        Ok(listed.sizes().into_iter().map(part).collect())
    }

    async fn read_part(
        &self,
        key: &Key,
        _upload: &str,
        range: &PartRange,
        part: &Part,
    ) -> Result<Option<ByteStream>, Fault> {
        let (files, name) = (self.files().clone(), Name::of(key)?);
        let doing = format!("read part {} of {name}", part.number);
        let (range, part) = (*range, part.clone());
        let opened = blocking(&doing, move || files.open_kept(&name, &range, &part)).await?;
        let opened = opened.map_err(of_closed)?;
        let next = move |mut kept: ReadPart| {
            let doing = doing.clone();
            async move {
                let read = blocking(&doing, move || Ok(kept.next()?.map(|piece| (piece, kept)))).await;
                read.map_err(BoxError::from)
            }
        };
        Ok(Some(stream::try_unfold(opened, next).boxed()))
    }

    async fn assemble(&self, key: &Key, _upload: &str, parts: &[Part]) -> Result<(), Fault> {
        let (files, name) = (self.files().clone(), Name::of(key)?);
        let sizes: BTreeMap<_, _> = parts.iter().map(|part| (part.number, part.size)).collect();
        let parts = parts.to_vec();
        let are_these = move |listed: &Listed| parts.iter().all(|part| listed.tag(part.number) == part.tag);
        let doing = format!("put the parts of {name} together");
        let kept = blocking(&doing, move || files.keep_parts(&name, &sizes, are_these)).await?;
        kept.map_err(of_closed)
    }

    async fn url(
        &self,
        _key: &Key,
        _upload: &str,
        _range: &PartRange,
        _size: Option<u64>,
        _: Duration,
    ) -> Result<Option<String>, Fault> {
        Ok(None)
    }
}

fn of_closed(closed: Closed) -> Fault {
    match closed {
        Closed::NotOpen => Fault::new(codes::NOT_OPEN, "this upload accepts no more parts"),
        Closed::TooOften => {
            let message = "parts of this upload were sent again too often: complete it, or begin another one";
            Fault::new(codes::PARTS_TOO_OFTEN, message)
        }
        Closed::Changed => {
            let message = "a part was sent again while the parts were put together";
            Fault::new(codes::PARTS_MISSING, message).retryable()
        }
    }
}

/// A part that is being written.
struct StagedPart {
    files: Arc<Files>,
    name: Name,
    part: Arc<OpenPart>,
    /// The bytes of all writes so far, the running one included.
    size: u64,
    back: WriteBack,
    doing: String,
    /// The running write, while its caller gathers the bytes of the next one.
    writing: Option<JoinHandle<io::Result<Result<(), Closed>>>>,
}

impl StagedPart {
    /// Waits until no write runs.
    async fn settle(&mut self) -> Result<(), Fault> {
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        let ended = writing.await;
        self.writing = None;
        ended
            .map_err(|_| fault::of_lost_work(&self.doing))?
            .map_err(|error| fault::of_io(&self.doing, error))?
            .map_err(of_closed)
    }
}

#[async_trait]
impl Sink for StagedPart {
    /// Waits for the write before, and leaves this one running.
    async fn write_all(&mut self, pieces: Vec<Bytes>) -> Result<(), Fault> {
        self.settle().await?;
        let (part, at) = (self.part.clone(), self.size);
        self.size += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        let back = self.back.next(self.size).filter(|_| self.files.is_durable());
        self.writing = Some(spawn_blocking(move || {
            let written = part.write_at(&pieces, at)?;
            if let Some(range) = back {
                part.write_back(range);
            }
            Ok(written)
        }));
        Ok(())
    }

    async fn finish(mut self: Box<Self>, rest: Bytes) -> Result<(), Fault> {
        self.settle().await?;
        let Self {
            files,
            name,
            part,
            size: at,
            doing,
            ..
        } = *self;
        let finish = move || {
            let size = at + rest.len() as u64;
            match part.write_at(&[rest], at)? {
                Ok(()) => files.keep_part(&name, &part, size),
                Err(closed) => Ok(Err(closed)),
            }
        };
        blocking(&doing, finish).await?.map_err(of_closed)
    }
}

#[async_trait]
impl Staged for StagedPart {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        self.write_all(vec![piece]).await
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        self.finish(Bytes::new()).await
    }

    async fn discard(mut self: Box<Self>) -> Result<(), Fault> {
        // The outcome of the write does not matter: no list names its bytes.
        let _ended = self.settle().await;
        let Self {
            files,
            name,
            part,
            doing,
            ..
        } = *self;
        blocking(&doing, move || files.leave_part(&name, &part)).await
    }
}
