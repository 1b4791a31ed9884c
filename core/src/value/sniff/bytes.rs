//! Reads numbers and slices from bytes that may end too early.

/// Bytes that may be cut off anywhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// The bytes from `at` on. Empty if `at` is beyond the end.
    pub(super) fn from(self, at: usize) -> &'a [u8] {
        self.0.get(at..).unwrap_or_default()
    }

    /// Whether these bytes are at `at`.
    pub(super) fn has(self, at: usize, bytes: &[u8]) -> bool {
        self.from(at).starts_with(bytes)
    }

    pub(super) fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.from(at).first_chunk().copied()
    }

    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    /// Little-endian, as a position or a length.
    pub(super) fn le16(self, at: usize) -> Option<usize> {
        self.array(at).map(|bytes| usize::from(u16::from_le_bytes(bytes)))
    }

    /// Little-endian, as a position or a length.
    pub(super) fn le32(self, at: usize) -> Option<usize> {
        self.array(at)
            .and_then(|bytes| usize::try_from(u32::from_le_bytes(bytes)).ok())
    }

    /// Big-endian, as a position or a length.
    pub(super) fn be32(self, at: usize) -> Option<usize> {
        self.array(at)
            .and_then(|bytes| usize::try_from(u32::from_be_bytes(bytes)).ok())
    }
}

/// Where `needle` begins in `haystack`, if it is there.
pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
