//! Reading ahead: while the parts of an upload arrive, every stage reads those that are complete from the first one on, so that
//! completing the upload only has to read the rest.
//!
//! It is a saving and nothing else. What was read ahead counts only if it is what was joined in the end: the store names each
//! part as it was committed ([`Part::tag`]), and the names at the end are compared with those of the parts that were read. If one
//! was sent again, if this node was restarted, if another node completes the upload, or if anything fails, then all of it is
//! read after it was joined, as if nothing had been read before. A refusal counts as little: the stages are asked again.
//!
//! An upload whose parts come slowly would keep a scanner busy for hours. So reading ahead ends if no further part is complete
//! for a while, and few uploads are read ahead at the same time, of one sender fewer.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::debug;

use crate::engine::front::Phase;
use crate::engine::judged::Judged;
use crate::engine::pipeline::Pipeline;
use crate::engine::pump::{Sink, Source, pump};
use crate::record::keys::{key_of, upload_of};
use crate::record::quarantine::QuarantineCause;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::id::{BoxError, ByteStream};
use crate::value::lifetime::UploadMethod;
use crate::value::parts::Part;

/// How long the next part may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl Pipeline {
    /// A part was committed: reading ahead begins with the first one, and goes on with each other.
    pub(crate) fn part_came(&self, record: &Record, number: u16) {
        let fronts = &self.inner().fronts;
        if fronts.go_on(record.id) || number != 1 || upload_of(record).is_none() {
            return;
        }
        let (pipeline, ahead) = (self.anew(), record.clone());
        fronts.begin(record.id, record.options.sender.as_deref(), move |phases| {
            tokio::spawn(async move {
                let read = pipeline.read_ahead(&ahead, phases).await;
                if let Err(error) = &read {
                    debug!(id = %ahead.id, %error, "reading ahead has ended");
                    pipeline.inner().fronts.end(ahead.id);
                }
                read.ok()
            })
        });
    }

    async fn read_ahead(&self, record: &Record, phases: watch::Receiver<Phase>) -> Result<Judged, Error> {
        let size = record.parts.as_ref().map(|parts| parts.size);
        let policy = self.required_policy(&record.options, UploadMethod::Multipart).await?;
        let source = Source::new(Ahead::stream(self.clone(), record.clone(), phases), u64::MAX, size);
        let judged = pump(self.inner(), &policy, record, source, Sink::Ahead).await?;
        match &judged.held {
            // Scanners that failed may work when the parts are joined.
            Some(held) if held.cause == QuarantineCause::Fault => {
                Err(Fault::new(codes::FAULT, "a scanner failed").into())
            }
            _ => Ok(judged),
        }
    }
}

/// The bytes of an upload, from its parts as long as they arrive, and then from the whole.
struct Ahead {
    pipeline: Pipeline,
    record: Record,
    phases: watch::Receiver<Phase>,
    /// What is being read, and whether that is the whole, from some place on.
    current: Option<ByteStream>,
    is_rest: bool,
    /// Parts that were read, or are being read, in their order.
    read: Vec<Part>,
    /// Parts that are known to follow.
    next: VecDeque<Part>,
    /// When the next part has to be there. Commits of other parts do not put that off.
    until: Instant,
}

impl Ahead {
    fn stream(pipeline: Pipeline, record: Record, phases: watch::Receiver<Phase>) -> ByteStream {
        let ahead = Self {
            pipeline,
            record,
            phases,
            current: None,
            is_rest: false,
            read: Vec::new(),
            next: VecDeque::new(),
            until: Instant::now() + PATIENCE,
        };
        let next = |mut ahead: Self| async move {
            let piece = ahead.piece().await?;
            Ok(piece.map(|piece| (piece, ahead)))
        };
        stream::try_unfold(ahead, next).boxed()
    }

    /// The next bytes, or `None` at the end of the whole.
    async fn piece(&mut self) -> Result<Option<Bytes>, BoxError> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(piece) = current.next().await {
                    return piece.map(Some);
                }
                self.current = None;
                self.until = Instant::now() + PATIENCE;
            }
            if self.is_rest {
                return Ok(None);
            }
            let phase = self.phases.borrow_and_update().clone();
            match phase {
                Phase::Arriving(_) => {
                    if !self.open_next().await? {
                        self.change().await?;
                    }
                }
                Phase::Joining => self.change().await?,
                Phase::Joined(parts) => self.open_rest(&parts).await?,
            }
        }
    }

    /// Opens the part that follows, if it is there.
    async fn open_next(&mut self) -> Result<bool, BoxError> {
        let number = u16::try_from(self.read.len() + 1)?;
        let (record, inner) = (&self.record, self.pipeline.inner());
        let multipart = inner.store_of(record)?.multipart();
        let range = record.parts.as_ref().and_then(|parts| parts.range(number));
        let (Some(multipart), Some(upload), Some(range)) = (multipart, upload_of(record), range) else {
            return Ok(false);
        };
        let key = key_of(record);
        if self.next.is_empty() {
            let listed = multipart.list(&key, upload).await?;
            let follow = listed.into_iter().filter(|part| part.size > 0 && part.number >= number);
            let in_order = (number..)
                .zip(follow)
                .take_while(|(number, part)| part.number == *number);
            self.next = in_order.map(|(_, part)| part).collect();
        }
        let Some(part) = self.next.pop_front() else {
            return Ok(false);
        };
        let Some(bytes) = multipart.read_part(&key, upload, &range, &part).await? else {
            return Err(gave_up("the store reads no parts before they are joined"));
        };
        self.read.push(part);
        self.current = Some(bytes);
        Ok(true)
    }

    /// Opens the whole, behind what was read of it.
    async fn open_rest(&mut self, parts: &[Part]) -> Result<(), BoxError> {
        if parts.len() < self.read.len() || self.read != parts[..self.read.len()] {
            return Err(gave_up("a part that was read was sent again"));
        }
        let from: u64 = self.read.iter().map(|part| part.size).sum();
        let size: u64 = parts.iter().map(|part| part.size).sum();
        self.is_rest = true;
        if from < size {
            let store = self.pipeline.inner().store_of(&self.record)?;
            self.current = Some(store.read(&key_of(&self.record), Some(from..size)).await?);
        }
        Ok(())
    }

    /// Waits until there is something new.
    async fn change(&mut self) -> Result<(), BoxError> {
        let until = match *self.phases.borrow() {
            Phase::Arriving(_) => self.until,
            // Joining parts may mean copying them.
            Phase::Joining | Phase::Joined(_) => Instant::now() + self.pipeline.inner().limits.timeout,
        };
        match tokio::time::timeout_at(until, self.phases.changed()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(gave_up("nobody completes the upload here")),
            Err(_) => Err(gave_up("the next part did not come in time")),
        }
    }
}

fn gave_up(why: &'static str) -> BoxError {
    Fault::new(codes::FAULT, why).into()
}
