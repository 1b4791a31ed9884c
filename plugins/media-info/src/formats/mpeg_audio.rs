//! Frames of MPEG audio, layers 1 to 3 (ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-3, 2.4.2.3).

use crate::formats::bits::Fields;

/// Kilobits a second of MPEG 1 layers 1 to 3, and of MPEG 2 layer 1 and layers 2 and 3. A rate of 0 is free to be any.
const RATES: [[u32; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// Hertz in MPEG 1; MPEG 2 has half of it, MPEG 2.5 a quarter.
const HERTZ: [u32; 3] = [44_100, 48_000, 32_000];

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// 1 to 3.
    pub(crate) layer: u8,
    /// Of the frame, with its header.
    pub(crate) bytes: u32,
    pub(crate) samples: u32,
    pub(crate) rate: u32,
    pub(crate) channels: u32,
    /// Where the data begins, if the frame is of layer 3.
    pub(crate) data: usize,
}

impl Header {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [0xFF, kind, rates, mode] = Fields(bytes).array(0)? else {
            return None;
        };
        // 0 is MPEG 2.5, 1 is none, 2 is MPEG 2, 3 is MPEG 1.
        let version = kind >> 3 & 3;
        let layer = 4_u8.checked_sub(kind >> 1 & 3)?;
        if kind & 0xE0 != 0xE0 || version == 1 || layer == 4 {
            return None;
        }
        let is_first = version == 3;
        let row = match (is_first, layer) {
            (true, _) => usize::from(layer) - 1,
            (false, 1) => 3,
            (false, _) => 4,
        };
        let bits = RATES.get(row)?.get(usize::from(rates >> 4)).filter(|rate| **rate > 0)? * 1000;
        let divisor = match version {
            3 => 1,
            2 => 2,
            _ => 4,
        };
        let rate = HERTZ.get(usize::from(rates >> 2 & 3))? / divisor;
        let padding = u32::from(rates >> 1 & 1);
        let (samples, bytes) = match layer {
            1 => (384, (12 * bits / rate + padding) * 4),
            3 if !is_first => (576, 72 * bits / rate + padding),
            _ => (1152, 144 * bits / rate + padding),
        };
        let is_mono = mode >> 6 == 3;
        let side = match (is_first, is_mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        // A checksum follows the header if the lowest bit of the second byte is not set.
        Some(Self {
            layer,
            bytes,
            samples,
            rate,
            channels: if is_mono { 1 } else { 2 },
            data: 4 + side,
        })
    }

    /// The name of the codec.
    pub(crate) fn codec(self) -> &'static str {
        match self.layer {
            1 => "mp1",
            2 => "mp2",
            _ => "mp3",
        }
    }

    /// Whether the frame that begins so is silent and only describes the others: those of Xing and LAME, and of VBRI.
    pub(crate) fn is_description(self, frame: &[u8]) -> bool {
        let has = |at: usize, mark: &[u8]| frame.get(at..).is_some_and(|rest| rest.starts_with(mark));
        self.layer == 3 && (has(self.data, b"Xing") || has(self.data, b"Info") || has(36, b"VBRI"))
    }
}
