//! Files that are packed as a whole: gzip, zstd, xz, bzip2. Each may consist of several streams, one behind the other.

use crate::budget::Lease;
use crate::decode::{self, Decoded, Decoder, Gzip};
use crate::reader::{Kind, Member, Packed, Reader, Size, Step, Stop, split};
use crate::tally::{CHEAP, DEAR, Tally};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    Stream,
    /// Between two streams, or behind the last.
    Behind,
}

/// Reads such a file. It counts as an archive with one member, which has no name.
pub(crate) struct PackedReader {
    decoder: Box<dyn Decoder>,
    /// How other streams begin.
    begins: fn(u8) -> bool,
    /// What it takes to begin a stream.
    cost: u32,
    packed: Packed,
    state: State,
}

impl PackedReader {
    pub(crate) fn gzip() -> Self {
        Self::new(Box::new(Gzip::new()), |first| first == 0x1F, CHEAP)
    }

    pub(crate) fn bzip2(lease: Lease) -> Self {
        Self::new(decode::bzip2(lease), |first| first == b'B', DEAR)
    }

    pub(crate) fn zstd(max_window: u64, lease: Lease) -> Self {
        // The second is that of frames that are skipped.
        let begins = |first| first == 0x28 || first & 0xF0 == 0x50;
        Self::new(decode::zstd(max_window, lease), begins, CHEAP)
    }

    /// # Errors
    ///
    /// Why there is no decoder.
    pub(crate) fn xz(max_window: u64, lease: Lease) -> Result<Self, &'static str> {
        let decoder = decode::xz(max_window, lease)?;
        Ok(Self::new(decoder, |first| first == 0xFD, DEAR))
    }

    fn new(decoder: Box<dyn Decoder>, begins: fn(u8) -> bool, cost: u32) -> Self {
        Self {
            decoder,
            begins,
            cost,
            packed: Packed::default(),
            state: State::Begin,
        }
    }

    /// Goes on behind a stream, where there are zeros, or another stream, or nothing.
    fn behind(&mut self, input: &mut &[u8], tally: &mut Tally) -> Result<Step<'static>, Stop> {
        let zeros = input.iter().take_while(|byte| **byte == 0).count();
        *input = input.get(zeros..).unwrap_or_default();
        let Some(first) = input.first() else {
            return Ok(Step::Hungry);
        };
        if !(self.begins)(*first) {
            return Err(Stop::Broken("has bytes behind its end"));
        }
        tally.start(self.cost).map_err(Stop::Broken)?;
        self.decoder.restart().map_err(Stop::Broken)?;
        self.state = State::Stream;
        Ok(Step::Again)
    }

    fn inflate(&mut self, input: &mut &[u8]) -> Result<Step<'_>, Stop> {
        let (mut now, _) = split(input, self.packed.to_next_mark());
        let before = now.len();
        let decoded = self.decoder.decode(&mut now);
        let used = before - now.len();
        self.packed.taken += used as u64;
        *input = input.get(used..).unwrap_or_default();
        match decoded.map_err(Stop::Broken)? {
            Decoded::Out([]) => Ok(Step::Again),
            Decoded::Out(data) => Ok(Step::Data(data)),
            Decoded::Starved => Ok(Step::Starved),
            Decoded::Hungry => Ok(match self.packed.mark() {
                Some(taken) => Step::Mark(taken),
                None if input.is_empty() => Step::Hungry,
                None => Step::Again,
            }),
            Decoded::End => {
                self.state = State::Behind;
                Ok(Step::Again)
            }
        }
    }
}

impl Reader for PackedReader {
    fn step<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8], tally: &mut Tally) -> Result<Step<'a>, Stop> {
        match self.state {
            State::Begin => {
                let name = Vec::new();
                tally.member(&name)?;
                tally.start(self.cost).map_err(Stop::Broken)?;
                self.state = State::Stream;
                Ok(Step::Member(Member {
                    name,
                    size: Size::Counted { packed: None },
                    kind: Kind::Any,
                }))
            }
            State::Stream => self.inflate(input),
            State::Behind => self.behind(input, tally),
        }
    }

    fn end(&mut self) -> Result<Option<u64>, Stop> {
        match self.state {
            State::Behind => Ok(Some(self.packed.taken)),
            State::Begin | State::Stream => Err(Stop::Broken("breaks off")),
        }
    }

    fn passes(&self) -> u64 {
        0
    }
}
