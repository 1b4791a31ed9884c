//! PNG: the chunks, wherever they stand (W3C PNG, third edition, section 5.3).

use intake_core::notes::Image;

use crate::exif;
use crate::formats::format::Format;
use crate::probe::Probe;
use crate::source::{Gap, Source};

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// The length of the checksum behind a chunk's data. It is not verified: not all decoders do that, and a wrong checksum
/// makes no picture smaller.
const CHECKSUM: u64 = 4;

pub(crate) async fn probe(source: &mut Source) -> Probe {
    if source.next().await != Ok(SIGNATURE) {
        return Probe::failed("it has no PNG signature");
    }
    let mut header = Header::default();
    // Where the chunks break off, those before it count.
    let end = header.read(source).await;
    match (header.note, end) {
        (_, Err(Stop::Broken(why))) => Probe::failed(why),
        (None, _) => Probe::failed("it has no PNG header"),
        (Some(_), _) if !header.has_pixels => Probe::failed("it has no pixels"),
        (Some(mut note), _) => {
            exif::turn(&mut note);
            Probe::partial(note, header.missing)
        }
    }
}

/// The values of the chunks.
#[derive(Debug, Default)]
struct Header {
    note: Option<Image>,
    has_pixels: bool,
    missing: Option<&'static str>,
}

/// Why no more chunks are read.
enum Stop {
    Broken(&'static str),
    Over,
}

impl From<Gap> for Stop {
    fn from(_: Gap) -> Self {
        Self::Over
    }
}

impl Header {
    async fn read(&mut self, source: &mut Source) -> Result<(), Stop> {
        loop {
            let [length @ .., a, b, c, d] = source.next::<8>().await?;
            let length = u64::from(u32::from_be_bytes(length));
            let end = source.position() + length + CHECKSUM;
            self.chunk(source, &[a, b, c, d], length).await?;
            source.skip_to(end)?;
        }
    }

    async fn chunk(&mut self, source: &mut Source, name: &[u8; 4], length: u64) -> Result<(), Stop> {
        match (name, length, &mut self.note) {
            (b"IHDR", 13, None) => {
                let header = source.next().await?;
                let (size, mode) = image_header(header);
                source.saw(size);
                self.note = Some(Format::Png.note(size, mode));
            }
            (b"IHDR", ..) => return Err(Stop::Broken("its header is broken, or it has two")),
            // Xcode puts this in front of the header (it means that the pixels are stored another way).
            (b"CgBI", _, None) => {}
            (_, _, None) => return Err(Stop::Broken("it has no PNG header")),
            (b"pHYs", 9, Some(note)) => note.dpi = note.dpi.or(density(source.next().await?)),
            (b"acTL", 8, Some(note)) if !self.has_pixels => {
                let [frames @ .., _, _, _, _] = source.next::<8>().await?;
                note.sequence = Some(u32::from_be_bytes(frames) > 1);
            }
            (b"eXIf", ..) => self.exif(source, length).await?,
            (b"IDAT", ..) => self.has_pixels = true,
            (b"IEND", ..) => return Err(Stop::Over),
            _ => {}
        }
        Ok(())
    }

    async fn exif(&mut self, source: &mut Source, length: u64) -> Result<(), Gap> {
        match (source.keep(length).await, &mut self.note) {
            (Ok(data), Some(note)) => exif::add(note, &data),
            (Err(Gap::TooMany), _) => self.missing = Some("the EXIF data"),
            _ => {}
        }
        Ok(())
    }
}

/// Size and mode of a header chunk.
pub(crate) fn image_header([a, b, c, d, e, f, g, h, _, color, ..]: [u8; 13]) -> ((u32, u32), Option<&'static str>) {
    let size = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    let mode = match color {
        0 => Some("L"),
        2 => Some("RGB"),
        3 => Some("P"),
        4 => Some("LA"),
        6 => Some("RGBA"),
        _ => None,
    };
    (size, mode)
}

fn density([a, b, c, d, e, f, g, h, unit]: [u8; 9]) -> Option<(u32, u32)> {
    let (x, y) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    // The only other unit is none.
    if unit == 1 { exif::per_metre(x, y) } else { None }
}
