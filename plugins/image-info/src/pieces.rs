//! Parts of an upload that are kept in memory, each with its offset.

use std::borrow::Cow;
use std::cell::Cell;

use crate::source::{Gap, Source};

/// How much of the beginning is kept: most files are no longer, or have their first directory here.
const BEGINNING: usize = 8 * 1024;
/// How much is kept in front of the first directory, as some writers put its values there.
const IN_FRONT: u64 = 4 * 1024;
/// No piece is shorter than this, so that the values behind a directory mostly come with it.
const LEAST: u64 = 512;
/// The most pieces; after each of them the upload is read again.
const MOST: usize = 128;

/// Parts of an upload, by offset. A request for bytes that are not kept is remembered.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    /// In the order of their offsets; no two overlap.
    pieces: Vec<Piece<'a>>,
    /// Bytes from here on have not arrived; bytes in front of it that are in no piece were not kept.
    edge: u64,
    /// The upload ends at the edge.
    has_ended: bool,
    /// The nearest bytes beyond the edge that were asked for: from where, to where.
    wanted: Cell<Option<(u64, u64)>>,
    lacks: Cell<bool>,
}

#[derive(Debug)]
struct Piece<'a> {
    at: u64,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Pieces<'a> {
    /// A complete content.
    pub(crate) fn of(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        let bytes = bytes.into();
        Self {
            edge: bytes.len() as u64,
            pieces: vec![Piece { at: 0, bytes }],
            has_ended: true,
            wanted: Cell::new(None),
            lacks: Cell::new(false),
        }
    }

    /// The beginning of an upload.
    pub(crate) async fn begin(source: &mut Source) -> Self {
        let bytes = source.keep_up_to(BEGINNING).await;
        let has_ended = bytes.len() < BEGINNING;
        Self {
            has_ended,
            ..Self::of(bytes)
        }
    }

    /// So many bytes at an offset.
    pub(crate) fn get(&self, at: u64, len: usize) -> Option<&[u8]> {
        let end = at.checked_add(len as u64)?;
        let found = self.pieces.partition_point(|piece| piece.at <= at).checked_sub(1);
        let piece = found.and_then(|found| self.pieces.get(found));
        let inside = piece.and_then(|piece| {
            let from = usize::try_from(at - piece.at).ok()?;
            piece.bytes.get(from..)
        });
        if let Some(bytes) = inside.and_then(|bytes| bytes.get(..len)) {
            return Some(bytes);
        }
        // Bytes that begin in the last piece and end beyond the edge are still to come.
        let from = if inside.is_some_and(|bytes| at + bytes.len() as u64 == self.edge) {
            self.edge
        } else {
            at
        };
        if from < self.edge {
            self.lacks.set(true);
        } else if !self.has_ended && self.wanted.get().is_none_or(|(nearest, _)| from < nearest) {
            self.wanted.set(Some((from, end)));
        }
        None
    }

    /// Remembers that something in the upload is not read.
    pub(crate) fn leave_out(&self) {
        self.lacks.set(true);
    }

    /// Whether something in the upload was not read, or was asked for and not kept.
    pub(crate) fn lacks(&self) -> bool {
        self.lacks.get()
    }

    /// Waits for the nearest bytes that were asked for and are still to come. Returns whether they arrived, so that asking
    /// again can succeed.
    pub(crate) async fn fetch(&mut self, source: &mut Source) -> bool {
        let Some((from, end)) = self.wanted.take() else {
            return false;
        };
        if self.pieces.len() == MOST {
            self.lacks.set(true);
            return false;
        }
        let in_front = if self.pieces.len() == 1 { IN_FRONT } else { 0 };
        let from = from.saturating_sub(in_front).max(self.edge);
        match self.keep(source, from, (end - from).max(LEAST)).await {
            Ok(()) => true,
            // The upload ends before them.
            Err(Gap::Ended) => false,
            Err(Gap::Passed | Gap::TooMany) => {
                self.lacks.set(true);
                false
            }
        }
    }

    async fn keep(&mut self, source: &mut Source, from: u64, len: u64) -> Result<(), Gap> {
        let len = usize::try_from(len).map_err(|_| Gap::TooMany)?;
        source.skip_to(from)?;
        let bytes = source.keep_up_to(len).await;
        if bytes.is_empty() {
            self.has_ended = source.has_ended();
            return Err(if self.has_ended { Gap::Ended } else { Gap::TooMany });
        }
        self.has_ended = source.has_ended();
        // Adjacent pieces become one, so that values across their border are found.
        match self.pieces.last_mut() {
            Some(last) if self.edge == from => {
                let last = last.bytes.to_mut();
                last.reserve_exact(bytes.len());
                last.extend(&bytes);
            }
            _ => self.pieces.push(Piece {
                at: from,
                bytes: bytes.into(),
            }),
        }
        self.edge = source.position();
        // The reader now asks for everything again.
        self.lacks.set(false);
        Ok(())
    }
}
