//! How much is read from a connection at a time: it follows the rate of the peer, so that a slow peer costs little memory.
//!
//! hyper doubles its buffer each time a read fills it, whatever the time that took, and keeps what it has allocated. A read
//! that leaves a byte free does not let it grow.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// hyper's buffer at first, in bytes.
const LEAST: usize = 8 * 1024;
/// Reads of every connection may have so many bytes.
pub(super) const FREE_READ: usize = 64 * 1024;
/// The largest read of a connection with a permit for large ones.
pub(super) const LARGE_READ: usize = 256 * 1024;
/// How many connections have such a permit. They keep it until they end, as hyper keeps the buffer.
pub(super) const LARGE_READERS: usize = 64;

/// The rate is that of the last one to two of these.
const SPAN: Duration = Duration::from_secs(1);
/// The buffer may double while a peer sends as much as it holds within this time.
const QUICK: Duration = Duration::from_millis(60);

/// The size of the reads from one peer.
#[derive(Debug)]
pub(super) struct ReadSize {
    permits: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    /// hyper's buffer, as far as reads have let it grow.
    bytes: usize,
    /// Whether the next read may let it grow.
    grows: bool,
    /// The bytes of this span and of the one before, and when these began.
    read: [u64; 2],
    began: [Instant; 2],
}

impl ReadSize {
    pub(super) fn new(permits: Arc<Semaphore>, now: Instant) -> Self {
        Self {
            permits,
            permit: None,
            bytes: LEAST,
            grows: false,
            read: [0; 2],
            began: [now; 2],
        }
    }

    /// How many bytes the next read may have, at most [`FREE_READ`]. `None`: as many as hyper asks for.
    pub(super) fn limit(&self) -> Option<usize> {
        let grows = usize::from(!self.grows);
        self.permit.is_none().then_some(self.bytes - grows)
    }

    /// A read had so many bytes.
    pub(super) fn read(&mut self, bytes: usize, now: Instant) {
        if self.permit.is_some() {
            return;
        }
        self.count(bytes, now);
        if bytes >= self.bytes {
            self.bytes = (2 * self.bytes).min(FREE_READ);
        }
        let spent = now.saturating_duration_since(self.began[0]).max(QUICK);
        let in_quick = self.read.iter().sum::<u64>() as f64 * QUICK.as_secs_f64() / spent.as_secs_f64();
        if self.bytes > LEAST && in_quick * 8.0 < self.bytes as f64 {
            self.bytes /= 2;
        }
        // Not before a second read fills the buffer: the first one may have been all that there is.
        self.grows = bytes + 1 >= self.bytes && in_quick + 1.0 >= self.bytes as f64;
        if self.grows && self.bytes == FREE_READ {
            self.permit = self.permits.clone().try_acquire_owned().ok();
            self.grows = false;
        }
    }

    fn count(&mut self, bytes: usize, now: Instant) {
        let span = now.saturating_duration_since(self.began[1]);
        if span >= 2 * SPAN {
            // A pause says nothing of the rate after it: it may be that of a client before its next request.
            (self.read, self.began) = ([0; 2], [now; 2]);
        } else if span >= SPAN {
            (self.read, self.began) = ([self.read[1], 0], [self.began[1], now]);
        }
        self.read[1] += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: usize = 1024;

    /// Reads what a peer sends in bursts, as hyper does: with a buffer that doubles when a read fills it. Returns the largest
    /// buffer.
    async fn buffer_for(burst: usize, pause: Duration, bursts: usize, permits: &Arc<Semaphore>) -> usize {
        let mut size = ReadSize::new(permits.clone(), Instant::now());
        let mut buffer = LEAST;
        for _ in 0..bursts {
            let mut there = burst;
            while there > 0 {
                let bytes = there.min(buffer).min(size.limit().unwrap_or(usize::MAX));
                size.read(bytes, Instant::now());
                there -= bytes;
                if bytes == buffer {
                    buffer = (2 * buffer).min(LARGE_READ);
                }
            }
            tokio::time::sleep(pause).await;
        }
        buffer
    }

    #[tokio::test(start_paused = true)]
    async fn a_buffer_is_as_large_as_its_peer_is_fast() {
        let permits = Arc::new(Semaphore::new(1));
        for (burst, millis, largest) in [
            (500, 1000, 8),
            (4 * K, 125, 8),
            (8 * K, 250, 8),
            (32 * K, 1000, 16),
            (16 * K, 100, 16),
            (64 * K, 100, 64),
            (256 * K, 10, 256),
        ] {
            let pause = Duration::from_millis(millis);
            let buffer = buffer_for(burst, pause, 100, &permits).await / K;
            assert_eq!(buffer, largest, "{burst} bytes every {pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_connections_have_large_buffers_than_may() {
        let permits = Arc::new(Semaphore::new(0));
        let buffer = buffer_for(K * K, Duration::from_millis(1), 100, &permits).await;
        assert_eq!(buffer, FREE_READ);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_between_requests_does_not_make_a_client_slow() {
        let permits = Arc::new(Semaphore::new(1));
        let buffer = buffer_for(300, Duration::from_secs(5), 10, &permits).await;
        assert_eq!(buffer, LEAST);
        let mut size = ReadSize::new(permits, Instant::now());
        for _ in 0..10 {
            size.read(300, Instant::now());
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        for _ in 0..2 {
            size.read(size.limit().unwrap(), Instant::now());
        }
        assert_eq!(size.bytes, 2 * LEAST);
    }
}
