//! Audio and broadcast streams, which have no signature but the beginning of each frame or packet.

use super::bytes::Bytes;

/// Kilobits a second of MPEG 1 layers 1 to 3, and of MPEG 2 layer 1 and layers 2 and 3 (ISO/IEC 11172-3, 2.4.2.3).
const RATES: [[usize; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// Hertz in MPEG 1; MPEG 2 has half of it, MPEG 2.5 a quarter.
const HERTZ: [usize; 3] = [44_100, 48_000, 32_000];

/// Bytes of a packet of a transport stream, and of the header that a Blu-ray disc adds to it (ISO/IEC 13818-1, 2.4.3.2).
const PACKET: usize = 188;
const ARRIVAL: usize = 4;
/// The number of packets whose beginning is checked, if there are so many.
const PACKETS: usize = 5;

/// The type of bytes that may be a stream of frames.
pub(super) fn look(head: &[u8]) -> Option<&'static str> {
    let bytes = Bytes(head);
    if let Some(tag) = tag_length(bytes) {
        // Other streams may begin with the ID3 tag of MPEG audio too (RFC 8216, 3.4).
        return frames(Bytes(bytes.from(tag))).or(Some("audio/mpeg"));
    }
    if is_transport(bytes, 0, PACKET) || is_transport(bytes, ARRIVAL, ARRIVAL + PACKET) {
        return Some("video/mp2t");
    }
    frames(bytes)
}

fn frames(bytes: Bytes<'_>) -> Option<&'static str> {
    dolby(bytes)
        .or_else(|| followed(bytes, aac_frame).then_some("audio/aac"))
        .or_else(|| followed(bytes, mpeg_frame).then_some("audio/mpeg"))
}

/// The length of a tag of ID3, with its header (ID3 2.4, 3.1).
fn tag_length(bytes: Bytes<'_>) -> Option<usize> {
    let [b'I', b'D', b'3', 2..=4, 0..=0xFE, _, lengths @ ..] = bytes.array::<10>(0)? else {
        return None;
    };
    // Each byte has seven bits of the length.
    let length = lengths.iter().try_fold(0, |sum, byte: &u8| {
        (*byte < 0x80).then_some(sum << 7 | usize::from(*byte))
    })?;
    Some(10 + length)
}

/// Whether a frame begins here and, if the next one should begin within the head, whether it does.
fn followed(bytes: Bytes<'_>, frame: fn(Bytes<'_>) -> Option<usize>) -> bool {
    frame(bytes).is_some_and(|length| {
        let next = Bytes(bytes.from(length));
        next.0.len() < 8 || frame(next).is_some()
    })
}

/// The length of a frame of ADTS (ISO/IEC 13818-7, 6.2).
fn aac_frame(bytes: Bytes<'_>) -> Option<usize> {
    let [0xFF, flags, rate, a, b, c] = bytes.array(0)? else {
        return None;
    };
    let length = usize::from(a & 3) << 11 | usize::from(b) << 3 | usize::from(c) >> 5;
    (flags & 0xF6 == 0xF0 && rate >> 2 & 0xF < 13 && length > 7).then_some(length)
}

/// The length of a frame of MPEG sound (ISO/IEC 11172-3, 2.4.1.3).
fn mpeg_frame(bytes: Bytes<'_>) -> Option<usize> {
    let [0xFF, kind, rates] = bytes.array(0)? else {
        return None;
    };
    let (version, layer) = (kind >> 3 & 3, 4_u8.checked_sub(kind >> 1 & 3)?);
    if kind & 0xE0 != 0xE0 || version == 1 || layer == 4 {
        return None;
    }
    let first_version = version == 3;
    let row = match (first_version, layer) {
        (true, _) => usize::from(layer) - 1,
        (false, 1) => 3,
        (false, _) => 4,
    };
    let bits = RATES[row].get(usize::from(rates >> 4))? * 1000;
    let divisor = [4, 1, 2, 1][usize::from(version)];
    let hertz = HERTZ.get(usize::from(rates >> 2 & 3))? / divisor;
    let padding = usize::from(rates >> 1 & 1);
    let length = match layer {
        1 => (12 * bits / hertz + padding) * 4,
        3 if !first_version => 72 * bits / hertz + padding,
        _ => 144 * bits / hertz + padding,
    };
    (length > 4).then_some(length)
}

/// AC-3 and E-AC-3 begin alike, and a number tells them apart (ETSI TS 102 366, 4.4.2.1).
fn dolby(bytes: Bytes<'_>) -> Option<&'static str> {
    let [0x0B, 0x77, second, _, rates, version] = bytes.array(0)? else {
        return None;
    };
    let is_rate = rates >> 6 != 3 && rates & 0x3F < 38;
    match version >> 3 {
        0..=10 if is_rate => Some("audio/ac3"),
        11..=16 if second >> 6 != 3 => Some("audio/eac3"),
        _ => None,
    }
}

fn is_transport(bytes: Bytes<'_>, first: usize, packet: usize) -> bool {
    let begins: Vec<_> = (0..PACKETS)
        .map_while(|index| bytes.byte(first + index * packet))
        .collect();
    begins.len() > 1 && begins.iter().all(|begin| *begin == 0x47)
}
