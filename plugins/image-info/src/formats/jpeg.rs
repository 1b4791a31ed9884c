//! JPEG: the segments in front of the pixels (ITU-T T.81, annex B), read as they come.
//!
//! A colour profile or an editor's notes may put half a megabyte in front of the size. They are passed over rather than
//! kept, so there is no telling how far in the size may stand, and no need to.

use intake_core::notes::Image;

use crate::formats::Format;
use crate::look::Look;
use crate::tags;

/// A JPEG that is read. Keeps one EXIF segment, which has less than 64 KiB, and the segment it is at.
#[derive(Debug, Default)]
pub(crate) struct Jpeg {
    at: At,
    body: Vec<u8>,
    frames: Vec<Frame>,
    dpi: Option<(u32, u32)>,
    exif: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// In front of a marker. What is no marker there is passed over, as decoders do.
    #[default]
    Marker,
    /// Behind the first byte of a marker.
    Code,
    /// In front of a segment's length.
    Length(u8),
    /// Between the two bytes of a segment's length.
    LengthEnd(u8, u8),
    /// In a segment of which so many bytes are still to come.
    Segment(u8, usize),
    /// In front of the pixels.
    Pixels,
    /// Where there is no way on.
    Broken(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    size: (u32, u32),
    components: u8,
}

const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const SOS: u8 = 0xDA;
const EOI: u8 = 0xD9;

/// Whether the marker begins a frame header. Three in the middle of the range mean something else.
fn is_frame(code: u8) -> bool {
    matches!(code, 0xC0..=0xCF) && !matches!(code, 0xC4 | 0xC8 | 0xCC)
}

impl Jpeg {
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while let [first, tail @ ..] = bytes {
            (self.at, bytes) = match self.at {
                At::Marker => match bytes.iter().position(|byte| *byte == 0xFF) {
                    Some(found) => (At::Code, &bytes[found + 1..]),
                    None => return,
                },
                At::Code => (self.marker(*first), tail),
                At::Length(code) => (At::LengthEnd(code, *first), tail),
                At::LengthEnd(code, high) => (self.segment(code, u16::from_be_bytes([high, *first])), tail),
                At::Segment(code, left) => {
                    let (now, later) = bytes.split_at(left.min(bytes.len()));
                    let wanted = self.wanted(code).saturating_sub(self.body.len());
                    self.body.extend_from_slice(&now[..now.len().min(wanted)]);
                    (self.segment_left(code, left - now.len()), later)
                }
                At::Pixels | At::Broken(_) => return,
            };
        }
    }

    /// Whether all that is in front of the pixels was read, or as much as can be.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.at, At::Pixels | At::Broken(_))
    }

    fn marker(&self, code: u8) -> At {
        match code {
            // Any number of these may stand in front of a marker's code.
            0xFF => At::Code,
            SOS if self.frames.is_empty() => At::Broken("it has pixels and no size"),
            SOS => At::Pixels,
            EOI => At::Broken("it ends before its pixels"),
            // No marker at all, or one that has no segment.
            0x00 | 0x01 | 0xD0..=0xD8 => At::Marker,
            _ => At::Length(code),
        }
    }

    fn segment(&mut self, code: u8, length: u16) -> At {
        self.body.clear();
        match length.checked_sub(2) {
            Some(left) => self.segment_left(code, usize::from(left)),
            None => At::Broken("a segment has no length"),
        }
    }

    /// How much of a segment is kept.
    fn wanted(&self, code: u8) -> usize {
        match code {
            APP0 => 12,
            APP1 if self.exif.is_none() => usize::from(u16::MAX),
            _ if is_frame(code) => 6,
            _ => 0,
        }
    }

    fn segment_left(&mut self, code: u8, left: usize) -> At {
        if left > 0 {
            return At::Segment(code, left);
        }
        match (code, self.body.as_slice()) {
            (APP0, &[b'J', b'F', b'I', b'F', 0, _, _, unit, x, x_low, y, y_low]) => {
                let density = [[x, x_low], [y, y_low]].map(|bytes| f64::from(u16::from_be_bytes(bytes)));
                self.dpi = match unit {
                    1 => tags::dots(density[0], density[1]),
                    2 => tags::dots(density[0] * tags::CM_PER_INCH, density[1] * tags::CM_PER_INCH),
                    _ => None,
                };
            }
            (APP1, body) if tags::has_name(body) => self.exif = Some(std::mem::take(&mut self.body)),
            (_, &[_, h, height, w, width, components]) if is_frame(code) => {
                let size = [[w, width], [h, height]].map(|bytes| u32::from(u16::from_be_bytes(bytes)));
                self.frames.push(Frame {
                    size: (size[0], size[1]),
                    components,
                });
                // Decoders do not agree on which one counts.
                if self.frames.len() > 1 {
                    return At::Broken("it has two sizes");
                }
            }
            _ if is_frame(code) => return At::Broken("its size is broken"),
            _ => {}
        }
        At::Marker
    }

    pub(crate) fn look(&self) -> Look {
        let note = match self.at {
            At::Pixels => self.note(),
            At::Broken(why) => Err(why),
            _ => Err("it breaks off before its pixels"),
        };
        Look {
            sizes: self.frames.iter().map(|frame| frame.size).collect(),
            note,
            missing: None,
            settled: self.is_over(),
        }
    }

    fn note(&self) -> Result<Image, &'static str> {
        let frame = self.frames.first().ok_or("it has no size")?;
        let mode = match frame.components {
            1 => Some("L"),
            // Stored as luminance and colour mostly, and decoded to this by everyone.
            3 => Some("RGB"),
            4 => Some("CMYK"),
            _ => None,
        };
        let mut note = Format::Jpeg.note(frame.size, mode);
        note.dpi = self.dpi;
        if let Some(data) = &self.exif {
            tags::add(&mut note, data);
        }
        Ok(note)
    }
}
