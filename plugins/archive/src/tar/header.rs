//! The header in front of each member.

/// The size of a header, and of everything else in a TAR, in bytes.
pub(crate) const BLOCK: usize = 512;

/// What a header is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A file, and everything unknown, as POSIX has it.
    File,
    /// A GNU sparse file, whose zeros are left out.
    Sparse,
    Link,
    HardLink,
    /// A folder or a device: it has no bytes.
    Empty,
    /// The attributes of the next member, or of all that follow.
    Pax,
    GlobalPax,
    LongName,
    LongLink,
}

/// A header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) kind: Type,
    pub(super) name: Vec<u8>,
    pub(super) size: u64,
    /// The size of a sparse file with its zeros.
    pub(super) real_size: u64,
    /// More of the map of a sparse file follows.
    pub(super) is_extended: bool,
}

/// Whether bytes begin with a header. The old form has nothing else to be recognised by than its checksum. A header with a mark is
/// one even if it is damaged: programs pass over such a header, and unpack what is behind it.
pub(crate) fn is_tar(head: &[u8]) -> bool {
    let is_header = |block| Header::read(block).is_some_and(|header| !header.name.is_empty());
    head.first_chunk()
        .is_some_and(|block| has_mark(block) || is_header(block))
}

fn has_mark(block: &[u8; BLOCK]) -> bool {
    block.get(257..).is_some_and(|behind| behind.starts_with(b"ustar"))
}

impl Header {
    /// Reads a header. `None` if it is none.
    pub(super) fn read(block: &[u8; BLOCK]) -> Option<Self> {
        let field = |start: usize, length: usize| block.get(start..start + length).unwrap_or_default();
        if !checksums(block).contains(&number(field(148, 8))?.try_into().ok()?) {
            return None;
        }
        let is_posix = field(257, 6) == b"ustar\0";
        let mut name = text(field(0, 100)).to_vec();
        let prefix = text(field(345, 155));
        if is_posix && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        let kind = match field(156, 1) {
            b"1" => Type::HardLink,
            b"2" => Type::Link,
            b"3" | b"4" | b"5" | b"6" => Type::Empty,
            b"S" => Type::Sparse,
            b"x" | b"X" => Type::Pax,
            b"g" => Type::GlobalPax,
            b"L" => Type::LongName,
            b"K" => Type::LongLink,
            _ => Type::File,
        };
        Some(Self {
            kind,
            name,
            size: number(field(124, 12))?,
            real_size: number(field(483, 12)).unwrap_or(0),
            is_extended: field(482, 1) != b"\0",
        })
    }
}

/// The text of a field, which ends at its first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number: octal digits, or, if its first bit is set, binary (GNU, star).
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if *first == 0x80 {
        let (high, low) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
        let is_small = high.iter().all(|byte| *byte == 0);
        return Some(u64::from_be_bytes(*low.first_chunk()?)).filter(|_| is_small);
    }
    let digits = std::str::from_utf8(text(field)).ok()?.trim_matches(' ');
    if digits.is_empty() {
        return Some(0);
    }
    let is_octal = digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    u64::from_str_radix(digits, 8).ok().filter(|_| is_octal)
}

/// The sum of all bytes, where those of the checksum itself count as spaces. Old programs count bytes with a sign, and those of
/// today read both sums.
fn checksums(block: &[u8; BLOCK]) -> [i64; 2] {
    let counted = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { b' ' } else { *byte };
    let bytes = || block.iter().enumerate().map(counted);
    [
        bytes().map(i64::from).sum(),
        bytes().map(|byte| i64::from(byte.cast_signed())).sum(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        for (field, value) in [
            (&b"0000755\0"[..], Some(0o755)),
            (b"    755 ", Some(0o755)),
            (b"755 \0\0\0\0", Some(0o755)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"77777777", Some(0o77_777_777)),
            (b"\x80\0\0\0\0\0\0\0\0\0\x01\0", Some(256)),
            (b"\x80\0\0\x01\0\0\0\0\0\0\x01\0", None),
            (b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", None),
            (b"0000008\0", None),
            (b"-000001\0", None),
            (b"+000001\0", None),
            (b"", None),
        ] {
            assert_eq!(number(field), value, "{field:?}");
        }
    }
}
