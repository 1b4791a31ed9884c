//! GIF, by the `gif` crate: the screen and all frames, without their pixels.

use gif::DecodingError;
use gif::streaming_decoder::{Block, Decoded, OutputBuffer, StreamingDecoder};

use crate::formats::format::Format;
use crate::probe::Probe;
use crate::source::Source;

pub(crate) async fn probe(source: &mut Source) -> Probe {
    let mut frames = Frames::default();
    let read = frames.read(source).await;
    let note = match (frames.count, read) {
        (0, Err(_)) => return Probe::failed("its data in front of the first frame is broken"),
        (0, Ok(())) => return Probe::failed("it has no frame"),
        // Viewers show the frames in front of broken data.
        (count, _) => {
            let mut note = Format::Gif.note(frames.shown, Some("P"));
            note.sequence = Some(count > 1);
            note
        }
    };
    Probe::complete(note)
}

/// The number of frames, and the size of the screen.
#[derive(Default)]
struct Frames {
    count: usize,
    /// The screen, grown for the first frame, as viewers do it.
    shown: (u32, u32),
}

impl Frames {
    /// Counts until the end, or to where the content is cut off.
    async fn read(&mut self, source: &mut Source) -> Result<(), DecodingError> {
        let mut decoder = StreamingDecoder::new();
        loop {
            let bytes = source.some().await;
            if bytes.is_empty() {
                return Ok(());
            }
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                // Without a buffer for pixels, none are decoded.
                let (read, decoded) = decoder.update(rest, &mut OutputBuffer::None)?;
                rest = rest.get(read..).unwrap_or_default();
                match decoded {
                    Decoded::BackgroundColor(_) => {
                        self.shown = (decoder.width().into(), decoder.height().into());
                        source.saw(self.shown);
                    }
                    Decoded::FrameMetadata(_) => self.add(source, decoder.current_frame()),
                    Decoded::BlockStart(Block::Trailer) => return Ok(()),
                    _ => {}
                }
            }
        }
    }

    fn add(&mut self, source: &mut Source, frame: &gif::Frame<'_>) {
        let right = u32::from(frame.left) + u32::from(frame.width);
        let bottom = u32::from(frame.top) + u32::from(frame.height);
        self.count += 1;
        if self.count == 1 {
            self.shown = (self.shown.0.max(right), self.shown.1.max(bottom));
        }
        source.saw((self.shown.0.max(right), self.shown.1.max(bottom)));
    }
}
