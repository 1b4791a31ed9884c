//! A buffer that turns many small writes into few large ones.

use std::mem;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::BytesMut;
use intake_core::{Bytes, Fault, Staged};
use tokio::time::Instant;

use crate::buffer_size::{BufferSize, Room};
use crate::codes::STORE_FAILED;

/// Pieces of this size and above are kept until they are written, and not copied. Each may keep a buffer alive that is somewhat
/// larger than itself, so smaller pieces are copied.
const LARGE: usize = 128 * 1024;
/// The last pieces are joined if they have no more than this together: copying them costs less than a write of their own.
const SMALL: usize = 256 * 1024;

/// A staged write that takes several pieces at once, and its last bytes together with its end.
///
/// It may write ahead: a write may return before its bytes are written, if only one write is under way at a time. Its failure is
/// then that of the next write or of the commit.
#[async_trait]
pub(crate) trait Sink: Staged {
    /// Writes these pieces. Where a write costs a change of thread, all are one write.
    async fn write_all(&mut self, pieces: Vec<Bytes>) -> Result<(), Fault> {
        for piece in pieces {
            self.write(piece).await?;
        }
        Ok(())
    }

    /// Writes the rest, which may be empty, and commits. Where each step costs a change of thread, both are one step.
    async fn finish(mut self: Box<Self>, rest: Bytes) -> Result<(), Fault> {
        if !rest.is_empty() {
            self.write(rest).await?;
        }
        self.commit().await
    }
}

/// Writes bytes in large pieces, whose size follows the rate of the sender. Copies only small ones.
pub(crate) struct WriteBuffer<S> {
    inner: Box<S>,
    gathered: Gathered,
    size: BufferSize,
    /// Whether all writes have succeeded. A write that failed, or was cancelled, may have left a gap, and nothing may be
    /// committed after a gap.
    whole: bool,
}

impl<S: Sink> WriteBuffer<S> {
    /// A buffer in front of `inner`, which shares this room with others.
    pub(crate) fn into(inner: S, room: Arc<Room>) -> Self {
        Self {
            inner: Box::new(inner),
            gathered: Gathered::default(),
            size: BufferSize::of(room, Instant::now()),
            whole: true,
        }
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        let pieces = self.gathered.take();
        if !pieces.is_empty() {
            self.inner.write_all(pieces).await?;
            // Only now: the wait for the disk says nothing of the sender.
            self.size.was_written(Instant::now());
        }
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Sink> Staged for WriteBuffer<S> {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        let was_whole = mem::replace(&mut self.whole, false);
        if !piece.is_empty() {
            let now = Instant::now();
            // A piece that is copied has to fit.
            if piece.len() < LARGE && self.size.is_full(self.gathered.bytes, piece.len(), now) {
                self.flush().await?;
            }
            self.gathered.push(piece, &self.size);
            if self.size.is_full(self.gathered.bytes, 1, now) {
                self.flush().await?;
            }
        }
        self.whole = was_whole;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        if !self.whole {
            return Err(Fault::new(STORE_FAILED, "cannot commit after a write that failed"));
        }
        let is_small = self.gathered.bytes <= SMALL;
        let mut pieces = self.gathered.take();
        let rest = match pieces.len() {
            0 | 1 => pieces.pop().unwrap_or_default(),
            _ if is_small => pieces.concat().into(),
            _ => {
                self.inner.write_all(pieces).await?;
                Bytes::new()
            }
        };
        self.inner.finish(rest).await
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        self.inner.discard().await
    }
}

/// Pieces that wait to be written.
#[derive(Default)]
struct Gathered {
    pieces: Vec<Bytes>,
    /// Behind the pieces.
    small: BytesMut,
    /// All together.
    bytes: usize,
}

impl Gathered {
    fn push(&mut self, piece: Bytes, size: &BufferSize) {
        self.bytes += piece.len();
        if piece.len() >= LARGE {
            self.close();
            self.pieces.push(piece);
            return;
        }
        if self.small.capacity() == 0 {
            // Growing step by step costs more than the writes, so it is done only before it is known how much there will be.
            self.small.reserve(size.to_allocate(piece.len()));
        }
        self.small.extend_from_slice(&piece);
    }

    fn close(&mut self) {
        if !self.small.is_empty() {
            // Nothing is left of the buffer here that would keep its memory alive.
            self.pieces.push(mem::take(&mut self.small).freeze());
        }
    }

    fn take(&mut self) -> Vec<Bytes> {
        self.close();
        self.bytes = 0;
        mem::take(&mut self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    const K: usize = 1024;

    /// Notes the sizes that it is given at a time; the write of a given number does not end.
    #[derive(Clone, Default)]
    struct Noting {
        sizes: Arc<Mutex<Vec<usize>>>,
        hangs_at: Option<usize>,
    }

    impl Noting {
        fn sizes(&self) -> Vec<usize> {
            self.sizes.lock().unwrap().clone()
        }
    }

    #[async_trait]
    impl Staged for Noting {
        async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
            self.write_all(vec![piece]).await
        }

        async fn commit(self: Box<Self>) -> Result<(), Fault> {
            self.finish(Bytes::new()).await
        }

        async fn discard(self: Box<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }

    #[async_trait]
    impl Sink for Noting {
        async fn write_all(&mut self, pieces: Vec<Bytes>) -> Result<(), Fault> {
            let number = self.sizes().len();
            self.sizes.lock().unwrap().push(pieces.iter().map(Bytes::len).sum());
            if self.hangs_at == Some(number) {
                std::future::pending::<()>().await;
            }
            Ok(())
        }

        async fn finish(self: Box<Self>, rest: Bytes) -> Result<(), Fault> {
            self.sizes.lock().unwrap().push(rest.len());
            Ok(())
        }
    }

    fn room() -> Arc<Room> {
        Arc::new(Room::new(8 * K * K, K * K))
    }

    /// What is written at a time of an upload that sends a piece after each pause, the last entry being that of the end.
    async fn written(pieces: impl IntoIterator<Item = (Duration, usize)>, room: &Arc<Room>) -> Vec<usize> {
        let noting = Noting::default();
        let mut buffer = Box::new(WriteBuffer::into(noting.clone(), room.clone()));
        let mut all = 0;
        for (pause, size) in pieces {
            tokio::time::sleep(pause).await;
            buffer.write(Bytes::from(vec![0; size])).await.unwrap();
            all += size;
        }
        buffer.commit().await.unwrap();
        let sizes = noting.sizes();
        assert_eq!(sizes.iter().sum::<usize>(), all);
        sizes
    }

    fn every(pause: Duration, size: usize, times: usize) -> impl Iterator<Item = (Duration, usize)> {
        std::iter::repeat_n((pause, size), times)
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_upload_that_comes_quickly_is_one_write_at_its_end() {
        let quickly = Duration::from_millis(5);
        for sizes in [
            &[][..],
            &[0, 0],
            &[1, 2, 3],
            &[8 * K; 32],
            &[200 * K],
            &[100 * K, 128 * K, K],
            &[64 * K; 4],
        ] {
            let pieces = sizes.iter().map(|size| (quickly, *size));
            assert_eq!(
                written(pieces, &room()).await,
                [sizes.iter().sum::<usize>()],
                "{sizes:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn writes_are_as_large_as_the_sender_is_fast() {
        // The rate in KiB/s, in pieces of this many KiB, and the largest write.
        for (rate, piece, largest) in [
            (1, 1, 16),
            (32, 4, 16),
            (32, 8, 16),
            (32, 32, 32),
            (200, 8, 64),
            (1024, 16, 256),
            (16 * 1024, 128, 1024),
            (512 * 1024, 64, 1024),
            (512 * 1024, 512, 1024),
        ] {
            let pause = Duration::from_secs_f64(piece as f64 / rate as f64);
            let sizes = written(every(pause, piece * K, 20_000 / piece), &room()).await;
            let most = sizes.iter().max().copied().unwrap_or_default() / K;
            assert_eq!(most, largest, "{rate} KiB/s in pieces of {piece} KiB");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_sender_that_has_become_slow_sends_is_written_soon_and_in_small_pieces() {
        let fast = every(Duration::from_micros(100), 64 * K, 100);
        let slow = every(Duration::from_millis(250), 8 * K, 100);
        let sizes = written(fast.chain(slow), &room()).await;
        assert_eq!(sizes[..3], [K * K; 3]);
        let slow: Vec<_> = sizes.iter().rev().skip(1).take(40).copied().collect();
        assert!(slow.iter().all(|size| (16 * K..=40 * K).contains(size)), "{slow:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn all_uploads_together_have_a_bounded_room() {
        let room = Arc::new(Room::new(2 * (256 - 64) * K, K * K));
        let mut buffers: Vec<_> = (0..100)
            .map(|_| WriteBuffer::into(Noting::default(), room.clone()))
            .collect();
        let mut held = vec![0_usize; buffers.len()];
        for _ in 0..32 {
            for (buffer, held) in buffers.iter_mut().zip(&mut held) {
                buffer.write(Bytes::from(vec![0; 8 * K])).await.unwrap();
                *held = (*held).max(buffer.gathered.bytes);
            }
        }
        held.sort_unstable();
        assert!(held[..97].iter().all(|held| *held <= 64 * K), "{held:?}");
        assert!(held[99] > 64 * K, "{held:?}");
        // What one of them had is there for others when it has ended.
        drop(buffers);
        assert_eq!(written(every(Duration::ZERO, 8 * K, 31), &room).await, [248 * K]);
    }

    #[tokio::test]
    async fn nothing_is_committed_over_a_gap() {
        let noting = Noting {
            hangs_at: Some(1),
            ..Noting::default()
        };
        let mut buffer = Box::new(WriteBuffer::into(noting, room()));
        let large = || Bytes::from(vec![0; K * K]);
        buffer.write(large()).await.unwrap();
        assert!(buffer.write(large()).now_or_never().is_none(), "the write hangs");
        buffer.write(large()).await.unwrap();
        assert_eq!(buffer.commit().await.unwrap_err().code, STORE_FAILED);
    }
}
