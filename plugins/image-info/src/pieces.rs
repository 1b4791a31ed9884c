//! Parts of an upload that were kept, each at its place.

use std::borrow::Cow;
use std::cell::Cell;

use crate::source::{Gap, Source};

/// How much of the beginning is kept: most files are whole within, or have their directory here.
const BEGINNING: usize = 8 * 1024;
/// Of what stands in front of the first directory, so much is kept too, as some writers put its values there.
const IN_FRONT: u64 = 4 * 1024;
/// No piece is shorter than this, so that what stands behind a directory mostly comes with it.
const LEAST: u64 = 512;
/// The most pieces, each of which is a reason to look again.
const MOST: usize = 128;

/// Parts of an upload, by their places. What is asked for and is not here is noted down.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    /// In the order of their places; no two overlap.
    pieces: Vec<Piece<'a>>,
    /// What lies beyond was not seen yet, and what lies in front and in no piece passed by.
    edge: u64,
    /// Nothing lies beyond the edge.
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
    /// All there is.
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

    /// So many bytes at a place.
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
        // What begins in the last piece and ends beyond the edge is still to come.
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

    /// Something is there and is not looked at.
    pub(crate) fn leave_out(&self) {
        self.lacks.set(true);
    }

    /// Whether something that is there was asked for and is not here.
    pub(crate) fn lacks(&self) -> bool {
        self.lacks.get()
    }

    /// Waits for the nearest bytes that were asked for and are still to come. Answers whether there are any, so that it
    /// is worth asking again.
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
            // To look again is not needed to know that it is not there.
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
        // A piece that goes on is one piece, so that what lies across is found.
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
        // What is asked for now is asked for anew.
        self.lacks.set(false);
        Ok(())
    }
}
