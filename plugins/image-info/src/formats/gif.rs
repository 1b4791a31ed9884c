//! GIF, by the `gif` crate: the screen, and the frames without their pixels.

use gif::{DecodeOptions, DecodingError, MemoryLimit, Repeat};

use crate::formats::Format;
use crate::look::Look;

/// What the decoder may allocate for what it collects on the way.
const MEMORY: MemoryLimit = match std::num::NonZeroU64::new(8 * 1024 * 1024) {
    Some(bytes) => MemoryLimit::Bytes(bytes),
    None => MemoryLimit::Unlimited,
};

pub(crate) fn look(bytes: &[u8]) -> Look {
    // The screen stands at the very beginning; the decoder tells of it only when it has found the first frame.
    let &[b'G', b'I', b'F', b'8', b'7' | b'9', b'a', w, width, h, height, ..] = bytes else {
        return Look::nothing("it has no GIF header");
    };
    let screen = (
        u32::from(u16::from_le_bytes([w, width])),
        u32::from(u16::from_le_bytes([h, height])),
    );
    let mut frames = Frames::new(screen);
    let seen = frames.count(bytes);
    let complete = seen.is_ok();
    let broken = matches!(&seen, Err(DecodingError::Format(_)));
    if frames.count == 0 {
        let why = if broken {
            "what stands in front of its first frame is broken"
        } else {
            "it has no frame"
        };
        return Look::broken(screen, why);
    }
    let mut note = Format::Gif.note(frames.shown, Some("P"));
    note.sequence = frames.count > 1 || frames.repeats && !complete;
    if complete {
        return Look::settled(frames.largest, note);
    }
    Look::without(frames.largest, note, "the frames that follow")
}

/// What the frames add up to.
struct Frames {
    count: usize,
    repeats: bool,
    /// The screen, grown for the first frame, as viewers do it.
    shown: (u32, u32),
    /// The screen, grown for every frame.
    largest: (u32, u32),
}

impl Frames {
    fn new(screen: (u32, u32)) -> Self {
        Self {
            count: 0,
            repeats: false,
            shown: screen,
            largest: screen,
        }
    }

    /// Counts until the end, or until the bytes are at theirs.
    fn count(&mut self, bytes: &[u8]) -> Result<(), DecodingError> {
        let mut options = DecodeOptions::new();
        options.skip_frame_decoding(true);
        options.set_memory_limit(MEMORY);
        let mut decoder = options.read_info(bytes)?;
        loop {
            let frame = decoder.next_frame_info();
            if let Ok(Some(frame)) = &frame {
                self.count += 1;
                let right = u32::from(frame.left) + u32::from(frame.width);
                let bottom = u32::from(frame.top) + u32::from(frame.height);
                self.largest = (self.largest.0.max(right), self.largest.1.max(bottom));
                if self.count == 1 {
                    self.shown = self.largest;
                }
            }
            let ended = frame?.is_none();
            self.repeats = decoder.repeat() != Repeat::default();
            if ended {
                return Ok(());
            }
        }
    }
}
