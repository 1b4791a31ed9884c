//! Frames of AAC in ADTS, read by `adts-reader` (ISO/IEC 13818-7, 6.2).

use adts_reader::AdtsHeader;

/// The least bytes that the header of a frame has.
pub(crate) const HEADER: usize = 7;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Of the frame, with its header.
    pub(crate) bytes: u32,
    pub(crate) samples: u32,
    pub(crate) rate: u32,
    /// `None` if the stream says it.
    pub(crate) channels: Option<u32>,
}

impl Header {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        // The reader does not look at the layer, which tells ADTS and MPEG audio apart.
        if bytes.get(1)? & 0xF6 != 0xF0 {
            return None;
        }
        // It wants the checksum, too, if there is one, and nothing in it is needed.
        let mut padded = [0; 9];
        let taken = bytes.len().min(padded.len());
        padded.get_mut(..taken)?.copy_from_slice(bytes.get(..taken)?);
        let header = AdtsHeader::from_bytes(&padded).ok()?;
        let channels = match u8::from(header.channel_configuration()) {
            0 => None,
            7 => Some(8),
            channels => Some(u32::from(channels)),
        };
        Some(Self {
            bytes: u32::from(header.frame_length()),
            samples: 1024 * u32::from(header.number_of_raw_data_blocks_in_frame()),
            rate: header.sampling_frequency().freq()?,
            channels,
        })
    }
}
