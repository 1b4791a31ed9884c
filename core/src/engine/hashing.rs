//! The digest of an upload, computed while its next bytes arrive.
//!
//! The tasks of a connection and of its upload wake each other in turn, and a runtime keeps two such tasks on one thread. Bytes
//! that were hashed there would have the connection wait, so large pieces are hashed on another thread, several at a time. A
//! change of threads costs more than it saves for small ones.

use std::mem;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::value::codes;
use crate::value::error::Fault;
use crate::value::evidence::Digest;

/// Pieces below this size are hashed at once.
const LARGE: usize = 64 * 1024;
/// How many bytes another thread hashes at a time: a third of a millisecond. As many wait meanwhile, and no more.
const BATCH: usize = 512 * 1024;

/// The digest of the bytes so far.
#[derive(Default)]
pub(crate) struct Hashing {
    /// Without the bytes that follow.
    hasher: Hasher,
    waiting: Vec<Bytes>,
    /// The bytes that wait.
    bytes: usize,
}

enum Hasher {
    Here(Sha256),
    Elsewhere(JoinHandle<Sha256>),
    /// The thread has ended early. There is no digest any more.
    Lost,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::Here(Sha256::new())
    }
}

impl Hasher {
    /// The hasher, as soon as it is here.
    async fn settled(&mut self) -> Result<&mut Sha256, Fault> {
        if let Self::Elsewhere(running) = self {
            let ended = running.await;
            *self = ended.map_or(Self::Lost, Self::Here);
        }
        match self {
            Self::Here(hasher) => Ok(hasher),
            _ => Err(Fault::new(codes::FAULT, "the thread that hashes an upload ended early").retryable()),
        }
    }
}

impl Hashing {
    /// Adds a piece. Returns while its bytes are hashed, or wait for that.
    pub(crate) async fn update(&mut self, piece: &Bytes) -> Result<(), Fault> {
        if piece.len() < LARGE {
            self.settled().await?.update(piece);
            return Ok(());
        }
        self.waiting.push(piece.clone());
        self.bytes += piece.len();
        if self.bytes >= BATCH {
            let mut hasher = mem::take(self.hasher.settled().await?);
            let pieces = mem::take(&mut self.waiting);
            self.bytes = 0;
            self.hasher = Hasher::Elsewhere(spawn_blocking(move || {
                for piece in pieces {
                    hasher.update(piece);
                }
                hasher
            }));
        }
        Ok(())
    }

    /// The digest of all pieces.
    pub(crate) async fn finish(mut self) -> Result<Digest, Fault> {
        let hasher = mem::take(self.settled().await?);
        Ok(Digest::from(<[u8; 32]>::from(hasher.finalize())))
    }

    /// The hasher, after all bytes that wait.
    async fn settled(&mut self) -> Result<&mut Sha256, Fault> {
        let hasher = self.hasher.settled().await?;
        for piece in self.waiting.drain(..) {
            hasher.update(piece);
        }
        self.bytes = 0;
        Ok(hasher)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_digest_is_that_of_all_bytes_in_their_order_whatever_the_pieces() {
        const K: usize = 1024;
        for sizes in [
            &[][..],
            &[0, 1, 2],
            &[256 * K; 9],
            &[100 * K, K, 100 * K, K],
            &[256 * K, 256 * K, K, 300 * K, 600 * K, 5, 64 * K],
        ] {
            let (mut hashing, mut whole) = (Hashing::default(), Vec::new());
            for (number, size) in sizes.iter().enumerate() {
                let piece = Bytes::from(vec![number as u8; *size]);
                whole.extend_from_slice(&piece);
                hashing.update(&piece).await.unwrap();
            }
            let digest = Digest::from(<[u8; 32]>::from(Sha256::digest(&whole)));
            assert_eq!(hashing.finish().await.unwrap(), digest, "{sizes:?}");
        }
    }

    #[tokio::test]
    async fn large_pieces_are_hashed_while_the_next_ones_arrive_and_no_more_than_a_batch_waits() {
        let mut hashing = Hashing::default();
        let piece = Bytes::from(vec![0; BATCH / 2]);
        // On this thread nothing else runs before it waits, and the other one cannot be as fast as that.
        let taken = (0..100).take_while(|_| hashing.update(&piece).now_or_never().is_some());
        let taken = taken.count();
        assert!((3..100).contains(&taken), "{taken}");
    }
}
