//! What the readers of all formats have in common.

use intake_core::Rejection;

use crate::tally::Tally;

/// Why a reader stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The upload is refused.
    Refused(Box<Rejection>),
    /// The rest of the archive cannot be read. What it says continues a sentence about the archive.
    Broken(&'static str),
}

impl From<Box<Rejection>> for Stop {
    fn from(rejection: Box<Rejection>) -> Self {
        Self::Refused(rejection)
    }
}

/// What a member's content is good for, besides being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It may be an archive.
    Any,
    /// It has the relations of an Office document.
    Relations,
    /// It cannot be read.
    Closed,
}

/// The size of a member.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// The archive's own structure depends on it. `adds` is what it adds to the bytes in all.
    Known { length: u64, adds: u64 },
    /// It is counted while the member is inflated; the packed size may be known.
    Counted { packed: Option<u64> },
}

/// A member of an archive, at its beginning.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) size: Size,
    pub(crate) kind: Kind,
}

/// Whether all was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Flow {
    On,
    /// There is no memory to go on. What is not read yet was kept.
    Starved,
}

/// How far reading came, or the refusal of the upload.
pub(crate) type Pushed = Result<Flow, Box<Rejection>>;

/// What a reader found next.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// All input was taken.
    Hungry,
    /// There is no memory to go on. Once there is, the next step goes on.
    Starved,
    /// Nothing of interest; there may be more.
    Again,
    /// A member begins.
    Member(Member),
    /// Bytes of the member, inflated.
    Data(&'a [u8]),
    /// All that follows from the first so many packed bytes of the member was returned.
    Mark(u64),
    /// The member has ended, and has so many packed bytes.
    End(u64),
}

/// Reads one archive from bytes that are pushed into it.
///
/// What it finds, and in which order, must not depend on how the bytes are cut.
pub(crate) trait Reader: Send {
    /// Takes bytes from the front of `input`, until it finds something or all are taken.
    ///
    /// # Errors
    ///
    /// If the upload is refused, or the archive cannot be read further.
    fn step<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8], tally: &mut Tally) -> Result<Step<'a>, Stop>;

    /// Ends the archive, after its last byte. Returns the packed size of a member that ends with the archive.
    ///
    /// # Errors
    ///
    /// If the archive breaks off.
    fn end(&mut self) -> Result<Option<u64>, Stop>;

    /// How many of the next bytes it would only return as they are, or skip.
    fn passes(&self) -> u64;
}

/// Counts the packed bytes of a member.
///
/// Ratios are looked at whenever so many were taken, and nowhere else, so that they do not depend on pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Packed {
    pub(crate) taken: u64,
    marked: u64,
}

impl Packed {
    const MARK: u64 = 4096;

    /// How many bytes may be taken before a ratio is looked at. None, until all was inflated that follows from those before.
    pub(crate) fn to_next_mark(self) -> u64 {
        if self.is_due() {
            return 0;
        }
        Self::MARK - self.taken % Self::MARK
    }

    fn is_due(self) -> bool {
        self.taken.is_multiple_of(Self::MARK) && self.taken != self.marked
    }

    /// The number of bytes, if a ratio is to be looked at here, once.
    pub(crate) fn mark(&mut self) -> Option<u64> {
        let is_due = self.is_due();
        self.marked = self.taken;
        is_due.then_some(self.taken)
    }
}

/// The first bytes, and those behind them.
pub(crate) fn split(bytes: &[u8], most: u64) -> (&[u8], &[u8]) {
    let at = usize::try_from(most).unwrap_or(usize::MAX);
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}
