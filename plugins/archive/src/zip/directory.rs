//! The members that were seen, to be compared with those that the directory at the end of a ZIP lists.

use std::hash::{BuildHasher, RandomState};

use super::headers::{End, Entry};
use crate::budget::{Lease, counted};

/// A member that was seen. There may be many, so it is kept short: without its name, but with a hash of it.
#[derive(Debug)]
struct Seen {
    offset: u64,
    packed: u64,
    length: u64,
    name: u64,
    method: u16,
    is_encrypted: bool,
    is_listed: bool,
}

/// The members of a ZIP, by their places.
#[derive(Debug)]
pub(super) struct Directory {
    seen: Vec<Seen>,
    // Its keys are random, so no sender can find names with the same hash.
    hasher: RandomState,
    /// The next member, if members are listed in the order in which they are stored.
    next: usize,
    /// Entries of the directory.
    entries: u64,
    listed: usize,
    /// What to add to offsets, once it is known: some programs count from the beginning of the archive, others from that of the
    /// file, which may begin with a program that unpacks the archive.
    base: Option<u64>,
    lease: Lease,
}

/// The members for which there is room at first.
const FEW: usize = 16;

impl Directory {
    pub(super) fn new(lease: Lease) -> Self {
        Self {
            seen: Vec::new(),
            hasher: RandomState::new(),
            next: 0,
            entries: 0,
            listed: 0,
            base: None,
            lease,
        }
    }

    /// Makes room for another member. Returns whether there was memory for it.
    pub(super) fn make_room(&mut self) -> bool {
        let length = self.seen.len();
        if length < self.seen.capacity() {
            return true;
        }
        let more = length.max(FEW);
        let bytes = |members: usize| counted(members.saturating_mul(size_of::<Seen>()));
        // While it grows, there are the old list and the new one.
        let while_growing = length.saturating_mul(2).saturating_add(more);
        if !self.lease.hold(bytes(while_growing)) {
            return false;
        }
        self.seen.reserve_exact(more);
        self.lease.shrink(bytes(self.seen.capacity()));
        true
    }

    /// Adds a member, which is behind all others.
    pub(super) fn see(&mut self, offset: u64, entry: &Entry) {
        self.seen.push(Seen {
            offset,
            packed: entry.packed,
            length: entry.length,
            name: self.hasher.hash_one(&entry.name),
            method: entry.method,
            is_encrypted: entry.is_encrypted,
            is_listed: false,
        });
    }

    /// Compares an entry of the directory with the member to which it points.
    ///
    /// # Errors
    ///
    /// How they differ.
    pub(super) fn compare(&mut self, entry: &Entry, start: u64) -> Result<(), &'static str> {
        self.entries += 1;
        let found = self
            .find(entry.offset, start)
            .ok_or("is listed where no member begins")?;
        let name = self.hasher.hash_one(&entry.name);
        let Some(seen) = self.seen.get_mut(found) else {
            return Ok(());
        };
        self.next = found + 1;
        if seen.is_listed {
            return Err("is listed twice");
        }
        seen.is_listed = true;
        self.listed += 1;
        if seen.name != name {
            return Err("is listed with another name than the member has");
        }
        if (seen.packed, seen.length) != (entry.packed, entry.length) {
            return Err("is listed with another size than the member has");
        }
        if seen.method != entry.method {
            return Err("is listed with another method than the member has");
        }
        if seen.is_encrypted != entry.is_encrypted {
            return Err("is encrypted by the list or by its own header alone");
        }
        Ok(())
    }

    fn find(&mut self, offset: u64, start: u64) -> Option<usize> {
        let bases = self.base.map_or([0, start], |base| [base; 2]);
        let (base, found) = bases.into_iter().find_map(|base| {
            let place = offset.checked_add(base)?;
            let is_next = self.seen.get(self.next).is_some_and(|seen| seen.offset == place);
            let search = || self.seen.binary_search_by_key(&place, |seen| seen.offset).ok();
            let found = if is_next { Some(self.next) } else { search() };
            found.map(|found| (base, found))
        })?;
        self.base = Some(base);
        Some(found)
    }

    /// Compares the end of the directory with what was seen: where the directory began, and how long it is.
    ///
    /// # Errors
    ///
    /// How they differ.
    pub(super) fn end(
        &self,
        small: &End,
        large: Option<&End>,
        began: u64,
        size: u64,
        start: u64,
    ) -> Result<(), &'static str> {
        if self.listed < self.seen.len() {
            return Err("has a member that is not listed");
        }
        let agrees = |base| {
            let offset = began.saturating_sub(base);
            small.says(self.entries, size, offset)
                && large.is_none_or(|large| large.is_exactly(self.entries, size, offset))
        };
        let bases = self.base.map_or([0, start], |base| [base; 2]);
        if !bases.into_iter().any(agrees) {
            return Err("says that its list is elsewhere, or has another length");
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}
