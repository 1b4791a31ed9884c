//! A large body, read, hashed and written side by side.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rustix::fs::{Advice, fadvise};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::spawn_blocking;

/// Bytes that are handed over at a time, and how often they may be handed over ahead of who takes them.
const PIECE: usize = 512 << 10;
const AHEAD: usize = 4;
/// Bytes after which the system is asked to begin writing them, so that the sync at the end has little left to do.
const EARLY: u64 = 16 << 20;

/// What hyper read, a piece of the body in the buffers that it was read into.
type Piece = Arc<Vec<Bytes>>;

/// Keeps a body in a file, synced, and answers with its hash.
pub async fn keep(file: File, mut body: Incoming) -> io::Result<String> {
    let (to_writer, written) = channel(AHEAD);
    let (to_hasher, hashed) = channel(AHEAD);
    let writer = spawn_blocking(move || write(file, written));
    let hasher = spawn_blocking(move || hash(hashed));
    let (mut piece, mut length) = (Vec::new(), 0);
    loop {
        let frame = body.frame().await.transpose().map_err(io::Error::other)?;
        let is_last = frame.is_none();
        if let Some(Ok(data)) = frame.map(|frame| frame.into_data()) {
            length += data.len();
            piece.push(data);
        }
        if length >= PIECE || is_last {
            let whole: Piece = Arc::new(std::mem::take(&mut piece));
            to_writer.send(whole.clone()).await.map_err(io::Error::other)?;
            to_hasher.send(whole).await.map_err(io::Error::other)?;
            length = 0;
        }
        if is_last {
            break;
        }
    }
    drop((to_writer, to_hasher));
    writer.await.map_err(io::Error::other)??;
    hasher.await.map_err(io::Error::other)
}

fn write(mut file: File, mut pieces: Receiver<Piece>) -> io::Result<()> {
    let (mut end, mut begun) = (0, 0);
    while let Some(piece) = pieces.blocking_recv() {
        let mut slices: Vec<_> = piece.iter().map(|bytes| IoSlice::new(bytes)).collect();
        let mut left = &mut slices[..];
        while !left.is_empty() {
            let count = file.write_vectored(left)?;
            end += count as u64;
            IoSlice::advance_slices(&mut left, count);
        }
        if end - begun >= EARLY {
            // That the bytes will not be read soon makes the system begin to write them. It waits for nothing.
            fadvise(&file, begun, NonZeroU64::new(end - begun), Advice::DontNeed)?;
            begun = end;
        }
    }
    file.sync_all()
}

fn hash(mut pieces: Receiver<Piece>) -> String {
    let mut hasher = Sha256::new();
    while let Some(piece) = pieces.blocking_recv() {
        for bytes in piece.iter() {
            hasher.update(bytes);
        }
    }
    hex::encode(hasher.finalize())
}
