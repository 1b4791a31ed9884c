//! The writer of one upload to an object store.
//!
//! A task owns OpenDAL's writer. A writer that was dropped in the middle of a write cannot be aborted, least of all under
//! retries; and a client that hangs up should not leave a multipart upload, which costs money.

use std::mem;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use intake_core::{Bytes, Fault, Staged};
use opendal::{Buffer, ErrorKind, Operator, Writer};
use tokio::sync::{mpsc, oneshot};

use crate::buffer_size::Room;
use crate::fault;
use crate::name::Name;
use crate::write_buffer::Sink;

/// How many pieces wait for the task. Those of the pipeline have at most 256 KiB.
const WAITING: usize = 1;

/// The handle of the upload's task.
pub(crate) struct StagedObject {
    pieces: mpsc::Sender<Bytes>,
    /// Why the task accepts no more pieces.
    failed: oneshot::Receiver<Fault>,
    end: oneshot::Sender<End>,
}

/// How an upload ends, and where to report the outcome. If the handle is dropped, the upload is discarded.
enum End {
    Commit(Answer),
    Discard(Answer),
}

type Answer = oneshot::Sender<Result<(), Fault>>;

impl StagedObject {
    pub(crate) fn begin(operator: Operator, writer: Writer, name: Name, parts: Option<Parts>) -> Self {
        let (pieces, to_write) = mpsc::channel(WAITING);
        let (failing, failed) = oneshot::channel();
        let (end, ending) = oneshot::channel();
        let upload = Upload {
            operator,
            writer,
            name,
            parts,
        };
        tokio::spawn(upload.run(to_write, failing, ending));
        Self { pieces, failed, end }
    }

    async fn end(self, how: fn(Answer) -> End) -> Result<(), Fault> {
        let Self {
            pieces,
            mut failed,
            end,
        } = self;
        // The task reads `end` when there are no more pieces.
        drop(pieces);
        let (answer, answered) = oneshot::channel();
        // If the task has ended, it has dropped the receiver.
        let _ = end.send(how(answer));
        answered.await.unwrap_or_else(|_| {
            Err(failed
                .try_recv()
                .unwrap_or_else(|_| fault::of_lost_work("end an upload")))
        })
    }
}

impl Sink for StagedObject {}

#[async_trait]
impl Staged for StagedObject {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        if self.pieces.send(piece).await.is_ok() {
            return Ok(());
        }
        let failed = (&mut self.failed).await;
        Err(failed.unwrap_or_else(|_| fault::of_lost_work("write")))
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        self.end(End::Commit).await
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        self.end(End::Discard).await
    }
}

/// The parts in which an upload is written.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// The bytes of each but the last.
    pub(crate) size: usize,
    /// For parts that are filled while another one is sent.
    pub(crate) room: Arc<Room>,
}

/// A part that is being filled.
#[derive(Default)]
struct Filling {
    pieces: Vec<Bytes>,
    bytes: usize,
    /// What has come of the next part.
    surplus: Option<Bytes>,
}

impl Filling {
    /// Fills the part. Returns false if there are no more pieces. It may be dropped, and go on later.
    async fn fill(&mut self, size: usize, pieces: &mut mpsc::Receiver<Bytes>) -> bool {
        while self.bytes < size {
            let next = match self.surplus.take() {
                Some(surplus) => Some(surplus),
                None => pieces.recv().await,
            };
            let Some(mut piece) = next else { return false };
            if self.bytes + piece.len() > size {
                self.surplus = Some(piece.split_off(size - self.bytes));
            }
            self.bytes += piece.len();
            self.pieces.push(piece);
        }
        true
    }

    fn take(&mut self) -> Buffer {
        self.bytes = 0;
        Buffer::from(mem::take(&mut self.pieces))
    }
}

/// The state of the task.
struct Upload {
    operator: Operator,
    writer: Writer,
    name: Name,
    /// `None`: pieces are written as they are.
    parts: Option<Parts>,
}

impl Upload {
    async fn run(
        mut self,
        pieces: mpsc::Receiver<Bytes>,
        failing: oneshot::Sender<Fault>,
        end: oneshot::Receiver<End>,
    ) {
        let written = self.write(pieces, failing).await;
        match end.await {
            Ok(End::Commit(answer)) if written => {
                let closed = self.writer.close().await.map(drop);
                let committed = closed.map_err(|error| self.cannot("commit", error));
                if answer.send(committed).is_err() {
                    // The caller was cancelled, and a deletion may have come before the commit.
                    let deleted = self.operator.delete(self.name.as_str()).await;
                    self.tell(deleted.map_err(|error| self.cannot("remove", error)));
                }
            }
            Ok(End::Discard(answer)) => {
                let discarded = self.discard().await;
                if let Err(unheard) = answer.send(discarded) {
                    self.tell(unheard);
                }
            }
            // The handle was dropped, or asks to commit after a failed write, whose fault it has received.
            Ok(End::Commit(_)) | Err(_) => {
                let discarded = self.discard().await;
                self.tell(discarded);
            }
        }
    }

    /// Writes until there are no more pieces. Returns whether all were written.
    async fn write(&mut self, mut pieces: mpsc::Receiver<Bytes>, failing: oneshot::Sender<Fault>) -> bool {
        let written = match self.parts.clone() {
            Some(parts) => self.write_parts(&parts, &mut pieces).await,
            None => self.write_pieces(&mut pieces).await,
        };
        if let Err(error) = written {
            // A handle that was dropped does not commit either.
            let _ = failing.send(self.cannot("write", error));
            return false;
        }
        true
    }

    async fn write_pieces(&mut self, pieces: &mut mpsc::Receiver<Bytes>) -> opendal::Result<()> {
        while let Some(piece) = pieces.recv().await {
            self.writer.write(piece).await?;
        }
        Ok(())
    }

    /// Fills the next part while one is sent, if there is room for it in memory.
    async fn write_parts(&mut self, parts: &Parts, pieces: &mut mpsc::Receiver<Bytes>) -> opendal::Result<()> {
        let mut filling = Filling::default();
        let mut goes_on = true;
        while goes_on {
            goes_on = filling.fill(parts.size, pieces).await;
            let full = filling.take();
            if full.is_empty() {
                break;
            }
            let room = if goes_on { parts.room.hold(parts.size) } else { None };
            let writing = pin!(self.writer.write(full));
            match room {
                Some(_held) => match select(writing, pin!(filling.fill(parts.size, pieces))).await {
                    Either::Left((written, _)) => written?,
                    Either::Right((_, writing)) => writing.await?,
                },
                None => writing.await?,
            }
        }
        Ok(())
    }

    async fn discard(&mut self) -> Result<(), Fault> {
        let aborted = match self.writer.abort().await {
            // A service that shows bytes as they are written.
            Err(error) if error.kind() == ErrorKind::Unsupported => self.operator.delete(self.name.as_str()).await,
            aborted => aborted,
        };
        aborted.map_err(|error| self.cannot("remove", error))
    }

    fn cannot(&self, what: &str, error: opendal::Error) -> Fault {
        fault::of_opendal(&format!("{what} {}", self.name), error)
    }

    /// Logs a fault that can be reported to no caller.
    fn tell(&self, ended: Result<(), Fault>) {
        if let Err(fault) = ended {
            tracing::warn!(key = %self.name, fault = fault.report(), "could not remove the bytes of a cancelled upload");
        }
    }
}
