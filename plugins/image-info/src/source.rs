//! The bytes of an upload as a format's reader asks for them: in order, where any part may be skipped.
//!
//! A reader of a format is a future: it waits for the bytes that it asks for, and the scan polls it when they have come. So
//! its code reads from top to bottom like that of a reader of files, it keeps only what it asked for, and bytes that it does
//! not want pass by without being copied. No task and no thread waits with it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::policy::Policy;
use crate::probe::Probe;

/// How many bytes are buffered before a reader is polled: at first as many as the head of an upload has, so that a verdict
/// on them comes with the head; then more, so that many small pieces need only a few polls.
const FIRST_BATCH: usize = intake_core::HEAD_BYTES;
const MOST_BATCH: usize = 32 * 1024;

/// Why there are no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The upload ends before them.
    Ended,
    /// They passed by before they were asked for.
    Passed,
    /// They are more than the reader may keep.
    TooMany,
}

/// The end that a reader reads from.
#[derive(Debug)]
pub(crate) struct Source {
    inflow: Arc<Mutex<Inflow>>,
    policy: Policy,
    /// How many bytes may still be kept.
    allowance: usize,
}

/// The bytes that arrived and were not read yet: never more than the reader asked for, or a batch.
#[derive(Debug)]
struct Inflow {
    came: Vec<u8>,
    /// How many of those were read.
    read: usize,
    /// How many of the bytes to come are skipped.
    left_out: u64,
    /// The place of the next byte that is read, from the beginning of the upload.
    position: u64,
    wanted: usize,
    batch: usize,
    has_ended: bool,
    /// A size above the limits.
    too_large: Option<(u32, u32)>,
}

impl Source {
    /// An empty source, whose reader may keep so many bytes.
    fn new(policy: Policy, allowance: usize) -> Self {
        let inflow = Inflow {
            came: Vec::new(),
            read: 0,
            left_out: 0,
            position: 0,
            wanted: 0,
            batch: FIRST_BATCH,
            has_ended: false,
            too_large: None,
        };
        Self {
            inflow: Arc::new(Mutex::new(inflow)),
            policy,
            allowance,
        }
    }

    /// The place of the next byte.
    pub(crate) fn position(&self) -> u64 {
        lock(&self.inflow).position
    }

    /// Whether there are no more bytes.
    pub(crate) fn has_ended(&self) -> bool {
        let inflow = lock(&self.inflow);
        inflow.has_ended && inflow.unread().is_empty()
    }

    /// The next bytes. They are few, and do not count as kept.
    ///
    /// # Errors
    ///
    /// [`Gap::Ended`].
    pub(crate) async fn next<const N: usize>(&mut self) -> Result<[u8; N], Gap> {
        self.wait(N).await;
        let mut inflow = lock(&self.inflow);
        let bytes = *inflow.unread().first_chunk().ok_or(Gap::Ended)?;
        inflow.pass(N);
        Ok(bytes)
    }

    /// The next bytes, which are kept.
    ///
    /// # Errors
    ///
    /// [`Gap::TooMany`], and nothing was read; [`Gap::Ended`].
    pub(crate) async fn keep(&mut self, len: u64) -> Result<Vec<u8>, Gap> {
        let len = usize::try_from(len)
            .ok()
            .filter(|len| *len <= self.allowance)
            .ok_or(Gap::TooMany)?;
        let bytes = self.keep_up_to(len).await;
        if bytes.len() < len {
            return Err(Gap::Ended);
        }
        Ok(bytes)
    }

    /// The next bytes, which are kept: fewer at the end of the upload, or of what may be kept.
    pub(crate) async fn keep_up_to(&mut self, len: usize) -> Vec<u8> {
        let len = len.min(self.allowance);
        self.wait(len).await;
        let bytes = lock(&self.inflow).take(len);
        self.allowance -= bytes.len();
        bytes
    }

    /// Some of the next bytes, and none at the end. They do not count as kept.
    pub(crate) async fn some(&mut self) -> Vec<u8> {
        self.wait(1).await;
        lock(&self.inflow).take(MOST_BATCH)
    }

    /// Skips bytes.
    pub(crate) fn skip(&mut self, len: u64) {
        lock(&self.inflow).skip(len);
    }

    /// Skips the bytes in front of an offset.
    ///
    /// # Errors
    ///
    /// [`Gap::Passed`].
    pub(crate) fn skip_to(&mut self, place: u64) -> Result<(), Gap> {
        let len = place.checked_sub(self.position()).ok_or(Gap::Passed)?;
        self.skip(len);
        Ok(())
    }

    /// Skips everything up to the next byte of this value, and that byte.
    ///
    /// # Errors
    ///
    /// [`Gap::Ended`].
    pub(crate) async fn skip_past(&mut self, value: u8) -> Result<(), Gap> {
        loop {
            self.wait(1).await;
            let mut inflow = lock(&self.inflow);
            let unread = inflow.unread();
            let found = unread.iter().position(|byte| *byte == value);
            match (found, unread.len()) {
                (_, 0) => return Err(Gap::Ended),
                (Some(at), _) => {
                    inflow.pass(at + 1);
                    return Ok(());
                }
                (None, len) => inflow.pass(len),
            }
        }
    }

    /// Judges a size that was read, of the image or of a part that is drawn. If it is too large, the image is refused whatever
    /// follows.
    pub(crate) fn saw(&mut self, size: (u32, u32)) {
        if self.policy.refuses(size) {
            lock(&self.inflow).too_large.get_or_insert(size);
        }
    }

    /// Waits for so many bytes, or the end.
    async fn wait(&mut self, len: usize) {
        poll_fn(|_| {
            let mut inflow = lock(&self.inflow);
            inflow.wanted = len;
            if inflow.has_ended || inflow.unread().len() >= len {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl Inflow {
    fn unread(&self) -> &[u8] {
        self.came.get(self.read..).unwrap_or_default()
    }

    /// How many bytes are buffered before the reader is polled.
    fn target(&self) -> usize {
        self.wanted.max(self.batch)
    }

    /// Buffers bytes up to the target; returns those that are left.
    fn push<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let left_out = usize::try_from(self.left_out).map_or(bytes.len(), |left_out| left_out.min(bytes.len()));
        let (_, bytes) = bytes.split_at(left_out);
        // Lossless: a slice has fewer bytes than that.
        self.left_out -= left_out as u64;
        self.came.drain(..self.read);
        self.read = 0;
        let room = self.target() - self.came.len().min(self.target());
        let (taken, rest) = bytes.split_at(room.min(bytes.len()));
        // Exactly, as a vector that grows by itself may take twice the memory that is allowed.
        self.came.reserve_exact(taken.len());
        self.came.extend_from_slice(taken);
        rest
    }

    /// Drops bytes that arrived.
    fn pass(&mut self, len: usize) {
        self.read += len;
        self.position = self.position.saturating_add(len as u64);
    }

    fn skip(&mut self, len: u64) {
        let here = self.unread().len();
        let pass = usize::try_from(len).map_or(here, |len| len.min(here));
        self.pass(pass);
        let beyond = len - pass as u64;
        self.left_out = self.left_out.saturating_add(beyond);
        self.position = self.position.saturating_add(beyond);
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        if self.read == 0 && self.came.len() <= len {
            // Not copied, as this may be all that the reader may keep.
            self.position = self.position.saturating_add(self.came.len() as u64);
            return std::mem::take(&mut self.came);
        }
        let unread = self.unread();
        let bytes = unread[..len.min(unread.len())].to_vec();
        self.pass(bytes.len());
        bytes
    }
}

fn lock(inflow: &Mutex<Inflow>) -> MutexGuard<'_, Inflow> {
    // After a panic of the reader its bytes are never read again.
    inflow.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running reader.
pub(crate) struct Reading {
    inflow: Arc<Mutex<Inflow>>,
    reader: Pin<Box<dyn Future<Output = Probe> + Send>>,
}

impl Reading {
    /// A reader that may keep so many bytes.
    pub(crate) fn new<F>(policy: Policy, allowance: usize, reader: impl FnOnce(Source) -> F) -> Self
    where
        F: Future<Output = Probe> + Send + 'static,
    {
        let source = Source::new(policy, allowance);
        Self {
            inflow: Arc::clone(&source.inflow),
            reader: Box::pin(reader(source)),
        }
    }

    /// Buffers bytes; returns those that are left once there are enough for a poll.
    pub(crate) fn push<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        lock(&self.inflow).push(bytes)
    }

    /// Whether there are enough bytes for a poll.
    pub(crate) fn is_due(&self) -> bool {
        let inflow = lock(&self.inflow);
        inflow.unread().len() >= inflow.target()
    }

    /// Ends the upload.
    pub(crate) fn end(&mut self) {
        lock(&self.inflow).has_ended = true;
    }

    /// Polls the reader. `None` if it needs more bytes.
    pub(crate) fn poll(&mut self) -> Option<Probe> {
        let polled = self.reader.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let mut inflow = lock(&self.inflow);
        inflow.batch = (inflow.batch * 2).min(MOST_BATCH);
        match polled {
            Poll::Ready(probe) => Some(probe),
            Poll::Pending => None,
        }
    }

    /// A size that was read and is above the limits.
    pub(crate) fn too_large(&self) -> Option<(u32, u32)> {
        lock(&self.inflow).too_large
    }
}

#[cfg(test)]
mod tests;
