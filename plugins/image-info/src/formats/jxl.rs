//! JPEG XL: the header by `jxl-image`, in front of the pixels or in a box (ISO/IEC 18181).

use intake_core::notes::Image;
use jxl_bitstream::Bitstream;
use jxl_image::{ExtraChannelType, ImageHeader};
use jxl_oxide_common::Bundle;

use crate::exif;
use crate::formats::boxes::{Header, exif_in};
use crate::formats::format::Format;
use crate::probe::Probe;
use crate::source::{Gap, Source};

/// A header has a few dozen bytes, and names of channels may add to it.
const HEADER: usize = 8 * 1024;
/// How a bare codestream, and how a container begins.
const PIXELS: [u8; 2] = [0xFF, 0x0A];
const CONTAINER: [u8; 10] = *b"\0\x0CJXL \r\n\x87\n";

pub(crate) async fn probe(source: &mut Source) -> Probe {
    let mut found = Found::default();
    match source.next().await {
        Ok(PIXELS) => {
            found.start = PIXELS.to_vec();
            found.start(source, u64::MAX).await;
        }
        Ok([0, 0]) if source.next().await == Ok(CONTAINER) => {
            // Where the boxes break off, those before it count.
            let _ended: Result<(), Gap> = found.boxes(source).await;
        }
        _ => return Probe::failed("it has no JPEG XL signature"),
    }
    let Some(mut note) = found.note else {
        return Probe::failed("its header was not found, or is broken");
    };
    // The header decides on the orientation, whatever the EXIF data says.
    let turned = note.orientation.take();
    if let Some(data) = &found.exif {
        exif::add(&mut note, exif_in(data));
    }
    note.orientation = note.orientation.or(turned);
    Probe::partial(note, found.missing)
}

/// The values that were found.
#[derive(Debug, Default)]
struct Found {
    /// The first bytes of the image, which may be cut at any place and lie in many boxes.
    start: Vec<u8>,
    note: Option<Image>,
    exif: Option<Vec<u8>>,
    missing: Option<&'static str>,
}

impl Found {
    async fn boxes(&mut self, source: &mut Source) -> Result<(), Gap> {
        loop {
            let header = Header::read(source).await?;
            match &header.name {
                b"jxlc" if self.note.is_none() => self.start(source, header.length()).await,
                // A part of the image, behind its number.
                b"jxlp" if self.note.is_none() => {
                    source.next::<4>().await?;
                    self.start(source, header.length().saturating_sub(4)).await;
                }
                b"Exif" if self.exif.is_none() => match source.keep(header.length()).await {
                    Ok(data) => self.exif = Some(data),
                    Err(Gap::TooMany) => self.missing = Some("the EXIF data"),
                    Err(gap) => return Err(gap),
                },
                b"brob" if source.next().await? == *b"Exif" => self.missing = Some("the EXIF data, which is packed"),
                _ => {}
            }
            source.skip_to(header.end)?;
        }
    }

    /// Reads so many bytes of the image, as long as the header is not whole.
    async fn start(&mut self, source: &mut Source, len: u64) {
        let room = HEADER.saturating_sub(self.start.len());
        let len = usize::try_from(len).map_or(room, |len| len.min(room));
        self.start.extend(source.keep_up_to(len).await);
        let Ok(header) = ImageHeader::parse(&mut Bitstream::new(&self.start), ()) else {
            return;
        };
        let size = (header.width_with_orientation(), header.height_with_orientation());
        source.saw(size);
        let mut note = Format::Jxl.note(size, Some(mode(&header)));
        note.sequence = Some(header.metadata.animation.is_some());
        note.orientation = u8::try_from(header.metadata.orientation)
            .ok()
            .filter(|value| *value > 1);
        self.note = Some(note);
    }
}

fn mode(header: &ImageHeader) -> &'static str {
    let metadata = &header.metadata;
    let has_black = metadata
        .ec_info
        .iter()
        .any(|channel| matches!(channel.ty, ExtraChannelType::Black));
    match (has_black, metadata.grayscale(), metadata.alpha().is_some()) {
        (true, ..) => "CMYK",
        (_, true, false) => "L",
        (_, true, true) => "LA",
        (_, false, false) => "RGB",
        (_, false, true) => "RGBA",
    }
}
