//! TIFF and BigTIFF: the chain of directories, one for each page (TIFF 6.0, section 2).
//!
//! An upload passes by once. Its first bytes are kept, where most writers put the first directory; a directory further on is
//! waited for; one in front of the place that refers to it is read only if it is in those first bytes.

use std::collections::HashSet;

use crate::judge::Judge;
use crate::settings::ColorSpace;
use crate::walk::{Broken, MOST, Next, Reader, read, skip, u16_be, u16_le, u32_be, u32_le};

const BEGINNING: usize = 8 * 1024;
/// The most entries of a directory. Cameras write a hundred.
const MOST_ENTRIES: u64 = 1024;
/// The most directories in the beginning. With the eight entries that a page needs, 2,500 have room there.
const MOST_HERE: usize = 4096;
/// The longest directory: the number of entries, the entries and the next place, as BigTIFF writes them.
const LONGEST: usize = 8 + 1024 * 20 + 8;

const WIDTH: u16 = 0x0100;
const HEIGHT: u16 = 0x0101;
const PHOTOMETRIC: u16 = 0x0106;
const PROFILE: u16 = 0x8773;

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Beginning,
    /// The beginning goes on, as a directory reaches out of it.
    More,
    /// The number of entries of a directory.
    Count,
    /// So many entries, and the place of the next directory.
    Entries(u64),
}

/// The reader of this format.
#[derive(Debug, Default)]
pub(crate) struct Tiff {
    state: State,
    beginning: Vec<u8>,
    position: u64,
    next: u64,
    visited: HashSet<u64>,
    /// The bytes of those directories.
    visited_bytes: usize,
    is_little_endian: bool,
    is_big: bool,
    has_page: bool,
}

impl Reader for Tiff {
    fn first(&self) -> usize {
        BEGINNING
    }

    fn take(&mut self, bytes: &[u8], at: u64, judge: &mut Judge) -> Result<Next, Broken> {
        self.position = at + bytes.len() as u64;
        match self.state {
            State::Beginning => {
                self.begin(bytes)?;
                self.follow(judge)
            }
            State::More => {
                self.beginning.extend_from_slice(bytes);
                self.follow(judge)
            }
            State::Count => {
                let count = self.place(bytes, 0, 2);
                if count > MOST_ENTRIES {
                    return self.give_up(judge);
                }
                self.state = State::Entries(count);
                Ok(read(self.length(count)))
            }
            State::Entries(count) => {
                self.directory(bytes, count, judge);
                self.follow(judge)
            }
        }
    }

    fn end(&mut self, rest: &[u8], judge: &mut Judge) -> Result<(), Broken> {
        match self.state {
            State::Beginning => self.begin(rest)?,
            State::More => self.beginning.extend_from_slice(rest),
            // Some writers end the file without the next place.
            State::Entries(count) if rest.len() as u64 >= count * self.entry() => {
                self.directory(rest, count, judge);
                return self.give_up_unless_over(judge);
            }
            State::Count | State::Entries(_) => return self.give_up(judge).map(|_| ()),
        }
        // Nothing more comes, so that what is not here is nowhere.
        self.position = u64::MAX;
        self.follow(judge).map(|_| ())
    }
}

impl Tiff {
    fn begin(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        (self.is_little_endian, self.is_big) = match bytes.first_chunk() {
            Some(b"II*\0") => (true, false),
            Some(b"MM\0*") => (false, false),
            Some(b"II+\0") => (true, true),
            Some(b"MM\0+") => (false, true),
            _ => return Err(Broken("it has no TIFF header")),
        };
        self.beginning = bytes.to_vec();
        self.next = self.place(bytes, if self.is_big { 8 } else { 4 }, 4);
        Ok(())
    }

    /// Follows the chain as far as it is here.
    fn follow(&mut self, judge: &mut Judge) -> Result<Next, Broken> {
        while self.next != 0 && judge.refusal().is_none() {
            let at = self.next;
            if let Some((count, directory)) = self.here(at) {
                // A chain that leads back to where it was is over.
                if !self.visited.insert(at) {
                    break;
                }
                // More bytes than there are: directories overlap, and could be read for hours.
                self.visited_bytes += directory.len();
                if self.visited_bytes > self.beginning.len() || self.visited.len() > MOST_HERE {
                    return self.give_up(judge);
                }
                self.directory(&directory, count, judge);
                continue;
            }
            if let Some(gap) = at.checked_sub(self.position) {
                self.state = State::Count;
                return Ok(skip(gap, if self.is_big { 8 } else { 2 }));
            }
            let is_in_beginning = at < self.beginning.len() as u64 && self.position == self.beginning.len() as u64;
            if is_in_beginning && self.beginning.len() + LONGEST <= MOST {
                self.state = State::More;
                return Ok(read(LONGEST));
            }
            return self.give_up(judge);
        }
        if self.has_page {
            Ok(Next::Over)
        } else {
            Err(Broken("it has no page"))
        }
    }

    /// A directory in the beginning: its number of entries, and what follows.
    fn here(&self, at: u64) -> Option<(u64, Vec<u8>)> {
        let rest = self.beginning.get(usize::try_from(at).ok()?..)?;
        let (count, rest) = rest.split_at_checked(if self.is_big { 8 } else { 2 })?;
        let count = self.place(count, 0, 2);
        if count > MOST_ENTRIES {
            return None;
        }
        // At the end of the upload, the next place may be left out.
        let length = self.length(count);
        let least = usize::try_from(count * self.entry()).ok()?;
        let is_all = self.position == u64::MAX;
        let directory = rest.get(..length).or(rest
            .get(..rest.len().min(length))
            .filter(|rest| is_all && rest.len() >= least));
        Some((count, directory?.to_vec()))
    }

    /// The entries, and the place of the next directory if it is there.
    fn directory(&mut self, bytes: &[u8], count: u64, judge: &mut Judge) {
        let entry = if self.is_big { 20 } else { 12 };
        let entries = usize::try_from(count).unwrap_or_default() * entry;
        let (entries, behind) = bytes.split_at(entries.min(bytes.len()));
        let (mut width, mut height) = (None, None);
        for entry in entries.chunks_exact(entry) {
            match self.short(entry, 0) {
                WIDTH => width = width.or(self.value(entry)),
                HEIGHT => height = height.or(self.value(entry)),
                PHOTOMETRIC => judge.color_space(match self.value(entry) {
                    Some(0 | 1) => Some(ColorSpace::Gray),
                    Some(2 | 3 | 6) => Some(ColorSpace::Rgb),
                    Some(5) => Some(ColorSpace::Cmyk),
                    Some(8..=10) => Some(ColorSpace::Lab),
                    _ => None,
                }),
                PROFILE => judge.profile(self.place(entry, 4, 4)),
                _ => {}
            }
        }
        let side = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok());
        match (side(width), side(height)) {
            (Some(width), Some(height)) => {
                self.has_page = true;
                judge.page((width, height));
            }
            _ => judge.miss("a page without a size"),
        }
        self.next = self.place(behind, 0, 4);
    }

    fn give_up(&self, judge: &mut Judge) -> Result<Next, Broken> {
        if !self.has_page {
            return Err(Broken("its first directory was not found"));
        }
        judge.miss("some of its pages");
        Ok(Next::Over)
    }

    fn give_up_unless_over(&self, judge: &mut Judge) -> Result<(), Broken> {
        if self.next == 0 && self.has_page {
            return Ok(());
        }
        self.give_up(judge).map(|_| ())
    }

    /// The length of an entry: tag, type, number of values, and the values or their place.
    fn entry(&self) -> u64 {
        if self.is_big { 20 } else { 12 }
    }

    /// The length of a directory behind its number of entries.
    fn length(&self, count: u64) -> usize {
        let next = if self.is_big { 8 } else { 4 };
        usize::try_from(count * self.entry() + next).unwrap_or(LONGEST)
    }

    /// The value of an entry with an unsigned integer.
    fn value(&self, entry: &[u8]) -> Option<u64> {
        let at = if self.is_big { 12 } else { 8 };
        Some(match self.short(entry, 2) {
            1 => entry.get(at).copied()?.into(),
            3 => self.short(entry, at).into(),
            4 => self.long(entry, at).into(),
            16 => self.place(entry, at, 8),
            _ => return None,
        })
    }

    /// A place, or a number of values or entries, which has this many bytes, or eight in BigTIFF.
    fn place(&self, bytes: &[u8], at: usize, length: usize) -> u64 {
        let (first, second) = (self.long(bytes, at).into(), u64::from(self.long(bytes, at + 4)));
        match (self.is_big, length, self.is_little_endian) {
            (false, 2, _) => self.short(bytes, at).into(),
            (false, ..) => first,
            (true, _, true) => second << 32 | first,
            (true, _, false) => first << 32 | second,
        }
    }

    fn short(&self, bytes: &[u8], at: usize) -> u16 {
        if self.is_little_endian {
            u16_le(bytes, at)
        } else {
            u16_be(bytes, at)
        }
    }

    fn long(&self, bytes: &[u8], at: usize) -> u32 {
        if self.is_little_endian {
            u32_le(bytes, at)
        } else {
            u32_be(bytes, at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn a_chain_of_more_directories_than_pages_have_room_is_read_no_further() {
        // One page, then directories without an entry, of six bytes each.
        let mut file = b"II*\0\x08\0\0\0\x02\0".to_vec();
        for (tag, value) in [(WIDTH, 3_u32), (HEIGHT, 2)] {
            file.extend(tag.to_le_bytes());
            file.extend([4, 0, 1, 0, 0, 0]);
            file.extend(value.to_le_bytes());
        }
        for _ in 0..2 * MOST_HERE {
            let next = u32::try_from(file.len() + 4).unwrap_or_default();
            file.extend(next.to_le_bytes());
            file.extend([0, 0]);
        }
        file.extend([0; 4]);
        let (mut tiff, mut judge) = (Tiff::default(), Judge::new(Settings::default()));
        let ended = tiff.end(&file, &mut judge);
        assert_eq!(ended, Ok(()));
        assert_eq!(tiff.visited.len(), MOST_HERE + 1);
        assert!(judge.missing().is_some());
    }
}
