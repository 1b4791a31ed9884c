//! The formats, and how they are recognised.

use crate::tar::is_tar;

/// How many of the first bytes decide on the format: the header of a TAR.
pub(crate) const HEAD: usize = 512;

/// The format of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Zip,
    /// A program or a script, behind which there may be a ZIP.
    Program,
    Tar,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    SevenZip,
    Rar,
}

impl Format {
    /// The format of bytes that begin so. `None` if they are no archive.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        let is_split = || head.get(4..).is_some_and(|behind| behind.starts_with(b"PK\x03\x04"));
        match head {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5 | 6, 6, ..] => Some(Self::Zip),
            [b'P', b'K', 7, 8, ..] | [b'P', b'K', b'0', b'0', ..] if is_split() => Some(Self::Zip),
            [0x1F, 0x8B, 8, flags, ..] if flags & 0b1110_0000 == 0 => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', magic @ ..] if is_bzip2(magic) => Some(Self::Bzip2),
            [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => Some(Self::SevenZip),
            [b'R', b'a', b'r', b'!', 0x1A, 7, ..] => Some(Self::Rar),
            [b'M', b'Z', ..] | [0x7F, b'E', b'L', b'F', ..] | [b'#', b'!', ..] => Some(Self::Program),
            // Programs of macOS, and extensions of Chromium, which have a signature in front of a ZIP.
            [0xCE | 0xCF, 0xFA, 0xED, 0xFE, ..] | [0xCA, 0xFE, 0xBA, 0xBE, ..] | [b'C', b'r', b'2', b'4', ..] => {
                Some(Self::Program)
            }
            _ => is_tar(head).then_some(Self::Tar),
        }
    }

    /// The name in notes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zip | Self::Program => "zip",
            Self::Tar => "tar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::SevenZip => "7z",
            Self::Rar => "rar",
        }
    }
}

/// Whether the first block, or the end of an empty file, follows.
fn is_bzip2(magic: &[u8]) -> bool {
    magic.starts_with(b"1AY&SY") || magic.starts_with(b"\x17\x72\x45\x38\x50\x90")
}
