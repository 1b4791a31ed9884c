//! The sizes behind a member that was written before they were known.

use super::headers::{u32_at, u64_at};

const SIGNATURE: &[u8] = b"PK\x07\x08";

/// How a descriptor goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Descriptor {
    /// It needs so many bytes to decide.
    Needs(usize),
    /// These bytes are the descriptor.
    Fits,
    /// They are not.
    Differs,
}

/// Reads the descriptor of a member of this size. It has a signature or none, and sizes of four or eight bytes; the bytes are
/// decided on in an order in which none is taken that belongs to what follows.
pub(super) fn read(bytes: &[u8], packed: u64, length: u64) -> Descriptor {
    let has_signature = bytes.starts_with(SIGNATURE);
    let start = if has_signature { 8 } else { 4 };
    let fits_small = || u32_at(bytes, start) == packed && u32_at(bytes, start + 4) == length;
    let fits_large = || u64_at(bytes, start) == packed && u64_at(bytes, start + 8) == length;
    match bytes.len() {
        have if have < start + 8 => Descriptor::Needs(start + 8),
        have if have == start + 8 && fits_small() => Descriptor::Fits,
        have if have < start + 16 => Descriptor::Needs(start + 16),
        _ if fits_large() => Descriptor::Fits,
        _ => Descriptor::Differs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes are taken of a descriptor and what follows it.
    fn taken(bytes: &[u8], packed: u64, length: u64) -> Option<usize> {
        let mut have = 12;
        loop {
            match read(&bytes[..have], packed, length) {
                Descriptor::Needs(more) => have = more,
                Descriptor::Fits => return Some(have),
                Descriptor::Differs => return None,
            }
        }
    }

    #[test]
    fn every_form_of_a_descriptor_is_read_to_its_end() {
        let small = [5_u32, 9].map(u32::to_le_bytes).concat();
        let large = [5_u64, 9].map(u64::to_le_bytes).concat();
        for signature in [&b""[..], SIGNATURE] {
            for sizes in [&small, &large] {
                let descriptor = [signature, b"crc!", sizes].concat();
                let bytes = [&descriptor[..], b"PK\x03\x04 and what else follows"].concat();
                assert_eq!(taken(&bytes, 5, 9), Some(descriptor.len()));
                assert_eq!(taken(&bytes, 5, 8), None);
                assert_eq!(taken(&bytes, 6, 9), None);
            }
        }
    }
}
