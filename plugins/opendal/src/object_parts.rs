//! Uploads in parts, into a bucket: the service keeps the parts, lists them, and puts them together.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use intake_core::{BoxError, Bytes, Fault, Key, Part, Slot, Staged, codes};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::gather::Gather;
use crate::multipart::{self, Completed, Multipart, Which};
use crate::name::Name;
use crate::objects::Objects;
use crate::read::size;
use crate::{STORE_FAILED, fault};

#[async_trait]
impl intake_core::Multipart for Objects {
    fn most_parts(&self) -> u16 {
        Self::most_parts(self)
    }

    async fn begin(&self, key: &Key) -> Result<String, Fault> {
        // No type: what the content is, only a stage can tell, and whoever reads the bucket past us shall not believe a
        // sender.
        self.in_parts().await?.create(&Name::of(key)?, None).await
    }

    async fn stage(&self, key: &Key, upload: &str, slot: &Slot, size: Option<u64>) -> Result<Box<dyn Staged>, Fault> {
        let Some(size) = size else {
            let message = "S3 wants to know how long a part is before it takes it";
            return Err(Fault::new(codes::LENGTH_REQUIRED, message));
        };
        let multipart = self.in_parts().await?.clone();
        let (name, upload, number) = (Name::of(key)?, upload.to_owned(), slot.number);
        let staged = StagedPart::begin(multipart, name, upload, number, size);
        Ok(Box::new(Gather::into(staged)))
    }

    async fn list(&self, key: &Key, upload: &str) -> Result<Vec<Part>, Fault> {
        let listed = self.in_parts().await?.list(&Name::of(key)?, upload).await?;
        let part = |multipart::Part { number, size, tag }| Part { number, size, tag };
        Ok(listed.unwrap_or_default().into_iter().map(part).collect())
    }

    async fn assemble(&self, key: &Key, upload: &str, parts: &[Part]) -> Result<(), Fault> {
        let name = Name::of(key)?;
        let whole: u64 = parts.iter().map(|part| part.size).sum();
        let part = |Part { number, size, tag }: Part| multipart::Part { number, size, tag };
        let parts: Vec<_> = parts.iter().cloned().map(part).collect();
        match self.in_parts().await?.complete(&name, upload, &parts).await? {
            Completed::Done => Ok(()),
            Completed::PartsChanged => {
                let message = "a part was sent again while the parts were put together";
                Err(Fault::new(codes::PARTS_MISSING, message))
            }
            // Then somebody has done it, and their answer was lost.
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
        slot: &Slot,
        size: Option<u64>,
        lifetime: Duration,
    ) -> Result<Option<String>, Fault> {
        /// S3 signs nothing for longer.
        const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

        let multipart = self.in_parts().await?;
        let lifetime = lifetime.clamp(Duration::from_secs(1), LONGEST);
        let name = Name::of(key)?;
        let number = slot.number;
        let which = Which {
            name: &name,
            upload,
            number,
        };
        let url = multipart.part_url(which, size, lifetime);
        Ok(url.map(Into::into))
    }
}

/// A part on its way to the service.
///
/// A task sends it, because what is sent is pulled, and what comes is pushed. It ends with this, in the middle of its request or
/// between two tries: one that sends the part again later must not come behind the newer attempt that has taken its place.
struct StagedPart {
    _task: JoinSet<()>,
    pieces: mpsc::Sender<Result<Bytes, BoxError>>,
    /// How the request ended. `None` once somebody was told.
    ended: Option<oneshot::Receiver<Result<(), Fault>>>,
}

impl StagedPart {
    fn begin(multipart: Arc<Multipart>, name: Name, upload: String, number: u16, size: u64) -> Self {
        /// Pieces that wait for the service. The pipeline's have at most 256 KiB.
        const WAITING: usize = 1;

        let (pieces, to_send) = mpsc::channel(WAITING);
        let (ending, ended) = oneshot::channel();
        let body = stream::unfold(to_send, |mut to_send| async move {
            let piece: Result<Bytes, BoxError> = to_send.recv().await?;
            Some((piece, to_send))
        });
        let mut task = JoinSet::new();
        task.spawn(async move {
            let which = Which {
                name: &name,
                upload: &upload,
                number,
            };
            let sent = multipart.put_part(which, size, body.boxed()).await;
            // Whoever is no longer there to hear it has not told anybody that the part is there.
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

#[async_trait]
impl Staged for StagedPart {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        if self.pieces.send(Ok(piece)).await.is_ok() {
            return Ok(());
        }
        match self.end().await {
            // All that was promised had come before.
            Ok(()) => Err(fault::of_lost_work("send more of a part than was promised")),
            Err(fault) => Err(fault),
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        // Without a sender there is nothing more to come.
        let (nobody, _) = mpsc::channel(1);
        self.pieces = nobody;
        self.end().await
    }

    async fn discard(mut self: Box<Self>) -> Result<(), Fault> {
        // Not only dropped: the service may have all the bytes that it was promised.
        let _gone = self.pieces.send(Err("the part was discarded".into())).await;
        let _failed = self.end().await;
        Ok(())
    }
}
