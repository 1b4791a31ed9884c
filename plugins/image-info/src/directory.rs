//! The structure of TIFF files and EXIF data: directories of tagged values (TIFF 6.0, section 2).
//!
//! Nothing is collected. Libraries build a list of all entries first, and entries of directories that overlap each other
//! add up: 256 KiB of them took gigabytes, or seconds. Here a value is looked up where it stands when it is asked for.

use std::cell::Cell;

/// The most directories that are followed, and entries that are looked through in one.
const MAX_DIRECTORIES: usize = 64;
const MAX_ENTRIES: usize = 4096;
const ENTRY: usize = 12;

/// What a value is made of; there are more kinds, but none of them is asked for.
const BYTE: u16 = 1;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;

/// Bytes that begin like a TIFF file.
#[derive(Debug)]
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    is_little_endian: bool,
    is_cut: Cell<bool>,
}

/// A directory whose entries are all there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory<'a> {
    tiff: &'a Tiff<'a>,
    first: usize,
    count: usize,
    next: usize,
}

/// So many values of a kind, and where they begin.
struct Field {
    kind: u16,
    count: usize,
    at: usize,
}

impl<'a> Tiff<'a> {
    /// `None` if the bytes do not begin like a TIFF file.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let is_little_endian = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self {
            bytes,
            is_little_endian,
            is_cut: Cell::new(false),
        })
    }

    /// Whether something that was asked for lies beyond the bytes, or beyond what is looked through.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// The directories one after the other: a page each in a file, the picture and its thumbnail in EXIF data.
    pub(crate) fn directories(&'a self) -> Vec<Directory<'a>> {
        let mut found = Vec::new();
        let mut visited = Vec::new();
        let mut next = self.offset(4).unwrap_or_default();
        while next != 0 && !visited.contains(&next) {
            if found.len() == MAX_DIRECTORIES {
                self.is_cut.set(true);
                break;
            }
            let Some(directory) = self.directory(next) else { break };
            visited.push(next);
            found.push(directory);
            next = directory.next;
        }
        found
    }

    fn directory(&'a self, at: usize) -> Option<Directory<'a>> {
        let count = usize::from(self.short(at)?);
        let (first, len) = (at.checked_add(2)?, count * ENTRY);
        self.get(first, len)?;
        if count > MAX_ENTRIES {
            self.is_cut.set(true);
        }
        Some(Directory {
            tiff: self,
            first,
            count: count.min(MAX_ENTRIES),
            // Some writers end the data without it.
            next: self.offset(first + len).unwrap_or_default(),
        })
    }

    fn get(&self, at: usize, len: usize) -> Option<&'a [u8]> {
        let found = at.checked_add(len).and_then(|end| self.bytes.get(at..end));
        if found.is_none() {
            self.is_cut.set(true);
        }
        found
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = *self.get(at, 2)?.first_chunk()?;
        Some(if self.is_little_endian {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = *self.get(at, 4)?.first_chunk()?;
        Some(if self.is_little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    /// A place in the bytes, counted from the first.
    fn offset(&self, at: usize) -> Option<usize> {
        usize::try_from(self.long(at)?).ok()
    }
}

impl<'a> Directory<'a> {
    /// How often a tag stands here: once at most, if all is well.
    pub(crate) fn count(&self, tag: u16) -> usize {
        self.entries(tag).count()
    }

    /// The first value of a tag that holds unsigned integers.
    pub(crate) fn uint(&self, tag: u16) -> Option<u32> {
        let Field { kind, at, .. } = self.field(tag)?;
        match kind {
            BYTE => self.tiff.get(at, 1).map(|byte| byte[0].into()),
            SHORT => self.tiff.short(at).map(u32::from),
            LONG => self.tiff.long(at),
            _ => None,
        }
    }

    /// The first values of a tag that holds fractions, `most` of them at most. They need not be finite.
    pub(crate) fn fractions(&self, tag: u16, most: usize) -> Option<Vec<f64>> {
        let Field { count, at, .. } = self.field(tag).filter(|field| field.kind == RATIONAL)?;
        let part = |at| self.tiff.long(at).map(f64::from);
        (0..count.min(most))
            .map(|n| Some(part(at.checked_add(8 * n)?)? / part(at.checked_add(8 * n + 4)?)?))
            .collect()
    }

    /// The text of a tag that holds text, up to where it ends.
    pub(crate) fn text(&self, tag: u16) -> Option<&'a [u8]> {
        let Field { count, at, .. } = self.field(tag).filter(|field| field.kind == ASCII)?;
        self.tiff.get(at, count)?.split(|byte| *byte == 0).next()
    }

    /// The directory that a tag points to.
    pub(crate) fn child(&self, tag: u16) -> Option<Directory<'a>> {
        self.tiff.directory(self.uint(tag)?.try_into().ok()?)
    }

    /// Where the entries of a tag stand.
    fn entries(&self, tag: u16) -> impl Iterator<Item = usize> {
        (0..self.count)
            .map(|n| self.first + n * ENTRY)
            .filter(move |at| self.tiff.short(*at) == Some(tag))
    }

    fn field(&self, tag: u16) -> Option<Field> {
        let entry = self.entries(tag).next()?;
        let kind = self.tiff.short(entry + 2)?;
        let count = self.tiff.offset(entry + 4).filter(|count| *count > 0)?;
        let size = match kind {
            BYTE | ASCII => 1,
            SHORT => 2,
            LONG => 4,
            RATIONAL => 8,
            _ => return None,
        };
        // A value of four bytes or less stands in the entry itself, others where the entry says.
        let at = match count.checked_mul(size)? {
            0..=4 => entry + 8,
            _ => self.tiff.offset(entry + 8)?,
        };
        Some(Field { kind, count, at })
    }
}
