//! JPEG: the segments in front of the pixels (ITU-T T.81, annex B).
//!
//! A colour profile or an editor's notes may put half a megabyte in front of the size. They are passed over rather than
//! kept, so it does not matter how far into the file the size is.

use intake_core::notes::Image;

use crate::exif;
use crate::formats::format::Format;
use crate::probe::Probe;
use crate::source::{Gap, Source};

const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const SOS: u8 = 0xDA;
const EOI: u8 = 0xD9;

pub(crate) async fn probe(source: &mut Source) -> Probe {
    let mut header = Header::default();
    match header.read(source).await {
        Ok(()) => header.note().map_or(Probe::failed("it has no size"), Probe::complete),
        Err(Broken(why)) => Probe::failed(why),
    }
}

/// The values of the segments.
#[derive(Debug, Default)]
struct Header {
    frame: Option<Frame>,
    dpi: Option<(u32, u32)>,
    /// Less than 64 KiB, as a segment has no more.
    exif: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    size: (u32, u32),
    components: u8,
}

/// Why the file cannot be read.
struct Broken(&'static str);

impl From<Gap> for Broken {
    fn from(_: Gap) -> Self {
        Self("it breaks off before its pixels")
    }
}

/// Whether the marker begins a frame header. Three in the middle of the range mean something else.
fn is_frame(code: u8) -> bool {
    matches!(code, 0xC0..=0xCF) && !matches!(code, 0xC4 | 0xC8 | 0xCC)
}

impl Header {
    /// Reads everything in front of the pixels.
    async fn read(&mut self, source: &mut Source) -> Result<(), Broken> {
        loop {
            // Bytes other than a marker are skipped here, as decoders do.
            source.skip_past(0xFF).await?;
            let mut code = 0xFF;
            // Any number of these may precede a marker's code.
            while code == 0xFF {
                [code] = source.next().await?;
            }
            match code {
                SOS if self.frame.is_none() => return Err(Broken("it has pixels and no size")),
                SOS => return Ok(()),
                EOI => return Err(Broken("it ends before its pixels")),
                // No marker at all, or one that has no segment.
                0x00 | 0x01 | 0xD0..=0xD8 => {}
                _ => {
                    let length = u16::from_be_bytes(source.next().await?);
                    let length = length.checked_sub(2).ok_or(Broken("a segment has no length"))?;
                    self.segment(source, code, length.into()).await?;
                }
            }
        }
    }

    /// Reads a segment of so many bytes to its end.
    async fn segment(&mut self, source: &mut Source, code: u8, length: u64) -> Result<(), Broken> {
        let end = source.position() + length;
        match code {
            _ if is_frame(code) && length < 6 => return Err(Broken("its size is broken")),
            _ if is_frame(code) => {
                let header = source.next().await?;
                self.frame(source, header)?;
            }
            APP0 if length >= 12 => self.jfif(source.next().await?),
            APP1 if length >= 6 && self.exif.is_none() && source.next().await? == exif::NAME => {
                self.exif = Some(source.keep(length - 6).await?);
            }
            _ => {}
        }
        Ok(source.skip_to(end)?)
    }

    fn frame(&mut self, source: &mut Source, header: [u8; 6]) -> Result<(), Broken> {
        let [_, h, height, w, width, components] = header;
        let size = (
            u16::from_be_bytes([w, width]).into(),
            u16::from_be_bytes([h, height]).into(),
        );
        source.saw(size);
        // Decoders do not agree on which one to use.
        if self.frame.replace(Frame { size, components }).is_some() {
            return Err(Broken("it has two sizes"));
        }
        Ok(())
    }

    fn jfif(&mut self, segment: [u8; 12]) {
        let [b'J', b'F', b'I', b'F', 0, _, _, unit, x, x_low, y, y_low] = segment else {
            return;
        };
        let density = [[x, x_low], [y, y_low]].map(|bytes| f64::from(u16::from_be_bytes(bytes)));
        self.dpi = match unit {
            1 => exif::dots(density[0], density[1]),
            2 => exif::dots(density[0] * exif::CM_PER_INCH, density[1] * exif::CM_PER_INCH),
            _ => None,
        };
    }

    fn note(&self) -> Option<Image> {
        let frame = self.frame?;
        let mode = match frame.components {
            1 => Some("L"),
            // Mostly stored as luminance and colour, and decoded to RGB by all decoders.
            3 => Some("RGB"),
            4 => Some("CMYK"),
            _ => None,
        };
        let mut note = Format::Jpeg.note(frame.size, mode);
        note.dpi = self.dpi;
        if let Some(data) = &self.exif {
            exif::add(&mut note, data);
            exif::turn(&mut note);
        }
        Some(note)
    }
}
