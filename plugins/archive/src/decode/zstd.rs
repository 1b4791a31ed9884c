//! Zstandard (RFC 8878).

use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, get_error_name};

use super::buffered::{After, Buffered, Engine, Turn};
use super::decoder::Decoder;
use crate::budget::Lease;

/// What a context takes beside its buffers.
const CONTEXT: u64 = 96 * 1024;
/// The most bytes of a block.
const BLOCK: u64 = 128 * 1024;
/// What the library adds to a window.
const MARGIN: u64 = 256;
const NONE: &str = "cannot be inflated now";
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// What the header of a frame says.
enum Header {
    /// There are not enough bytes of it.
    Unfinished,
    /// The frame has a window of so many bytes, and the bytes in all, if they are known.
    Frame { window: u64, length: Option<u64> },
    /// It is skipped, or damaged.
    Other,
}

struct Zstd {
    /// `None` before the first frame, as it is not small.
    context: Option<DCtx<'static>>,
    max_window: u64,
    /// The header of the frame, until it is complete.
    header: Vec<u8>,
    /// The header was given to the library.
    is_begun: bool,
    /// How many bytes the library wants: the rest of a block and the header of the next. If it got more, it would return nothing
    /// of the blocks before a damaged one, and so the result would depend on how the input is cut.
    wanted: usize,
    /// The last call filled the buffer.
    is_full: bool,
}

/// The most memory that a decoder with such a window takes.
pub(super) fn most(max_window: u64) -> u64 {
    memory(max_window, None)
}

/// What a frame with such a window takes.
fn memory(window: u64, length: Option<u64>) -> u64 {
    let block = window.min(BLOCK);
    let around = window.saturating_add(2 * block + MARGIN);
    let out = length.map_or(around, |length| around.min(length));
    out.saturating_add(block).saturating_add(CONTEXT)
}

/// A decoder of Zstandard whose window has at most so many bytes, rounded down to a power of two.
pub(crate) fn zstd(max_window: u64, lease: Lease) -> Box<dyn Decoder> {
    let engine = Zstd {
        context: None,
        max_window,
        header: Vec::new(),
        is_begun: false,
        wanted: 0,
        is_full: false,
    };
    Box::new(Buffered::new(engine, lease))
}

impl Header {
    /// Reads as much of a header as is there (RFC 8878, 3.1.1).
    fn read(bytes: &[u8]) -> Self {
        let known = bytes.len().min(MAGIC.len());
        if bytes[..known] != MAGIC[..known] {
            // Frames that are skipped have a size, and others are damaged.
            return if bytes.len() < 8 { Self::Unfinished } else { Self::Other };
        }
        let Some(descriptor) = bytes.get(MAGIC.len()).copied() else {
            return Self::Unfinished;
        };
        let is_single = descriptor & 0x20 != 0;
        let of_window = usize::from(!is_single);
        let of_dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let of_length = [usize::from(is_single), 2, 4, 8][usize::from(descriptor >> 6)];
        let at = MAGIC.len() + 1 + of_window + of_dictionary;
        let Some(length) = bytes.get(at..at + of_length) else {
            return Self::Unfinished;
        };
        let number = length.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let length = match of_length {
            0 => None,
            2 => Some(number + 256),
            _ => Some(number),
        };
        let window = bytes.get(MAGIC.len() + 1).map_or(0, |byte| {
            let base = 1_u64 << (10 + (byte >> 3));
            base + base / 8 * u64::from(byte & 7)
        });
        match length {
            Some(length) if is_single => Self::Frame {
                window: length,
                length: Some(length),
            },
            length => Self::Frame { window, length },
        }
    }

    fn needs(&self, max_window: u64) -> u64 {
        match *self {
            // A frame with a larger window is refused by the library before it takes memory.
            Self::Frame { window, length } if window <= max_window => memory(window, length),
            _ => CONTEXT,
        }
    }
}

fn context(max_window: u64) -> Option<DCtx<'static>> {
    let mut context = DCtx::try_create()?;
    let log = max_window.max(1).ilog2();
    context.set_parameter(DParameter::WindowLogMax(log)).ok()?;
    Some(context)
}

impl Zstd {
    fn call(&mut self, input: &[u8], out: &mut [u8]) -> Turn {
        let Some(context) = &mut self.context else {
            return Turn::quiet(0, After::Failed(NONE));
        };
        let most = out.len();
        let mut from = InBuffer::around(input);
        let mut to = OutBuffer::around(out);
        let wanted = context.decompress_stream(&mut to, &mut from);
        let written = to.pos();
        self.is_full = written == most;
        let after = match wanted {
            Ok(0) => After::Ended,
            Ok(wanted) => {
                self.wanted = wanted;
                After::Running
            }
            Err(code) => After::Failed(match get_error_name(code) {
                "Frame requires too much memory for decoding" => "needs a larger window than is allowed",
                _ => "is damaged",
            }),
        };
        Turn {
            taken: from.pos(),
            written,
            after,
        }
    }

    /// Takes the header of a frame, and gives it to the library when there is memory for the frame.
    fn begin(&mut self, input: &[u8], out: &mut [u8], may_hold: u64) -> Turn {
        let mut taken = 0;
        let mut header = Header::read(&self.header);
        while let (Header::Unfinished, Some(byte)) = (&header, input.get(taken)) {
            self.header.push(*byte);
            taken += 1;
            header = Header::read(&self.header);
        }
        if matches!(header, Header::Unfinished) {
            return Turn::quiet(taken, After::Running);
        }
        let needs = header.needs(self.max_window);
        if needs > may_hold {
            return Turn::quiet(taken, After::Needs(needs));
        }
        if self.context.is_none() {
            self.context = context(self.max_window);
        }
        self.is_begun = true;
        let header = std::mem::take(&mut self.header);
        let mut rest = header.as_slice();
        while !rest.is_empty() {
            // A header alone makes no output.
            let turn = self.call(rest, out);
            if turn.taken == 0 || !matches!(turn.after, After::Running) {
                return Turn { taken, ..turn };
            }
            rest = rest.get(turn.taken..).unwrap_or_default();
        }
        let behind = input.get(taken..).unwrap_or_default();
        if behind.is_empty() {
            return Turn::quiet(taken, After::Running);
        }
        let turn = self.run(behind, out);
        Turn {
            taken: taken + turn.taken,
            ..turn
        }
    }

    /// Inflates some of a frame that has begun.
    fn run(&mut self, input: &[u8], out: &mut [u8]) -> Turn {
        // What is left of a block comes before the next one is begun, so that it does not depend on how the input is cut.
        if self.is_full {
            let turn = self.call(&[], out);
            if turn.written > 0 || !matches!(turn.after, After::Running) {
                return turn;
            }
        }
        self.call(input.get(..self.wanted.max(1)).unwrap_or(input), out)
    }
}

impl Engine for Zstd {
    fn turn(&mut self, input: &[u8], out: &mut [u8], may_hold: u64) -> Turn {
        if self.is_begun {
            self.run(input, out)
        } else {
            self.begin(input, out, may_hold)
        }
    }

    fn restart(&mut self) -> Result<(), &'static str> {
        self.header.clear();
        self.is_begun = false;
        self.is_full = false;
        let Some(context) = &mut self.context else {
            return Ok(());
        };
        let reset = context.reset(ResetDirective::SessionOnly);
        reset.map(|_| ()).map_err(|_| NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::decode::decoder::Decoded;

    /// How many bytes are inflated before an error.
    fn inflated(frame: &[u8], piece: usize) -> (usize, bool) {
        let mut decoder = zstd(1 << 23, Budget::new(1 << 26, 1 << 26).open().lease());
        let mut count = 0;
        for mut piece in frame.chunks(piece) {
            loop {
                match decoder.decode(&mut piece) {
                    Ok(Decoded::Out(bytes)) => count += bytes.len(),
                    Ok(Decoded::Hungry) => break,
                    Ok(Decoded::End) => return (count, true),
                    Ok(Decoded::Starved) => panic!("there is memory"),
                    Err(_) => return (count, false),
                }
            }
        }
        (count, false)
    }

    #[test]
    fn blocks_before_a_damaged_one_are_inflated_however_the_frame_is_cut() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut frame = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
        zstd_safe::compress(&mut frame, &text, 1).expect("room");
        assert_eq!(inflated(&frame, 1000), (text.len(), true));
        // The window, if there is one, and the size stand in front of the first block.
        let has_window = usize::from(frame[4] & 0x20 == 0);
        let mut at = 5 + has_window + [1 - has_window, 2, 4, 8][usize::from(frame[4] >> 6)];
        for _ in 0..2 {
            let header = u32::from_le_bytes([frame[at], frame[at + 1], frame[at + 2], 0]);
            at += 3 + header as usize / 8;
        }
        frame[at] |= 6;
        let whole = inflated(&frame, frame.len());
        assert!(whole.0 > 0 && !whole.1, "{whole:?}");
        for piece in [1, 100, 5000] {
            assert_eq!(inflated(&frame, piece), whole, "pieces of {piece}");
        }
    }

    #[test]
    fn a_context_takes_what_is_counted_for_it_and_not_much_less() {
        let noise = intake_core::testkit::noise(1, 3 << 20);
        for (log, length) in [
            (10, None),
            (17, None),
            (20, None),
            (20, Some(2 << 20)),
            (23, Some(3 << 20)),
            (24, Some(1000)),
        ] {
            let mut encoder = zstd_safe::CCtx::create();
            encoder
                .set_parameter(zstd_safe::CParameter::WindowLog(log))
                .expect("a window");
            encoder
                .set_pledged_src_size(length.map(|length| length as u64))
                .expect("a size");
            let mut frame = vec![0; 4 << 20];
            let mut to = OutBuffer::around(&mut frame);
            let mut from = InBuffer::around(&noise[..length.unwrap_or(noise.len())]);
            let end = zstd_safe::zstd_sys::ZSTD_EndDirective::ZSTD_e_end;
            encoder.compress_stream2(&mut to, &mut from, end).expect("room");
            let needs = Header::read(&frame[..18]).needs(1 << 27);
            let mut engine = Zstd {
                context: None,
                max_window: 1 << 27,
                header: Vec::new(),
                is_begun: false,
                wanted: 0,
                is_full: false,
            };
            let mut out = vec![0; 1 << 20];
            let turn = engine.turn(&frame[..100], &mut out, needs - 1);
            assert!(matches!(turn.after, After::Needs(bytes) if bytes == needs), "{turn:?}");
            assert!(engine.context.is_none(), "it takes nothing before it may");
            let rest = &frame[turn.taken..100];
            assert!(matches!(engine.turn(rest, &mut out, needs).after, After::Running));
            let takes = engine.context.as_ref().expect("a context").sizeof() as u64;
            println!("window 2^{log}, {length:?} bytes: counted {needs}, takes {takes}");
            assert!(takes <= needs && takes + 8 * 1024 > needs, "{takes} of {needs}");
        }
    }
}
