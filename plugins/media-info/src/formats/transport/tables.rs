//! Lists of programs and of streams (ISO/IEC 13818-1, 2.4.4).

use crate::formats::bits::Fields;

/// The most bytes of a section.
const MOST: usize = 1024 + 3;
/// The lists that are read, by the first byte of their section.
const PROGRAMS: u8 = 0;
const STREAMS: u8 = 2;
/// Bytes of a checksum, at the end of a section.
const CHECKSUM: usize = 4;

/// A section, which may come in several packets.
#[derive(Debug, Default)]
pub(crate) struct Section(Vec<u8>);

impl Section {
    /// Adds a packet. Returns the section if it is whole now.
    pub(crate) fn push(&mut self, begins: bool, payload: &[u8]) -> Option<&[u8]> {
        if begins {
            self.0.clear();
            // The rest of the section before comes first.
            let behind = 1 + usize::from(*payload.first()?);
            self.0.extend_from_slice(payload.get(behind..)?);
        } else if !self.0.is_empty() {
            let room = MOST.saturating_sub(self.0.len());
            self.0.extend_from_slice(payload.get(..room).unwrap_or(payload));
        }
        let length = 3 + usize::from(Fields(&self.0).be16(1)? & 0xFFF);
        self.0.get(..length)
    }
}

/// The numbers of packets with the lists of streams of each program.
pub(crate) fn programs(section: &[u8]) -> Vec<u16> {
    if section.first() != Some(&PROGRAMS) {
        return Vec::new();
    }
    let end = section.len().saturating_sub(CHECKSUM);
    let (programs, _rest) = section.get(8..end).unwrap_or_default().as_chunks::<4>();
    let number = |[a, b, c, d]: &[u8; 4]| (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]) & 0x1FFF);
    // Program 0 is about the network.
    programs
        .iter()
        .map(number)
        .filter(|(program, _)| *program != 0)
        .map(|(_, packets)| packets)
        .collect()
}

/// The codec of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codec {
    pub(crate) name: &'static str,
    pub(crate) is_video: bool,
    /// If the list says it.
    pub(crate) channels: Option<u32>,
}

/// The streams of a program: the number of their packets, and their codecs. Those of unknown kinds are left out.
pub(crate) fn streams(section: &[u8]) -> Vec<(u16, Codec)> {
    let fields = Fields(section);
    let mut found = Vec::new();
    if fields.byte(0) != Some(STREAMS) {
        return found;
    }
    let end = section.len().saturating_sub(CHECKSUM);
    let about_program = usize::from(fields.be16(10).unwrap_or(0) & 0xFFF);
    let mut rest = section.get(12 + about_program..end).unwrap_or_default();
    while let Some(([kind, a, b, c, d], behind)) = rest.split_first_chunk::<5>() {
        let number = u16::from_be_bytes([*a, *b]) & 0x1FFF;
        let length = usize::from(u16::from_be_bytes([*c, *d]) & 0xFFF);
        let (descriptors, next) = behind.split_at(length.min(behind.len()));
        if let Some(codec) = by_kind(*kind).or_else(|| by_descriptors(descriptors)) {
            found.push((number, codec));
        }
        rest = next;
    }
    found
}

/// The codec of a stream of this type (table 2-34, and what broadcasts use beside it).
fn by_kind(kind: u8) -> Option<Codec> {
    let (name, is_video) = match kind {
        0x01 => ("mpeg1video", true),
        0x02 => ("mpeg2video", true),
        // Its frames say which layer it is.
        0x03 | 0x04 => ("mp2", false),
        0x0F => ("aac", false),
        0x10 => ("mpeg4", true),
        0x11 => ("aac", false),
        0x1B => ("h264", true),
        0x21 => ("jpeg2000", true),
        0x24 => ("hevc", true),
        0x33 => ("vvc", true),
        0x81 => ("ac3", false),
        0x82 | 0x85 | 0x86 => ("dts", false),
        0x83 => ("truehd", false),
        0x84 | 0x87 => ("eac3", false),
        0xEA => ("vc1", true),
        _ => return None,
    };
    let channels = None;
    Some(Codec {
        name,
        is_video,
        channels,
    })
}

/// The codec of a private stream, by its descriptors (ETSI EN 300 468, 6.1 and annex D).
fn by_descriptors(descriptors: &[u8]) -> Option<Codec> {
    let mut rest = descriptors;
    let mut found = None;
    let mut channels = None;
    while let Some(([tag, length], behind)) = rest.split_first_chunk::<2>() {
        let (body, next) = behind.split_at(usize::from(*length).min(behind.len()));
        match (tag, body) {
            // Opus in a transport stream: up to eight channels are their number.
            (0x7F, [0x80, code @ 1..=8, ..]) => channels = Some(u32::from(*code)),
            (0x6A, _) | (0x05, b"AC-3") => found = Some(("ac3", false)),
            (0x7A, _) | (0x05, b"EAC3") => found = Some(("eac3", false)),
            (0x7B, _) => found = Some(("dts", false)),
            (0x7C, _) => found = Some(("aac", false)),
            (0x05, b"Opus") => found = Some(("opus", false)),
            (0x05, b"HEVC") => found = Some(("hevc", true)),
            (0x05, b"AV01") => found = Some(("av1", true)),
            (0x05, b"VC-1") => found = Some(("vc1", true)),
            _ => {}
        }
        rest = next;
    }
    let (name, is_video) = found?;
    Some(Codec {
        name,
        is_video,
        channels,
    })
}
