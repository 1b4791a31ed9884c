//! How much of an upload is gathered before it is written: it follows the rate of the sender, within a bound for all uploads of
//! a store together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Every upload may gather this much at first, and however slow its sender is.
pub(crate) const LEAST: usize = 16 * 1024;
/// Every upload may gather this much without asking for room.
const FREE: usize = 64 * 1024;
/// The buffer doubles if it was filled within this time.
const QUICK: Duration = Duration::from_millis(200);
/// What was gathered is written after this time, however little it is, unless the buffer is as small as it may be.
const SLOW: Duration = Duration::from_secs(1);

/// The bytes that the buffers of all uploads may have beyond what each of them may have anyway.
#[derive(Debug)]
pub(crate) struct Room {
    free: AtomicUsize,
    /// The most bytes that one buffer gathers.
    most: usize,
}

impl Room {
    /// Room for so many bytes in all, and at most so many for one write.
    pub(crate) fn new(bytes: usize, most: usize) -> Self {
        let free = AtomicUsize::new(bytes);
        Self { free, most }
    }

    /// Takes room until the answer is dropped, if there is so much.
    pub(crate) fn hold(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        let room = self.clone();
        self.take(bytes).then_some(Held { room, bytes })
    }

    fn take(&self, bytes: usize) -> bool {
        let less = |free: usize| free.checked_sub(bytes);
        self.free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.free.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A share of the room.
#[derive(Debug)]
pub(crate) struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.give_back(self.bytes);
    }
}

/// The size of one upload's buffer.
#[derive(Debug)]
pub(crate) struct BufferSize {
    room: Arc<Room>,
    bytes: usize,
    /// Since when the buffer has been filled.
    since: Instant,
    was_written: bool,
}

impl BufferSize {
    /// The size of a buffer that is empty now.
    pub(crate) fn of(room: Arc<Room>, now: Instant) -> Self {
        Self {
            room,
            bytes: LEAST,
            since: now,
            was_written: false,
        }
    }

    /// How many bytes to allocate for a buffer that gets these bytes first. An upload that may be small gets no more than it
    /// needs.
    pub(crate) fn to_allocate(&self, first: usize) -> usize {
        if self.was_written {
            self.bytes.max(first)
        } else {
            LEAST.max(first)
        }
    }

    /// Whether the buffer, which has so many bytes, is to be written before more is added.
    pub(crate) fn is_full(&mut self, gathered: usize, more: usize, now: Instant) -> bool {
        let took = now.saturating_duration_since(self.since);
        let bytes = gathered + more;
        if took >= SLOW {
            let is_small = self.bytes == LEAST;
            self.set((bytes.next_power_of_two() / 2).clamp(LEAST, self.bytes));
            return !is_small || bytes > self.bytes;
        }
        if bytes <= self.bytes {
            return false;
        }
        let has_grown = took <= QUICK && self.grow_beyond(bytes);
        // What comes quickly may be a small upload, which is one write together with its end.
        self.was_written || !has_grown || bytes > self.bytes
    }

    /// The buffer was written, and is empty now.
    pub(crate) fn was_written(&mut self, now: Instant) {
        self.since = now;
        self.was_written = true;
    }

    /// Doubles the size, before the first write until so much fits. Returns whether there was room.
    fn grow_beyond(&mut self, bytes: usize) -> bool {
        let mut has_grown = false;
        while self.bytes < self.room.most && self.bytes < bytes && self.set(self.bytes * 2) {
            has_grown = true;
            if self.was_written {
                break;
            }
        }
        has_grown
    }

    /// Whether there was room for this size.
    fn set(&mut self, bytes: usize) -> bool {
        let (before, after) = (beyond_free(self.bytes), beyond_free(bytes));
        if after > before && !self.room.take(after - before) {
            return false;
        }
        self.room.give_back(before.saturating_sub(after));
        self.bytes = bytes;
        true
    }
}

impl Drop for BufferSize {
    fn drop(&mut self) {
        self.room.give_back(beyond_free(self.bytes));
    }
}

/// What a buffer of this size takes from the room: twice, for the bytes that are gathered while the ones before are written.
fn beyond_free(bytes: usize) -> usize {
    2 * bytes.saturating_sub(FREE)
}
