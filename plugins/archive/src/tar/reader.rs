//! Reads a TAR, header by header.

use super::header::{BLOCK, Header, Type, text};
use super::pax::Pax;
use crate::budget::{Lease, counted};
use crate::member_name::kept;
use crate::reader::{Kind, Member, Reader, Size, Step, Stop, split};
use crate::tally::Tally;

/// The most bytes of long names and attributes, which are kept until the member follows.
const MOST_META: u64 = 1024 * 1024;

/// What comes next.
enum State {
    Header,
    /// Attributes, or a long name, that are collected.
    Meta {
        kind: Type,
        left: u64,
    },
    /// More of the map of a sparse file.
    Map {
        size: u64,
    },
    Body {
        left: u64,
    },
    /// What fills the last block of a member.
    Padding {
        left: u64,
    },
    /// Behind the end.
    Behind,
}

/// Reads a TAR.
pub(crate) struct TarReader {
    state: State,
    held: Vec<u8>,
    /// Whether the bytes of members have been counted already, as those of the TAR.
    is_counted: bool,
    /// What was said of the member that follows.
    pax: Pax,
    is_pax: bool,
    global: Pax,
    long_name: Option<Vec<u8>>,
    size: u64,
    /// A block of zeros was read; two of them are the end.
    is_ending: bool,
    /// For long names and attributes.
    lease: Lease,
}

impl TarReader {
    /// `is_counted`: its members add nothing to the bytes in all.
    pub(crate) fn new(is_counted: bool, lease: Lease) -> Self {
        Self {
            state: State::Header,
            held: Vec::with_capacity(BLOCK),
            is_counted,
            pax: Pax::default(),
            is_pax: false,
            global: Pax::default(),
            long_name: None,
            size: 0,
            is_ending: false,
            lease,
        }
    }

    fn collect(&mut self, input: &mut &[u8], count: usize) -> bool {
        let missing = count.saturating_sub(self.held.len());
        let (now, rest) = input.split_at_checked(missing).unwrap_or((*input, &[]));
        self.held.extend_from_slice(now);
        *input = rest;
        self.held.len() >= count
    }

    /// What fills up the last block of so many bytes.
    fn padding(size: u64) -> State {
        let block = BLOCK as u64;
        State::Padding {
            left: (block - size % block) % block,
        }
    }

    fn header(&mut self, input: &mut &[u8], tally: &mut Tally) -> Result<Step<'static>, Stop> {
        if !self.collect(input, BLOCK) {
            return Ok(Step::Hungry);
        }
        let held = std::mem::take(&mut self.held);
        if held.iter().all(|byte| *byte == 0) {
            if self.is_ending {
                self.state = State::Behind;
            }
            self.is_ending = true;
            return Ok(Step::Again);
        }
        if self.is_ending {
            return Err(Stop::Broken("has bytes behind its end"));
        }
        let header = held.first_chunk().and_then(Header::read);
        let Some(header) = header else {
            return Err(Stop::Broken("has a damaged header"));
        };
        match header.kind {
            kind @ (Type::Pax | Type::GlobalPax | Type::LongName | Type::LongLink) => {
                if header.size > MOST_META {
                    return Err(Stop::Broken("has a name or attributes that are too long"));
                }
                self.size = header.size;
                self.state = State::Meta {
                    kind,
                    left: header.size,
                };
                Ok(Step::Again)
            }
            _ => self.member(header, tally),
        }
    }

    fn meta(&mut self, kind: Type, size: u64, input: &mut &[u8], tally: &mut Tally) -> Result<Step<'static>, Stop> {
        let size_here = usize::try_from(size).unwrap_or(usize::MAX);
        if !self.lease.hold(counted(size_here)) {
            return Ok(Step::Starved);
        }
        self.held.reserve_exact(size_here.saturating_sub(self.held.len()));
        if !self.collect(input, size_here) {
            return Ok(Step::Hungry);
        }
        let meta = std::mem::take(&mut self.held);
        self.lease.shrink(0);
        match kind {
            Type::LongName => self.long_name = Some(kept(text(&meta))),
            Type::Pax => {
                self.is_pax = true;
                self.pax.read(&meta).map_err(Stop::Broken)?;
            }
            Type::GlobalPax => {
                self.global.read(&meta).map_err(Stop::Broken)?;
                // No program writes one name for all members, but others might take it for one.
                if let Some(path) = &self.global.path {
                    tally.path(path)?;
                }
            }
            _ => {}
        }
        self.state = Self::padding(size);
        Ok(Step::Again)
    }

    /// Begins a member.
    fn member(&mut self, header: Header, tally: &mut Tally) -> Result<Step<'static>, Stop> {
        let pax = std::mem::take(&mut self.pax);
        let is_pax = std::mem::take(&mut self.is_pax);
        let long_name = self.long_name.take();
        let size = pax.size.or(self.global.size).unwrap_or(header.size);
        let real_size = match header.kind {
            Type::Sparse => Some(header.real_size),
            _ => pax.real_size,
        };
        let has_map = pax.has_map;
        let others = [pax.sparse_name, pax.path, self.global.path.clone(), long_name];
        let name = others.into_iter().flatten().next().unwrap_or(header.name);
        tally.member(&name)?;
        if matches!(header.kind, Type::Link | Type::HardLink) {
            tally.link(&name)?;
        }
        // The newest form has the map of zeros in front of the bytes, where nothing else can be recognised.
        if has_map {
            tally.unreadable(&name, "is a sparse file in a form that is not supported")?;
        }
        // Only programs that write pax store the bytes of a file with a hard link to it.
        self.size = match header.kind {
            Type::File | Type::Sparse => size,
            Type::HardLink if is_pax => size,
            _ => 0,
        };
        self.state = if header.kind == Type::Sparse && header.is_extended {
            State::Map { size: self.size }
        } else {
            State::Body { left: self.size }
        };
        let length = real_size.unwrap_or(0).max(self.size);
        let adds = if self.is_counted { length - self.size } else { length };
        Ok(Step::Member(Member {
            name,
            size: Size::Known { length, adds },
            kind: Kind::Any,
        }))
    }
}

impl Reader for TarReader {
    fn step<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8], tally: &mut Tally) -> Result<Step<'a>, Stop> {
        match self.state {
            State::Header => self.header(input, tally),
            State::Meta { kind, left } => self.meta(kind, left, input, tally),
            State::Map { size } => {
                if !self.collect(input, BLOCK) {
                    return Ok(Step::Hungry);
                }
                let is_last = self.held.get(504) == Some(&0);
                self.held.clear();
                if is_last {
                    self.state = State::Body { left: size };
                }
                Ok(Step::Again)
            }
            State::Body { left: 0 } => {
                self.state = Self::padding(self.size);
                Ok(Step::End(self.size))
            }
            State::Body { left } => {
                let (data, rest) = split(input, left);
                *input = rest;
                self.state = State::Body {
                    left: left - data.len() as u64,
                };
                Ok(if data.is_empty() {
                    Step::Hungry
                } else {
                    Step::Data(data)
                })
            }
            State::Padding { left: 0 } => {
                self.state = State::Header;
                Ok(Step::Again)
            }
            State::Padding { left } => {
                let (skipped, rest) = split(input, left);
                *input = rest;
                self.state = State::Padding {
                    left: left - skipped.len() as u64,
                };
                Ok(if skipped.is_empty() { Step::Hungry } else { Step::Again })
            }
            State::Behind => {
                if input.iter().any(|byte| *byte != 0) {
                    return Err(Stop::Broken("has bytes behind its end"));
                }
                *input = &[];
                Ok(Step::Hungry)
            }
        }
    }

    fn end(&mut self) -> Result<Option<u64>, Stop> {
        match self.state {
            State::Behind => Ok(None),
            // Some programs write one block of zeros at the end, or none.
            State::Header if self.held.is_empty() => Ok(None),
            // Others leave the last block short.
            State::Padding { .. } => Ok(None),
            _ => Err(Stop::Broken("breaks off")),
        }
    }

    fn passes(&self) -> u64 {
        match self.state {
            State::Body { left } | State::Padding { left } => left,
            _ => 0,
        }
    }
}
