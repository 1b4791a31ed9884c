//! A large body, read, hashed and written, side by side or in turn.
//!
//! Other ways side by side took longer: to hash and write on one thread, to hand over the buffers that hyper reads into instead
//! of copying them into a few that are used again, and to leave all writing back to the sync at the end.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroU64;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use rustix::fs::{Advice, fadvise};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{block_in_place, spawn_blocking};

/// Bytes that are handed over at a time, and how often they may be handed over ahead of who takes them.
const PIECE: usize = 1 << 20;
const AHEAD: usize = 4;
/// Bytes after which the system is asked to begin writing them, so that the sync at the end has little left to do.
const EARLY: u64 = 8 << 20;

/// A file that the system begins to write before its end.
struct Writer {
    file: File,
    end: u64,
    /// Up to where it was asked to.
    begun: u64,
}

impl Writer {
    fn new(file: File) -> Self {
        Self { file, end: 0, begun: 0 }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.end += bytes.len() as u64;
        if self.end - self.begun >= EARLY {
            // That the bytes will not be read soon makes the system begin to write them. It waits for nothing.
            let length = NonZeroU64::new(self.end - self.begun);
            fadvise(&self.file, self.begun, length, Advice::DontNeed)?;
            self.begun = self.end;
        }
        Ok(())
    }

    fn end(self) -> io::Result<()> {
        self.file.sync_all()
    }
}

type Piece = Arc<Vec<u8>>;

/// Where pieces go, and where their buffers come back from.
struct Hands {
    writer: Sender<Piece>,
    hasher: Sender<Piece>,
    buffers: Receiver<Vec<u8>>,
}

impl Hands {
    async fn give(&self, piece: Vec<u8>) -> io::Result<()> {
        let piece = Arc::new(piece);
        self.writer.send(piece.clone()).await.map_err(io::Error::other)?;
        self.hasher.send(piece).await.map_err(io::Error::other)
    }

    async fn buffer(&mut self) -> io::Result<Vec<u8>> {
        let buffer = self.buffers.recv().await;
        buffer.ok_or_else(|| io::Error::other("neither writes nor hashes any more"))
    }
}

/// Keeps a body in a file, synced, and answers with its hash.
pub async fn in_turn(file: File, mut body: Incoming) -> io::Result<String> {
    let (mut file, mut hasher) = (Writer::new(file), Sha256::new());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            block_in_place(|| {
                hasher.update(&data);
                file.write(&data)
            })?;
        }
    }
    spawn_blocking(move || file.end()).await.map_err(io::Error::other)??;
    Ok(hex::encode(hasher.finalize()))
}

/// Keeps a body in a file, synced, and answers with its hash.
pub async fn side_by_side(file: File, mut body: Incoming) -> io::Result<String> {
    let (writer, written) = channel(AHEAD);
    let (hasher, hashed) = channel(AHEAD);
    // One in the hands of each, one that is filled, and those ahead.
    let (back, buffers) = channel(AHEAD + 3);
    for _ in 0..AHEAD + 3 {
        back.send(Vec::with_capacity(PIECE)).await.map_err(io::Error::other)?;
    }
    let mut hands = Hands {
        writer,
        hasher,
        buffers,
    };
    let also_back = back.clone();
    let writing = spawn_blocking(move || write(file, written, &also_back));
    let hashing = spawn_blocking(move || hash(hashed, &back));
    let mut piece = hands.buffer().await?;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(io::Error::other)?.into_data() else {
            continue;
        };
        let mut data = &data[..];
        while !data.is_empty() {
            let (now, later) = data.split_at(data.len().min(PIECE - piece.len()));
            piece.extend_from_slice(now);
            data = later;
            if piece.len() == PIECE {
                let next = hands.buffer().await?;
                hands.give(std::mem::replace(&mut piece, next)).await?;
            }
        }
    }
    hands.give(piece).await?;
    drop(hands);
    writing.await.map_err(io::Error::other)??;
    hashing.await.map_err(io::Error::other)
}

/// The last one who has a piece gives its buffer back.
fn give_back(piece: Piece, back: &Sender<Vec<u8>>) {
    if let Some(mut buffer) = Arc::into_inner(piece) {
        buffer.clear();
        // At the end nobody takes it any more.
        let _unused = back.try_send(buffer);
    }
}

fn write(file: File, mut pieces: Receiver<Piece>, back: &Sender<Vec<u8>>) -> io::Result<()> {
    let mut file = Writer::new(file);
    while let Some(piece) = pieces.blocking_recv() {
        file.write(&piece)?;
        give_back(piece, back);
    }
    file.end()
}

fn hash(mut pieces: Receiver<Piece>, back: &Sender<Vec<u8>>) -> String {
    let mut hasher = Sha256::new();
    while let Some(piece) = pieces.blocking_recv() {
        hasher.update(&piece[..]);
        give_back(piece, back);
    }
    hex::encode(hasher.finalize())
}
