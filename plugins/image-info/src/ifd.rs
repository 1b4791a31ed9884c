//! The structure of TIFF files and EXIF data: image file directories (IFD) of tagged values (TIFF 6.0, section 2; BigTIFF).
//!
//! Nothing is collected. Libraries build a list of all entries first, and need all values in memory; here a value is looked
//! up when it is asked for, and bytes that have not arrived yet are waited for.

use crate::pieces::Pieces;

/// The most directories that are followed, and entries that are looked through in one.
const MAX_DIRECTORIES: usize = 64;
const MAX_ENTRIES: u64 = 1024;

/// The types of values that are read; the standard has more.
const BYTE: u16 = 1;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
/// The offset of a directory.
const IFD: u16 = 13;
/// The types that BigTIFF adds.
const LONG8: u16 = 16;
const IFD8: u16 = 18;

/// Bytes that begin like a TIFF file.
#[derive(Debug)]
pub(crate) struct Tiff<'a> {
    pieces: &'a Pieces<'a>,
    is_little_endian: bool,
    /// BigTIFF: offsets and numbers of values have eight bytes instead of four.
    is_big: bool,
}

/// A directory whose entries have all arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ifd<'a> {
    tiff: &'a Tiff<'a>,
    first: u64,
    count: u64,
    next: Option<u64>,
}

/// The directories one after the other: a page each in a file, the picture and its thumbnail in EXIF data.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    pub(crate) directories: Vec<Ifd<'a>>,
    /// Whether the last directory was read.
    pub(crate) is_whole: bool,
}

/// A number of values of one type, and where they begin.
struct Field {
    kind: u16,
    count: u64,
    at: u64,
}

impl<'a> Tiff<'a> {
    /// `None` if the bytes do not begin like a TIFF file.
    pub(crate) fn new(pieces: &'a Pieces<'a>) -> Option<Self> {
        let (is_little_endian, is_big) = match pieces.get(0, 4)? {
            b"II*\0" => (true, false),
            b"MM\0*" => (false, false),
            b"II+\0" => (true, true),
            b"MM\0+" => (false, true),
            _ => return None,
        };
        Some(Self {
            pieces,
            is_little_endian,
            is_big,
        })
    }

    /// The first directory.
    pub(crate) fn first(&'a self) -> Option<Ifd<'a>> {
        self.directory(self.beginning()?)
    }

    /// All directories.
    pub(crate) fn chain(&'a self) -> Chain<'a> {
        let mut directories = Vec::new();
        let mut visited = Vec::new();
        let mut next = self.beginning();
        while let Some(at) = next.filter(|at| *at != 0 && !visited.contains(at)) {
            if directories.len() == MAX_DIRECTORIES {
                self.pieces.leave_out();
                break;
            }
            let Some(directory) = self.directory(at) else { break };
            visited.push(at);
            directories.push(directory);
            next = directory.next;
        }
        let is_whole = next.is_none_or(|at| at == 0 || visited.contains(&at));
        Chain { directories, is_whole }
    }

    fn beginning(&self) -> Option<u64> {
        self.place(if self.is_big { 8 } else { 4 })
    }

    fn directory(&'a self, at: u64) -> Option<Ifd<'a>> {
        let (count, head) = if self.is_big {
            (self.place(at)?, 8)
        } else {
            (self.short(at)?.into(), 2)
        };
        let first = at.checked_add(head)?;
        let seen = count.min(MAX_ENTRIES);
        if seen < count {
            self.pieces.leave_out();
        }
        let len = seen * self.entry();
        self.pieces.get(first, usize::try_from(len).ok()?)?;
        Some(Ifd {
            tiff: self,
            first,
            count: seen,
            // Some writers end the data without it.
            next: count
                .checked_mul(self.entry())
                .and_then(|len| self.place(first.checked_add(len)?)),
        })
    }

    /// The length of an entry: tag, type, number of values, and the values or their offset.
    fn entry(&self) -> u64 {
        if self.is_big { 20 } else { 12 }
    }

    fn bytes<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        self.pieces.get(at, N)?.first_chunk().copied()
    }

    fn short(&self, at: u64) -> Option<u16> {
        let bytes = self.bytes(at)?;
        Some(if self.is_little_endian {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn long(&self, at: u64) -> Option<u32> {
        let bytes = self.bytes(at)?;
        Some(if self.is_little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    fn long8(&self, at: u64) -> Option<u64> {
        let bytes = self.bytes(at)?;
        Some(if self.is_little_endian {
            u64::from_le_bytes(bytes)
        } else {
            u64::from_be_bytes(bytes)
        })
    }

    /// An offset from the first byte, or a number of values.
    fn place(&self, at: u64) -> Option<u64> {
        if self.is_big {
            self.long8(at)
        } else {
            self.long(at).map(u64::from)
        }
    }
}

impl<'a> Ifd<'a> {
    /// How often a tag is in this directory: at most once in a valid file.
    pub(crate) fn count(&self, tag: u16) -> usize {
        self.entries(tag).count()
    }

    /// The first value of a tag that holds unsigned integers.
    pub(crate) fn uint(&self, tag: u16) -> Option<u64> {
        self.uints(tag, 1).next()
    }

    /// The first values of a tag that holds unsigned integers, `most` of them at most.
    fn uints(&self, tag: u16, most: u64) -> impl Iterator<Item = u64> {
        let tiff = self.tiff;
        let field = self.field(tag);
        let count = field.as_ref().map_or(0, |field| field.count.min(most));
        (0..count).filter_map(move |n| {
            let Field { kind, at, .. } = *field.as_ref()?;
            let at = at.checked_add(n * size(kind)?)?;
            match kind {
                BYTE => tiff.bytes(at).map(|[byte]| byte.into()),
                SHORT => tiff.short(at).map(u64::from),
                LONG | IFD => tiff.long(at).map(u64::from),
                LONG8 | IFD8 => tiff.long8(at),
                _ => None,
            }
        })
    }

    /// The first values of a tag that holds fractions, `most` of them at most. They need not be finite.
    pub(crate) fn fractions(&self, tag: u16, most: u64) -> Option<Vec<f64>> {
        let Field { count, at, .. } = self.field(tag).filter(|field| field.kind == RATIONAL)?;
        let part = |at| self.tiff.long(at).map(f64::from);
        (0..count.min(most))
            .map(|n| Some(part(at.checked_add(8 * n)?)? / part(at.checked_add(8 * n + 4)?)?))
            .collect()
    }

    /// The text of a tag that holds text, up to where it ends.
    pub(crate) fn text(&self, tag: u16) -> Option<&'a [u8]> {
        let Field { count, at, .. } = self.field(tag).filter(|field| field.kind == ASCII)?;
        let text = self.tiff.pieces.get(at, usize::try_from(count).ok()?)?;
        text.split(|byte| *byte == 0).next()
    }

    /// The directory that a tag points to.
    pub(crate) fn child(&self, tag: u16) -> Option<Ifd<'a>> {
        self.children(tag, 1).next()
    }

    /// The directories that a tag points to, `most` of them at most.
    pub(crate) fn children(&self, tag: u16, most: u64) -> impl Iterator<Item = Ifd<'a>> {
        let tiff = self.tiff;
        self.uints(tag, most).filter_map(|at| tiff.directory(at))
    }

    /// The offsets of the entries of a tag.
    fn entries(&self, tag: u16) -> impl Iterator<Item = u64> {
        (0..self.count)
            .map(|n| self.first + n * self.tiff.entry())
            .filter(move |at| self.tiff.short(*at) == Some(tag))
    }

    fn field(&self, tag: u16) -> Option<Field> {
        let entry = self.entries(tag).next()?;
        let kind = self.tiff.short(entry + 2)?;
        let count = self.tiff.place(entry + 4).filter(|count| *count > 0)?;
        let (value, room) = if self.tiff.is_big {
            (entry + 12, 8)
        } else {
            (entry + 8, 4)
        };
        // Values that fit are in the entry itself, others at the offset in it.
        let at = if count.checked_mul(size(kind)?)? <= room {
            value
        } else {
            self.tiff.place(value)?
        };
        Some(Field { kind, count, at })
    }
}

/// How many bytes a value has.
fn size(kind: u16) -> Option<u64> {
    Some(match kind {
        BYTE | ASCII => 1,
        SHORT => 2,
        LONG | IFD => 4,
        RATIONAL | LONG8 | IFD8 => 8,
        _ => return None,
    })
}
