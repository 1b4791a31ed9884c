//! A buffer that turns many small writes into few large ones.

use std::mem;

use async_trait::async_trait;
use bytes::BytesMut;
use intake_core::{Bytes, Fault, Staged};

use crate::codes::STORE_FAILED;

/// Small pieces are buffered until there are about this many bytes. On a disk, larger writes were not faster: they need fewer
/// calls, but do not fit into the processor's caches.
const ENOUGH: usize = 256 * 1024;
/// Pieces of this size and above are written directly. A write costs a change of thread, which pays off from here on.
const LARGE: usize = 128 * 1024;

/// A staged write that takes its last bytes together with its end.
#[async_trait]
pub(crate) trait Sink: Staged {
    /// Writes the rest, which may be empty, and commits. Where each step costs a change of thread, both are one step.
    async fn finish(mut self: Box<Self>, rest: Bytes) -> Result<(), Fault> {
        if !rest.is_empty() {
            self.write(rest).await?;
        }
        self.commit().await
    }
}

/// Writes bytes in large pieces. Copies only small ones, and holds at most 256 KiB.
///
/// Small pieces are copied and not kept, as each of them may keep a much larger buffer alive.
pub(crate) struct WriteBuffer<S> {
    inner: Box<S>,
    small: BytesMut,
    /// Whether all writes have succeeded. A write that failed, or was cancelled, may have left a gap, and nothing may be
    /// committed after a gap.
    whole: bool,
}

impl<S: Sink> WriteBuffer<S> {
    pub(crate) fn into(inner: S) -> Self {
        Self {
            inner: Box::new(inner),
            small: BytesMut::new(),
            whole: true,
        }
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        if self.small.is_empty() {
            return Ok(());
        }
        self.inner.write(self.small.split().freeze()).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Sink> Staged for WriteBuffer<S> {
    async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
        let was_whole = mem::replace(&mut self.whole, false);
        if piece.len() >= LARGE || self.small.len() + piece.len() > ENOUGH {
            self.flush().await?;
        }
        if piece.len() >= LARGE {
            self.inner.write(piece).await?;
        } else {
            // At once: growing step by step costs more than the writes. The memory of earlier pieces is reused if possible.
            self.small.reserve(ENOUGH - self.small.len());
            self.small.extend_from_slice(&piece);
        }
        self.whole = was_whole;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        if !self.whole {
            return Err(Fault::new(STORE_FAILED, "cannot commit after a write that failed"));
        }
        self.inner.finish(self.small.freeze()).await
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        self.inner.discard().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::FutureExt;

    use super::*;

    /// Notes the sizes that it is given; the write of a given number does not end.
    #[derive(Clone, Default)]
    struct Noting {
        sizes: Arc<Mutex<Vec<usize>>>,
        hangs_at: Option<usize>,
    }

    #[async_trait]
    impl Staged for Noting {
        async fn write(&mut self, piece: Bytes) -> Result<(), Fault> {
            let number = self.sizes.lock().unwrap().len();
            self.sizes.lock().unwrap().push(piece.len());
            if self.hangs_at == Some(number) {
                std::future::pending::<()>().await;
            }
            Ok(())
        }

        async fn commit(self: Box<Self>) -> Result<(), Fault> {
            Ok(())
        }

        async fn discard(self: Box<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }

    impl Sink for Noting {}

    #[tokio::test]
    async fn small_pieces_are_written_together_and_large_ones_as_they_are() {
        const K: usize = 1024;
        let cases: [(&[usize], &[usize]); 7] = [
            (&[], &[]),
            (&[0, 0], &[]),
            (&[1, 2, 3], &[6]),
            (&[256 * K, 128 * K], &[256 * K, 128 * K]),
            (&[5, 256 * K, 7], &[5, 256 * K, 7]),
            (&[64 * K; 5], &[256 * K, 64 * K]),
            (&[100 * K; 4], &[200 * K, 200 * K]),
        ];
        for (given, written) in cases {
            let noting = Noting::default();
            let mut gather = Box::new(WriteBuffer::into(noting.clone()));
            for size in given {
                gather.write(Bytes::from(vec![0; *size])).await.unwrap();
            }
            gather.commit().await.unwrap();
            assert_eq!(*noting.sizes.lock().unwrap(), written, "{given:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_committed_over_a_gap() {
        let noting = Noting {
            hangs_at: Some(1),
            ..Noting::default()
        };
        let mut gather = Box::new(WriteBuffer::into(noting));
        let large = || Bytes::from(vec![0; LARGE]);
        gather.write(large()).await.unwrap();
        assert!(gather.write(large()).now_or_never().is_none(), "the write hangs");
        gather.write(large()).await.unwrap();
        assert_eq!(gather.commit().await.unwrap_err().code, STORE_FAILED);
    }
}
