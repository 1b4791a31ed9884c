//! A bound on very many, very small chunks: a chunk of one byte costs about as much as a chunk of a thousand. Pure: time is an
//! argument.

use tokio::time::Instant;

/// Counts the chunks of one HTTP body without a `Content-Length`.
///
/// A sender of many chunks must put a few bytes into each. A sender that flushes each word as a person types it sends slowly, and
/// is never refused.
#[derive(Clone, Debug)]
pub struct Chunks {
    began: Instant,
    count: u64,
    bytes: u64,
}

/// A body has too many chunks for its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes come in too many chunks of less than {} bytes", Chunks::LEAST)]
pub struct TinyChunks;

impl Chunks {
    /// The average number of bytes that a chunk must have, if many arrive in a short time.
    pub const LEAST: u64 = 32;
    /// The number of chunks that any body may have, however small they are.
    const FREE: u64 = 4096;
    /// The number of chunks that a sender may flush in each second, however small they are: so few cost next to nothing.
    const EACH_SECOND: u64 = 100;

    /// A body of which no chunk has arrived.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            began: now,
            count: 0,
            bytes: 0,
        }
    }

    /// Counts a chunk with this number of bytes.
    ///
    /// # Errors
    ///
    /// If the body has too many chunks.
    pub fn count(&mut self, bytes: usize, now: Instant) -> Result<(), TinyChunks> {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let of_bytes = self.bytes / Self::LEAST;
        let of_time = now.saturating_duration_since(self.began).as_secs() * Self::EACH_SECOND;
        if self.count <= Self::FREE + of_bytes + of_time {
            Ok(())
        } else {
            Err(TinyChunks)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// How many chunks of this size are accepted, up to 100,000, with this pause before each.
    fn taken(bytes: usize, pause: Duration) -> u64 {
        let mut now = Instant::now();
        let mut chunks = Chunks::new(now);
        (0..100_000)
            .take_while(|_| {
                now += pause;
                chunks.count(bytes, now).is_ok()
            })
            .count() as u64
    }

    #[test]
    fn very_many_tiny_chunks_are_refused_unless_they_come_slowly() {
        let each = |millis| Duration::from_millis(millis);
        assert_eq!(taken(1, Duration::ZERO), 4228, "bytes as fast as they come");
        assert!(taken(1, each(1)) < 10_000, "a thousand bytes a second, one by one");
        assert_eq!(taken(1, each(10)), 100_000, "a hundred keystrokes a second");
        assert_eq!(taken(32, Duration::ZERO), 100_000, "lines of a table");
        assert_eq!(taken(8192, Duration::ZERO), 100_000, "chunks as usual");
    }
}
