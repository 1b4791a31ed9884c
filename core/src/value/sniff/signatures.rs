//! Formats with a signature at a fixed place: those that `file-format` knows, and some others. Signatures of two or three letters
//! need further checks.

use file_format::FileFormat;

use super::bytes::Bytes;
use super::known;

/// Bytes, and their offset.
type Place = (usize, &'static [u8]);

const ANY: Place = (0, b"");

/// Signatures that `file-format` does not have: bytes at two places, and the type.
const OURS: [(Place, Place, &str); 12] = [
    ((0, b"caff"), (4, b"\0\x01"), "audio/x-caf"),
    ((0, b"RF64"), (8, b"WAVE"), "audio/wav"),
    ((0, b"BW64"), (8, b"WAVE"), "audio/wav"),
    ((0, b"RIFF"), (8, b"RMID"), "audio/midi"),
    ((0, b"riff\x2E\x91\xCF\x11"), (24, b"wave"), "audio/x-w64"),
    ((0, b"\x7F\xFE\x80\x01"), ANY, "audio/vnd.dts"),
    ((0, b"#!AMR-WB\n"), ANY, "audio/amr-wb"),
    ((0, b"TTA1"), (4, b"\x01\0"), "audio/x-tta"),
    ((0, b"\x89HDF\r\n\x1A\n"), ANY, "application/x-hdf5"),
    ((0, b"CDF\x01"), ANY, "application/x-netcdf"),
    ((0, b"CDF\x02"), ANY, "application/x-netcdf"),
    ((0, b"CDF\x05"), ANY, "application/x-netcdf"),
];

/// Sizes of the second header of a Windows bitmap, one for each version.
const BITMAP_HEADERS: [usize; 8] = [12, 16, 40, 52, 56, 64, 108, 124];

/// The type by signature.
pub(super) fn look(head: &[u8]) -> Option<String> {
    let bytes = Bytes(head);
    let ours = OURS
        .iter()
        .find(|(first, second, _)| bytes.has(first.0, first.1) && bytes.has(second.0, second.1));
    if let Some((.., name)) = ours {
        return Some((*name).to_owned());
    }
    if bytes.has(0, b"BM") {
        let version = bytes.le32(14)?;
        return BITMAP_HEADERS.contains(&version).then(|| "image/bmp".to_owned());
    }
    if is_tar(bytes) {
        return Some("application/x-tar".to_owned());
    }
    let format = FileFormat::from_bytes(head);
    is_confirmed(format, bytes).then(|| name(format)).flatten()
}

/// The name of the format that `file-format` found. Text does not count, because it was checked before.
fn name(format: FileFormat) -> Option<String> {
    match format {
        FileFormat::ArbitraryBinaryData | FileFormat::Empty => None,
        // WHATWG MIME Sniffing, 6.1: an animated PNG has the same type as a PNG.
        FileFormat::AnimatedPortableNetworkGraphics => Some("image/png".to_owned()),
        _ => Some(format.media_type().to_owned()).filter(|name| !known::is_text(name, format.kind())),
    }
}

/// Whether a signature of few bytes is real, by the bytes that must be beside it.
fn is_confirmed(format: FileFormat, bytes: Bytes<'_>) -> bool {
    use FileFormat as F;
    match format {
        // Two bytes with which many formats begin: zlib streams, object files, large DER structures, animations.
        F::AppleDiskImage
        | F::CommonObjectFileFormat
        | F::DerCertificate
        | F::AutodeskAnimator
        | F::AutodeskAnimatorPro
        | F::Commodore64Program => false,
        // These were checked before.
        F::Mpeg12AudioLayer2
        | F::Mpeg12AudioLayer3
        | F::AdvancedAudioCoding
        | F::AudioCodec3
        | F::Id3v2
        | F::Mpeg2TransportStream
        | F::BdavMpeg2TransportStream
        | F::AppleQuicktime => false,
        F::Gzip => bytes.byte(2) == Some(8),
        F::Bzip2 => matches!(
            bytes.array(3),
            Some([b'1'..=b'9', b'1' | 0x17, b'A' | 0x72, b'Y' | 0x45])
        ),
        F::UnixCompress => bytes.byte(2).is_some_and(|bits| matches!(bits & 0x1F, 9..=16)),
        F::SmallWebFormat => bytes.byte(3).is_some_and(|version| matches!(version, 1..=60)),
        F::AdobePhotoshopDocument => matches!(bytes.array(4), Some([0, 1 | 2])),
        F::SiliconGraphicsImage => matches!(bytes.array(2), Some([0 | 1, 1 | 2])),
        F::Cpio => bytes.byte(0) != Some(b'0') || matches!(bytes.array(4), Some([b'0', b'1' | b'2' | b'7'])),
        // Targa images begin like this too.
        F::WindowsCursor => is_cursor(bytes),
        F::PortableBitmap | F::PortableGraymap | F::PortablePixmap => {
            bytes.byte(3).is_some_and(|next| next.is_ascii_digit() || next == b'#')
        }
        _ => true,
    }
}

/// A list of images, with their number and the offset of the first one, which is after the list.
fn is_cursor(bytes: Bytes<'_>) -> bool {
    let (Some(count), Some(size), Some(at)) = (bytes.le16(4), bytes.le32(14), bytes.le32(18)) else {
        return false;
    };
    count > 0 && size > 0 && at >= 6 + 16 * count
}

/// Whether a tar header has the right checksum: headers from before POSIX have no signature. Old programs count bytes with a sign.
fn is_tar(bytes: Bytes<'_>) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let Some(header) = bytes.0.first_chunk::<512>() else {
        return false;
    };
    let digits = header[SUM].iter().skip_while(|byte| **byte == b' ');
    let mut said = 0;
    for digit in digits.take_while(|byte| matches!(byte, b'0'..=b'7')) {
        said = said * 8 + i64::from(digit - b'0');
    }
    // The bytes of the checksum count as spaces.
    let counted = |(at, byte): (usize, &u8)| if SUM.contains(&at) { b' ' } else { *byte };
    let bytes = || header.iter().enumerate().map(counted);
    let sum: i64 = bytes().map(i64::from).sum();
    let sum_with_signs: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
    // An empty header is no file.
    header[0] != 0 && (said == sum || said == sum_with_signs)
}
