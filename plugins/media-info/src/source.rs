//! The bytes of an upload as a format's reader asks for them: in order, where any part may be skipped.
//!
//! A reader is a future that waits for the bytes it asks for, so its code reads from top to bottom. The scan hands it each chunk
//! and polls it until it has used the chunk up. Skipped bytes are not touched, and only bytes that a reader keeps are copied.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Buf;
use intake_core::{Bytes, Rejection};

use crate::facts::Probe;
use crate::policy::Policy;

/// How many steps a reader makes before it lets others work: they take about 50 microseconds.
const STEPS: u32 = 1_000;
/// Copying so many bytes counts as a step.
const BYTES_OF_STEP: usize = 256;

/// Why a reader stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The upload ends before the bytes that were asked for.
    Ended,
    /// The bytes are not what they have to be.
    Broken(&'static str),
}

/// The end that a reader reads from.
#[derive(Debug)]
pub(crate) struct Source {
    slot: Arc<Mutex<Slot>>,
    policy: Policy,
    /// The bytes of the current chunk that were not read yet.
    here: Bytes,
    position: u64,
    steps: u32,
}

/// What the scan and its reader hand to each other.
#[derive(Debug, Default)]
struct Slot {
    chunk: Option<Bytes>,
    has_ended: bool,
    /// The reader paused although it has bytes.
    is_paused: bool,
    refusal: Option<Rejection>,
}

impl Source {
    /// The place of the next byte.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next bytes.
    ///
    /// # Errors
    ///
    /// [`Stop::Ended`].
    pub(crate) async fn next<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        self.step(1).await;
        if let Some(bytes) = self.here.first_chunk::<N>() {
            let bytes = *bytes;
            self.pass(N);
            return Ok(bytes);
        }
        let mut bytes = [0; N];
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            if !self.fill().await {
                return Err(Stop::Ended);
            }
            let len = rest.len().min(self.here.len());
            let (now, later) = rest.split_at_mut(len);
            now.copy_from_slice(&self.here[..len]);
            self.pass(len);
            rest = later;
        }
        Ok(bytes)
    }

    /// The next bytes, which are kept: fewer at the end of the upload.
    pub(crate) async fn keep(&mut self, most: usize) -> Vec<u8> {
        self.step(1).await;
        let mut kept = Vec::new();
        while kept.len() < most && self.fill().await {
            let len = (most - kept.len()).min(self.here.len());
            self.step(len / BYTES_OF_STEP).await;
            // A quarter in advance, so that many small chunks are not copied each time; and never more than what is kept.
            kept.reserve_exact(len.max(kept.len() / 4).min(most - kept.len()));
            kept.extend_from_slice(&self.here[..len]);
            self.pass(len);
        }
        kept
    }

    /// Skips bytes.
    ///
    /// # Errors
    ///
    /// [`Stop::Ended`] if there are not so many.
    pub(crate) async fn skip(&mut self, mut len: u64) -> Result<(), Stop> {
        self.step(1).await;
        while len > 0 {
            if !self.fill().await {
                return Err(Stop::Ended);
            }
            let now = usize::try_from(len).map_or(self.here.len(), |len| len.min(self.here.len()));
            self.pass(now);
            len -= now as u64;
        }
        Ok(())
    }

    /// Skips the bytes in front of an offset, if there are any.
    ///
    /// # Errors
    ///
    /// [`Stop::Ended`] if the upload ends before it.
    pub(crate) async fn skip_to(&mut self, place: u64) -> Result<(), Stop> {
        self.skip(place.saturating_sub(self.position)).await
    }

    /// Skips everything up to the next byte of this value, which comes next then.
    ///
    /// # Errors
    ///
    /// [`Stop::Ended`] if there is none.
    pub(crate) async fn skip_until(&mut self, value: u8) -> Result<(), Stop> {
        while self.fill().await {
            let found = self.here.iter().position(|byte| *byte == value);
            let len = found.unwrap_or(self.here.len());
            self.step(1 + len / BYTES_OF_STEP).await;
            self.pass(len);
            if found.is_some() {
                return Ok(());
            }
        }
        Err(Stop::Ended)
    }

    /// Counts work with bytes that were kept, in steps.
    pub(crate) async fn works(&mut self, steps: usize) {
        self.step(steps).await;
    }

    /// Whether there are no more bytes.
    pub(crate) async fn is_over(&mut self) -> bool {
        !self.fill().await
    }

    /// Judges the size of a video that was read. If it is too large, the upload is refused whatever follows.
    pub(crate) fn saw_size(&mut self, size: (u32, u32)) {
        self.refuse(self.policy.too_large(size));
    }

    /// Judges how long the file plays at least, in milliseconds, by what was read so far.
    pub(crate) fn saw_duration(&mut self, millis: Option<u64>) {
        self.refuse(millis.and_then(|millis| self.policy.too_long(millis)));
    }

    fn refuse(&mut self, refusal: Option<Rejection>) {
        if let Some(refusal) = refusal {
            lock(&self.slot).refusal.get_or_insert(refusal);
        }
    }

    fn pass(&mut self, len: usize) {
        self.here.advance(len.min(self.here.len()));
        if self.here.is_empty() {
            // So that the chunk is not held while the next one is awaited.
            self.here = Bytes::new();
        }
        self.position = self.position.saturating_add(len as u64);
    }

    /// Waits for bytes. Returns whether there are some.
    async fn fill(&mut self) -> bool {
        while self.here.is_empty() {
            let chunk = poll_fn(|_| {
                let mut slot = lock(&self.slot);
                match slot.chunk.take() {
                    Some(chunk) => Poll::Ready(Some(chunk)),
                    None if slot.has_ended => Poll::Ready(None),
                    None => Poll::Pending,
                }
            });
            match chunk.await {
                Some(chunk) => self.here = chunk,
                None => return false,
            }
        }
        true
    }

    /// Counts the work, and pauses when there was enough of it: no file keeps a thread for long.
    async fn step(&mut self, work: usize) {
        let work = u32::try_from(work).unwrap_or(u32::MAX);
        self.steps = self.steps.saturating_add(work);
        if self.steps < STEPS {
            return;
        }
        self.steps = 0;
        lock(&self.slot).is_paused = true;
        poll_fn(|_| {
            if lock(&self.slot).is_paused {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    // A reader that panicked is dropped, and its slot with it.
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running reader.
pub(crate) struct Reading {
    slot: Arc<Mutex<Slot>>,
    reader: Pin<Box<dyn Future<Output = Probe> + Send>>,
}

/// What a reader did when it was polled.
#[derive(Debug)]
pub(crate) enum Polled {
    /// It needs more bytes.
    Waits,
    /// It has more to do with the bytes that it has.
    Paused,
    /// It came to an end.
    Done(Probe),
}

impl Reading {
    pub(crate) fn new<F>(policy: Policy, reader: impl FnOnce(Source) -> F) -> Self
    where
        F: Future<Output = Probe> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(Slot::default()));
        let source = Source {
            slot: Arc::clone(&slot),
            policy,
            here: Bytes::new(),
            position: 0,
            steps: 0,
        };
        Self {
            slot,
            reader: Box::pin(reader(source)),
        }
    }

    /// Hands the reader the next chunk. It has used up the one before.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        lock(&self.slot).chunk = Some(chunk);
    }

    /// Ends the upload.
    pub(crate) fn end(&mut self) {
        lock(&self.slot).has_ended = true;
    }

    /// Lets the reader work, for a short time.
    pub(crate) fn poll(&mut self) -> Polled {
        lock(&self.slot).is_paused = false;
        let polled = self.reader.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(probe) => Polled::Done(probe),
            Poll::Pending if lock(&self.slot).is_paused => Polled::Paused,
            Poll::Pending => Polled::Waits,
        }
    }

    /// The refusal that follows from what was read so far.
    pub(crate) fn refusal(&self) -> Option<Rejection> {
        lock(&self.slot).refusal.clone()
    }
}
