//! The headers of a ZIP, field by field.

/// The method of a member that is not packed.
pub(super) const STORED: u16 = 0;
/// The method that stands for encryption with AES (WinZip's); the real one is in an extra field.
const AES: u16 = 99;

const ENCRYPTED: u16 = 1;
const DESCRIPTOR: u16 = 1 << 3;
const STRONGLY_ENCRYPTED: u16 = 1 << 6;
const MASKED: u16 = 1 << 13;

const ZIP64: u16 = 0x0001;
const UNICODE_NAME: u16 = 0x7075;
const AES_EXTRA: u16 = 0x9901;

pub(super) const LOCAL_BYTES: usize = 30;
pub(super) const CENTRAL_BYTES: usize = 46;
pub(super) const END_BYTES: usize = 22;
pub(super) const END_64_BYTES: usize = 56;
pub(super) const LOCATOR_BYTES: usize = 20;

const IN_ZIP64: u64 = 0xFFFF_FFFF;

/// The signature at the beginning of each header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    Local,
    Central,
    End,
    End64,
    Locator,
    /// In front of the first member of an archive that is, or might have been, split.
    Split,
    /// A directory that is packed and encrypted.
    Closed,
}

impl Signature {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(..4)? {
            b"PK\x03\x04" => Some(Self::Local),
            b"PK\x01\x02" => Some(Self::Central),
            b"PK\x05\x06" => Some(Self::End),
            b"PK\x06\x06" => Some(Self::End64),
            b"PK\x06\x07" => Some(Self::Locator),
            b"PK\x07\x08" | b"PK00" => Some(Self::Split),
            b"PK\x06\x08" => Some(Self::Closed),
            _ => None,
        }
    }
}

/// Two bytes, lowest first. What is not there is zero: callers have collected the header.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.copied().map_or(0, u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u64 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.copied().map_or(0, |field| u64::from(u32::from_le_bytes(field)))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.copied().map_or(0, u64::from_le_bytes)
}

/// Bytes whose length is in the header, one field behind the other.
fn fields<const N: usize>(bytes: &[u8], start: usize, lengths: [usize; N]) -> [&[u8]; N] {
    let mut rest = bytes.get(start..).unwrap_or_default();
    lengths.map(|length| {
        let (field, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = behind;
        field
    })
}

/// The length of a local header, from its first [`LOCAL_BYTES`].
pub(super) fn local_length(bytes: &[u8]) -> usize {
    LOCAL_BYTES + usize::from(u16_at(bytes, 26)) + usize::from(u16_at(bytes, 28))
}

/// The length of an entry of the directory, from its first [`CENTRAL_BYTES`].
pub(super) fn central_length(bytes: &[u8]) -> usize {
    [28, 30, 32]
        .map(|at| usize::from(u16_at(bytes, at)))
        .iter()
        .sum::<usize>()
        + CENTRAL_BYTES
}

/// What both headers of a member say of it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) method: u16,
    pub(super) is_encrypted: bool,
    /// The sizes are behind the member.
    pub(super) has_descriptor: bool,
    pub(super) packed: u64,
    pub(super) length: u64,
    pub(super) name: Vec<u8>,
    /// Another name, which some programs prefer.
    pub(super) unicode_name: Option<Vec<u8>>,
    /// Where its local header is; zero in the local header itself.
    pub(super) offset: u64,
    /// Only the directory tells.
    pub(super) is_link: bool,
}

impl Entry {
    /// Reads a local header that was collected.
    pub(super) fn local(bytes: &[u8]) -> Self {
        let lengths = [26, 28].map(|at| usize::from(u16_at(bytes, at)));
        let [name, extra] = fields(bytes, LOCAL_BYTES, lengths);
        let mut entry = Self::common(u16_at(bytes, 6), u16_at(bytes, 8), name);
        (entry.packed, entry.length) = (u32_at(bytes, 18), u32_at(bytes, 22));
        entry.read_extra(extra);
        entry
    }

    /// Reads an entry of the directory that was collected.
    pub(super) fn central(bytes: &[u8]) -> Self {
        /// The type of a symbolic link among the attributes of Unix.
        const LINK: u16 = 0o12;
        let lengths = [28, 30].map(|at| usize::from(u16_at(bytes, at)));
        let [name, extra] = fields(bytes, CENTRAL_BYTES, lengths);
        let mut entry = Self::common(u16_at(bytes, 8), u16_at(bytes, 10), name);
        (entry.packed, entry.length) = (u32_at(bytes, 20), u32_at(bytes, 24));
        entry.offset = u32_at(bytes, 42);
        entry.is_link = u16_at(bytes, 40) >> 12 == LINK;
        entry.read_extra(extra);
        entry
    }

    fn common(flags: u16, method: u16, name: &[u8]) -> Self {
        Self {
            method,
            is_encrypted: flags & (ENCRYPTED | STRONGLY_ENCRYPTED | MASKED) != 0 || method == AES,
            has_descriptor: flags & DESCRIPTOR != 0,
            packed: 0,
            length: 0,
            name: name.to_vec(),
            unicode_name: None,
            offset: 0,
            is_link: false,
        }
    }

    fn read_extra(&mut self, mut extra: &[u8]) {
        while let Some((head, rest)) = extra.split_at_checked(4) {
            let (field, behind) = rest
                .split_at_checked(usize::from(u16_at(head, 2)))
                .unwrap_or((rest, &[]));
            match u16_at(head, 0) {
                ZIP64 => self.read_zip64(field),
                UNICODE_NAME => self.unicode_name = field.get(5..).map(<[u8]>::to_vec),
                AES_EXTRA => self.is_encrypted = true,
                _ => {}
            }
            extra = behind;
        }
    }

    /// Has only those fields for which there was no room in the header, in this order.
    fn read_zip64(&mut self, field: &[u8]) {
        let mut at = 0;
        for value in [&mut self.length, &mut self.packed, &mut self.offset] {
            if *value == IN_ZIP64 && field.len() >= at + 8 {
                *value = u64_at(field, at);
                at += 8;
            }
        }
    }

    /// Whether a program would write such a local header. Behind the code of a program, four bytes alone may be a coincidence.
    pub(super) fn is_plausible(fixed: &[u8]) -> bool {
        const METHODS: [u16; 12] = [0, 1, 6, 8, 9, 12, 14, 20, 93, 95, 98, AES];
        let name = u16_at(fixed, 26);
        u16_at(fixed, 4) & 0xFF <= 63
            && METHODS.contains(&u16_at(fixed, 8))
            && (1..=1024).contains(&name)
            && u16_at(fixed, 6) & 0b1101_0000_1000_0000 == 0
    }
}

/// The end of the directory, in its small or its large form.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) is_split: bool,
    pub(super) entries: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

impl End {
    pub(super) fn small(bytes: &[u8]) -> Self {
        let disks = [u16_at(bytes, 4), u16_at(bytes, 6)];
        Self {
            is_split: disks.iter().any(|disk| !matches!(disk, 0 | 0xFFFF)),
            entries: u64::from(u16_at(bytes, 10)),
            size: u32_at(bytes, 12),
            offset: u32_at(bytes, 16),
        }
    }

    pub(super) fn large(bytes: &[u8]) -> Self {
        Self {
            is_split: u32_at(bytes, 16) != 0 || u32_at(bytes, 20) != 0,
            entries: u64_at(bytes, 32),
            size: u64_at(bytes, 40),
            offset: u64_at(bytes, 48),
        }
    }

    /// Whether a program that has only the small form counted this: where there is a large form, or too little room, the field
    /// has all bits set, or only the lowest bits.
    pub(super) fn says(&self, entries: u64, size: u64, offset: u64) -> bool {
        const FULL: u64 = 0xFFFF;
        (self.entries == FULL || self.entries == entries & FULL)
            && (self.size == IN_ZIP64 || self.size == size)
            && (self.offset == IN_ZIP64 || self.offset == offset)
    }

    pub(super) fn is_exactly(&self, entries: u64, size: u64, offset: u64) -> bool {
        (self.entries, self.size, self.offset) == (entries, size, offset)
    }
}
