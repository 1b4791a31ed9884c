//! Multipart uploads to a bucket: the service keeps the parts, lists them, and puts them together.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use intake_core::{BoxError, Bytes, Fault, Key, Part, PartRange, Staged, codes};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::codes::STORE_FAILED;
use crate::fault;
use crate::name::Name;
use crate::read::size;
use crate::s3::api::{self, Completed, MultipartApi, PartId};
use crate::s3::store::ObjectStore;
use crate::write_buffer::{Sink, WriteBuffer};

#[async_trait]
impl intake_core::Multipart for ObjectStore {
    fn most_parts(&self) -> u16 {
        Self::most_parts(self)
    }

    async fn begin(&self, key: &Key) -> Result<String, Fault> {
        // Without a content type: only a stage can determine it, and direct readers of the bucket must not rely on the
        // sender's word.
        self.in_parts().await?.create(&Name::of(key)?, None).await
    }

    async fn stage(
        &self,
        key: &Key,
        upload: &str,
        range: &PartRange,
        size: Option<u64>,
    ) -> Result<Box<dyn Staged>, Fault> {
        let Some(size) = size else {
            let message = "S3 needs the length of a part in advance";
            return Err(Fault::new(codes::LENGTH_REQUIRED, message));
        };
        let multipart = self.in_parts().await?.clone();
        let (name, upload, number) = (Name::of(key)?, upload.to_owned(), range.number);
        let staged = StagedPart::begin(multipart, name, upload, number, size);
        Ok(Box::new(WriteBuffer::into(staged, self.room().clone())))
    }

    async fn list(&self, key: &Key, upload: &str) -> Result<Vec<Part>, Fault> {
        let listed = self.in_parts().await?.list(&Name::of(key)?, upload).await?;
        let part = |api::Part { number, size, tag }| Part::new(number, size, tag);
        Ok(listed.unwrap_or_default().into_iter().map(part).collect())
    }

    async fn assemble(&self, key: &Key, upload: &str, parts: &[Part]) -> Result<(), Fault> {
        let name = Name::of(key)?;
        let whole: u64 = parts.iter().map(|part| part.size).sum();
        let part = |Part { number, size, tag, .. }: Part| api::Part { number, size, tag };
        let parts: Vec<_> = parts.iter().cloned().map(part).collect();
        match self.in_parts().await?.complete(&name, upload, &parts).await? {
            Completed::Done => Ok(()),
            Completed::PartsChanged => {
                let message = "a part was sent again while the parts were put together";
                Err(Fault::new(codes::PARTS_MISSING, message))
            }
            // An earlier call has completed it, and its answer was lost.
            Completed::NoSuchUpload if size(self.operator().await?, name.as_str()).await? == Some(whole) => Ok(()),
            Completed::NoSuchUpload => {
                let message = format!("cannot put the parts of {name} together: there is no such upload");
                Err(Fault::new(STORE_FAILED, message))
            }
        }
    }

    async fn url(
        &self,
        key: &Key,
        upload: &str,
        range: &PartRange,
        size: Option<u64>,
        lifetime: Duration,
    ) -> Result<Option<String>, Fault> {
        /// The longest lifetime of a signed URL in S3.
        const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

        let multipart = self.in_parts().await?;
        let lifetime = lifetime.clamp(Duration::from_secs(1), LONGEST);
        let name = Name::of(key)?;
        let number = range.number;
        let which = PartId {
            name: &name,
            upload,
            number,
        };
        let url = multipart.part_url(which, size, lifetime);
        Ok(url.map(Into::into))
    }
}

/// A part that is being sent to the service.
///
/// A task sends it, because the client pulls the body, and the pipeline pushes it. The task ends when this is dropped, in the
/// middle of its request or between two tries: a late retry must not overwrite the newer attempt that has replaced this one.
struct StagedPart {
    _task: JoinSet<()>,
    pieces: mpsc::Sender<Result<Bytes, BoxError>>,
    /// The outcome of the request. `None` once it was reported.
    ended: Option<oneshot::Receiver<Result<(), Fault>>>,
}

impl StagedPart {
    fn begin(multipart: Arc<MultipartApi>, name: Name, upload: String, number: u16, size: u64) -> Self {
        /// How many pieces wait for the service. Those of the pipeline have at most 256 KiB.
        const WAITING: usize = 1;

        let (pieces, to_send) = mpsc::channel(WAITING);
        let (ending, ended) = oneshot::channel();
        let body = stream::unfold(to_send, |mut to_send| async move {
            let piece: Result<Bytes, BoxError> = to_send.recv().await?;
            Some((piece, to_send))
        });
        let mut task = JoinSet::new();
        task.spawn(async move {
            let which = PartId {
                name: &name,
                upload: &upload,
                number,
            };
            let sent = multipart.put_part(which, size, body.boxed()).await;
            // A handle that was dropped has not acknowledged the part.
            let _ = ending.send(sent);
        });
        let ended = Some(ended);
        Self {
            _task: task,
            pieces,
            ended,
        }
    }

    async fn end(&mut self) -> Result<(), Fault> {
        let lost = || fault::of_lost_work("send a part");
        let Some(ended) = &mut self.ended else {
            return Err(lost());
        };
        let how = ended.await;
        self.ended = None;
        how.unwrap_or_else(|_| Err(lost()))
    }
}

impl Sink for StagedPart {}

#[async_trait]
impl Staged for StagedPart {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        if self.pieces.send(Ok(piece)).await.is_ok() {
            return Ok(());
        }
        match self.end().await {
            // The announced length was sent before.
            Ok(()) => Err(fault::of_lost_work("send more of a part than its announced length")),
            Err(fault) => Err(fault),
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        // Dropping the sender ends the body.
        let (closed, _) = mpsc::channel(1);
        self.pieces = closed;
        self.end().await
    }

    async fn discard(mut self: Box<Self>) -> Result<(), Fault> {
        // Dropping is not enough: the service may have all bytes of the announced length.
        let _gone = self.pieces.send(Err("the part was discarded".into())).await;
        let _failed = self.end().await;
        Ok(())
    }
}
