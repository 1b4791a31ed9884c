//! Walks through an upload as a format's reader asks for it: some bytes, then a gap, then some bytes again.
//!
//! A reader gets as many bytes as it asked for, whatever the pieces are in which they arrive. So its answer does not depend on
//! them, and no more is kept than it asked for.

use crate::judge::Judge;

/// The most bytes that a reader may ask for at a time.
pub(crate) const MOST: usize = 256 * 1024;

/// What a reader wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// So many bytes are skipped, and then so many are read: one at least, and [`MOST`] at most.
    Read { skip: u64, len: usize },
    /// Nothing more: it knows everything.
    Over,
}

/// The next bytes.
pub(crate) fn read(len: usize) -> Next {
    Next::Read { skip: 0, len }
}

/// Bytes behind a gap.
pub(crate) fn skip(skip: u64, len: usize) -> Next {
    Next::Read { skip, len }
}

/// Why an image cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) &'static str);

/// The reader of a format.
pub(crate) trait Reader: Send {
    /// How many bytes it wants first.
    fn first(&self) -> usize;

    /// Takes the bytes that it asked for, which begin at this place of the upload.
    fn take(&mut self, bytes: &[u8], at: u64, judge: &mut Judge) -> Result<Next, Broken>;

    /// Takes the last bytes, which are fewer than it asked for.
    fn end(&mut self, _rest: &[u8], _judge: &mut Judge) -> Result<(), Broken> {
        Ok(())
    }

    /// Whether the next bytes take longer to read than their number tells.
    fn is_slow(&self) -> bool {
        false
    }
}

/// A walk through one upload.
pub(crate) struct Walk {
    reader: Box<dyn Reader>,
    kept: Vec<u8>,
    skip: u64,
    len: usize,
    position: u64,
    result: Option<Result<(), Broken>>,
}

impl Walk {
    pub(crate) fn new(reader: Box<dyn Reader>) -> Self {
        Self {
            kept: Vec::new(),
            skip: 0,
            len: reader.first(),
            position: 0,
            result: None,
            reader,
        }
    }

    /// How it ended, if it did.
    pub(crate) fn result(&self) -> Option<Result<(), Broken>> {
        self.result
    }

    /// Whether so many bytes need a thread of their own.
    pub(crate) fn is_slow(&self, bytes: usize, few: usize) -> bool {
        let is_read = self.result.is_none() && self.skip < bytes as u64;
        is_read && (bytes > few || self.reader.is_slow())
    }

    /// Walks on through these bytes, up to the first limit that is exceeded.
    pub(crate) fn push(&mut self, bytes: &[u8], judge: &mut Judge) {
        let mut rest = bytes;
        while self.result.is_none() && judge.refusal().is_none() {
            let skipped = usize::try_from(self.skip).map_or(rest.len(), |skip| skip.min(rest.len()));
            self.skip -= skipped as u64;
            self.position = self.position.saturating_add(skipped as u64);
            rest = rest.get(skipped..).unwrap_or_default();
            if rest.is_empty() {
                return;
            }
            // What arrived in one piece is not copied.
            if self.kept.is_empty() && rest.len() >= self.len {
                let (taken, behind) = rest.split_at(self.len);
                rest = behind;
                self.take(taken, judge);
                continue;
            }
            let (more, behind) = rest.split_at(rest.len().min(self.len - self.kept.len()));
            rest = behind;
            self.kept.extend_from_slice(more);
            if self.kept.len() == self.len {
                let kept = std::mem::take(&mut self.kept);
                self.take(&kept, judge);
            }
        }
    }

    fn take(&mut self, bytes: &[u8], judge: &mut Judge) {
        let at = self.position;
        self.position = self.position.saturating_add(bytes.len() as u64);
        match self.reader.take(bytes, at, judge) {
            Ok(Next::Read { skip, len }) => {
                self.skip = skip;
                self.len = len.clamp(1, MOST);
            }
            Ok(Next::Over) => self.result = Some(Ok(())),
            Err(broken) => self.result = Some(Err(broken)),
        }
    }

    /// Ends the upload.
    pub(crate) fn finish(&mut self, judge: &mut Judge) {
        if self.result.is_none() && judge.refusal().is_none() {
            let kept = std::mem::take(&mut self.kept);
            self.result = Some(self.reader.end(&kept, judge));
        }
    }
}

/// A number of two bytes at a place, the higher byte first. Zero if there is none.
pub(crate) fn u16_be(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .map_or(0, u16::from_be_bytes)
}

/// The same, the lower byte first.
pub(crate) fn u16_le(bytes: &[u8], at: usize) -> u16 {
    u16_be(bytes, at).swap_bytes()
}

/// A number of four bytes at a place, the highest byte first. Zero if there is none.
pub(crate) fn u32_be(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .map_or(0, u32::from_be_bytes)
}

/// The same, the lowest byte first.
pub(crate) fn u32_le(bytes: &[u8], at: usize) -> u32 {
    u32_be(bytes, at).swap_bytes()
}
