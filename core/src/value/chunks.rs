//! A bound on bytes in very many, very small chunks: each chunk costs about the same, whether it holds one byte or a thousand.
//! Pure: time is an argument.

use tokio::time::Instant;

/// The chunks of one HTTP body without a `Content-Length`, as far as it has come.
///
/// Who sends quickly has to send chunks of a few bytes at least; who flushes each word as it is written does so slowly, and is
/// never refused.
#[derive(Clone, Debug)]
pub struct Chunks {
    began: Instant,
    count: u64,
    bytes: u64,
}

/// There are too many chunks for the bytes in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes come in too many chunks of less than {} bytes", Chunks::LEAST)]
pub struct TinyChunks;

impl Chunks {
    /// Bytes that a chunk has to hold, on average, if there are many in a short time.
    pub const LEAST: u64 = 32;
    /// Chunks that any body may have, whatever they hold.
    const FREE: u64 = 4096;
    /// Chunks in a second that a sender may flush, whatever they hold: they cost next to nothing.
    const EACH_SECOND: u64 = 100;

    /// None has come yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            began: now,
            count: 0,
            bytes: 0,
        }
    }

    /// Counts a chunk of so many bytes.
    ///
    /// # Errors
    ///
    /// If it is one too many.
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

    /// How many chunks of so many bytes are taken, up to 100,000, with such a pause before each.
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
